"""Records: written as immutable versions, listed, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.functions.cloud import HOME, Cloud
from tests.functions.gateway import Api, clinician

import pytest

RECORD: dict[str, Any] = {
    "record_type": "observation",
    "facility_id": "ward-7",
    "recorded_at": "2026-03-01T09:30:00+01:00",
    "content": {"code": "8867-4", "value": 72, "unit": "/min"},
}


def test_a_new_record_is_version_one_and_says_where_it_is(api: Api, patient: str) -> None:
    reply = api("POST", f"/patients/{patient}/records", RECORD)
    assert reply.status == 201
    assert reply.json["version"] == 1
    assert reply.json["region"] == HOME
    assert reply.json["recorded_at"] == "2026-03-01T08:30:00.000000Z"
    assert reply.json["facility_id"] == "ward-7"
    assert reply.headers["Location"] == f"/patients/{patient}/records/{reply.json['record_id']}"


def test_a_record_written_in_one_region_is_listed_in_both(api: Api, other: Api, patient: str) -> None:
    here = api("POST", f"/patients/{patient}/records", RECORD).json
    there = other("POST", f"/patients/{patient}/records", {**RECORD, "content": "stable"}).json
    for region in (api, other):
        records = region("GET", f"/patients/{patient}/records").json["records"]
        assert sorted(records, key=str) == sorted([here, there], key=str)


def test_the_row_carries_organisation_version_and_region(cloud: Cloud, api: Api, patient: str) -> None:
    identity = api("POST", f"/patients/{patient}/records", RECORD).json["record_id"]
    [row] = cloud.rows(f"clinic-a#{patient}")
    assert row["record_id"] == f"record#{identity}#000001#us-east-1"
    assert row["facility_id"] == "clinic-a#ward-7"
    assert row["created_by"] == "auth0|dr-jones"


def test_records_are_listed_page_by_page(api: Api, patient: str) -> None:
    made = {api("POST", f"/patients/{patient}/records", RECORD).json["record_id"] for _ in range(5)}
    found, path = [], f"/patients/{patient}/records?limit=2"
    while path:
        page = api("GET", path).json
        assert len(page["records"]) <= 2
        found += [record["record_id"] for record in page["records"]]
        path = f"/patients/{patient}/records?limit=2&after={quote(page['next'])}" if page["next"] else ""
    assert len(found) == 5
    assert set(found) == made


def test_a_patient_without_records_has_an_empty_list(api: Api, patient: str) -> None:
    assert api("GET", f"/patients/{patient}/records").json == {"records": [], "next": None}


def test_another_organisation_sees_nothing_of_the_same_patient_id(api: Api, patient: str) -> None:
    api("POST", f"/patients/{patient}/records", RECORD)
    reply = api("GET", f"/patients/{patient}/records", caller=clinician("clinic-b"))
    assert reply.json["records"] == []


def test_long_numbers_and_lone_surrogates_come_back_as_they_were(api: Api, patient: str) -> None:
    content = {"units": 10**60, "ratio": 0.1, "text": "\ud800 ü"}
    assert api("POST", f"/patients/{patient}/records", {**RECORD, "content": content}).status == 201
    [record] = api("GET", f"/patients/{patient}/records").json["records"]
    assert record["content"] == content


def test_content_may_nest_as_deeply_as_the_rule_says(api: Api, patient: str) -> None:
    content = json.loads('{"a":' * 31 + "[]" + "}" * 31)
    assert api("POST", f"/patients/{patient}/records", {**RECORD, "content": content}).json["content"] == content


def test_a_record_is_not_written_without_its_audit_row(cloud: Cloud, build: Callable[..., Api], patient: str) -> None:
    api = build(HOME, AUDIT_LOGS_TABLE="missing")
    assert api("POST", f"/patients/{patient}/records", RECORD).status == 500
    assert cloud.rows(f"clinic-a#{patient}") == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"record_type": "rumour"}, "'record_type' must be one of"),
        ({"record_type": []}, "'record_type' must be one of"),
        ({"facility_id": "a#b"}, "'facility_id' must be 1 to 64"),
        ({"facility_id": 7}, "'facility_id' must be 1 to 64"),
        ({"recorded_at": "yesterday"}, "'recorded_at' must be an RFC 3339"),
        ({"recorded_at": "2026-03-01T09:30:00"}, "'recorded_at' must be an RFC 3339"),
        *(
            ({"recorded_at": moment}, "'recorded_at' must be an RFC 3339")
            for moment in (
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59-14:00",
                "1900-01-01T00:00:00+00:01",
                "2199-12-31T23:59:59-00:01",
                "2200-01-01T00:00:00+00:01",
                "2024-W01-1T00:00:00+00:00",
                "20240101T000000Z",
                "2024-01-01T10+00:00",
                "2024-01-01T10:00Z",
                "2024-01-01\x0010:00:00Z",
                "2024-01-01T10:00:00,5Z",
                "2024-01-01T10:00:00.Z",
                "2024-01-01T10:00:00+0000",
                "2024-01-01T10:00:00+00:00:30",
                "2024-01-01T24:00:00Z",
                "2024-02-30T10:00:00Z",
                "2024-01-01T10:00:00Z\n",
                "\uff12024-01-01T10:00:00Z",
                1704103200,
            )
        ),
        ({"content": ""}, "'content' must be a text or an object"),
        ({"content": ["a"]}, "'content' must be a text or an object"),
        ({"content": "x" * 65_535}, "'content' must not exceed 65536 bytes"),
        ({"content": json.loads('{"a":' * 33 + "1" + "}" * 33)}, "'content' must not nest deeper than 32 levels"),
        ({"content": json.loads('{"a":' + "[" * 33 + "]" * 33 + "}")}, "'content' must not nest deeper than 32 levels"),
        ({"content": {"a": [10**400]}}, "'content' must not hold a number beyond the range"),
        ({"org_id": "clinic-b"}, "fields other than those described"),
    ],
)
def test_rejects_a_field_that_breaks_its_rule(api: Api, patient: str, changes: dict[str, Any], fault: str) -> None:
    reply = api("POST", f"/patients/{patient}/records", {**RECORD, **changes})
    assert reply.status == 400
    [error] = reply.json["errors"]
    assert error.startswith(fault)


@pytest.mark.parametrize(
    ("moment", "kept"),
    [
        ("2024-01-01t10:00:00z", "2024-01-01T10:00:00.000000Z"),
        ("2024-01-01T10:00:00.1234567891+05:30", "2024-01-01T04:30:00.123456Z"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00.000000Z"),
        ("2199-12-31T23:59:59.999999-00:00", "2199-12-31T23:59:59.999999Z"),
    ],
)
def test_a_moment_is_kept_in_utc(api: Api, patient: str, moment: str, kept: str) -> None:
    assert api("POST", f"/patients/{patient}/records", {**RECORD, "recorded_at": moment}).json["recorded_at"] == kept


def test_rejects_all_broken_rules_at_once(api: Api, patient: str) -> None:
    errors = api("POST", f"/patients/{patient}/records", {"record_type": "rumour", "x": 1}).json["errors"]
    assert len(errors) == 5


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b'{"a": NaN}', b'{"a":' * 5_000, b'{"a": {"b": 1, "b": 2}}']
    + [json.dumps(RECORD).encode(encoding) for encoding in ("utf-8-sig", "utf-16-le", "utf-32-be")],
    ids=["empty", "cut", "array", "null", "string", "nan", "nested", "twice", "mark", "utf-16", "utf-32"],
)
def test_rejects_a_body_that_is_no_json_object(api: Api, patient: str, body: bytes) -> None:
    reply = api("POST", f"/patients/{patient}/records", body)
    assert reply.status == 400
    assert reply.json["type"] == "urn:healthcare-dr:problem:malformed-json"


def test_rejects_an_oversize_body(api: Api, patient: str) -> None:
    assert api("POST", f"/patients/{patient}/records", {**RECORD, "content": "x" * 70_000}).status == 413


def test_rejects_another_content_type(api: Api, patient: str) -> None:
    assert api("POST", f"/patients/{patient}/records", b"a=b", content_type="text/plain").status == 415


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=x", "after=bm9uZQ==", "order=up"])
def test_rejects_a_query_outside_the_rules(api: Api, patient: str, query: str) -> None:
    assert api("GET", f"/patients/{patient}/records?{query}").status == 400
