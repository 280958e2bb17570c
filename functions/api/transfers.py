"""Documents of any size: the caller and the bucket exchange the bytes, by URLs that hold for a quarter of an hour."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from functions.api import views
from functions.api.access import JSON, Access, Answer, answer
from functions.api.documents import KIND, Documents, absent, described, named
from functions.api.models import REQUEST_BYTES, Completion, NewUpload, parse
from functions.api.versions import Change, digest
from functions.shared.problems import ProblemError, invalid
from functions.shared.table import instant

from attrs import frozen
from botocore.exceptions import ClientError

# No longer than a caller needs to begin; a URL also ends with the role's session that signed it.
URL_SECONDS = 900
# A transfer that has begun in time may still be under way.
COMPLETION_SECONDS = 6 * 3600


@frozen
class Transfers:
    """Uploads to and downloads from one region's bucket."""

    documents: Documents

    def begin(self, access: Access, name: str) -> Answer:
        """Returns a URL for these bytes and no others: length, checksum, type and key are part of its signature."""
        named(name)
        access.content_type(JSON)
        upload = parse(access.body(REQUEST_BYTES), NewUpload)
        configuration, object_id = self.documents.configuration, str(uuid.uuid4())
        checksum = base64.b64encode(bytes.fromhex(upload.sha256)).decode()
        signed = {
            "ContentType": upload.content_type,
            "ContentLength": upload.size,
            "ChecksumSHA256": checksum,
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": configuration.documents_key_arn,
        }
        url = self._url("put_object", object_id, signed)
        facts = [object_id, upload.content_type, upload.size, upload.sha256]
        token = self.documents.versions.seals.seal(self._purpose(access, name), facts, COMPLETION_SECONDS)
        headers = {
            "Content-Type": upload.content_type,
            "Content-Length": str(upload.size),
            "x-amz-checksum-sha256": checksum,
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": configuration.documents_key_arn,
        }
        return answer(
            HTTPStatus.CREATED,
            views.Upload(upload=token, method="PUT", url=url, headers=headers, expires_at=_expiry()),
        )

    def complete(self, access: Access, name: str) -> Answer:
        """Adds the version whose bytes were uploaded, once S3 confirms that they are the announced ones.

        The object is the version's idempotency key: a completion that is sent again returns the first result.
        """
        identity = named(name)
        access.content_type(JSON)
        token = parse(access.body(REQUEST_BYTES), Completion).upload
        facts = self.documents.versions.seals.open(self._purpose(access, name), token)
        if facts is None:
            raise invalid("'upload' must be that of an upload of this document, begun within six hours")
        object_id, content_type, size, sha256 = facts
        self._confirm(object_id, content_type, size, sha256)
        change = Change(
            kind=KIND,
            identity=identity,
            fields=described(name, content_type, size, sha256, object_id),
            request=digest(content_type, sha256),
            resource=name,
            key=object_id,
            status=HTTPStatus.CREATED,
        )
        return self.documents.add(access, change)

    def download(self, access: Access, name: str) -> Answer:
        """Returns a URL of the current version's bytes, which names nothing of the patient or the document.

        Raises:
            ProblemError: there is no such document, or its bytes have not come to this region yet.
        """
        history = self.documents.history(access, name)
        row = history.current
        object_id = str(row["object_key"]).partition("/")[2]
        self._head(object_id)
        # S3 keeps a log of the query: the name that the caller asked for is for the caller to remember.
        url = self._url("get_object", object_id, {"ResponseContentDisposition": "attachment"})
        return answer(
            HTTPStatus.OK,
            views.Download(
                url=url,
                expires_at=_expiry(),
                content_type=str(row["content_type"]),
                size=int(row["size"]),
                sha256=str(row["sha256"]),
            ),
            ETag=history.etag,
        )

    def _confirm(self, object_id: str, content_type: str, size: int, sha256: str) -> None:
        head = self._head(object_id, missing="The bytes have not been uploaded.")
        found = (head["ContentType"], head["ContentLength"], head.get("ChecksumSHA256"), head.get("SSEKMSKeyId"))
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        if found != (content_type, size, checksum, self.documents.configuration.documents_key_arn):
            detail = "What was uploaded is not what was announced."
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "upload-differs", detail)

    def _head(self, object_id: str, missing: str = "") -> Any:
        try:
            return self.documents.s3.head_object(
                Bucket=self.documents.configuration.documents_bucket,
                Key=f"documents/{object_id}",
                ChecksumMode="ENABLED",
            )
        except ClientError as error:
            problem = absent(error)
            if problem and missing:
                problem = ProblemError(HTTPStatus.CONFLICT, "not-uploaded", missing)
            raise problem or error from error

    def _url(self, operation: str, object_id: str, parameters: dict[str, Any]) -> str:
        where = {"Bucket": self.documents.configuration.documents_bucket, "Key": f"documents/{object_id}"}
        url: str = self.documents.s3.generate_presigned_url(
            operation, Params={**where, **parameters}, ExpiresIn=URL_SECONDS
        )
        return url

    @staticmethod
    def _purpose(access: Access, name: str) -> str:
        return f"upload\n{access.partition}\n{name}"


def _expiry() -> str:
    return instant(datetime.now(UTC) + timedelta(seconds=URL_SECONDS))
