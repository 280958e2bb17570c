"""A retry under the same Idempotency-Key returns the first result, in every region."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.functions.cloud import HOME, Cloud, Link, bucket
from tests.functions.gateway import Api, Reply, clinician
from tests.functions.test_records import RECORD

import pytest


def create(api: Api, patient: str, key: str, content: object = "first", **options: Any) -> Reply:
    body = {**RECORD, "content": content}
    return api("POST", f"/patients/{patient}/records", body, headers={"idempotency-key": key}, **options)


def put(api: Api, path: str, tag: str, content: object, key: str = "k") -> Reply:
    return api("PUT", path, {**RECORD, "content": content}, headers={"idempotency-key": key, "if-match": tag})


def upload(api: Api, patient: str, body: bytes, key: str = "k") -> Reply:
    options: dict[str, Any] = {"content_type": "application/pdf", "headers": {"idempotency-key": key}}
    return api("PUT", f"/patients/{patient}/documents/scan.pdf", body, **options)


def same(first: Reply, again: Reply) -> bool:
    assert again.headers["Idempotency-Replayed"] == "true"
    tags = [reply.headers["ETag"] for reply in (first, again)]
    return (first.status, first.json, tags[0]) == (again.status, again.json, tags[1])


def test_a_retried_create_returns_the_first_record(cloud: Cloud, api: Api, other: Api, patient: str) -> None:
    first = create(api, patient, "k")
    assert "Idempotency-Replayed" not in first.headers
    assert same(first, create(api, patient, "k"))
    assert same(first, create(other, patient, "k"))
    assert len(cloud.rows(f"clinic-a#{patient}")) == 1
    assert [row["action"] for row in cloud.audit(f"clinic-a#{patient}")] == ["record.create"] * 3


def test_a_create_retried_in_a_region_that_was_cut_off_stays_one_record(
    api: Api, other: Api, patient: str, link: Link
) -> None:
    link.cut()
    first, there = create(api, patient, "k"), create(other, patient, "k")
    assert first.json["record_id"] == there.json["record_id"]
    assert first.headers["ETag"] == there.headers["ETag"]
    link.restore()
    for region, own in ((api, first), (other, there)):
        [record] = region("GET", f"/patients/{patient}/records").json["records"]
        assert record["divergence"] is None
        assert same(own, create(region, patient, "k"))
    assert put(other, first.headers["Location"], there.headers["ETag"], "second").status == 200


def test_an_update_retried_in_a_region_that_was_cut_off_stays_one_version(
    api: Api, other: Api, patient: str, link: Link
) -> None:
    path, tag = (create(api, patient, "k").headers[name] for name in ("Location", "ETag"))
    link.cut()
    first, there = put(api, path, tag, "second"), put(other, path, tag, "second")
    assert first.headers["ETag"] == there.headers["ETag"]
    link.restore()
    for region, own in ((api, first), (other, there)):
        assert region("GET", path).json["divergence"] is None
        assert same(own, put(region, path, tag, "second"))


def test_different_creates_under_one_key_in_regions_cut_off_are_both_kept(
    api: Api, other: Api, patient: str, link: Link
) -> None:
    link.cut()
    assert create(api, patient, "k", "one").status == create(other, patient, "k", "two").status == 201
    link.restore()
    [record] = api("GET", f"/patients/{patient}/records").json["records"]
    assert {head["content"] for head in record["divergence"]["heads"]} == {"one", "two"}


def test_a_retried_update_returns_the_first_result_whatever_came_after(api: Api, other: Api, patient: str) -> None:
    path, tag = (create(api, patient, "k").headers[name] for name in ("Location", "ETag"))
    first = put(api, path, tag, "second")
    assert put(api, path, first.headers["ETag"], "third", key="another").status == 200
    assert same(first, put(api, path, tag, "second"))
    assert same(first, put(other, path, tag, "second"))
    assert api("GET", path).json["content"] == "third"


def test_a_retried_upload_returns_the_first_version(cloud: Cloud, api: Api, other: Api, patient: str) -> None:
    first = upload(api, patient, b"%PDF one")
    assert same(first, upload(api, patient, b"%PDF one"))
    assert same(first, upload(other, patient, b"%PDF one"))
    [row] = cloud.rows(f"clinic-a#{patient}")
    versions = cloud.client("s3").list_object_versions(Bucket=bucket(HOME), Prefix=row["object_key"])["Versions"]
    assert len(versions) == 1


def test_a_retried_upload_tells_where_its_copy_is_by_now(
    cloud: Cloud, api: Api, patient: str, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.documents.REPLICATION_SECONDS", 0)
    link.cut()
    first = upload(api, patient, b"%PDF one")
    assert first.json["replication"] == "pending"
    link.restore()
    again = upload(api, patient, b"%PDF one")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == {**first.json, "replication": "replicated"}


def test_rejects_another_request_under_the_same_key(cloud: Cloud, api: Api, patient: str) -> None:
    created = create(api, patient, "k")
    path, tag = created.headers["Location"], created.headers["ETag"]
    put(api, path, tag, "second")
    upload(api, patient, b"%PDF one")
    before = cloud.rows(f"clinic-a#{patient}")
    refused = [create(api, patient, "k", "else"), put(api, path, tag, "else"), upload(api, patient, b"%PDF two")]
    for reply in refused:
        assert (reply.status, reply.json["type"]) == (422, "urn:healthcare-dr:problem:idempotency-key-reused")
    assert cloud.rows(f"clinic-a#{patient}") == before
    assert api("GET", f"/patients/{patient}/documents/scan.pdf").body == b"%PDF one"


def test_a_key_means_nothing_for_another_patient_or_organisation(api: Api, patient: str) -> None:
    replies = [
        create(api, patient, "k"),
        create(api, f"{patient}-2", "k"),
        create(api, patient, "k", caller=clinician("clinic-b")),
        create(api, patient, "k2"),
    ]
    assert len({reply.json["record_id"] for reply in replies}) == 4


def test_requests_at_the_same_time_under_one_key_make_one_record(
    cloud: Cloud, build: Callable[..., Api], patient: str
) -> None:
    apis, replies = [build(HOME) for _ in range(4)], list[Reply]()
    work = [threading.Thread(target=lambda one=one: replies.append(create(one, patient, "k"))) for one in apis]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert [reply.status for reply in replies] == [201] * 4
    assert len({reply.body for reply in replies}) == 1
    assert len(cloud.rows(f"clinic-a#{patient}")) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "ü"])
def test_rejects_a_key_outside_the_rule(api: Api, patient: str, key: str) -> None:
    assert create(api, patient, key).status == 400
    assert upload(api, patient, b"%PDF", key).status == 400
