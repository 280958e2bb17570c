"""Records change by new versions only; those of two regions that were cut off from each other are all kept."""

from __future__ import annotations

from typing import Any

from tests.functions.cloud import HOME, OTHER, RECORDS, Cloud, Link
from tests.functions.gateway import Api, Reply, clinician
from tests.functions.test_records import RECORD

import pytest

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def create(api: Api, patient: str, content: object = "first") -> tuple[str, str]:
    """A new record's path and entity tag."""
    reply = api("POST", f"/patients/{patient}/records", {**RECORD, "content": content})
    return reply.headers["Location"], reply.headers["ETag"]


def put(api: Api, path: str, tag: str, content: object, **options: Any) -> Reply:
    return api("PUT", path, {**RECORD, "content": content}, headers={"if-match": tag}, **options)


def retract(api: Api, path: str, tag: str, reason: str = "entered-in-error") -> Reply:
    return api("DELETE", f"{path}?reason={reason}", headers={"if-match": tag})


def contents(reply: Reply) -> list[Any]:
    return [record["content"] for record in reply.json["records"]]


def test_a_record_is_read_in_both_regions_with_the_tag_that_changes_it(api: Api, other: Api, patient: str) -> None:
    path, tag = create(api, patient)
    for region in (api, other):
        reply = region("GET", path)
        assert (reply.status, reply.json["content"], reply.headers["ETag"]) == (200, "first", tag)
        assert reply.json["etag"] == tag
        assert reply.json["divergence"] is None


def test_an_update_is_a_new_version_and_the_old_one_stays(cloud: Cloud, api: Api, patient: str) -> None:
    path, tag = create(api, patient)
    reply = put(api, path, tag, "second")
    assert (reply.status, reply.json["version"], reply.json["content"]) == (200, 2, "second")
    assert reply.headers["ETag"] != tag
    assert api("GET", path).headers["ETag"] == reply.headers["ETag"]
    assert [row["content"] for row in cloud.rows(f"clinic-a#{patient}")] == ['"first"', '"second"']


def test_the_list_shows_the_current_version_only(api: Api, patient: str) -> None:
    paths = [create(api, patient, f"first {n}") for n in range(3)]
    for number, (path, tag) in enumerate(paths):
        put(api, path, tag, f"second {number}")
    seen: list[Any] = []
    after = ""
    while True:
        page = api("GET", f"/patients/{patient}/records?limit=1{after}")
        seen += contents(page)
        if page.json["next"] is None:
            break
        after = f"&after={page.json['next']}"
    assert sorted(seen) == ["second 0", "second 1", "second 2"]


def test_the_history_shows_all_versions_newest_first_and_page_by_page(api: Api, patient: str) -> None:
    path, tag = create(api, patient)
    for text in ("second", "third"):
        tag = put(api, path, tag, text).headers["ETag"]
    first = api("GET", f"{path}/history?limit=2").json
    assert [version["content"] for version in first["versions"]] == ["third", "second"]
    rest = api("GET", f"{path}/history?limit=2&after={first['next']}").json
    assert [version["content"] for version in rest["versions"]] == ["first"]
    assert rest["next"] is None


def test_a_retracted_record_is_gone_but_its_versions_stay(cloud: Cloud, api: Api, patient: str) -> None:
    path, tag = create(api, patient)
    reply = retract(api, path, tag)
    assert (reply.status, reply.json["retraction"], reply.json["content"]) == (200, "entered-in-error", None)
    assert (api("GET", path).status, api("GET", path).json["type"]) == (410, "urn:healthcare-dr:problem:retracted")
    assert contents(api("GET", f"/patients/{patient}/records")) == []
    [shown] = api("GET", f"/patients/{patient}/records?retracted=true").json["records"]
    assert shown["retraction"] == "entered-in-error"
    assert len(api("GET", f"{path}/history").json["versions"]) == len(cloud.rows(f"clinic-a#{patient}")) == 2


def test_a_retracted_record_is_not_retracted_again(cloud: Cloud, api: Api, patient: str) -> None:
    path, tag = create(api, patient)
    retracted = retract(api, path, tag).headers["ETag"]
    reply = retract(api, path, retracted, "duplicate")
    assert (reply.status, reply.json["type"]) == (410, "urn:healthcare-dr:problem:retracted")
    assert retract(api, path, tag).status == 410, "as a retry does whose first answer was lost"
    assert len(cloud.rows(f"clinic-a#{patient}")) == 2


def test_retractions_in_two_regions_are_merged_by_one_more(
    cloud: Cloud, api: Api, other: Api, patient: str, link: Link
) -> None:
    path, tag = create(api, patient)
    link.cut()
    assert [retract(region, path, tag).status for region in (api, other)] == [200, 200]
    link.restore()
    rows = cloud.rows(f"clinic-a#{patient}")
    both = '"' + ".".join(sorted(row["version_id"] for row in rows if "retraction" in row)) + '"'
    merged = retract(api, path, both)
    assert (merged.status, retract(api, path, merged.headers["ETag"]).status) == (200, 410)


def test_a_retraction_by_mistake_is_taken_back_by_an_update(api: Api, patient: str) -> None:
    path, tag = create(api, patient)
    tag = retract(api, path, tag).headers["ETag"]
    assert put(api, path, tag, "right after all").status == 200
    assert api("GET", path).json["content"] == "right after all"


def test_versions_of_two_regions_cut_off_are_both_kept_shown_and_merged(
    api: Api, other: Api, patient: str, link: Link
) -> None:
    path, tag = create(api, patient)
    link.cut()
    second = put(api, path, tag, "here 2").headers["ETag"]
    assert put(api, path, second, "here 3").status == 200
    assert put(other, path, tag, "there 2").status == 200
    assert other("GET", path).json["divergence"] is None
    link.restore()
    for region in (api, other):
        found = region("GET", path).json
        assert [head["content"] for head in found["divergence"]["heads"]] == ["here 3", "there 2"]
        assert found["etag"] in found["divergence"]["merge"]
        [listed] = region("GET", f"/patients/{patient}/records").json["records"]
        assert listed == found
    assert put(api, path, second, "lost").status == 412
    assert put(other, path, found["etag"], "merged").json["version"] == 4
    for region in (api, other):
        assert region("GET", path).json["divergence"] is None
        assert region("GET", path).json["content"] == "merged"
    assert len(api("GET", f"{path}/history").json["versions"]) == 5


def test_a_record_that_one_region_retracted_and_the_other_changed_is_still_shown(
    api: Api, other: Api, patient: str, link: Link
) -> None:
    path, tag = create(api, patient)
    link.cut()
    assert retract(api, path, tag).status == 200
    assert put(other, path, tag, "changed").status == 200
    link.restore()
    found = api("GET", path).json
    assert found["content"] == "changed"
    assert [head["retraction"] for head in found["divergence"]["heads"]] == [None, "entered-in-error"]


def test_of_two_updates_of_one_version_one_is_refused(
    cloud: Cloud, api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.api.versions import History, Versions

    path, tag = create(api, patient)
    before = Versions.history

    def raced(self: Versions, partition: str, kind: str, identity: str) -> History:
        found = before(self, partition, kind, identity)
        monkeypatch.setattr(Versions, "history", before)
        assert put(api, path, tag, "the quicker one").status == 200
        return found

    monkeypatch.setattr(Versions, "history", raced)
    assert put(api, path, tag, "the slower one").status == 412
    rows = cloud.audit(f"clinic-a#{patient}")
    assert [row["status"] for row in rows] == ["201", "200", "412"], "no row of a write that was not made"
    assert api("GET", path).json["content"] == "the quicker one"


@pytest.mark.parametrize("tag", ["*", '"other"', "bare", 'W/"{tag}"'])
def test_rejects_a_change_whose_precondition_does_not_hold(api: Api, patient: str, tag: str) -> None:
    path, current = create(api, patient)
    assert put(api, path, tag.format(tag=current.strip('"')), "x").status == 412
    assert retract(api, path, tag.format(tag=current.strip('"'))).status == 412


def test_one_of_several_tags_is_enough(api: Api, patient: str) -> None:
    path, tag = create(api, patient)
    assert put(api, path, f'"other", {tag}', "x").status == 200


def test_rejects_a_change_without_precondition(api: Api, patient: str) -> None:
    path, _ = create(api, patient)
    assert api("PUT", path, RECORD).status == 428
    assert api("DELETE", f"{path}?reason=duplicate").status == 428


@pytest.mark.parametrize("reason", ["", "because", "duplicate "])
def test_rejects_a_retraction_without_one_of_the_reasons(api: Api, patient: str, reason: str) -> None:
    path, tag = create(api, patient)
    assert retract(api, path, tag, reason).status == 400


@pytest.mark.parametrize("suffix", ["", "/history"])
def test_rejects_a_record_that_the_patient_does_not_have(api: Api, patient: str, suffix: str) -> None:
    path, tag = create(api, patient)
    assert api("GET", f"/patients/{patient}/records/{UNKNOWN}{suffix}").status == 404
    assert api("GET", f"/patients/{patient}-2/records/{path.split('/')[-1]}{suffix}").status == 404
    assert api("GET", f"{path}{suffix}", caller=clinician("clinic-b")).status == 404
    assert put(api, f"/patients/{patient}/records/{UNKNOWN}", tag, "x").status == 404
    assert retract(api, f"/patients/{patient}/records/{UNKNOWN}", tag).status == 404


@pytest.mark.parametrize("identity", ["x", UNKNOWN.upper() + "A", "%2e%2e", UNKNOWN + "~"])
def test_rejects_an_id_that_no_record_has(api: Api, patient: str, identity: str) -> None:
    for suffix in ("", "/history"):
        assert api("GET", f"/patients/{patient}/records/{identity}{suffix}").status == 400


def test_rejects_another_word_than_true_or_false(api: Api, patient: str) -> None:
    assert api("GET", f"/patients/{patient}/records?retracted=yes").status == 400


@pytest.fixture
def full(api: Api, patient: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a record that has as many versions as it may."""
    monkeypatch.setattr("functions.api.versions.LIMIT", 3)
    path, tag = create(api, patient)
    tag = put(api, path, tag, "second").headers["ETag"]
    assert api("PUT", path, RECORD, headers={"if-match": tag, "idempotency-key": "k"}).status == 200
    return path


def test_rejects_more_versions_than_can_be_read_in_time(api: Api, full: str) -> None:
    reply = put(api, full, api("GET", full).headers["ETag"], "one more")
    assert (reply.status, reply.json["type"]) == (409, "urn:healthcare-dr:problem:too-many-versions")
    assert api("GET", full).json["content"] == RECORD["content"]


def test_a_record_at_its_limit_answers_retries_and_can_be_retracted(api: Api, full: str) -> None:
    retry = api("PUT", full, RECORD, headers={"if-match": '"any"', "idempotency-key": "k"})
    assert (retry.status, retry.headers["Idempotency-Replayed"]) == (200, "true")
    assert retract(api, full, api("GET", full).headers["ETag"]).status == 200
    assert api("GET", full).status == 410


def test_a_page_ends_before_more_is_read_for_it_than_for_an_answer(
    api: Api, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.versions.PAGE_BYTES", 10_000)
    for _ in range(3):
        path, tag = create(api, patient)
        for _ in range(2):
            tag = put(api, path, tag, "x" * 3_000).headers["ETag"]
    assert len(api("GET", f"/patients/{patient}/records").json["records"]) == 2


def test_a_record_that_diverged_at_its_limit_can_be_merged(
    api: Api, other: Api, patient: str, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.versions.LIMIT", 3)
    path, tag = create(api, patient)
    link.cut()
    assert [put(region, path, tag, "cut off").status for region in (api, other)] == [200, 200]
    link.restore()
    merged = put(api, path, api("GET", path).headers["ETag"], "merged")
    assert (merged.status, api("GET", path).json["divergence"]) == (200, None)
    assert put(api, path, merged.headers["ETag"], "one more").status == 409


def test_a_retry_that_meets_an_update_before_what_it_updates_leaves_the_update_on_top(
    cloud: Cloud, api: Api, other: Api, patient: str, link: Link
) -> None:
    records, key = f"/patients/{patient}/records", {"idempotency-key": "k"}
    link.cut()
    created = api("POST", records, RECORD, headers=key)
    path = created.headers["Location"]
    assert put(api, path, created.headers["ETag"], "updated").status == 200
    # Global tables copy the items of a table in no order: the update comes first.
    id_ = f"record#{path.rpartition('/')[2]}#000002#{HOME}"
    item = {"patient_id": {"S": f"clinic-a#{patient}"}, "record_id": {"S": id_}}
    update = cloud.client("dynamodb").get_item(TableName=RECORDS, Key=item)["Item"]
    cloud.client("dynamodb", OTHER).put_item(TableName=RECORDS, Item=update)
    assert other("POST", records, RECORD, headers=key).status == 201
    assert contents(other("GET", records)) == ["updated"]
    link.restore()
    for region in (api, other):
        assert contents(region("GET", records)) == ["updated"]
        assert region("GET", path).json["divergence"] is None
        assert len(region("GET", f"{path}/history").json["versions"]) == 3
