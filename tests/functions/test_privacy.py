"""Nothing that could tell who a patient is leaves the tables and the bucket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.functions.cloud import HOME, REGIONS, Cloud, bucket
from tests.functions.gateway import Reply, event
from tests.functions.test_records import RECORD

import pytest

ROOT = Path(__file__).resolve().parents[2]
CANARY = "Canary"
# The most talkative settings a function can be given.
TALKATIVE = {"LOG_LEVEL": "DEBUG", "POWERTOOLS_LOGGER_LOG_EVENT": "true"}
# A Lambda process: events in, results to a file; all that it prints is what CloudWatch would get.
RUNTIME = """
import json, sys
from functions.api.handler import handler
from tests.functions.gateway import Context
results = [handler(event, Context()) for event in json.load(sys.stdin)]
open(sys.argv[1], "w").write(json.dumps(results))
"""


def run(cloud: Cloud, events: list[dict[str, object]], results: Path) -> tuple[list[Reply], list[str]]:
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:functions", "-c", RUNTIME, str(results)],
        cwd=ROOT,
        env={**os.environ, **cloud.environment(HOME), **TALKATIVE},
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    replies = [Reply.of(result) for result in json.loads(results.read_text())]
    return replies, (done.stdout + done.stderr).splitlines()


def canaries() -> list[dict[str, object]]:
    """Requests with the canary wherever a caller can put text; served, refused and failing ones."""
    record = {**RECORD, "facility_id": f"{CANARY}-ward", "content": {CANARY: CANARY}}
    at, tag = f"/patients/{CANARY}-1", {"x-correlation-id": CANARY, "x-amzn-trace-id": CANARY, "user-agent": CANARY}
    return [
        event("POST", f"{at}/records", record, headers=tag),
        event("GET", f"{at}/records?limit=5", headers=tag),
        event("GET", f"{at}/records?after={CANARY}&{CANARY}=1", headers=tag),
        event("POST", f"{at}/records", {**record, CANARY: CANARY, "record_type": CANARY}),
        event("POST", f"{at}/records", f'{{"{CANARY}'.encode()),
        event("PUT", f"{at}/documents/{CANARY}.pdf", CANARY.encode(), content_type="application/pdf"),
        event("PUT", f"{at}/documents/{CANARY}.pdf", CANARY.encode(), content_type=f"text/{CANARY}"),
        event("GET", f"{at}/documents/{CANARY}.pdf"),
        event("GET", f"{at}/documents/{CANARY}-lost.pdf"),
        event("GET", f"{at}%00{CANARY}/records"),
        event("PATCH", f"/{CANARY}/{CANARY}"),
        event("GET", f"/patients/{CANARY}-broken/records"),
        event("GET", f"{at}/records", caller={"jwt": {"claims": {"sub": f"{CANARY} {CANARY}", "org_id": CANARY}}}),
    ]


@pytest.fixture(scope="module")
def printed(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    key = {"patient_id": {"S": f"clinic-a#{CANARY}-broken"}, "record_id": {"S": f"record#{CANARY}"}}
    cloud.client("dynamodb").put_item(TableName="patient_records-test", Item=key)
    replies, lines = run(cloud, canaries(), tmp_path_factory.mktemp("lambda") / "results.json")
    assert [reply.status for reply in replies] == [201, 200, 400, 400, 400, 201, 415, 200, 404, 404, 404, 500, 403]
    assert not [reply.body for reply in replies if reply.status >= 400 and CANARY.encode() in reply.body]
    return lines


def test_no_log_line_holds_anything_of_a_request(printed: list[str]) -> None:
    assert printed
    assert not [line for line in printed if CANARY.lower() in line.lower()]


def test_no_log_line_holds_anything_of_a_request_in_an_outage(cloud: Cloud, tmp_path: Path) -> None:
    cloud.aws.fault(region=HOME, mode="error")
    replies, lines = run(cloud, canaries()[:1], tmp_path / "results.json")
    assert [reply.status for reply in replies] == [503]
    assert not [line for line in lines if CANARY.lower() in line.lower()]


def test_every_request_has_one_structured_line(printed: list[str]) -> None:
    lines = [json.loads(line) for line in printed]
    requests = [line for line in lines if line["message"] == "request"]
    assert len(requests) == len(canaries())
    for line in requests:
        assert line["service"] == "api"
        assert line["region"] == HOME
        assert line["correlation_id"]
        assert line["function_request_id"]
        assert line["route"] == "$default" or "{patient_id}" in line["route"]
        assert line["latency_ms"] >= 0


def test_no_object_key_or_metadata_holds_anything_of_a_request(cloud: Cloud, printed: list[str]) -> None:
    for region in REGIONS:
        client = cloud.client("s3", region)
        for entry in client.list_objects_v2(Bucket=bucket(region)).get("Contents", []):
            head = client.head_object(Bucket=bucket(region), Key=entry["Key"])
            assert CANARY not in entry["Key"] + json.dumps(head, default=str)
