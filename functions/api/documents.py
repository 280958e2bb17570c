"""Documents: bytes in the region's bucket under opaque keys, and their names in the table."""

from __future__ import annotations

import base64
import hashlib
import re
import time
import uuid
from http import HTTPStatus
from urllib.parse import quote

from functions.api.access import Access, Answer, answer
from functions.api.records import versioned
from functions.shared.audit import Trail
from functions.shared.clients import BudgetExhaustedError, Clients
from functions.shared.configuration import Configuration
from functions.shared.problems import ProblemError, invalid
from functions.shared.table import ConflictError, Values, addition, now, page, transact

from attrs import frozen
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from botocore.exceptions import BotoCoreError, ClientError

CONTENT_TYPES = ("application/dicom", "application/pdf", "image/jpeg", "image/png", "text/plain")
# Base64 makes 4 MiB 5.6 million characters, which still fit Lambda's 6 MB of request and of answer.
DOCUMENT_BYTES = 4 * 1024 * 1024
# A caller waits this long to learn that the other region has the copy, too.
REPLICATION_SECONDS = 5.0
_POLL_SECONDS = 0.2
# S3 has documented both.
_COPIED = ("COMPLETE", "COMPLETED")
# Two uploads of one name race for a version; each round has one winner.
_ROUNDS = 3
# What a file system shows without quoting: a letter or digit first, no separators, no control characters.
_NAME = re.compile(r"[^\W_][\w .()+,=@'-]{0,127}")


@frozen
class Documents:
    """The documents of all patients, in one region's table and bucket."""

    clients: Clients
    configuration: Configuration
    trail: Trail
    logger: Logger

    def put(self, access: Access, name: str) -> Answer:
        """Stores a new version: first the object, then its row together with the audit row.

        The answer says ``replicated`` only if S3 has confirmed the copy in the other region, else ``pending``.
        """
        _check(name)
        content_type = access.content_type(CONTENT_TYPES)
        body = access.body(DOCUMENT_BYTES)
        if not body:
            raise invalid("the body must not be empty")
        digest = hashlib.sha256(body)
        object_key = f"documents/{uuid.uuid4()}"
        self.clients.s3.put_object(
            Bucket=self.configuration.documents_bucket,
            Key=object_key,
            Body=body,
            ContentType=content_type,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.configuration.documents_key_arn,
            ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
        )
        shown: Values = {
            "name": name,
            "content_type": content_type,
            "size": len(body),
            "sha256": digest.hexdigest(),
            "uploaded_at": now(),
            "uploaded_by": access.entry.caller.actor,
            "region": self.configuration.aws_region,
        }
        version = self._add(access, name, {**shown, "object_key": object_key})
        replication = "replicated" if self._replicated(object_key) else "pending"
        location = f"/patients/{access.entry.patient_id}/documents/{quote(name)}"
        return answer(HTTPStatus.CREATED, {**shown, "version": version, "replication": replication}, Location=location)

    def get(self, access: Access, name: str) -> Answer:
        """Returns the bytes of the highest version.

        Raises:
            ProblemError: there is no such document, or its bytes have not come to this region yet.
        """
        _check(name)
        row = self._latest(access, name)
        if row is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, "no-such-document", "The patient has no document of this name.")
        try:
            found = self.clients.s3.get_object(Bucket=self.configuration.documents_bucket, Key=row["object_key"])
        except ClientError as error:
            if error.response["Error"].get("Code") != "NoSuchKey":
                raise
            detail = "The document has not been copied to this region yet."
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "not-replicated", detail) from error
        body: bytes = found["Body"].read()
        if hashlib.sha256(body).hexdigest() != row["sha256"]:
            raise ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "damaged-document", "The document is damaged.")
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return Response(HTTPStatus.OK.value, str(row["content_type"]), body, {"Content-Disposition": disposition})

    def _add(self, access: Access, name: str, values: Values) -> int:
        """Adds the row of a new version, and returns the version."""
        for _ in range(_ROUNDS):
            latest = self._latest(access, name)
            version = int(latest["version"]) + 1 if latest else 1
            record_id = versioned("document", _hashed(name), version, self.configuration.aws_region)
            row = {"patient_id": access.partition, "record_id": record_id, "version": version, **values}
            try:
                transact(
                    self.clients.dynamodb,
                    addition(self.configuration.patient_records_table, row, "record_id"),
                    self.trail.addition(access.audited(HTTPStatus.CREATED, name)),
                )
            except ConflictError:
                continue
            return version
        raise ConflictError

    def _latest(self, access: Access, name: str) -> Values | None:
        table, prefix = self.configuration.patient_records_table, f"document#{_hashed(name)}#"
        rows, _ = page(self.clients.dynamodb, table, access.partition, prefix, ScanIndexForward=False, Limit=1)
        return rows[0] if rows else None

    def _replicated(self, object_key: str) -> bool:
        """Waits a bounded time for S3's word; the upload is durable here already, so no failure undoes it."""
        ends = time.monotonic() + REPLICATION_SECONDS
        try:
            while True:
                head = self.clients.s3.head_object(Bucket=self.configuration.documents_bucket, Key=object_key)
                if head.get("ReplicationStatus") != "PENDING" or time.monotonic() + _POLL_SECONDS > ends:
                    return head.get("ReplicationStatus") in _COPIED
                time.sleep(_POLL_SECONDS)
        except (BotoCoreError, ClientError, BudgetExhaustedError) as error:
            self.logger.warning("replication not confirmed", error_type=type(error).__name__)
            return False


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise invalid("'name' must be 1 to 128 letters, digits, spaces or any of _.()+,=@'-, a letter or digit first")


def _hashed(name: str) -> str:
    """Returns what stands for the name in keys: keys show up in trails, and names can tell who a patient is."""
    return hashlib.sha256(name.encode()).hexdigest()
