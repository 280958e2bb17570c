"""Who calls, what the audit trail says of it, and what a failure tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.functions.cloud import AUDIT, HOME, OTHER, RECORDS, Cloud, bucket
from tests.functions.gateway import AUDITOR, Api, Reply, clinician
from tests.functions.test_documents import put
from tests.functions.test_records import RECORD
from tests.functions.test_transfers import announced, begin, send

import pytest

SIGNED = {"iam": {"userArn": "arn:aws:sts::222222222222:assumed-role/ward/jones", "accountId": "222222222222"}}
STRANGERS: list[dict[str, Any]] = [
    {"jwt": {"claims": {"sub": "auth0|dr-jones", "groups": "[clinician]"}}},
    clinician(""),
    clinician("clinic-a#P-1"),
    clinician(subject=""),
    clinician(subject="dr\njones"),
    {},
]
# What a route answers to another organisation's caller: the status, or a page that holds nothing.
ANSWERS: dict[str, object] = {
    "record.create": 201,  # one of their own
    "record.list": {"records": [], "next": None},
    "record.read": 404,
    "record.update": 404,
    "record.retract": 404,
    "record.history": 404,
    "facility.list": {"records": [], "next": None},
    "document.list": {"documents": [], "next": None},
    "document.put": 201,
    "document.get": 404,
    "document.status": 404,
    "document.upload": 201,
    "document.complete": 400,  # to them the token of an upload is none
    "document.download": 404,
    "audit.read": {"events": [], "chains": {}, "faults": [], "next": None},
}


def record(api: Api, patient: str, **options: Any) -> Reply:
    return api("POST", f"/patients/{patient}/records", RECORD, **options)


def story(api: Api, patient: str, content: str = "%PDF") -> list[Reply]:
    """Requests that are served, of every route one at least; ``content`` is what they hold."""
    at, scan = f"/patients/{patient}", f"/patients/{patient}/documents/scan-{patient}.pdf"
    body, data = {**RECORD, "facility_id": f"w-{patient}", "content": content}, content.encode()
    created = api("POST", f"{at}/records", body)
    one = created.headers["Location"]
    gets = [api("GET", path) for path in (f"{at}/records", one, f"{one}/history", f"/facilities/w-{patient}/records")]
    updated = api("PUT", one, body, headers={"if-match": created.headers["ETag"]})
    retracted = api("DELETE", f"{one}?reason=duplicate", headers={"if-match": updated.headers["ETag"]})
    begun = api("POST", f"{scan}/uploads", announced(data))
    assert send(begun.json, data) == 200
    completed = api("POST", f"{scan}/versions", {"upload": begun.json["upload"]})
    put = api("PUT", scan, data, content_type="application/pdf")
    gets += [api("GET", path) for path in (f"{at}/documents", scan, f"{scan}/status", f"{scan}/download")]
    read = api("GET", f"{at}/audit", caller=AUDITOR)
    replies = [created, *gets, updated, retracted, begun, completed, put, read]
    assert [reply for reply in replies if reply.status >= 400] == []
    return replies


def test_every_access_adds_one_audit_row_that_says_who_did_what(cloud: Cloud, api: Api, patient: str) -> None:
    at, options = f"/patients/{patient}", {"content_type": "application/pdf"}
    replies = [
        record(api, patient),
        api("GET", f"{at}/records"),
        api("POST", f"{at}/records", {}),
        api("PUT", f"{at}/documents/scan.pdf", b"%PDF", **options),
        api("GET", f"{at}/documents/scan.pdf"),
        api("GET", f"{at}/documents/lost.pdf"),
        api("PUT", f"{at}/documents/huge.pdf", bytes(4 * 1024 * 1024 + 1), **options),
    ]
    rows = cloud.audit(f"clinic-a#{patient}")
    assert [(row["action"], row["result"], int(row["status"])) for row in rows] == [
        ("record.create", "allowed", 201),
        ("record.list", "allowed", 200),
        ("record.create", "refused", 400),
        ("document.put", "allowed", 201),
        ("document.get", "allowed", 200),
        ("document.get", "refused", 404),
        ("document.put", "refused", 413),
    ]
    assert [row["correlation_id"] for row in rows] == [reply.headers["X-Correlation-Id"] for reply in replies]
    assert {row["actor_id"] for row in rows} == {"clinic-a#auth0|dr-jones"}
    assert {row["region"] for row in rows} == {HOME}
    assert [row["resource"] for row in rows][3:] == ["scan.pdf", "scan.pdf", "lost.pdf", "huge.pdf"]
    assert all(row["event_id"].startswith(row["occurred_at"]) for row in rows)


def test_every_route_that_serves_adds_one_row(cloud: Cloud, api: Api, patient: str) -> None:
    from functions.api.routes import ROUTES

    replies = story(api, patient)
    rows = [row for entity in (patient, f"facility:w-{patient}") for row in cloud.audit(f"clinic-a#{entity}")]
    assert sorted(row["correlation_id"] for row in rows) == sorted(r.headers["X-Correlation-Id"] for r in replies)
    assert {row["result"] for row in rows} == {"allowed"}
    assert {row["action"] for row in rows} == {route.action for routes in ROUTES.values() for route in routes}


def member(organisation: str) -> dict[str, Any]:
    """A caller with every role; each organisation has one of this name."""
    return {"jwt": {"claims": {"sub": "auth0|dr-jones", "org_id": organisation, "scope": "clinician auditor operator"}}}


def holdings(cloud: Cloud, patient: str) -> tuple[list[Any], ...]:
    """All that clinic-a has of a patient: rows, audit rows, versions of objects."""
    rows, s3 = cloud.rows(f"clinic-a#{patient}"), cloud.client("s3")
    keys = [row.get("object_key", f"documents/{row['version_id']}") for row in rows]
    objects = [s3.list_object_versions(Bucket=bucket(HOME), Prefix=key).get("Versions") for key in keys]
    audit = [cloud.audit(f"clinic-a#{entity}") for entity in (patient, f"facility:w-{patient}")]
    return rows, audit, objects


def served(api: Api, patient: str) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Gives clinic-a a record, a document and an upload: what paths call them, and with what the routes serve it."""
    data, keyed = b"%PDF of clinic-a", {"headers": {"idempotency-key": "k"}}
    stored = {"body": data, "content_type": "application/pdf", **keyed}
    at, scan = f"/patients/{patient}/records", f"/patients/{patient}/documents/scan.pdf"
    record = api("POST", at, {**RECORD, "facility_id": f"w-{patient}", "content": "of clinic-a"})
    upload = begin(api, patient, data, key="k").json
    assert (api("PUT", scan, **stored).status, send(upload, data)) == (201, 200)
    tagged = {"headers": {"if-match": record.headers["ETag"]}}
    named = {"patient_id": patient, "facility_id": f"w-{patient}", "record_id": record.json["record_id"]}
    return {**named, "name": "scan.pdf"}, {
        "record.create": {"body": RECORD},
        "record.update": {"body": RECORD, **tagged},
        "record.retract": tagged,
        "document.put": stored,
        "document.upload": {"body": announced(data), **keyed},
        "document.complete": {"body": {"upload": upload["upload"]}},
    }


@pytest.mark.parametrize("action", ANSWERS)
def test_no_route_shows_or_changes_anything_of_another_organisation(
    cloud: Cloud, api: Api, patient: str, action: str
) -> None:
    from functions.api.routes import ROUTES

    routes = {route.action: route for routes in ROUTES.values() for route in routes}
    assert routes.keys() == ANSWERS.keys()
    route, (named, options) = routes[action], served(api, patient)
    path = route.path.format(**named) + ("?reason=duplicate" if "reason" in route.query else "")
    rows, _, objects = before = holdings(cloud, patient)
    assert sum(map(bool, objects)) == 2  # the document's and the upload's
    ids = {row[name] for row in rows for name in ("version_id", "object_key") if name in row}
    secrets = {"clinic-a", named["record_id"], *ids}

    reply = api(route.method, path, caller=member("clinic-b"), **options.get(action, {}))
    made = cloud.rows(f"clinic-b#{patient}")
    assert (reply.json if reply.status == 200 else reply.status) == ANSWERS[action]
    assert len(made) == (reply.status == 201)
    assert [secret for secret in secrets if secret in f"{reply} {made}"] == []
    assert holdings(cloud, patient) == before

    # The same request serves clinic-a, and what was searched for is where there is anything to be seen.
    own = api(route.method, path, caller=member("clinic-a"), **options.get(action, {}))
    assert own.status == route.status
    assert own.status == 201 or [secret for secret in secrets if secret in f"{own}"]


def test_the_audit_row_names_the_region_that_served(cloud: Cloud, other: Api, patient: str) -> None:
    record(other, patient)
    assert [row["region"] for row in cloud.audit(f"clinic-a#{patient}")] == [OTHER]


def test_a_signed_caller_belongs_to_their_account(cloud: Cloud, api: Api, patient: str) -> None:
    assert record(api, patient, caller=SIGNED).status == 201
    [row] = cloud.audit(f"222222222222#{patient}")
    assert row["actor_id"] == f"222222222222#{SIGNED['iam']['userArn']}"


def test_answers_are_never_stored_or_guessed_at(api: Api, patient: str) -> None:
    for reply in (api("GET", f"/patients/{patient}/records"), api("POST", f"/patients/{patient}/records", {})):
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("caller", STRANGERS)
def test_rejects_a_caller_without_organisation_and_audits_it(
    cloud: Cloud, api: Api, patient: str, caller: dict[str, Any]
) -> None:
    assert record(api, patient, caller=caller).status == 403
    assert [row["result"] for row in cloud.audit(f"#{patient}")] == ["refused"]


def test_rejects_a_patient_id_outside_the_rules(cloud: Cloud, api: Api) -> None:
    before = len(cloud.audit("clinic-a#-"))
    for patient_id in ("-", "a%20b", "a" * 65, "clinic-b%23P-1", "%C3%A9"):
        assert record(api, patient_id).status in (400, 404)
    assert len(cloud.audit("clinic-a#-")) == before + 5


def test_rejects_an_unknown_route_and_audits_it(cloud: Cloud, api: Api) -> None:
    before = len(cloud.audit("clinic-a#-"))
    assert api("DELETE", "/patients/P-1/records").status == 404
    assert api("GET", "/patients/P-1/documents/a%2F..%2Fb").status == 404
    assert len(cloud.audit("clinic-a#-")) == before + 2


def test_a_read_that_cannot_be_audited_returns_no_data(build: Callable[..., Api], api: Api, patient: str) -> None:
    record(api, patient)
    reply = build(HOME, AUDIT_LOGS_TABLE="missing")("GET", f"/patients/{patient}/records")
    assert reply.status == 503
    assert "records" not in reply.json


def test_a_refusal_stands_though_it_cannot_be_audited(build: Callable[..., Api], patient: str) -> None:
    assert build(HOME, AUDIT_LOGS_TABLE="missing")("POST", f"/patients/{patient}/records", {}).status == 400


@pytest.mark.parametrize("mode", ["drop", "error", "throttle"])
def test_an_outage_of_the_table_is_answered_with_when_to_come_back(
    cloud: Cloud, api: Api, patient: str, mode: str
) -> None:
    cloud.aws.fault(region=HOME, service="dynamodb", mode=mode)
    reply = record(api, patient)
    assert reply.status == 503
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Retry-After"] == "5"
    assert reply.json["correlation_id"] == reply.headers["X-Correlation-Id"]


@pytest.mark.parametrize("mode", ["drop", "error", "throttle"])
def test_calls_succeed_while_a_part_of_what_they_ask_of_the_table_fails(
    cloud: Cloud, api: Api, patient: str, mode: str
) -> None:
    cloud.aws.fault(region=HOME, service="dynamodb", mode=mode, share=0.3)
    replies = [record(api, patient), record(api, patient), api("GET", f"/patients/{patient}/records")]
    cloud.aws.heal()
    assert [reply.status for reply in replies] == [201, 201, 200]
    made = {reply.json["record_id"] for reply in replies[:2]}
    assert {row["record_id"] for row in api("GET", f"/patients/{patient}/records").json["records"]} == made
    rows = cloud.audit(f"clinic-a#{patient}")
    assert [row["action"] for row in rows] == ["record.create", "record.create", "record.list", "record.list"]


def test_documents_are_stored_and_read_while_a_part_of_what_is_asked_of_the_bucket_fails(
    cloud: Cloud, api: Api, patient: str
) -> None:
    path = f"/patients/{patient}/documents/scan.pdf"
    cloud.aws.fault(region=HOME, service="s3", mode="error", share=0.3)
    replies = [api("PUT", path, b"%PDF", content_type="application/pdf"), api("GET", path)]
    assert [reply.status for reply in replies] == [201, 200]


def test_a_call_of_aws_is_tried_again_after_a_while_that_nobody_foresees(
    cloud: Cloud, api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore import endpoint

    waited = list[float]()
    monkeypatch.setattr(endpoint.time, "sleep", waited.append)
    cloud.aws.fault(region=HOME, service="dynamodb", mode="error")
    api("GET", f"/patients/{patient}/records")
    # Anything up to a second, and then up to two, of which the tests make tenths.
    assert all(0 < seconds <= limit for seconds, limit in zip(waited[:2], (0.1, 0.2), strict=True))
    assert len(set(waited)) == len(waited)


def test_no_call_is_begun_that_could_outlast_the_gateway(
    cloud: Cloud, api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.shared.clients.BUDGET_SECONDS", 8.9)
    assert record(api, patient).status == 503
    assert cloud.rows(f"clinic-a#{patient}") == []


def test_a_client_is_made_of_every_service_that_is_known(cloud: Cloud) -> None:
    from functions.shared import clients

    known = clients._Services().list_available_services("service-2")
    made = [clients.Clients(HOME).client(service, clients.BRIEF) for service in known]
    assert [client.meta.service_model.service_name for client in made] == known


@pytest.mark.parametrize("region", [HOME, OTHER, "eu-west-1"])
@pytest.mark.parametrize("operation", ["put_object", "get_object"])
def test_a_signed_url_leads_to_its_own_regions_endpoint(
    region: str, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.shared.clients import Clients

    monkeypatch.delenv("AWS_ENDPOINT_URL")
    url = Clients(region).s3.generate_presigned_url(operation, {"Bucket": "documents", "Key": "k"})
    assert urlsplit(url).netloc == f"documents.s3.{region}.amazonaws.com"


def test_an_attempt_that_could_outlast_the_call_is_not_begun() -> None:
    from functions.shared.clients import BUDGET_SECONDS, Bounds, Budget, BudgetExhaustedError

    budget = Budget()
    budget.check(Bounds(1, 1e9))  # outside of a call there is no limit
    budget.restart()
    budget.check(Bounds(1, BUDGET_SECONDS - 3))
    with pytest.raises(BudgetExhaustedError):
        budget.check(Bounds(1, BUDGET_SECONDS))


@pytest.fixture
def hasty(build: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> Api:
    """An API that has 5 s for a call, of which an attempt that hangs leaves too few for another one."""
    from functions.shared import clients

    monkeypatch.setattr(clients, "BUDGET_SECONDS", 5.0)
    monkeypatch.setattr(clients, "USUAL", clients.Bounds(0.5, 2.5, attempts=3))
    monkeypatch.setattr(clients, "BRIEF", clients.Bounds(0.25, 1.25))
    return build(HOME)


@pytest.mark.parametrize(("mode", "seconds"), [("hang", 0), ("trickle", 0.3)])
def test_a_table_that_hangs_is_answered_within_the_calls_time(
    cloud: Cloud, hasty: Api, patient: str, mode: str, seconds: float
) -> None:
    cloud.aws.fault(region=HOME, service="dynamodb", mode=mode, seconds=seconds)
    started = time.monotonic()
    reply = record(hasty, patient)
    assert time.monotonic() - started < 7.0  # as 30 s are 2 s more than 28 s
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")


def test_a_call_that_gave_up_leaves_its_row_if_the_table_is_well_by_then(
    cloud: Cloud, hasty: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.api.guard import Guard

    log = Guard._log

    def healing(self: Guard, message: str, error: Exception) -> None:
        log(self, message, error)
        assert (message, type(error).__name__) == ("request failed", "BudgetExhaustedError")
        cloud.aws.heal()

    monkeypatch.setattr(Guard, "_log", healing)
    cloud.aws.fault(region=HOME, service="dynamodb", mode="hang")
    assert record(hasty, patient).status == 503
    [row] = cloud.audit(f"clinic-a#{patient}")
    assert (row["action"], row["result"], row["status"]) == ("record.create", "failed", "503")


@pytest.fixture
def scan(api: Api, patient: str) -> str:
    """The path of a document that was uploaded while there was time."""
    uploaded = put(api, patient)
    assert uploaded.status == 201
    return str(uploaded.headers["Location"])


def test_a_document_that_comes_too_slowly_is_given_up_in_time_for_its_row(
    cloud: Cloud, scan: str, hasty: Api, patient: str
) -> None:
    cloud.aws.fault(region=HOME, service="s3", mode="trickle", seconds=1)
    started = time.monotonic()
    reply = hasty("GET", scan)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert time.monotonic() - started < 5.0
    row = cloud.audit(f"clinic-a#{patient}")[-1]
    assert (row["action"], row["result"], row["status"]) == ("document.get", "failed", "503")


def test_an_unforeseen_error_tells_nothing_of_itself(cloud: Cloud, api: Api, patient: str) -> None:
    key = {"patient_id": {"S": f"clinic-a#{patient}"}, "record_id": {"S": "record#x"}}
    cloud.client("dynamodb").put_item(TableName=RECORDS, Item=key)
    reply = api("GET", f"/patients/{patient}/records")
    assert reply.status == 500
    assert set(reply.json) == {"type", "title", "status", "correlation_id"}


def test_rejects_to_start_without_its_configuration(cloud: Cloud) -> None:
    from functions.shared.configuration import Configuration

    environment = {**cloud.environment(HOME), "AUDIT_LOGS_TABLE": ""}
    del environment["DOCUMENTS_BUCKET"]
    with pytest.raises(RuntimeError, match=r"are not set: AUDIT_LOGS_TABLE, DOCUMENTS_BUCKET$"):
        Configuration.from_environment(environment)


def test_tables_and_buckets_are_those_of_the_environment(cloud: Cloud) -> None:
    from functions.shared.configuration import Configuration

    configuration = Configuration.from_environment(cloud.environment(OTHER))
    assert configuration.aws_region == OTHER
    assert configuration.audit_logs_table == AUDIT
    assert configuration.documents_bucket == bucket(OTHER)
