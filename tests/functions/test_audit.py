"""The audit trail: chained by hash, so that any change, gap or removal shows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from tests.functions.cloud import AUDIT, HOME, OTHER, RECORDS, Cloud, Link
from tests.functions.gateway import AUDITOR, OPERATOR, Api, Reply, clinician
from tests.functions.test_records import RECORD

import pytest

Rows = list[dict[str, Any]]


def read(api: Api, patient: str, query: str = "") -> Reply:
    return api("GET", f"/patients/{patient}/audit{query}", caller=AUDITOR)


@pytest.fixture
def trail(api: Api, patient: str) -> str:
    """A patient whose trail has four rows."""
    for _ in range(3):
        api("POST", f"/patients/{patient}/records", RECORD)
    api("GET", f"/patients/{patient}/records")
    return patient


@pytest.fixture
def tampered(cloud: Cloud) -> Iterator[Callable[..., None]]:
    """Puts and deletes items of both regions' tables by the account's root; undone afterwards."""
    undo: list[tuple[str, dict[str, Any]]] = []

    def change(patient: str, number: int, put: dict[str, Any] | None = None, table: str = AUDIT) -> None:
        client = cloud.client("dynamodb")
        key, value = ("entity_id", f"clinic-a#{patient}") if table == AUDIT else ("patient_id", f"clinic-a#{patient}")
        found = client.query(
            TableName=table, KeyConditionExpression=f"{key} = :v", ExpressionAttributeValues={":v": {"S": value}}
        )["Items"]
        if table == RECORDS:
            found = [item for item in found if item["record_id"]["S"].startswith("audit#")]
        item = found[number]
        undo.append((table, item))
        if put is None:
            names = ("entity_id", "event_id") if table == AUDIT else ("patient_id", "record_id")
            client.delete_item(TableName=table, Key={name: item[name] for name in names})
        else:
            client.put_item(TableName=table, Item={**item, **put})

    yield change
    for table, item in reversed(undo):
        cloud.client("dynamodb").put_item(TableName=table, Item=item)


def test_an_auditor_sees_who_did_what_and_that_the_chain_is_intact(api: Api, trail: str) -> None:
    reply = read(api, trail)
    assert reply.status == 200
    assert [event["action"] for event in reply.json["events"]] == ["record.create"] * 3 + ["record.list"]
    assert [event["sequence"] for event in reply.json["events"]] == [1, 2, 3, 4]
    assert {event["actor_id"] for event in reply.json["events"]} == {"clinic-a#auth0|dr-jones"}
    assert (reply.json["chains"], reply.json["faults"]) == ({HOME: "intact"}, [])
    assert read(api, trail).json["events"][-1]["action"] == "audit.read"


def test_a_trail_is_verified_page_by_page(api: Api, other: Api, trail: str) -> None:
    other("GET", f"/patients/{trail}/records")
    first = read(api, trail, "?limit=3").json
    assert (len(first["events"]), first["chains"]) == (3, {HOME: "intact"})
    rest = read(api, trail, f"?limit=3&after={first['next']}").json
    assert rest["chains"] == {HOME: "intact", OTHER: "intact"}
    assert rest["next"] is None
    assert rest["faults"] == []


@pytest.mark.parametrize("number", [0, 1, 3])
@pytest.mark.parametrize("limit", [1, 50])
def test_a_removed_row_is_found_wherever_it_was(
    api: Api, trail: str, tampered: Callable[..., None], number: int, limit: int
) -> None:
    tampered(trail, number)
    page = read(api, trail, f"?limit={limit}").json
    seen = list(page["faults"])
    while page["next"]:
        page = read(api, trail, f"?limit={limit}&after={page['next']}").json
        seen += page["faults"]
    assert page["chains"] == {HOME: "broken"}
    assert {"region": HOME, "sequence": number + 1, "kind": "missing"} in seen


def test_a_changed_row_is_found(api: Api, trail: str, tampered: Callable[..., None]) -> None:
    tampered(trail, 1, {"actor_id": {"S": "clinic-a#somebody-else"}})
    page = read(api, trail).json
    assert page["chains"] == {HOME: "broken"}
    assert page["faults"] == [{"region": HOME, "sequence": 2, "kind": "changed"}]


@pytest.mark.parametrize("attribute", ["sequence", "hash", "previous", "region", "status"])
def test_a_row_changed_beyond_recognition_is_found_and_shown(
    api: Api, trail: str, tampered: Callable[..., None], attribute: str
) -> None:
    tampered(trail, 1, {attribute: {"S": "?"}})
    reply = read(api, trail)
    assert reply.status == 200
    assert reply.json["chains"][HOME] == "broken"


def test_a_chain_forged_anew_to_its_end_does_not_match_its_head(
    cloud: Cloud, api: Api, trail: str, tampered: Callable[..., None]
) -> None:
    from functions.shared.chain import Link, linked
    from functions.shared.table import pack, unpack

    last = Link()
    for number in range(4):
        row = unpack(_items(cloud, trail)[number])
        forged = linked({**row, "actor_id": "clinic-a#innocent"}, last)
        last = Link(int(forged["sequence"]), str(forged["hash"]))
        tampered(trail, number, dict(pack(forged)))
    assert read(api, trail).json["faults"] == [{"region": HOME, "sequence": 4, "kind": "changed"}]


def test_rows_forged_after_the_end_are_found(cloud: Cloud, api: Api, trail: str, tampered: Callable[..., None]) -> None:
    from functions.shared.chain import link_of, linked
    from functions.shared.table import pack, unpack

    row = unpack(_items(cloud, trail)[3])
    forged = linked({**row, "event_id": "9999#x"}, link_of(row))
    cloud.client("dynamodb").put_item(TableName=AUDIT, Item=pack(forged))
    assert read(api, trail).json["faults"] == [{"region": HOME, "sequence": 5, "kind": "changed"}]
    cloud.client("dynamodb").delete_item(TableName=AUDIT, Key={n: pack(forged)[n] for n in ("entity_id", "event_id")})


def test_a_removed_head_is_found(api: Api, trail: str, tampered: Callable[..., None]) -> None:
    tampered(trail, 0, table=RECORDS)
    assert read(api, trail).json["chains"] == {HOME: "broken"}


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
    api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.shared.table import ConflictError, Table

    def busy(self: Table, *_: object) -> None:
        raise ConflictError

    monkeypatch.setattr("functions.shared.audit.ROUNDS", 2)
    monkeypatch.setattr(Table, "transact", busy)
    for reply in (api("POST", f"/patients/{patient}/records", RECORD), api("GET", f"/patients/{patient}/records")):
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")


def test_a_retry_of_which_the_answer_was_lost_adds_no_second_row(cloud: Cloud, patient: str) -> None:
    from functions.shared.audit import Entry, Trail
    from functions.shared.callers import Caller
    from functions.shared.table import Table

    import boto3

    client = boto3.client("dynamodb", region_name=HOME)
    # As if the first answer had not come: boto3 sends the request again as it is.
    client.meta.events.register_first(
        "needs-retry.dynamodb.TransactWriteItems", lambda attempts, **_: 0 if attempts == 1 else None
    )
    rows = Table(client, AUDIT, "entity_id", "event_id")
    heads = Table(client, RECORDS, "patient_id", "record_id")
    caller = Caller(actor="dr-jones", organisation="clinic-a")
    entry = Entry(caller=caller, action="x", entity=patient, resource="", status=200, correlation_id="c")
    Trail(rows, heads, HOME).append(entry)
    assert len(cloud.audit(f"clinic-a#{patient}")) == 1


def test_the_verifier_finds_the_faults_of_all_entities(
    cloud: Cloud, trail: str, api: Api, tampered: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    from functions.verify import main

    arguments = ["--region", HOME, "--suffix", "test"]
    main(arguments)
    assert trail not in capsys.readouterr().out
    tampered(trail, 3)
    assert main(arguments) == 1
    assert f"clinic-a#{trail} {HOME} 4 missing\n" in capsys.readouterr().out


def test_the_verifier_finds_an_entity_of_which_all_rows_were_removed(
    cloud: Cloud, api: Api, patient: str, tampered: Callable[..., None]
) -> None:
    from functions.shared.chain import Fault
    from functions.verify import trails_of, verify

    api("GET", f"/patients/{patient}/records")
    tampered(patient, 0)
    assert (f"clinic-a#{patient}", Fault(HOME, 1, "missing")) in list(verify(trails_of(HOME, "test")))


def test_another_organisations_trail_is_not_seen(api: Api, trail: str) -> None:
    caller = clinician("clinic-b", groups="[auditor]")
    assert api("GET", f"/patients/{trail}/audit", caller=caller).json["events"] == []


@pytest.mark.parametrize("caller", [clinician(), OPERATOR])
def test_rejects_to_show_the_trail_to_others_than_auditors(api: Api, trail: str, caller: dict[str, Any]) -> None:
    reply = api("GET", f"/patients/{trail}/audit", caller=caller)
    assert (reply.status, reply.json["type"]) == (403, "urn:healthcare-dr:problem:no-role")
    assert read(api, trail).json["events"][-1]["result"] == "refused"


def _items(cloud: Cloud, patient: str) -> Rows:
    found: Rows = cloud.client("dynamodb").query(
        TableName=AUDIT,
        KeyConditionExpression="entity_id = :e",
        ExpressionAttributeValues={":e": {"S": f"clinic-a#{patient}"}},
    )["Items"]
    return found


def test_the_verifier_says_so_when_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    from functions import verify

    monkeypatch.setattr(verify, "verify", lambda _: iter(()))
    assert verify.main(["--region", HOME, "--suffix", "test"]) == 0
