"""The audit trail: chained by hash, so that any change, gap or removal shows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.functions.cloud import AUDIT, HOME, OTHER, RECORDS, Cloud, Link, tables
from tests.functions.gateway import AUDITOR, OPERATOR, Api, Reply, clinician
from tests.functions.test_records import RECORD

import pytest
from botocore.exceptions import ClientError

Rows = list[dict[str, Any]]


def read(api: Api, patient: str, query: str = "") -> Reply:
    return api("GET", f"/patients/{patient}/audit{query}", caller=AUDITOR)


def add(client: Any, patient: str) -> None:
    """Adds a row to a patient's trail by this client of DynamoDB."""
    from functions.shared.audit import Entry, Trail
    from functions.shared.callers import Caller
    from functions.shared.table import Table

    rows, heads = Table(client, AUDIT, "entity_id", "event_id"), Table(client, RECORDS, "patient_id", "record_id")
    caller = Caller(actor="dr-jones", organisation="clinic-a")
    entry = Entry(caller=caller, action="x", entity=patient, resource="", status=200, correlation_id="added")
    Trail(rows, heads, HOME).append(entry)


def test_an_auditor_sees_who_did_what_and_that_the_chain_is_intact(api: Api, trail: str) -> None:
    reply = read(api, trail)
    assert reply.status == 200
    assert [event["action"] for event in reply.json["events"]] == ["record.create"] * 3 + ["record.list"]
    assert [event["sequence"] for event in reply.json["events"]] == [1, 2, 3, 4]
    assert {event["actor_id"] for event in reply.json["events"]} == {"clinic-a#auth0|dr-jones"}
    assert (reply.json["chains"], reply.json["faults"]) == ({HOME: "intact"}, [])
    assert read(api, trail).json["events"][-1]["action"] == "audit.read"


def test_a_trail_is_verified_page_by_page(api: Api, other: Api, trail: str, link: Link) -> None:
    other("GET", f"/patients/{trail}/records")
    link.restore()
    first = read(api, trail, "?limit=3").json
    assert (len(first["events"]), first["chains"]) == (3, {HOME: "intact"})
    rest = read(api, trail, f"?limit=3&after={first['next']}").json
    assert rest["chains"] == {HOME: "intact", OTHER: "intact"}
    assert rest["next"] is None
    assert rest["faults"] == []


def test_rows_of_the_other_region_that_have_not_come_are_no_proof_of_a_removal(
    api: Api, other: Api, trail: str, link: Link, tampered: Callable[..., None]
) -> None:
    link.cut()
    other("GET", f"/patients/{trail}/records")
    assert read(api, trail).json["chains"] == {HOME: "intact"}
    assert read(other, trail).json["chains"] == {HOME: "intact", OTHER: "intact"}
    link.restore()
    tampered(trail, 0)
    assert read(other, trail).json["chains"] == {HOME: "incomplete", OTHER: "intact"}


def test_callers_at_the_same_time_get_a_row_each(cloud: Cloud, build: Callable[..., Api], patient: str) -> None:
    apis = [build(HOME) for _ in range(4)]
    work = [
        threading.Thread(target=lambda one=one: [one("GET", f"/patients/{patient}/records") for _ in range(5)])
        for one in apis
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    page = read(apis[0], patient).json
    assert [event["sequence"] for event in page["events"]] == list(range(1, 21))
    assert page["chains"] == {HOME: "intact"}


def test_two_functions_that_take_turns_keep_one_chain(
    build: Callable[..., Api], patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.shared.audit.KEPT_HEADS", 1)
    apis = [build(HOME), build(HOME)]
    for number in range(6):
        assert apis[number % 2]("GET", f"/patients/{patient}/records").status == 200
        assert apis[number % 2]("GET", f"/patients/{patient}-2/records").status == 200
    assert read(apis[0], patient).json["chains"] == {HOME: "intact"}


def test_a_trail_that_others_hold_all_the_time_is_answered_with_when_to_come_back(
    api: Api, patient: str, busy: list[object]
) -> None:
    for reply in (api("POST", f"/patients/{patient}/records", RECORD), api("GET", f"/patients/{patient}/records")):
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert len(busy) == 6, "the record's row, the one of its failure, and that of the list, in two rounds each"


def test_a_retry_of_which_the_answer_was_lost_adds_no_second_row(cloud: Cloud, patient: str) -> None:
    import boto3

    client = boto3.client("dynamodb", region_name=HOME)
    # As if the first answer had not come: boto3 sends the request again as it is.
    client.meta.events.register_first(
        "needs-retry.dynamodb.TransactWriteItems", lambda attempts, **_: 0 if attempts == 1 else None
    )
    add(client, patient)
    assert len(cloud.audit(f"clinic-a#{patient}")) == 1


@pytest.fixture
def remove(cloud: Cloud, apart: Api) -> Callable[[str], None]:
    """Removes the only row of a patient's trail there."""

    def made(patient: str) -> None:
        [row] = cloud.audit(f"clinic-a#{patient}", "audit_logs-apart")
        key = {name: {"S": row[name]} for name in ("entity_id", "event_id")}
        cloud.client("dynamodb").delete_item(TableName="audit_logs-apart", Key=key)

    return made


VERIFIED = ["--region", HOME, "--suffix", "apart"]


def test_the_verifier_finds_the_faults_of_all_entities(
    apart: Api, patient: str, remove: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    from functions.verify import main

    for name in ("1", "2", "3"):
        apart("GET", f"/patients/{patient}-{name}/records")
    main(VERIFIED)
    assert patient not in capsys.readouterr().out
    remove(f"{patient}-1")
    remove(f"{patient}-3")
    assert main(VERIFIED) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if patient in line]
    assert lines == [f"clinic-a#{patient}-1 {HOME} 1 missing", f"clinic-a#{patient}-3 {HOME} 1 missing"]


def test_the_verifier_tells_what_it_found_though_an_entity_cannot_be_read(
    apart: Api,
    patient: str,
    remove: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from functions.shared.audit import Trail
    from functions.verify import main

    for name in ("1", "2", "3"):
        apart("GET", f"/patients/{patient}-{name}/records")
    remove(f"{patient}-1")
    remove(f"{patient}-3")
    ends = Trail.ends

    def unreadable(self: Trail, entity: str) -> object:
        if entity.endswith("-2"):
            raise KeyError(entity)
        return ends(self, entity)

    monkeypatch.setattr(Trail, "ends", unreadable)
    assert main(VERIFIED) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if patient in line]
    assert lines == [
        f"clinic-a#{patient}-1 {HOME} 1 missing",
        f"clinic-a#{patient}-2 {HOME} 0 unreadable (KeyError)",
        f"clinic-a#{patient}-3 {HOME} 1 missing",
    ]


def test_another_organisations_trail_is_not_seen(api: Api, trail: str) -> None:
    caller = clinician("clinic-b", groups="[auditor]")
    assert api("GET", f"/patients/{trail}/audit", caller=caller).json["events"] == []


@pytest.mark.parametrize("caller", [clinician(), OPERATOR])
def test_rejects_to_show_the_trail_to_others_than_auditors(api: Api, trail: str, caller: dict[str, Any]) -> None:
    reply = api("GET", f"/patients/{trail}/audit", caller=caller)
    assert (reply.status, reply.json["type"]) == (403, "urn:healthcare-dr:problem:no-role")
    assert read(api, trail).json["events"][-1]["result"] == "refused"


def test_the_verifier_says_so_when_nothing_is_wrong(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    from functions.verify import main

    tables(cloud.aws, "untouched")
    assert main(["--region", HOME, "--suffix", "untouched"]) == 0
    assert capsys.readouterr().out == "0 faults\n"


def test_the_verifier_says_so_when_it_cannot_read(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    from functions.verify import main

    assert main(["--region", HOME, "--suffix", "nowhere"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: not all could be read (ResourceNotFoundException): see '--region' (got:")


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"])
def test_a_transaction_that_dynamodb_was_too_busy_for_is_made_again(
    cloud: Cloud, patient: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cloud.client("dynamodb")
    make = client.transact_write_items
    # The embedded AWS refuses requests, and cancels no transaction for it: in the form that the API's reference gives.
    found: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": [{"Code": "None"}]}
    found["CancellationReasons"].append({"Code": reason})
    busy = [ClientError(found, "TransactWriteItems")] * 3

    def ask(**asked: Any) -> Any:
        if busy:
            raise busy.pop()
        return make(**asked)

    monkeypatch.setattr(client, "transact_write_items", ask)
    add(client, patient)
    assert [row["sequence"] for row in cloud.audit(f"clinic-a#{patient}")] == ["1"]
