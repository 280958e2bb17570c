"""Every version of a document stays readable: those that two regions wrote at once, and those that others followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.functions.cloud import HOME, OTHER, Cloud, Link, bucket
from tests.functions.gateway import Api, Reply, clinician
from tests.functions.test_documents import put
from tests.functions.test_transfers import fetch

import pytest

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def status(api: Api, patient: str, name: str = "scan.pdf") -> dict[str, Any]:
    found: dict[str, Any] = api("GET", f"/patients/{patient}/documents/{name}/status").json
    return found


def read(api: Api, patient: str, version_id: str, suffix: str = "", **options: Any) -> Reply:
    return api("GET", f"/patients/{patient}/documents/scan.pdf{suffix}?version={version_id}", **options)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload does not wait for its copy."""
    monkeypatch.setattr("functions.api.documents.REPLICATION_SECONDS", 0)


@pytest.fixture
def diverged(api: Api, other: Api, patient: str, link: Link, hasty: None) -> dict[str, bytes]:
    """What each region wrote under one name while they were cut off, by the id of its version."""
    link.cut()
    written = {
        put(region, patient, body=body).json["version_id"]: body for region, body in ((api, b"a"), (other, b"b"))
    }
    link.restore()
    return written


def test_documents_that_two_regions_wrote_at_once_are_both_shown_and_read(
    api: Api, other: Api, patient: str, diverged: dict[str, bytes]
) -> None:
    for region in (api, other):
        found = status(region, patient)
        assert (found["diverged"], found["version"]) == (True, 1)
        assert {each["version_id"]: each["superseded"] for each in found["versions"]} == dict.fromkeys(diverged, False)
        assert {each["region"] for each in found["versions"]} == {HOME, OTHER}
        for version_id, body in diverged.items():
            reply = read(region, patient, version_id)
            assert (reply.status, reply.body, reply.headers["ETag"]) == (200, body, f'"{version_id}"')
            assert fetch(read(region, patient, version_id, "/download").json["url"]) == (200, body)


def test_the_next_upload_merges_them_and_hides_none(api: Api, patient: str, diverged: dict[str, bytes]) -> None:
    merged = put(api, patient, body=b"merged").json["version_id"]
    found = status(api, patient)
    assert (found["diverged"], found["version_id"], found["superseded"]) == (False, merged, False)
    versions = [(each["version_id"], each["superseded"]) for each in found["versions"]]
    assert versions[0] == (merged, False)
    assert dict(versions[1:]) == dict.fromkeys(diverged, True)
    assert {version_id: read(api, patient, version_id).body for version_id in diverged} == diverged
    assert api("GET", f"/patients/{patient}/documents/scan.pdf").body == b"merged"


@pytest.mark.usefixtures("hasty")
def test_one_upload_that_two_regions_took_under_one_key_is_one_version(
    api: Api, other: Api, patient: str, link: Link
) -> None:
    options: dict[str, Any] = {"content_type": "application/pdf", "headers": {"idempotency-key": "k"}}
    link.cut()
    replies = [region("PUT", f"/patients/{patient}/documents/scan.pdf", b"one", **options) for region in (api, other)]
    link.restore()
    [version] = status(api, patient)["versions"]
    assert [reply.json["version_id"] for reply in replies] == [version["version_id"]] * 2
    assert read(api, patient, version["version_id"]).body == b"one"


@pytest.mark.usefixtures("hasty")
def test_one_upload_that_two_regions_took_as_different_versions_hinders_none_that_follows(
    api: Api, other: Api, patient: str, link: Link
) -> None:
    options: dict[str, Any] = {"content_type": "application/pdf", "headers": {"idempotency-key": "k"}}
    put(api, patient, body=b"first")
    link.cut()
    put(other, patient, body=b"of the other region alone")
    replies = [region("PUT", f"/patients/{patient}/documents/scan.pdf", b"one", **options) for region in (api, other)]
    assert [reply.json["version"] for reply in replies] == [2, 3]
    link.restore()
    for region in (api, other):
        found = status(region, patient)
        (shown,) = (each for each in found["versions"] if each["version_id"] == replies[0].json["version_id"])
        assert shown["version"] == 2
    assert [put(region, patient, body=b"next").status for region in (other, api, other)] == [201] * 3


@pytest.mark.usefixtures("hasty")
def test_an_upload_with_if_match_follows_only_what_its_caller_knows(cloud: Cloud, api: Api, patient: str) -> None:
    def objects() -> int:
        return len(cloud.client("s3").list_objects_v2(Bucket=bucket(HOME))["Contents"])

    def changed(tag: str, body: bytes, name: str = "scan.pdf", **more: str) -> Reply:
        path, headers = f"/patients/{patient}/documents/{name}", {"if-match": tag, **more}
        return api("PUT", path, body, content_type="application/pdf", headers=headers)

    first, key = put(api, patient, body=b"first").headers["ETag"], {"idempotency-key": "k"}
    second = changed(first, b"second", **key)
    again = changed(first, b"second", **key)
    assert [(reply.status, reply.headers["ETag"]) for reply in (second, again)] == [(201, second.headers["ETag"])] * 2
    before = objects()
    third, new = changed(first, b"third"), changed(first, b"new", "new.pdf")
    for refused in (third, new, changed("*", b"third"), changed("", b"third")):
        assert (refused.status, refused.json["type"]) == (412, "urn:healthcare-dr:problem:precondition-failed")
    assert objects() == before
    assert status(api, patient)["version_id"] == second.json["version_id"]


def test_rejects_more_versions_than_can_be_read_in_time_before_their_bytes_are_stored(
    cloud: Cloud, api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def objects() -> int:
        return len(cloud.client("s3").list_objects_v2(Bucket=bucket(HOME))["Contents"])

    put(api, patient)
    before = objects()
    monkeypatch.setattr("functions.api.versions.LIMIT", 1)
    reply = put(api, patient, body=b"one more")
    assert (reply.status, reply.json["type"]) == (409, "urn:healthcare-dr:problem:too-many-versions")
    assert objects() == before


@pytest.mark.parametrize("suffix", ["", "/download"])
def test_rejects_a_version_that_the_document_does_not_have(api: Api, patient: str, suffix: str) -> None:
    put(api, patient)
    elsewhere = put(api, patient, "other.pdf").json["version_id"]
    for version_id in (UNKNOWN, elsewhere):
        reply = read(api, patient, version_id, suffix)
        assert (reply.status, reply.json["type"]) == (404, "urn:healthcare-dr:problem:no-such-version")
    for malformed in ("null", "1", "A" * 36):
        assert read(api, patient, malformed, suffix).status == 400
    assert api("GET", f"/patients/{patient}/documents/scan.pdf{suffix}?region={HOME}").status == 400


def test_rejects_another_organisations_caller_who_knows_the_version(api: Api, patient: str) -> None:
    version_id = put(api, patient).json["version_id"]
    assert read(api, patient, version_id, caller=clinician("clinic-b")).status == 404


@pytest.fixture
def rules(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """The replication of the first region's bucket, which a test may change."""
    client = cloud.client("s3")
    found: dict[str, Any] = client.get_bucket_replication(Bucket=bucket(HOME))["ReplicationConfiguration"]
    yield found
    client.put_bucket_replication(Bucket=bucket(HOME), ReplicationConfiguration=found)


@pytest.mark.usefixtures("rules")
def test_a_document_that_came_before_replication_was_set_up_says_so(cloud: Cloud, api: Api, patient: str) -> None:
    cloud.client("s3").delete_bucket_replication(Bucket=bucket(HOME))
    assert put(api, patient).json["replication"] == "none"
    assert status(api, patient)["replication"] == "none"


def test_a_document_that_s3_gave_up_to_copy_says_so(
    cloud: Cloud, api: Api, patient: str, rules: dict[str, Any]
) -> None:
    [rule] = rules["Rules"]
    destination = {**rule["Destination"], "Bucket": "arn:aws:s3:::gone"}
    changed = {**rules, "Rules": [{**rule, "Destination": destination}]}
    cloud.client("s3").put_bucket_replication(Bucket=bucket(HOME), ReplicationConfiguration=changed)
    assert put(api, patient).json["replication"] == "failed"
    assert status(api, patient)["replication"] == "failed"


def test_an_upload_that_others_forestall_every_time_is_told_when_to_come_back(
    cloud: Cloud, build: Callable[..., Api], patient: str, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.api.versions import History, Versions

    slow, quick, history, stored = build(HOME), build(HOME), Versions.history, list[str]()

    def forestalled(self: Versions, *asked: str) -> History:
        found = history(self, *asked)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Versions, "history", history)
            stored.append(put(quick, patient, body=f"{len(stored)}".encode()).json["version_id"])
        return found

    monkeypatch.setattr(Versions, "history", forestalled)
    reply = put(slow, patient, body=b"the slowest")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert len(stored) == 6, "once before its object is stored, and in each of five rounds"
    assert [row["version_id"] for row in cloud.rows(f"clinic-a#{patient}")] == stored
    assert [row["status"] for row in cloud.audit(f"clinic-a#{patient}")] == ["201"] * 6 + ["503"]


def test_a_state_of_replication_that_nobody_knows_is_pending(
    api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.api import documents

    monkeypatch.setattr(documents, "REPLICATION_SECONDS", 0)
    monkeypatch.setattr(documents, "_REPLICATION", {})
    assert put(api, patient).json["replication"] == "pending"
    assert status(api, patient)["replication"] == "pending"
