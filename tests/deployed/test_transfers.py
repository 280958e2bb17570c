"""Documents by signed URLs, deployed: the function's own role signs them, the bucket's own policy is asked as well.

What the role may do with the key is not tried: S3 of the embedded AWS asks KMS nothing.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from drill.client import ApiClient
from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from tests.deployed.calls import KEY
from tests.deployed.test_serving import EAST, WEST

import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

# More than a function takes or returns itself.
LARGE = b"%PDF-1.7 " + bytes(range(256)) * 30_000
KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
Upload = dict[str, Any]


def post(client: ApiClient, path: str, **fields: object) -> tuple[int, dict[str, Any]]:
    """The status and the content of the API's answer."""
    answer = client.call("POST", path, json.dumps(fields).encode(), content_type="application/json")
    return answer.status, json.loads(answer.body)


def begin(client: ApiClient, document: str) -> Upload:
    """What the API says of how to upload these bytes and no others."""
    sha256 = hashlib.sha256(LARGE).hexdigest()
    fields = {"content_type": "application/pdf", "size": len(LARGE), "sha256": sha256}
    status, upload = post(client, f"{document}/uploads", **fields)
    assert status == 201, upload
    return upload


def send(upload: Upload, changes: Mapping[str, str | None] = {}, body: bytes = LARGE) -> tuple[int, str]:
    """S3's status and error code after bytes are sent as the API said, but for headers that are changed or left out."""
    headers = {name: value for name, value in {**upload["headers"], **changes}.items() if value is not None}
    request = AWSRequest(upload["method"], upload["url"], headers=headers, data=body)
    answer = URLLib3Session().send(request.prepare())
    code = re.search(rb"<Code>(\w+)</Code>", answer.content)
    return answer.status_code, code[1].decode() if code else ""


def key_of(aws: EmbeddedAws, region: str) -> str:
    """The ARN of the region's key."""
    return str(aws.client("kms", region).describe_key(KeyId=KEY)["KeyMetadata"]["Arn"])


@pytest.mark.parametrize(("here", "there"), [(EAST, WEST), (WEST, EAST)])
def test_a_large_document_goes_to_the_bucket_and_comes_from_both_by_signed_urls(
    here: str, there: str, clients: dict[str, ApiClient]
) -> None:
    document = f"/patients/sent-to-the-bucket-in-{here}/documents/scan.pdf"
    upload = begin(clients[here], document)
    signed = parse_qs(urlsplit(upload["url"]).query)["X-Amz-SignedHeaders"][0].split(";")
    # S3 refuses an upload with an x-amz header that is not signed; the embedded AWS takes it.
    assert {name.lower() for name in upload["headers"]} == set(signed) - {"host"}
    assert send(upload) == (200, "")
    status, completed = post(clients[here], f"{document}/versions", upload=upload["upload"])
    assert (status, completed["version"], completed["replication"]) == (201, 1, "replicated")
    for region in (here, there):
        answer = clients[region].call("GET", f"{document}/download")
        assert answer.status == 200, answer.body
        found = URLLib3Session().send(AWSRequest("GET", json.loads(answer.body)["url"]).prepare())
        assert (found.status_code, found.content == LARGE) == (200, True)


@pytest.mark.parametrize(("here", "there"), [(EAST, WEST), (WEST, EAST)])
def test_rejects_an_upload_under_another_key_or_type_and_of_other_bytes_than_its_url_is_for(
    here: str, there: str, clients: dict[str, ApiClient], aws: EmbeddedAws, deployment: Deployment
) -> None:
    document = f"/patients/refused-by-the-bucket-in-{here}/documents/scan.pdf"
    upload = begin(clients[here], document)
    assert upload["headers"][KEY_HEADER] == key_of(aws, here)
    # By the bucket's policy, which the embedded AWS asks before it looks at the signature.
    assert send(upload, {KEY_HEADER: None}) == (403, "AccessDenied")
    assert send(upload, {KEY_HEADER: key_of(aws, there)}) == (403, "AccessDenied")
    # By the signature, of which the policy says nothing.
    assert send(upload, {"Content-Type": "text/plain"}) == (403, "SignatureDoesNotMatch")
    assert send(upload, body=LARGE[:-1] + b"!") == (400, "BadDigest")
    status, refusal = post(clients[here], f"{document}/versions", upload=upload["upload"])
    assert (status, refusal["type"]) == (409, "urn:healthcare-dr:problem:not-uploaded")
    object_key = "documents/" + urlsplit(upload["url"]).path.rpartition("/")[2]
    bucket = deployment.outputs(here)["document_bucket"]
    assert "Versions" not in aws.client("s3", here).list_object_versions(Bucket=bucket, Prefix=object_key)
    assert clients[here].call("GET", f"{document}/download").status == 404
    # The same URL takes what it is for: nothing else of the upload was wrong.
    assert send(upload) == (200, "")
    assert "Versions" in aws.client("s3", here).list_object_versions(Bucket=bucket, Prefix=object_key)
