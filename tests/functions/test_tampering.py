"""Audit chains that somebody tampered with: whatever it was, it shows, and it keeps nobody from a patient's data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from tests.functions.cloud import AUDIT, HOME, OTHER, RECORDS, Cloud, Link, let, role_of
from tests.functions.gateway import Api
from tests.functions.test_audit import Rows, add, read
from tests.functions.test_records import RECORD

import pytest
from attrs import astuple


@functools.cache
def trails() -> Any:
    """The verifier's view of the tables, from the first region."""
    from functions.verify import trails_of

    return trails_of(HOME, "test")


def verified(patient: str) -> list[tuple[str, int, str]]:
    """What the verifier finds: region, number of the row, what is wrong."""
    return [astuple(fault) for fault in trails().faults(f"clinic-a#{patient}")]


def _items(cloud: Cloud, patient: str) -> Rows:
    found: Rows = cloud.client("dynamodb").query(
        TableName=AUDIT,
        KeyConditionExpression="entity_id = :e",
        ExpressionAttributeValues={":e": {"S": f"clinic-a#{patient}"}},
    )["Items"]
    return found


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


@pytest.mark.parametrize(
    "attribute", ["action", "actor_id", "correlation_id", "occurred_at", "resource", "result", "more"]
)
def test_a_change_of_any_attribute_is_found(
    api: Api, trail: str, tampered: Callable[..., None], attribute: str
) -> None:
    tampered(trail, 1, {attribute: {"S": "another"}})
    assert (HOME, 2, "changed") in verified(trail)


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


# What no code of this project writes.
STRANGE: list[dict[str, Any]] = [{"BOOL": True}, {"NULL": True}, {"L": [{"S": "a"}]}, {"N": "1.5"}, {"B": b"a"}]


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: next(iter(value)))
def test_a_row_with_a_value_of_another_type_is_found_and_shown(
    cloud: Cloud, api: Api, trail: str, tampered: Callable[..., None], value: dict[str, Any]
) -> None:
    for attribute in ("sequence", "hash", "status", "more"):
        tampered(trail, 1, {attribute: value})
        reply = read(api, trail)
        assert (reply.status, reply.json["chains"]) == (200, {HOME: "broken"})
        assert (HOME, 2, "changed") in verified(trail)


HEADS: list[dict[str, Any]] = [
    *({"hash": value} for value in STRANGE),
    {"hash": None},
    {"hash": {"S": "none"}},
    {"sequence": {"N": "0"}},
    {"sequence": {"N": "1.5"}},
]


@pytest.mark.parametrize("damage", HEADS, ids=str)
def test_a_damaged_head_is_found_now_and_for_ever_and_keeps_nobody_from_the_patient(
    build: Callable[..., Api], other: Api, trail: str, tampered: Callable[..., None], damage: dict[str, Any], link: Link
) -> None:
    tampered(trail, 0, damage, table=RECORDS)
    link.restore()
    assert verified(trail) == [(HOME, 5, "changed")]
    assert read(other, trail).json["chains"][HOME] == "broken"
    api = build(HOME)
    page = read(api, trail).json
    assert (len(page["events"]), page["chains"][HOME]) == (5, "broken")
    assert api("POST", f"/patients/{trail}/records", RECORD).status == 201
    page = read(api, trail).json
    assert (len(page["events"]), page["chains"][HOME]) == (7, "broken")  # nothing is left out but the reading itself


def test_a_damaged_head_keeps_nobody_from_the_patient_where_rows_may_only_be_added(
    cloud: Cloud, trail: str, tampered: Callable[..., None]
) -> None:
    arn = role_of(cloud.aws, "adding", trusts={"AWS": f"arn:aws:iam::{cloud.aws.account}:root"})
    let(cloud.aws, "adding", ("dynamodb:GetItem", "*"), ("dynamodb:PutItem", "*"))
    session = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="adding")["Credentials"]
    tampered(trail, 0, {"hash": {"BOOL": True}}, table=RECORDS)
    add(cloud.aws.client("dynamodb", HOME, credentials=session), trail)
    row = cloud.audit(f"clinic-a#{trail}")[-1]
    assert (row["correlation_id"], row["sequence"]) == ("added", "1")  # for no row may be read


@pytest.mark.parametrize("moment", [{"BOOL": True}, {"N": "1"}, {"S": "soon"}, {"S": "9999-12-31T23:59:59.999999Z"}])
def test_a_head_without_a_moment_keeps_nobody_from_the_patient(
    build: Callable[..., Api], trail: str, tampered: Callable[..., None], moment: dict[str, Any]
) -> None:
    tampered(trail, 0, {"occurred_at": moment}, table=RECORDS)
    api = build(HOME)
    assert api("POST", f"/patients/{trail}/records", RECORD).status == 201
    assert read(api, trail).json["chains"] == {HOME: "intact"}


@pytest.fixture
def forge(cloud: Cloud, trail: str) -> Iterator[Callable[[str], None]]:
    """Adds a row to a chain that a region never had; removed afterwards."""
    from functions.shared.chain import Link, linked
    from functions.shared.table import pack, unpack

    keys = []

    def made(region: str) -> None:
        row = {**unpack(_items(cloud, trail)[3]), "region": region, "event_id": "2026-01-01T00:00:00.000000Z#x"}
        forged = pack(linked(row, Link()))
        cloud.client("dynamodb").put_item(TableName=AUDIT, Item=forged)
        keys.append({name: forged[name] for name in ("entity_id", "event_id")})

    yield made
    for key in keys:
        cloud.client("dynamodb").delete_item(TableName=AUDIT, Key=key)


def test_rows_without_a_head_are_never_intact(
    build: Callable[..., Api], api: Api, trail: str, forge: Callable[[str], None]
) -> None:
    forge(OTHER)
    page = read(api, trail).json
    assert page["chains"] == {HOME: "intact", OTHER: "incomplete"}
    assert page["faults"] == [{"region": OTHER, "sequence": 1, "kind": "unconfirmed"}]
    assert verified(trail) == [(OTHER, 1, "unconfirmed")]
    assert read(build(OTHER), trail).json["chains"][OTHER] == "broken"


def test_rows_without_a_head_of_a_region_that_does_not_exist_are_forged(
    api: Api, trail: str, forge: Callable[[str], None]
) -> None:
    forge("eu-fake-9")
    page = read(api, trail).json
    assert page["chains"] == {HOME: "intact", "eu-fake-9": "broken"}
    assert page["faults"] == [{"region": "eu-fake-9", "sequence": 1, "kind": "changed"}]
    assert verified(trail) == [("eu-fake-9", 1, "changed")]


def test_a_removed_head_is_found(api: Api, trail: str, tampered: Callable[..., None]) -> None:
    tampered(trail, 0, table=RECORDS)
    assert read(api, trail).json["chains"] == {HOME: "broken"}
