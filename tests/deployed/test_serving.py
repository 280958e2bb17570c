"""Patients' data through the deployed APIs."""

import json

from drill.client import ApiClient
from drill.deployment import Deployment
from drill.emulator import EmbeddedAws

import pytest

EAST, WEST = "us-east-1", "us-west-2"


def record(text: str) -> bytes:
    """A record as a caller sends it."""
    fields = {"record_type": "note", "facility_id": "north", "recorded_at": "2026-01-05T09:30:00Z"}
    return json.dumps({**fields, "content": {"text": text}}).encode()


@pytest.mark.parametrize(("writer", "reader"), [(EAST, WEST), (WEST, EAST)])
def test_a_record_written_in_one_region_is_read_in_the_other(
    writer: str, reader: str, clients: dict[str, ApiClient]
) -> None:
    path = f"/patients/written-in-{writer}/records"
    assert clients[writer].call("POST", path, record(writer), content_type="application/json").status == 201
    answer = clients[reader].call("GET", path)
    assert answer.status == 200
    assert [found["content"] for found in json.loads(answer.body)["records"]] == [{"text": writer}]


@pytest.mark.parametrize(("here", "there"), [(EAST, WEST), (WEST, EAST)])
def test_a_document_is_replicated_under_the_key_of_the_other_region(
    here: str, there: str, clients: dict[str, ApiClient], aws: EmbeddedAws, deployment: Deployment
) -> None:
    path = f"/patients/uploaded-in-{here}/documents/scan.pdf"
    uploaded = clients[here].call("PUT", path, b"%PDF-1.7 scan", content_type="application/pdf")
    assert (uploaded.status, json.loads(uploaded.body)["replication"]) == (201, "replicated")
    downloaded = clients[there].call("GET", path)
    assert (downloaded.status, downloaded.body) == (200, b"%PDF-1.7 scan")
    for region in (here, there):
        s3, bucket = aws.client("s3", region), deployment.outputs(region)["document_bucket"]
        for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
            assert f"arn:aws:kms:{region}:" in s3.head_object(Bucket=bucket, Key=found["Key"])["SSEKMSKeyId"]


@pytest.mark.parametrize("region", [EAST, WEST])
def test_the_health_check_needs_no_signature_and_tells_nothing(region: str, clients: dict[str, ApiClient]) -> None:
    answer = clients[region].call("GET", "/healthz", signed=False)
    assert (answer.status, answer.body) == (200, b"serving")


@pytest.mark.parametrize("region", [EAST, WEST])
@pytest.mark.parametrize("path", ["/patients/p/records", "/patients/p/documents/d"])
def test_rejects_unsigned_calls_of_patients_routes(region: str, path: str, clients: dict[str, ApiClient]) -> None:
    assert clients[region].call("GET", path, signed=False).status == 403


def test_every_call_leaves_an_audit_row_in_both_regions(clients: dict[str, ApiClient], aws: EmbeddedAws) -> None:
    path = "/patients/audited/records"
    clients[EAST].call("POST", path, record("audited"), content_type="application/json")
    clients[WEST].call("GET", path)
    for region in (EAST, WEST):
        rows = aws.client("dynamodb", region).scan(TableName="audit_logs-test")["Items"]
        audited = [row for row in rows if "audited" in row["entity_id"]["S"]]
        told = {tuple(row[name]["S"] for name in ("action", "region", "result")) for row in audited}
        assert told == {("record.create", EAST, "allowed"), ("record.list", WEST, "allowed")}


def test_the_survivor_serves_alone_what_was_written_before(clients: dict[str, ApiClient], aws: EmbeddedAws) -> None:
    path = "/patients/survivor/records"
    assert clients[EAST].call("POST", path, record("before"), content_type="application/json").status == 201
    aws.fault(region=EAST)
    try:
        assert clients[WEST].call("GET", "/healthz", signed=False).status == 200
        assert b"before" in clients[WEST].call("GET", path).body
        assert clients[WEST].call("POST", path, record("during"), content_type="application/json").status == 201
    finally:
        aws.heal()
