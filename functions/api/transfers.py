"""Documents of any size: the caller and the bucket exchange the bytes, by URLs that hold for a quarter of an hour."""

import base64
import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from functions.api import views
from functions.api.access import Access
from functions.api.answers import Answer, ProblemError, answer, invalid
from functions.api.documents import Documents, conditional, described, named
from functions.api.models import REQUEST_BYTES, Completion, NewUpload, parse
from functions.api.versions import Change, derived, digest, replay
from functions.shared.table import instant

from attrs import astuple, frozen

# No longer than a caller needs to begin; a URL also ends with the role's session that signed it.
URL_SECONDS = 900
# A transfer that has begun in time may still be under way.
COMPLETION_SECONDS = 6 * 3600


@frozen
class Transfers:
    """Uploads to and downloads from one region's bucket."""

    documents: Documents

    def begin(self, access: Access, name: str) -> Answer:
        """Returns a URL for these bytes and no others: length, checksum, type and key are part of its signature.

        A retry under an idempotency key is about the same object, in every region; its URL is a new one.
        """
        body, key = access.body(REQUEST_BYTES)[0], access.idempotency_key
        upload = parse(body, NewUpload)
        change = Change(
            kind="upload",
            identity=derived(named(name), key or str(uuid.uuid4())),
            fields={},
            request=digest(body),
            resource=name,
            key=key,
            status=HTTPStatus.CREATED,
        )
        row, replayed = self.documents.versions.write(access, change)
        object_id, key_arn = row["version_id"], self.documents.configuration.documents_key_arn
        checksum = _base64(upload.sha256)
        url, expires_at = self._url(
            "put_object",
            f"documents/{object_id}",
            ContentType=upload.content_type,
            ContentLength=upload.size,
            ChecksumSHA256=checksum,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=key_arn,
        )
        headers = {
            "Content-Type": upload.content_type,
            "Content-Length": str(upload.size),
            "x-amz-checksum-sha256": checksum,
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": key_arn,
        }
        # An earlier attempt's URL leads to the bucket of its region: then the bytes may come from there as well.
        only = row["region"] if row["region"] == self.documents.configuration.aws_region else None
        facts = [object_id, *astuple(upload), only]
        token = self.documents.versions.seals.seal(_purpose(access, name), facts, COMPLETION_SECONDS)
        view = views.Upload(upload=token, method="PUT", url=url, headers=headers, expires_at=expires_at)
        return answer(HTTPStatus.CREATED, view, **replay(replayed))

    def complete(self, access: Access, name: str) -> Answer:
        """Adds the version whose bytes were uploaded, once S3 confirms that they are the announced ones.

        The object is the version's idempotency key, and a header of that name is not heeded: a completion that is sent
        again, to any region, returns the first result, within six hours of the beginning. Another region than the
        upload's answers 503 until the bytes have come there. If-Match is heeded as by a document's PUT.
        """
        named(name)
        token = parse(access.body(REQUEST_BYTES)[0], Completion).upload
        facts = self.documents.versions.seals.open(_purpose(access, name), token)
        if facts is None:
            raise invalid("'upload' must be that of an upload of this document, begun within six hours")
        object_id, content_type, size, sha256, region = facts
        upload = NewUpload(content_type=content_type, size=size, sha256=sha256)
        request = digest(content_type, sha256)
        change = conditional(access, described(name, upload, object_id, request, key=object_id))
        history = self.documents.versions.history(access.partition, change.kind, change.identity)
        if not self.documents.versions.retried(access, change, history):
            self._confirm(upload, object_id, region)
        return self.documents.add(access, change)

    def download(self, access: Access, name: str) -> Answer:
        """Returns a URL of the bytes of the current version, or of the one that is asked for.

        The URL names nothing of the patient or the document.

        Raises:
            ProblemError: there is no such document, or its bytes have not come to this region yet.
        """
        history = self.documents.asked(access, name)
        row = history.current
        self.documents.ask("head_object", row["object_key"])
        # S3 keeps a log of the query: the name that the caller asked for is for the caller to remember.
        url, expires_at = self._url("get_object", row["object_key"], ResponseContentDisposition="attachment")
        view = views.Download(
            url=url, expires_at=expires_at, content_type=row["content_type"], size=row["size"], sha256=row["sha256"]
        )
        return answer(HTTPStatus.OK, view, ETag=history.etag)

    def _confirm(self, upload: NewUpload, object_id: str, region: str | None) -> None:
        """Raises ProblemError unless the object is here and as announced; ``region``: the only one it is sent to."""
        missing = ProblemError(HTTPStatus.CONFLICT, "not-uploaded", "The bytes have not been uploaded.")
        if region != self.documents.configuration.aws_region:  # they may be on their way
            detail = "The bytes have not been uploaded, or not been copied to this region yet."
            missing = ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "not-replicated", detail)
        head = self.documents.ask("head_object", f"documents/{object_id}", missing, ChecksumMode="ENABLED")
        found = (head["ContentType"], head["ContentLength"], head.get("ChecksumSHA256"), head.get("SSEKMSKeyId"))
        key_arn = self.documents.configuration.documents_key_arn
        if found != (upload.content_type, upload.size, _base64(upload.sha256), key_arn):
            detail = "What was uploaded is not what was announced."
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "upload-differs", detail)

    def _url(self, operation: str, object_key: str, **parameters: object) -> tuple[str, str]:
        """Returns a signed URL, and until when it can be used."""
        where = {"Bucket": self.documents.configuration.documents_bucket, "Key": object_key}
        expires_at = instant(datetime.now(UTC) + timedelta(seconds=URL_SECONDS))
        sign = self.documents.clients.s3.generate_presigned_url
        return sign(operation, Params={**where, **parameters}, ExpiresIn=URL_SECONDS), expires_at


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _purpose(access: Access, name: str) -> str:
    return f"upload\n{access.partition}\n{name}"
