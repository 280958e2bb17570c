"""Documents: stored under opaque keys, read in the other region, never changed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.functions.cloud import HOME, OTHER, REGIONS, Cloud, bucket
from tests.functions.gateway import Api, Reply

import pytest

JSON = "application/json"
PDF = b"%PDF-1.7 \x00\xff synthetic"


def put(api: Api, patient: str, name: str = "scan.pdf", body: bytes = PDF, kind: str = "application/pdf") -> Reply:
    return api("PUT", f"/patients/{patient}/documents/{name}", body, content_type=kind)


def eventually(call: Callable[[], Reply], status: int) -> Reply:
    ends = time.monotonic() + 5
    while (reply := call()).status != status and time.monotonic() < ends:
        time.sleep(0.05)
    return reply


def test_a_document_uploaded_in_one_region_is_read_in_the_other(api: Api, other: Api, patient: str) -> None:
    uploaded = put(api, patient)
    assert uploaded.status == 201
    assert uploaded.json["replication"] == "replicated"
    assert uploaded.json["sha256"] == hashlib.sha256(PDF).hexdigest()
    for region in (api, other):
        reply = region("GET", f"/patients/{patient}/documents/scan.pdf")
        assert (reply.status, reply.body) == (200, PDF)
        assert reply.headers["Content-Type"] == "application/pdf"
        assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''scan.pdf"


def test_a_text_document_comes_back_byte_for_byte(api: Api, patient: str) -> None:
    text = "Größe 1,80 m\r\n".encode()
    for kind in ("text/plain", "text/plain; charset=utf-8", 'Text/Plain;Charset="UTF-8"; format=fixed'):
        assert put(api, patient, "note.txt", text, kind).status == 201
        reply = api("GET", f"/patients/{patient}/documents/note.txt")
        assert (reply.body, reply.headers["Content-Type"]) == (text, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("", "Größe".encode("latin-1")),
        ("; charset=utf-8", "Größe".encode("latin-1")),
        ("; charset=iso-8859-1", b"plain"),
        ("; charset = 'utf-16'", b"plain"),
    ],
)
def test_rejects_text_whose_bytes_the_gateway_did_not_keep(
    cloud: Cloud, api: Api, patient: str, charset: str, body: bytes
) -> None:
    replies = [
        put(api, patient, "note.txt", body, f"text/plain{charset}"),
        api("POST", f"/patients/{patient}/records", b'{"content": "%b"}' % body, content_type=f"{JSON}{charset}"),
    ]
    assert [(reply.status, reply.json["type"]) for reply in replies] == [
        (415, "urn:healthcare-dr:problem:unsupported-charset")
    ] * 2
    assert "uploads" in replies[0].json["detail"]
    assert cloud.rows(f"clinic-a#{patient}") == []


def test_a_name_may_hold_spaces_and_letters_of_any_language(api: Api, patient: str) -> None:
    path = "Blutbild%20M%C3%A4rz%20(2).pdf"
    location = put(api, patient, path).headers["Location"]
    reply = api("GET", location)
    assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Blutbild%20M%C3%A4rz%20%282%29.pdf"
    assert api("GET", f"/patients/{patient}/documents/Blutbild%20Ma%CC%88rz%20(2).pdf").body == PDF


def test_the_object_has_an_opaque_key_and_its_own_regions_encryption(cloud: Cloud, api: Api, patient: str) -> None:
    put(api, patient)
    [row] = cloud.rows(f"clinic-a#{patient}")
    assert row["name"] == "scan.pdf"
    assert "scan" not in row["record_id"]
    head = cloud.client("s3").head_object(Bucket=bucket(HOME), Key=row["object_key"], ChecksumMode="ENABLED")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] == cloud.keys[HOME]
    assert head["ChecksumSHA256"]
    assert row["object_key"].startswith("documents/")
    assert patient not in row["object_key"]


def test_a_second_upload_is_a_new_version_and_leaves_the_first_object(cloud: Cloud, api: Api, patient: str) -> None:
    assert [put(api, patient, body=body).json["version"] for body in (b"one", b"two")] == [1, 2]
    assert api("GET", f"/patients/{patient}/documents/scan.pdf").body == b"two"
    keys = [row["object_key"] for row in cloud.rows(f"clinic-a#{patient}")]
    bodies = [cloud.client("s3").get_object(Bucket=bucket(HOME), Key=key)["Body"].read() for key in keys]
    assert bodies == [b"one", b"two"]


def test_an_upload_that_loses_a_race_becomes_the_next_version(
    api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.api.versions import History, Versions

    put(api, patient)
    history, seen = Versions.history, iter([True, True])

    def stale(self: Versions, partition: str, kind: str, identity: str) -> History:
        return History(()) if next(seen, False) else history(self, partition, kind, identity)

    monkeypatch.setattr(Versions, "history", stale)
    assert put(api, patient).json["version"] == 2


@pytest.fixture
def orphans(cloud: Cloud) -> Callable[[], set[str]]:
    """The objects of the first region that no version names, however young."""
    from functions import verify

    records = verify.trails_of(HOME, "test").patients.heads
    return lambda: set(verify.orphans(cloud.client("s3"), bucket(HOME), records, datetime.now(UTC) + timedelta(days=1)))


def test_an_object_whose_version_could_not_be_added_is_found(
    build: Callable[..., Api], api: Api, patient: str, orphans: Callable[[], set[str]], caplog: pytest.LogCaptureFixture
) -> None:
    before = orphans()
    assert put(api, patient).status == 201
    assert orphans() == before
    assert put(build(HOME, AUDIT_LOGS_TABLE="missing"), patient).status == 500
    [orphan] = orphans() - before
    assert [record.object_key for record in caplog.records if hasattr(record, "object_key")] == [orphan]


def test_a_retry_under_the_same_key_leaves_no_object_without_a_version(
    build: Callable[..., Api], api: Api, patient: str, orphans: Callable[[], set[str]]
) -> None:
    before, path = orphans(), f"/patients/{patient}/documents/scan.pdf"
    options: dict[str, Any] = {"content_type": "application/pdf", "headers": {"idempotency-key": "k"}}
    assert build(HOME, AUDIT_LOGS_TABLE="missing")("PUT", path, PDF, **options).status == 500
    assert api("PUT", path, PDF, **options).status == 201
    assert orphans() == before


def test_the_verifier_names_objects_without_a_version_once_they_are_a_day_old(
    cloud: Cloud,
    build: Callable[..., Api],
    apart: Api,
    patient: str,
    orphans: Callable[[], set[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from functions.verify import main

    put(apart, patient)
    [named] = cloud.objects(patient, "patient_records-apart")
    before = orphans()
    put(build(HOME, AUDIT_LOGS_TABLE="missing"), patient)
    [orphan] = orphans() - before
    arguments = ["--region", HOME, "--suffix", "apart", "--bucket", bucket(HOME)]
    main(arguments)
    assert orphan not in capsys.readouterr().out
    monkeypatch.setattr("functions.verify.SETTLED", timedelta(0))
    assert main(arguments) == 1
    told = capsys.readouterr().out
    assert f"{orphan} {HOME} orphaned\n" in told
    assert named not in told


def test_an_upload_is_pending_until_the_other_region_has_it(
    cloud: Cloud, api: Api, other: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.documents.REPLICATION_SECONDS", 0.5)
    # The bucket's copies wait for the region's S3; its table has its own way.
    cloud.aws.fault(region=OTHER, service="s3")
    assert put(api, patient).json["replication"] == "pending"
    cloud.aws.heal()
    reply = eventually(lambda: other("GET", f"/patients/{patient}/documents/scan.pdf"), 200)
    assert reply.body == PDF


def test_a_document_whose_copy_has_not_come_is_asked_for_again(
    cloud: Cloud, api: Api, other: Api, patient: str
) -> None:
    put(api, patient)
    [row] = cloud.rows(f"clinic-a#{patient}")
    for region in REGIONS:
        cloud.client("s3", region).delete_object(Bucket=bucket(region), Key=row["object_key"])
    reply = other("GET", f"/patients/{patient}/documents/scan.pdf")
    assert reply.status == 503
    assert reply.json["type"] == "urn:healthcare-dr:problem:not-replicated"
    assert int(reply.headers["Retry-After"]) > 0


def test_rejects_to_serve_a_document_whose_bytes_changed(cloud: Cloud, api: Api, patient: str) -> None:
    put(api, patient)
    [row] = cloud.rows(f"clinic-a#{patient}")
    cloud.client("s3").put_object(Bucket=bucket(HOME), Key=row["object_key"], Body=b"forged")
    assert api("GET", f"/patients/{patient}/documents/scan.pdf").status == 500


def test_the_largest_document_is_accepted(api: Api, patient: str) -> None:
    body = b"\x00" * (4 * 1024 * 1024)
    assert put(api, patient, body=body).status == 201
    assert api("GET", f"/patients/{patient}/documents/scan.pdf").body == body


def test_rejects_a_document_over_the_limit(cloud: Cloud, api: Api, patient: str) -> None:
    reply = put(api, patient, body=b"\x00" * (4 * 1024 * 1024 + 1))
    assert reply.status == 413
    assert cloud.rows(f"clinic-a#{patient}") == []


def test_rejects_an_empty_document(api: Api, patient: str) -> None:
    assert put(api, patient, body=b"").status == 400


@pytest.mark.parametrize("kind", ["", "text/html", "image/svg+xml", "application/json"])
def test_rejects_a_content_type_outside_the_list(api: Api, patient: str, kind: str) -> None:
    assert put(api, patient, kind=kind).status == 415


@pytest.mark.parametrize("name", [".hidden", "a%00b", "a%0Ab", "%25", "a" * 129, "a%5Cb", "a%22b", "a%23b"])
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_rejects_a_name_outside_the_rules(api: Api, patient: str, method: str, name: str) -> None:
    reply = api(method, f"/patients/{patient}/documents/{name}", PDF, content_type="application/pdf")
    assert reply.status in (400, 404)


def test_rejects_a_name_that_the_patient_does_not_have(api: Api, patient: str) -> None:
    assert api("GET", f"/patients/{patient}/documents/scan.pdf").status == 404


def test_all_object_keys_are_opaque(cloud: Cloud) -> None:
    for region in REGIONS:
        listed = cloud.client("s3", region).list_objects_v2(Bucket=bucket(region)).get("Contents", [])
        keys = {entry["Key"] for entry in listed} - {f"probe/{region}" for region in REGIONS}
        assert all(len(key) == len("documents/") + 36 for key in keys)
