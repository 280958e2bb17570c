"""Lists go on by tokens that nobody can read, change or use elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.functions.cloud import HOME, Cloud, Link
from tests.functions.gateway import Api, clinician
from tests.functions.test_records import RECORD
from tests.functions.test_versions import create, retract

import pytest


@pytest.fixture
def token(api: Api, patient: str) -> str:
    for _ in range(2):
        create(api, patient)
    following: str = api("GET", f"/patients/{patient}/records?limit=1").json["next"]
    return following


def test_a_token_of_one_region_goes_on_in_the_other(api: Api, other: Api, patient: str, token: str) -> None:
    path = f"/patients/{patient}/records?limit=1&after={token}"
    assert other("GET", path).json == api("GET", path).json
    assert len(api("GET", path).json["records"]) == 1


def test_a_token_tells_nothing_and_never_twice_the_same(api: Api, patient: str, token: str) -> None:
    import base64

    for _ in range(2):
        at(api, patient, f"w-{patient}", "2026-03-01T12:00:00Z")
    of_facility: str = api("GET", f"/facilities/w-{patient}/records?limit=1").json["next"]  # holds a patient's id
    for sealed in (token.rpartition(".")[2], of_facility.rpartition(".")[2]):
        opened = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        assert patient.encode() not in opened
        assert b"record#" not in opened
    assert api("GET", f"/patients/{patient}/records?limit=1").json["next"] != token


def test_rejects_a_token_that_was_changed_anywhere(api: Api, patient: str, token: str) -> None:
    name, _, sealed = token.rpartition(".")
    for at in range(0, len(sealed) - 1, 7):
        forged = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        assert api("GET", f"/patients/{patient}/records?limit=1&after={name}.{forged}").status == 400
    for forged in (sealed, f"{name}.", f"other.{sealed}", f"{'x' * 65}.{sealed}", f"{name}.%C3%BC", ".", "a.A"):
        assert api("GET", f"/patients/{patient}/records?after={forged}").status == 400


def test_rejects_a_token_of_another_list(api: Api, patient: str, token: str) -> None:
    create(api, f"{patient}-2")
    assert api("GET", f"/patients/{patient}-2/records?after={token}").status == 400
    assert api("GET", f"/patients/{patient}/records?after={token}", caller=clinician("clinic-b")).status == 400
    assert api("GET", f"/patients/{patient}/records?retracted=true&after={token}").status == 400
    assert api("GET", f"/facilities/ward-7/records?after={token}").status == 400


def test_rejects_a_token_that_is_a_day_old(api: Api, patient: str, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    present = time.time
    monkeypatch.setattr("functions.api.seals.time.time", lambda: present() + 86_401)
    assert api("GET", f"/patients/{patient}/records?after={token}").status == 400


def test_two_functions_that_need_a_months_key_use_the_same(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from functions.api.seals import Seals
    from functions.shared.table import Table

    table = Table(cloud.client("dynamodb"), "patient_records-test", "patient_id", "record_id")
    one, two = Seals(table, "nowhere-1"), Seals(table, "nowhere-1")
    early, find = [one, two], Seals._key
    # Each looks before the other has made it.
    monkeypatch.setattr(Seals, "_key", lambda *asked: find(*asked) if asked[0] not in early else early.remove(asked[0]))
    first, second = one.seal("p", 1, 60), two.seal("p", 2, 60)
    monkeypatch.undo()
    assert (two.open("p", first), one.open("p", second)) == (1, 2)


def test_no_token_is_sealed_by_a_key_that_nobody_has(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from functions.api.seals import Seals
    from functions.shared.table import ConflictError, Table

    seals = Seals(Table(cloud.client("dynamodb"), "patient_records-test", "patient_id", "record_id"), "nowhere-2")

    def meet(*_: object) -> None:
        raise ConflictError  # another function is making it, and has not yet

    monkeypatch.setattr(Table, "transact", meet)
    with pytest.raises(ConflictError):
        seals.seal("p", 1, 60)
    monkeypatch.undo()
    assert seals.open("p", seals.seal("p", 1, 60)) == 1


# A quotation mark is written with a backslash in a record's JSON, and both with one more in Lambda's answer.
@pytest.mark.parametrize("content", ["x" * 6_000, '"' * 1_500])
def test_a_page_ends_before_it_outgrows_an_answer(
    api: Api, patient: str, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.versions.PAGE_BYTES", 10_000)
    for _ in range(3):
        create(api, patient, content)
    page = api("GET", f"/patients/{patient}/records").json
    assert len(page["records"]) == 2
    assert len(api("GET", f"/patients/{patient}/records?after={page['next']}").json["records"]) == 1


def test_a_list_goes_on_past_more_retracted_records_than_one_page_may_read(
    api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        retract(api, *create(api, patient, "x" * 6_000))
    create(api, patient, "kept")
    monkeypatch.setattr("functions.api.versions.PAGE_BYTES", 10_000)
    pages = [api("GET", f"/patients/{patient}/records").json]
    while pages[-1]["next"]:
        pages.append(api("GET", f"/patients/{patient}/records?after={pages[-1]['next']}").json)
    assert len(pages) > 1
    assert [record["content"] for page in pages for record in page["records"]] == ["kept"]


def at(api: Api, patient: str, facility: str, moment: str) -> str:
    body = {**RECORD, "facility_id": facility, "recorded_at": moment}
    path: str = api("POST", f"/patients/{patient}/records", body).headers["Location"]
    return path.rpartition("/")[2]


def test_records_of_a_facility_are_listed_by_time_across_patients(
    build: Callable[..., Api], api: Api, other: Api, patient: str
) -> None:
    made = [at(api, f"{patient}-{n}", f"w-{patient}", f"2026-03-0{n}T12:00:00Z") for n in (3, 1, 2)]
    at(api, patient, "elsewhere", "2026-03-01T12:00:00Z")
    for region in (api, other):
        records = region("GET", f"/facilities/w-{patient}/records").json["records"]
        assert [record["record_id"] for record in records] == [made[1], made[2], made[0]]
        assert records[0]["patient_id"] == f"{patient}-1"
    query = "from=2026-03-01T12:00:01Z&to=2026-03-02T12:00:00Z"
    records = api("GET", f"/facilities/w-{patient}/records?{query}").json["records"]
    assert [record["record_id"] for record in records] == [made[2]]
    seen, after = [], ""
    for _ in range(3):
        page = api("GET", f"/facilities/w-{patient}/records?limit=1{after}").json
        seen += [record["record_id"] for record in page["records"]]
        after = f"&after={page['next']}"
    assert (seen, page["next"]) == ([made[1], made[2], made[0]], None)


def test_a_facilitys_list_reaches_the_last_moment(api: Api, patient: str) -> None:
    made = at(api, patient, f"w-{patient}", "2199-12-31T23:59:59.999999Z")
    assert [r["record_id"] for r in api("GET", f"/facilities/w-{patient}/records").json["records"]] == [made]


def test_a_facility_has_nothing_between_a_moment_and_an_earlier_one(api: Api, patient: str) -> None:
    at(api, patient, f"w-{patient}", "2026-03-01T12:00:00Z")
    reply = api("GET", f"/facilities/w-{patient}/records?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z")
    assert (reply.status, reply.json) == (200, {"records": [], "next": None})


def test_a_facility_has_a_record_in_its_current_version_only(api: Api, patient: str) -> None:
    bodies = []
    for content in ("kept", "moved", "changed", "retracted"):
        body = {**RECORD, "facility_id": f"w-{patient}", "content": content}
        reply = api("POST", f"/patients/{patient}/records", body)
        bodies.append((reply.headers["Location"], reply.headers["ETag"], body))
    api("PUT", bodies[1][0], {**bodies[1][2], "facility_id": "elsewhere"}, headers={"if-match": bodies[1][1]})
    api("PUT", bodies[2][0], {**bodies[2][2], "content": "new"}, headers={"if-match": bodies[2][1]})
    retract(api, bodies[3][0], bodies[3][1])
    records = api("GET", f"/facilities/w-{patient}/records").json["records"]
    assert sorted(record["content"] for record in records) == ["kept", "new"]


def test_a_facilitys_list_is_audited_and_keeps_to_the_organisation(cloud: Cloud, api: Api, patient: str) -> None:
    at(api, patient, f"w-{patient}", "2026-03-01T12:00:00Z")
    reply = api("GET", f"/facilities/w-{patient}/records", caller=clinician("clinic-b"))
    assert reply.json["records"] == []
    api("GET", f"/facilities/w-{patient}/records")
    [row] = cloud.audit(f"clinic-a#facility:w-{patient}")
    assert (row["action"], row["result"], row["region"]) == ("facility.list", "allowed", HOME)


@pytest.mark.parametrize("query", ["from=x", "to=2026-03-01", "from=9999-01-01T00:00:00Z", "limit=0", "until=1"])
def test_rejects_a_facilitys_query_outside_the_rules(api: Api, query: str) -> None:
    assert api("GET", f"/facilities/ward-7/records?{query}").status == 400


@pytest.mark.parametrize("facility", ["a%26b", "-", "a" * 65])
def test_rejects_a_facility_outside_the_rules(api: Api, facility: str) -> None:
    assert api("GET", f"/facilities/{facility}/records").status == 400


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"facility_id": "x-{}"}, {"facility_id": "y-{}"}),
        ({"facility_id": "x-{}"}, {"facility_id": "x-{}"}),
        ({"facility_id": "x-{}"}, {"facility_id": "x-{}", "recorded_at": "2026-04-01T12:00:00Z"}),
    ],
)
def test_a_record_that_regions_moved_apart_is_listed_once_wherever_it_went(
    api: Api, other: Api, patient: str, link: Link, here: dict[str, str], there: dict[str, str]
) -> None:
    path, tag = create(api, patient)
    link.cut()
    bodies = [{**RECORD, **{name: text.format(patient) for name, text in moved.items()}} for moved in (here, there)]
    for region, body in zip((api, other), bodies, strict=True):
        assert region("PUT", path, body, headers={"if-match": tag}).status == 200
    link.restore()
    for body in bodies:
        [listed] = api("GET", f"/facilities/{body['facility_id']}/records").json["records"]
        assert len(listed["divergence"]["heads"]) == 2
        day = body["recorded_at"][:10]
        query = f"from={day}T00:00:00Z&to={day}T23:59:59Z"
        assert api("GET", f"/facilities/{body['facility_id']}/records?{query}").json["records"] == [listed]


def test_a_list_goes_on_where_a_page_of_the_table_ends(cloud: Cloud, api: Api, patient: str) -> None:
    from functions.shared.table import Table

    for _ in range(3):
        create(api, patient)
    table = Table(cloud.client("dynamodb"), "patient_records-test", "patient_id", "record_id")
    assert len(list(table.items(f"clinic-a#{patient}", "record#", Limit=1))) == 3
