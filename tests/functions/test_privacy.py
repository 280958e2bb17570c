"""Nothing that could tell who a patient is leaves the tables and the bucket."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.functions.cloud import HOME, OTHER, REGIONS, Cloud, bucket
from tests.functions.failing import handler as evacuate
from tests.functions.failing import told
from tests.functions.gateway import AUDITOR, DESCRIPTION, Api, Context, Reply, event
from tests.functions.test_access import story
from tests.functions.test_records import RECORD
from tests.functions.watching.test_probe import Run
from tests.functions.watching.test_probe import run as run  # a fixture

import pytest

pytestmark = pytest.mark.usefixtures("serving")

ROOT = Path(__file__).resolve().parents[2]
CANARY = "Canary"
# The most talkative settings a function can be given.
TALKATIVE = {"LOG_LEVEL": "DEBUG", "POWERTOOLS_LOGGER_LOG_EVENT": "true"}
# With these Powertools prints what it does itself, and no more JSON.
DEBUGGED = {"POWERTOOLS_DEBUG": "true", "POWERTOOLS_DEV": "true"}
# A Lambda process: events in, results to a file; all that it prints is what CloudWatch would get.
RUNTIME = """
import json, sys
from functions.api.handler import handler
from tests.functions.gateway import Context
results = [handler(event, Context()) for event in json.load(sys.stdin)]
open(sys.argv[1], "w").write(json.dumps(results))
"""


def invoke(
    cloud: Cloud, events: list[dict[str, object]], results: Path, **settings: str
) -> tuple[list[Reply], list[str]]:
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:functions", "-c", RUNTIME, str(results)],
        cwd=ROOT,
        env={**os.environ, **cloud.environment(HOME), **TALKATIVE, **settings},
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    replies = [Reply.of(result) for result in json.loads(results.read_text())]
    return replies, (done.stdout + done.stderr).splitlines()


UUID = "00000000-0000-4000-8000-000000000000"


def canaries() -> list[tuple[int, dict[str, object]]]:
    """Requests with the canary wherever a caller can put text; served, refused and failing ones."""
    record = {**RECORD, "facility_id": f"{CANARY}-ward", "content": {CANARY: CANARY}}
    at = f"/patients/{CANARY}-1"
    tag = dict.fromkeys(("x-correlation-id", "x-amzn-trace-id", "user-agent", "authorization", "cookie"), CANARY)
    one, scan = f"{at}/records/{UUID}", f"{at}/documents/{CANARY}.pdf"
    keyed = {"idempotency-key": CANARY, "if-match": f'"{CANARY}"', "if-none-match": CANARY}
    pdf, upload = "application/pdf", {"content_type": "application/pdf", "size": 6, "sha256": "0" * 64}
    nobody = {"jwt": {"claims": {"sub": "dr", "org_id": "clinic-a", "scope": CANARY, "groups": f"[{CANARY}]"}}}
    odd = {"jwt": {"claims": {"sub": f"{CANARY} {CANARY}", "org_id": CANARY}}}
    return [
        (201, event("POST", f"{at}/records", record, headers=tag)),
        (201, event("POST", f"{at}/records", record, headers=keyed)),
        (422, event("POST", f"{at}/records", {**record, "content": f"another {CANARY}"}, headers=keyed)),
        (400, event("POST", f"{at}/records", record, headers={"idempotency-key": f"{CANARY} {CANARY}"})),
        (200, event("GET", f"{at}/records?limit=5", headers=tag)),
        (200, event("GET", f"{at}/records?limit=1", headers=tag)),
        (400, event("GET", f"{at}/records?after={CANARY}&{CANARY}=1", headers=tag)),
        (400, event("GET", f"{at}/records?after={CANARY}.{CANARY}")),
        (400, event("GET", f"{at}/records?retracted={CANARY}")),
        (400, event("POST", f"{at}/records", {**record, CANARY: CANARY, "record_type": CANARY})),
        (400, event("POST", f"{at}/records", f'{{"{CANARY}'.encode())),
        (404, event("GET", one)),
        (400, event("GET", f"{at}/records/{CANARY}")),
        (404, event("GET", f"{one}/history")),
        (404, event("PUT", one, record, headers=keyed)),
        (428, event("PUT", one, record)),
        (400, event("DELETE", f"{one}?reason={CANARY}", headers=keyed)),
        (404, event("DELETE", f"{one}?reason=duplicate", headers=keyed)),
        (200, event("GET", f"/facilities/{CANARY}-ward/records")),
        (400, event("GET", f"/facilities/{CANARY}-ward/records?from={CANARY}&to={CANARY}")),
        (201, event("PUT", scan, CANARY.encode(), content_type=pdf, headers={"idempotency-key": CANARY})),
        (412, event("PUT", scan, f"{CANARY} 2".encode(), content_type=pdf, headers={**keyed, "idempotency-key": "2"})),
        (415, event("PUT", scan, CANARY.encode(), content_type=f"text/{CANARY}")),
        (200, event("GET", scan)),
        (200, event("GET", f"{scan}/status")),
        (400, event("GET", f"{scan}?version={CANARY}")),
        (404, event("GET", f"{scan}?version={UUID}")),
        (415, event("PUT", f"{at}/documents/{CANARY}.txt", f"{CANARY}\ufffd".encode(), content_type="text/plain")),
        (415, event("PUT", f"{at}/documents/{CANARY}.txt", b"x", content_type=f"text/plain; charset={CANARY}")),
        (200, event("GET", f"{scan}/download")),
        (200, event("GET", f"{at}/documents")),
        (201, event("POST", f"{scan}/uploads", upload)),
        (201, event("POST", f"{scan}/uploads", upload, headers=keyed)),
        (422, event("POST", f"{scan}/uploads", {**upload, "size": 7}, headers=keyed)),
        (400, event("POST", f"{scan}/uploads", {**upload, "content_type": CANARY, "sha256": CANARY, CANARY: 1})),
        (400, event("POST", f"{scan}/versions", {"upload": CANARY})),
        (404, event("GET", f"{at}/documents/{CANARY}-lost.pdf")),
        (404, event("GET", f"{at}/documents/{CANARY}-lost.pdf/download")),
        (403, event("GET", f"{at}/audit")),
        (200, event("GET", f"{at}/audit", caller=AUDITOR)),
        (404, event("GET", f"{at}%00{CANARY}/records")),
        (404, event("PATCH", f"/{CANARY}/{CANARY}")),
        (403, event("GET", f"{at}/records", caller=nobody)),
        (500, event("GET", f"/patients/{CANARY}-broken/records")),
        (403, event("GET", f"{at}/records", caller=odd)),
    ]


def everywhere() -> list[dict[str, object]]:
    """For everything that a request may hold by its description a request that has the canary there and in its path."""
    path_of = {"record_id": UUID, "patient_id": f"{CANARY}-2", "facility_id": f"{CANARY}-ward", "name": f"{CANARY}.pdf"}
    valid = {
        "NewRecord": RECORD,
        "NewUpload": {"content_type": "application/pdf", "size": 6, "sha256": "0" * 64},
        "Completion": {"upload": CANARY},
    }
    made = list[dict[str, object]]()
    for template, item in DESCRIPTION["paths"].items():
        for method, operation in item.items():
            contents = operation.get("requestBody", {}).get("content", {})
            body: Any = CANARY.encode() if contents else None
            kind = next(iter(contents), "application/json")
            if kind == "application/json" and contents:
                model, path = contents[kind]["schema"]["$ref"].rpartition("/")[2], template.format(**path_of)
                body, fields = valid[model], DESCRIPTION["components"]["schemas"][model]["properties"]
                made += [event(method.upper(), path, {**body, field: CANARY}) for field in fields]
            for parameter in operation.get("parameters", []):
                name, where = parameter["name"], parameter["in"]
                path = template.format(**{**path_of, **({name: CANARY} if where == "path" else {})})
                query = f"?{name}={CANARY}" if where == "query" else ""
                headers = {name.lower(): CANARY} if where == "header" else {}
                made.append(event(method.upper(), path + query, body, content_type=kind, headers=headers))
    return made


@pytest.fixture(scope="module")
def ran(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Reply], list[str]]:
    """What the requests were answered, and all that was printed."""
    key = {"patient_id": {"S": f"clinic-a#{CANARY}-broken"}, "record_id": {"S": f"record#{CANARY}"}}
    cloud.client("dynamodb").put_item(TableName="patient_records-test", Item=key)
    statuses, events = zip(*canaries(), strict=True)
    replies, lines = invoke(cloud, list(events), tmp_path_factory.mktemp("lambda") / "results.json")
    assert [reply.status for reply in replies] == list(statuses)
    return replies, lines


@pytest.fixture(scope="module")
def printed(ran: tuple[list[Reply], list[str]]) -> list[str]:
    return ran[1]


def found(*texts: object) -> list[object]:
    """Those of the texts that hold the canary."""
    return [text for text in texts if CANARY.lower() in str(text).lower()]


def test_nothing_of_a_request_is_told_wherever_it_stands(cloud: Cloud, tmp_path: Path) -> None:
    replies, lines = invoke(cloud, everywhere(), tmp_path / "results.json")
    assert len(replies) > 50
    refused = [reply for reply in replies if reply.status >= 400]
    assert not found(*lines, *(reply.body for reply in refused), *(reply.headers for reply in refused))
    keys = ("entity_id", "actor_id", "resource")
    rows = [row for entity in (f"{CANARY}-2", CANARY, "-") for row in cloud.audit(f"clinic-a#{entity}")]
    assert len(rows) > 40
    assert not found(*(value for row in rows for name, value in row.items() if name not in keys))


def test_no_error_answer_holds_anything_of_a_request(ran: tuple[list[Reply], list[str]]) -> None:
    refused = [reply for reply in ran[0] if reply.status >= 400]
    assert len(refused) > 20
    assert not found(*(reply.body for reply in refused), *(reply.headers for reply in refused))


def test_no_audit_row_holds_more_of_a_request_than_who_and_what(
    cloud: Cloud, ran: tuple[list[Reply], list[str]]
) -> None:
    entities = [f"clinic-a#{CANARY}-1", f"clinic-a#facility:{CANARY}-ward", "clinic-a#-", f"#{CANARY}-1"]
    rows = [row for entity in entities for row in cloud.audit(entity)]
    assert {row["correlation_id"] for row in rows} >= {reply.headers["X-Correlation-Id"] for reply in ran[0][:-2]}
    # A trail is useless without the patient or facility, the caller, and the record or document that the path names.
    named = {f"{CANARY}.pdf", f"{CANARY}.txt", f"{CANARY}-lost.pdf", CANARY}
    for row in rows:
        assert not found(*(value for name, value in row.items() if name not in ("entity_id", "actor_id", "resource")))
        assert row["resource"] in named or not found(row["resource"])


@pytest.mark.usefixtures("ran")
def test_what_the_failover_tells_and_the_probe_measures_holds_nothing_of_a_request(
    cloud: Cloud, run: Run, alarm: dict[str, Any]
) -> None:
    evacuate(cloud)(alarm, Context())
    run()
    cloud.aws.heal()
    notices = [notice for region in REGIONS for notice in told(cloud, region)]
    metrics = [metric for region in REGIONS for metric in cloud.client("cloudwatch", region).list_metrics()["Metrics"]]
    assert any("was evacuated" in notice for notice in notices)
    assert any(metric["MetricName"] == "Healthy" for metric in metrics)
    assert not found(*notices, *metrics)


def test_no_log_line_holds_anything_of_a_request(printed: list[str]) -> None:
    assert printed
    assert not found(*printed)


def test_no_log_line_holds_anything_of_a_request_in_an_outage(cloud: Cloud, tmp_path: Path) -> None:
    from functions.api.guard import MISSING_ROW

    cloud.aws.fault(region=HOME, mode="error")
    replies, lines = invoke(cloud, [canaries()[0][1]], tmp_path / "results.json")
    assert [reply.status for reply in replies] == [503]
    assert MISSING_ROW in [json.loads(line).get("message") for line in lines], "the alarm looks for it"
    assert not found(*lines, *(reply.body for reply in replies), *(reply.headers for reply in replies))


def test_no_log_line_holds_anything_of_what_is_served_by_any_route(
    cloud: Cloud, api: Api, other: Api, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    from functions.api.routes import ROUTES

    caplog.set_level(logging.INFO)
    story(api, f"{CANARY}-story", CANARY)
    served = {vars(record).get("route") for record in caplog.records}
    assert served >= {f"{route.method} {route.path}" for routes in ROUTES.values() for route in routes}
    path = f"/patients/{CANARY}-story/documents/scan-{CANARY}-story.pdf"
    for region in (HOME, OTHER):
        cloud.aws.fault(region=region, service="s3", mode="error")
    for asked in (path, f"{path}/status", f"{path}/download"):
        other("GET", asked)
    assert other("PUT", path, CANARY.encode(), content_type="application/pdf").status == 503
    assert {"replication not confirmed", "request failed"} <= set(caplog.messages)
    assert not found(*(vars(record) for record in caplog.records), capsys.readouterr().out)


def test_no_log_line_holds_anything_of_a_request_where_powertools_is_debugged(cloud: Cloud, tmp_path: Path) -> None:
    _, lines = invoke(cloud, [request for _, request in canaries()], tmp_path / "results.json", **DEBUGGED)
    assert any("aws_lambda_powertools" in line for line in lines)
    assert not found(*lines)


def test_every_request_has_one_structured_line(ran: tuple[list[Reply], list[str]], printed: list[str]) -> None:
    requests = [line for line in map(json.loads, printed) if line.get("message") == "request"]
    assert [line["correlation_id"] for line in requests] == [reply.headers["X-Correlation-Id"] for reply in ran[0]]
    for line in requests:
        assert line["service"] == "api"
        assert line["region"] == HOME
        assert line["function_request_id"]
        assert line["route"] == "$default" or "_id}" in line["route"]
        assert line["latency_ms"] >= 0


def test_every_request_is_counted_and_timed_by_its_route(printed: list[str]) -> None:
    lines = [json.loads(line) for line in printed]
    measured = [line for line in lines if "_aws" in line]
    assert [line["route"] for line in measured] == [line["route"] for line in lines if line.get("message") == "request"]
    [directive] = measured[0]["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "HealthcareDr/Api"
    assert directive["Dimensions"] == [["service", "route"]] or sorted(directive["Dimensions"][0]) == [
        "route",
        "service",
    ]
    assert sum(line["Requests"][0] for line in measured) == len(canaries())
    assert sum(line["Failures"][0] for line in measured) == 1
    assert sum(line["Refusals"][0] for line in measured) == sum(400 <= status < 500 for status, _ in canaries())
    assert all(line["Latency"][0] > 0 for line in measured)


def test_no_object_key_or_metadata_holds_anything_of_a_request(cloud: Cloud, printed: list[str]) -> None:
    for region in REGIONS:
        client = cloud.client("s3", region)
        for entry in client.list_objects_v2(Bucket=bucket(region)).get("Contents", []):
            head = client.head_object(Bucket=bucket(region), Key=entry["Key"])
            assert CANARY not in entry["Key"] + json.dumps(head, default=str)
