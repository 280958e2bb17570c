"""Documents: bytes in the region's bucket under opaque keys, and their names in the table."""

import base64
import hashlib
import re
import time
import uuid
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from functions.api import views
from functions.api.access import Access
from functions.api.answers import Answer, ProblemError, answer, invalid
from functions.api.models import CONTENT_TYPES, UUID, UUID_RULE, NewUpload, checked
from functions.api.peers import Peers
from functions.api.versions import Change, History, Versions, derived, digest, etag, replay, unchanged
from functions.api.views import Replication
from functions.shared.clients import BudgetExhaustedError, Clients
from functions.shared.configuration import Configuration
from functions.shared.table import Values

from attrs import asdict, evolve, frozen
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

KIND = "document"
# Base64 makes 4 MiB 5.6 million characters, which still fit Lambda's 6 MB of request and of answer.
DOCUMENT_BYTES = 4 * 1024 * 1024
# A caller waits this long to learn that the other region has the copy, too.
REPLICATION_SECONDS = 5.0
_POLL_SECONDS = 0.2
# S3 has documented both COMPLETE and COMPLETED; the copy itself reads REPLICA, what no rule was for reads nothing. What
# it adds one day tells nobody that the copy is there: that is pending, as PENDING is.
_COPY = "REPLICA"
_REPLICATION: dict[str | None, Replication] = {
    **dict.fromkeys(("COMPLETE", "COMPLETED", _COPY), Replication.REPLICATED),
    "FAILED": Replication.FAILED,
    None: Replication.NONE,
}
# What a file system shows without quoting: a letter or digit first, no separators, no control characters.
_NAME = re.compile(r"[^\W_][\w .()+,=@'-]{0,127}")
NAME_RULE = "must be 1 to 128 letters, digits, spaces or any of _.()+,=@'-, a letter or digit first"


@frozen
class Documents:
    """The documents of all patients, in one region's table and bucket."""

    clients: Clients
    configuration: Configuration
    versions: Versions
    logger: Logger
    peers: Peers

    def put(self, access: Access, name: str) -> Answer:
        """Stores a new version: first the object, then its row together with the audit row.

        With If-Match only if the document is still as the caller knows it; without, it merges whatever there is.
        The answer says ``replicated`` only if S3 has confirmed the copy in the other region, else ``pending``.
        """
        identity = named(name)
        body, content_type = access.body(DOCUMENT_BYTES, *CONTENT_TYPES)
        key = access.idempotency_key
        if not body:
            raise invalid("the body must not be empty")
        sha256 = hashlib.sha256(body)
        upload = NewUpload(content_type=content_type, size=len(body), sha256=sha256.hexdigest())
        # Another body under the same key is refused, and must not even replace the first one's object.
        object_id = derived(access.partition, identity, key, upload.sha256) if key else str(uuid.uuid4())
        change = conditional(access, described(name, upload, object_id, digest(content_type, body), key))
        history = self.versions.history(access.partition, KIND, identity)
        if not self.versions.retried(access, change, history):
            change.check(history)
            self.clients.s3.put_object(
                Bucket=self.configuration.documents_bucket,
                Key=change.fields["object_key"],
                Body=body,
                ContentType=content_type,
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=self.configuration.documents_key_arn,
                ChecksumSHA256=base64.b64encode(sha256.digest()).decode(),
            )
        try:
            return self.add(access, change)
        except Exception:
            # Perhaps no version names the object now; functions.verify tells. To delete it could lose a document.
            self.logger.error("object may have no version", object_key=change.fields["object_key"])
            raise

    def add(self, access: Access, change: Change) -> Answer:
        """Adds the version of a document whose object is there, and tells where else it is."""
        row, replayed = self.versions.write(access, change)
        location = f"/patients/{access.entry.entity}/documents/{quote(change.resource)}"
        view = shown(History((row,)), self._replication(row, REPLICATION_SECONDS))
        return answer(change.status, view, Location=location, ETag=etag([row]), **replay(replayed))

    def list(self, access: Access) -> Answer:
        """Returns a page of the patient's documents, each in its current version."""
        found, following = self.versions.page(access, KIND, lambda _: True)
        return answer(HTTPStatus.OK, views.Documents(documents=tuple(map(shown, found)), next=following))

    def status(self, access: Access, name: str) -> Answer:
        """Returns the current version with what S3 says of its copy at this moment, and what versions there are."""
        history = self.history(access, name)
        view = shown(history, self._replication(history.current, 0))
        # Rows of one version id are one write, made in two regions: the first one stands for it, as among the heads.
        rows = {row["version_id"]: row for row in reversed(history.rows)}
        view["versions"] = tuple(_version(row, history) for row in rows.values())
        return answer(HTTPStatus.OK, view, ETag=history.etag)

    def get(self, access: Access, name: str) -> Answer:
        """Returns the bytes of the current version, or of the one that is asked for.

        They are read in the region that took the upload while replication has not brought them to the one that is
        asked; X-Read-From says in which region.

        Raises:
            ProblemError: there is no such document, its bytes can be had in neither region, or are too many.
        """
        history = self.asked(access, name)
        row = history.current
        if row["size"] > DOCUMENT_BYTES:
            detail = f"Over {DOCUMENT_BYTES} bytes a document is fetched by the URL that its 'download' returns."
            raise ProblemError(HTTPStatus.CONFLICT, "use-download", detail)
        body, region = self._bytes(row)
        if hashlib.sha256(body).hexdigest() != row["sha256"]:
            raise ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "damaged-document", "The document is damaged.")
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        headers = {
            "Content-Type": row["content_type"],
            "Content-Disposition": disposition,
            "ETag": history.etag,
            "X-Read-From": region,
        }
        return Answer(HTTPStatus.OK, body, headers)

    def history(self, access: Access, name: str) -> History:
        """Returns the versions of a document; ProblemError if there is no such document."""
        history = self.versions.history(access.partition, KIND, named(name))
        if not history.rows:
            raise ProblemError(HTTPStatus.NOT_FOUND, "no-such-document", "The patient has no document of this name.")
        return history

    def asked(self, access: Access, name: str) -> History:
        """Returns the version that the query asks for alone, else all; ProblemError if it is none of the document's."""
        history, wanted = self.history(access, name), access.query.get("version")
        if wanted is None:
            return history
        checked("version", wanted, UUID, UUID_RULE)
        if not (rows := [row for row in history.rows if row["version_id"] == wanted]):
            raise ProblemError(HTTPStatus.NOT_FOUND, "no-such-version", "The document has no version of this id.")
        return History((rows[0],))

    def ask(self, operation: str, object_key: str, missing: ProblemError | None = None, **options: Any) -> Any:
        """Returns what S3 answers to a question about an object.

        Raises:
            ProblemError: there is no such object here; unless ``missing`` says otherwise, it is still to come.
        """
        try:
            ask = getattr(self.clients.s3, operation)
            return ask(Bucket=self.configuration.documents_bucket, Key=object_key, **options)
        except ClientError as error:
            if error.response["Error"].get("Code") not in ("NoSuchKey", "404"):
                raise
            detail = "The document has not been copied to this region yet."
            raise missing or ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "not-replicated", detail) from error

    def _bytes(self, row: Values) -> tuple[bytes, str]:
        """Returns a version's bytes and the region that they were read in."""
        try:
            found = self.ask("get_object", row["object_key"])
            return self.clients.received(found["Body"]), self.configuration.aws_region
        except ProblemError:
            if (body := self.peers.read(row["region"], row["object_key"])) is None:
                raise
            return body, row["region"]

    def _replication(self, row: Values, seconds: float) -> Replication:
        """Asks S3, for so many seconds and the time of one brief call, whether the copy is complete.

        The document is durable here already, so no failure to learn it undoes anything.
        """
        ends = time.monotonic() + seconds
        head, bucket = self.clients.brief_s3.head_object, self.configuration.documents_bucket
        try:
            while True:
                status = head(Bucket=bucket, Key=row["object_key"]).get("ReplicationStatus")
                if status == _COPY and self.peers.several:  # whether the others have theirs, only the source knows
                    asked = self.peers.replication(row["region"], row["object_key"])
                    status = "PENDING" if asked in (None, _COPY) else asked
                found = _REPLICATION.get(status, Replication.PENDING)
                if found is not Replication.PENDING or time.monotonic() + _POLL_SECONDS > ends:
                    return found
                time.sleep(_POLL_SECONDS)
        except (BotoCoreError, ClientError, BudgetExhaustedError) as error:
            self.logger.warning("replication not confirmed", error_type=type(error).__name__)
            return Replication.PENDING


def named(name: str) -> str:
    """Returns what stands for a document's name in keys: keys show up in trails, and names can tell who a patient is.

    Raises:
        ProblemError: the name breaks its rule.
    """
    return hashlib.sha256(checked("name", name, _NAME, NAME_RULE).encode()).hexdigest()


def described(name: str, upload: NewUpload, object_id: str, request: str, key: str | None) -> Change:
    """Returns the version of a document that adds these bytes, in the object of that id."""
    return Change(
        kind=KIND,
        identity=named(name),
        fields={"name": name, **asdict(upload), "object_key": f"documents/{object_id}"},
        request=request,
        resource=name,
        key=key,
        status=HTTPStatus.CREATED,
    )


def conditional(access: Access, change: Change) -> Change:
    """Returns the change, which with If-Match must follow upon what that names; an empty one names nothing."""
    if (stated := access.event["headers"].get("if-match")) is None:
        return change
    return evolve(change, check=partial(unchanged, access.if_match if stated else []))


def shown(history: History, replication: Replication | None = None) -> views.Document:
    """Returns a document as callers see it."""
    return views.Document(
        **_version(history.current, history),
        name=history.current["name"],
        etag=history.etag,
        diverged=len(history.heads) > 1,
        replication=replication,
        versions=None,
    )


def _version(row: Values, history: History) -> views.DocumentVersion:
    return views.DocumentVersion(
        version=row["version"],
        version_id=row["version_id"],
        content_type=row["content_type"],
        size=row["size"],
        sha256=row["sha256"],
        uploaded_at=row["created_at"],
        uploaded_by=row["created_by"],
        region=row["region"],
        superseded=row["version_id"] not in {head["version_id"] for head in history.heads},
    )
