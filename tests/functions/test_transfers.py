"""Large documents go straight to the bucket and come straight from it; the API says where, and checks what came."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.functions.cloud import HOME, OTHER, Cloud, Link, bucket
from tests.functions.gateway import OPERATOR, Api, Reply, clinician
from tests.functions.test_documents import PDF, put

import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

LARGE = b"%PDF-1.7 " + bytes(range(256)) * 20_000


def announced(body: bytes) -> dict[str, Any]:
    """What is said of these bytes before they are uploaded."""
    return {"content_type": "application/pdf", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def begin(api: Api, patient: str, body: bytes = PDF, key: str = "", **changes: Any) -> Reply:
    headers = {"idempotency-key": key} if key else {}
    upload = {**announced(body), **changes}
    return api("POST", f"/patients/{patient}/documents/scan.pdf/uploads", upload, headers=headers)


def documents(cloud: Cloud, patient: str) -> list[dict[str, Any]]:
    return [row for row in cloud.rows(f"clinic-a#{patient}") if row["record_id"].startswith("document#")]


def send(upload: dict[str, Any], body: bytes, **headers: str | None) -> int:
    wanted = {**upload["headers"], **headers}
    kept = {name: value for name, value in wanted.items() if value is not None}
    request = AWSRequest(upload["method"], upload["url"], headers=kept, data=body)
    return int(URLLib3Session().send(request.prepare()).status_code)


def complete(api: Api, patient: str, token: object, name: str = "scan.pdf", **options: Any) -> Reply:
    return api("POST", f"/patients/{patient}/documents/{name}/versions", {"upload": token}, **options)


def fetch(url: str) -> tuple[int, bytes]:
    answer = URLLib3Session().send(AWSRequest("GET", url).prepare())
    return answer.status_code, answer.content


def test_a_document_over_the_limit_is_uploaded_completed_and_downloaded(
    cloud: Cloud, api: Api, other: Api, patient: str
) -> None:
    upload = begin(api, patient, LARGE).json
    assert send(upload, LARGE) == 200
    assert documents(cloud, patient) == []
    completed = complete(api, patient, upload["upload"])
    assert (completed.status, completed.json["replication"], completed.json["version"]) == (201, "replicated", 1)
    for region in (api, other):
        found = region("GET", f"/patients/{patient}/documents/scan.pdf/download").json
        assert fetch(found["url"]) == (200, LARGE)
        assert found["sha256"] == hashlib.sha256(LARGE).hexdigest()
        refused = region("GET", f"/patients/{patient}/documents/scan.pdf")
        assert (refused.status, refused.json["type"]) == (409, "urn:healthcare-dr:problem:use-download")


def test_a_whole_number_may_be_written_with_a_fraction_of_zero(api: Api, patient: str) -> None:
    upload = begin(api, patient, size=float(len(PDF))).json
    assert upload["headers"]["Content-Length"] == str(len(PDF))
    assert send(upload, PDF) == 200
    assert complete(api, patient, upload["upload"]).json["size"] == len(PDF)


def test_the_url_is_signed_for_these_bytes_this_type_and_this_key_for_a_quarter_of_an_hour(
    cloud: Cloud, api: Api, patient: str
) -> None:
    upload = begin(api, patient).json
    query = parse_qs(urlsplit(upload["url"]).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["900"]
    signed = set(query["X-Amz-SignedHeaders"][0].split(";"))
    assert signed == {"host", *(name.lower() for name in upload["headers"])}
    assert upload["headers"]["x-amz-server-side-encryption-aws-kms-key-id"] == cloud.keys[HOME]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Content-Type", "text/plain"),
        ("x-amz-checksum-sha256", "A" * 43 + "="),
        ("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:us-east-1:111111111111:key/another"),
        ("x-amz-server-side-encryption-aws-kms-key-id", None),
        ("x-amz-server-side-encryption", "AES256"),
    ],
)
def test_nothing_is_uploaded_under_another_header_than_was_signed(
    api: Api, patient: str, header: str, value: str | None
) -> None:
    upload = begin(api, patient).json
    assert send(upload, PDF, **{header: value}) == 403
    assert complete(api, patient, upload["upload"]).status == 409


def test_neither_url_names_the_patient_or_the_document(api: Api, patient: str) -> None:
    put(api, patient)
    for url in (
        begin(api, patient).json["url"],
        api("GET", f"/patients/{patient}/documents/scan.pdf/download").json["url"],
    ):
        assert patient not in url
        assert "scan" not in url


def test_a_completion_sent_again_returns_the_first_result(cloud: Cloud, api: Api, other: Api, patient: str) -> None:
    upload = begin(api, patient).json
    send(upload, PDF)
    first = complete(api, patient, upload["upload"])
    for again in (complete(api, patient, upload["upload"]), complete(other, patient, upload["upload"])):
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.json["version"] == 1
    assert len(documents(cloud, patient)) == 1


@pytest.mark.parametrize("asked", [HOME, OTHER])
def test_a_completion_whose_bytes_cannot_be_reached_any_more_returns_the_first_result(
    cloud: Cloud, build: Callable[..., Api], patient: str, link: Link, asked: str
) -> None:
    upload = begin(build(HOME), patient).json
    send(upload, PDF)
    first = complete(build(HOME), patient, upload["upload"])
    link.restore()
    cloud.aws.fault(region=asked, service="s3", mode="error")
    again = complete(build(asked), patient, upload["upload"])
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert (first.json["replication"], again.json["replication"]) == ("replicated", "pending")


def test_bytes_that_were_sent_to_another_region_by_a_retry_are_waited_for(
    cloud: Cloud, api: Api, other: Api, patient: str, link: Link
) -> None:
    begin(api, patient, key="k")
    link.restore()
    upload = begin(other, patient, key="k").json
    for region in (api, other):
        reply = complete(region, patient, upload["upload"])
        assert (reply.status, reply.json["type"]) == (503, "urn:healthcare-dr:problem:not-replicated")
        assert reply.json["detail"] == "The bytes have not been uploaded, or not been copied to this region yet."
    link.cut()
    assert send(upload, PDF) == 200
    assert complete(api, patient, upload["upload"]).status == 503
    link.restore()
    assert complete(api, patient, upload["upload"]).status == 201


def test_a_completion_in_another_region_waits_for_the_copy(
    cloud: Cloud, api: Api, other: Api, patient: str, link: Link
) -> None:
    upload = begin(api, patient, key="k").json
    early = complete(api, patient, upload["upload"])
    assert (early.status, early.json["type"]) == (409, "urn:healthcare-dr:problem:not-uploaded")
    link.cut()
    send(upload, PDF)
    for token in (upload["upload"], begin(other, patient, key="k").json["upload"]):
        reply = complete(other, patient, token)
        assert (reply.status, reply.json["type"]) == (503, "urn:healthcare-dr:problem:not-replicated")
        assert reply.headers["Retry-After"]
    link.restore()
    assert complete(other, patient, upload["upload"]).status == 201
    assert complete(other, patient, upload["upload"], headers={"if-match": '"another"'}).status == 201, "it was before"


def test_a_completion_with_if_match_follows_only_what_its_caller_knows(api: Api, patient: str) -> None:
    first = put(api, patient).headers["ETag"]
    upload = begin(api, patient).json
    send(upload, PDF)
    assert complete(api, patient, upload["upload"], headers={"if-match": '"another"'}).status == 412
    assert complete(api, patient, upload["upload"], headers={"if-match": first}).status == 201


def object_of(upload: Reply) -> str:
    path: str = urlsplit(upload.json["url"]).path
    return path.rpartition("/")[2]


def test_a_retried_beginning_is_about_the_same_object(
    cloud: Cloud, api: Api, other: Api, patient: str, link: Link
) -> None:
    link.cut()
    first, there = begin(api, patient, key="k"), begin(other, patient, key="k")
    link.restore()
    again = begin(api, patient, key="k")
    assert [reply.headers.get("Idempotency-Replayed") for reply in (first, there, again)] == [None, None, "true"]
    assert object_of(first) == object_of(there) == object_of(again) != object_of(begin(api, patient))
    for upload in (first, again):
        assert send(upload.json, PDF) == 200
        assert complete(api, patient, upload.json["upload"]).json["version"] == 1
    assert len(documents(cloud, patient)) == 1


def test_rejects_another_announcement_under_the_same_key(api: Api, patient: str) -> None:
    assert begin(api, patient, key="k").status == 201
    reply = begin(api, patient, LARGE, key="k")
    assert (reply.status, reply.json["type"]) == (422, "urn:healthcare-dr:problem:idempotency-key-reused")
    assert begin(api, f"{patient}-2", LARGE, key="k").status == 201


def test_rejects_other_bytes_than_were_announced(cloud: Cloud, api: Api, patient: str) -> None:
    upload = begin(api, patient).json
    assert send(upload, PDF[:-1] + b"!") == 400
    reply = complete(api, patient, upload["upload"])
    assert (reply.status, reply.json["type"]) == (409, "urn:healthcare-dr:problem:not-uploaded")


@pytest.mark.parametrize(
    "changed",
    [
        {"ContentType": "text/plain"},
        {"Body": b"other"},
        {"SSEKMSKeyId": "arn:aws:kms:us-east-1:111111111111:key/other"},
        {"ChecksumAlgorithm": "SHA1"},
    ],
)
def test_rejects_to_complete_with_an_object_that_differs(
    cloud: Cloud, api: Api, patient: str, changed: dict[str, Any]
) -> None:
    upload = begin(api, patient).json
    key = urlsplit(upload["url"]).path.split(f"{bucket(HOME)}/")[-1]
    as_announced = {
        "ContentType": "application/pdf",
        "Body": PDF,
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": cloud.keys[HOME],
        "ChecksumAlgorithm": "SHA256",
    }
    cloud.client("s3").put_object(Bucket=bucket(HOME), Key=key, **{**as_announced, **changed})
    reply = complete(api, patient, upload["upload"])
    assert (reply.status, reply.json["type"]) == (422, "urn:healthcare-dr:problem:upload-differs")
    assert documents(cloud, patient) == []


def test_rejects_the_upload_of_another_document_patient_or_organisation(api: Api, patient: str) -> None:
    token = begin(api, patient).json["upload"]
    replies = [
        complete(api, patient, token, "other.pdf"),
        complete(api, f"{patient}-2", token),
        complete(api, patient, token, caller=clinician("clinic-b")),
        complete(api, patient, token + "A"),
        complete(api, patient, 7),
    ]
    assert [reply.status for reply in replies] == [400] * 5


@pytest.mark.parametrize(
    "changes",
    [
        {"content_type": "text/html"},
        {"size": 0},
        {"size": 5 * 1024**3 + 1},
        {"size": True},
        {"size": 5.5},
        {"size": 1e400},
        {"sha256": "A" * 64},
        {"sha256": 7},
        {"x": 1},
    ],
)
def test_rejects_an_announcement_outside_the_rules(api: Api, patient: str, changes: dict[str, Any]) -> None:
    assert begin(api, patient, **changes).status == 400


def test_a_download_waits_for_the_copy(cloud: Cloud, api: Api, other: Api, patient: str) -> None:
    put(api, patient)
    [row] = cloud.rows(f"clinic-a#{patient}")
    cloud.client("s3", OTHER).delete_object(Bucket=bucket(OTHER), Key=row["object_key"])
    reply = other("GET", f"/patients/{patient}/documents/scan.pdf/download")
    assert (reply.status, reply.json["type"]) == (503, "urn:healthcare-dr:problem:not-replicated")


def test_documents_are_listed_in_their_current_versions(api: Api, other: Api, patient: str) -> None:
    put(api, patient, "a.pdf", b"one")
    put(api, patient, "a.pdf", b"two")
    put(api, patient, "b.pdf", b"three")
    first = other("GET", f"/patients/{patient}/documents?limit=1").json
    rest = other("GET", f"/patients/{patient}/documents?limit=1&after={first['next']}").json
    listed = first["documents"] + rest["documents"]
    assert {(document["name"], document["version"]) for document in listed} == {("a.pdf", 2), ("b.pdf", 1)}
    assert {document["sha256"] for document in listed} == {hashlib.sha256(b).hexdigest() for b in (b"two", b"three")}
    assert rest["next"] is None


def test_the_status_says_whether_the_copy_is_complete(
    cloud: Cloud, api: Api, other: Api, patient: str, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.documents.REPLICATION_SECONDS", 0)
    cloud.aws.fault(region=OTHER, service="s3")
    put(api, patient)
    path = f"/patients/{patient}/documents/scan.pdf/status"
    assert api("GET", path, caller=OPERATOR).json["replication"] == "pending"
    cloud.aws.heal()
    link.restore()
    for region in (api, other):
        assert region("GET", path).json["replication"] == "replicated"
    assert api("GET", f"/patients/{patient}/documents/lost.pdf/status").status == 404


@pytest.mark.parametrize("mode", ["error", "hang"])
def test_a_copy_that_cannot_be_asked_for_is_pending_before_long(
    cloud: Cloud, api: Api, patient: str, mode: str
) -> None:
    put(api, patient)
    cloud.aws.fault(region=HOME, service="s3", mode=mode)
    began = time.monotonic()
    assert api("GET", f"/patients/{patient}/documents/scan.pdf/status").json["replication"] == "pending"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("suffix", ["", "/download"])
def test_an_outage_of_the_bucket_is_answered_with_when_to_come_back(
    cloud: Cloud, api: Api, patient: str, suffix: str
) -> None:
    put(api, patient)
    cloud.aws.fault(region=HOME, service="s3", mode="drop")
    reply = api("GET", f"/patients/{patient}/documents/scan.pdf{suffix}")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert reply.json["type"] == "urn:healthcare-dr:problem:unavailable"
