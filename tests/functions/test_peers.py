"""Documents that replication has not brought yet: read in the region that took the upload, soon or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

from tests.functions.cloud import HOME, OTHER, Cloud, Link, bucket
from tests.functions.gateway import Api, clinician
from tests.functions.test_documents import PDF, put

import pytest

NOT_REPLICATED = (503, "urn:healthcare-dr:problem:not-replicated")
# What a busy machine may add to the second that a read may take.
SLACK_SECONDS = 3.0


@pytest.fixture
def west(build: Callable[..., Api]) -> Api:
    """A function of us-west-2 that has not asked its peer for anything yet."""
    return build(OTHER)


@pytest.fixture
def patient_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read may take as long as it needs: how busy the machine is does not decide about what is read."""
    monkeypatch.setattr("functions.api.peers.READ_SECONDS", 10)


@pytest.fixture
def path(cloud: Cloud, api: Api, link: Link, patient: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A document whose row is in both regions, and whose bytes are in us-east-1 alone until the link is restored."""
    monkeypatch.setattr("functions.api.documents.REPLICATION_SECONDS", 0)
    cloud.aws.fault(region=OTHER, service="s3")
    assert put(api, patient).json["replication"] == "pending"
    link.cut()
    cloud.aws.heal()
    yield f"/patients/{patient}/documents/scan.pdf"
    cloud.aws.heal()  # or the link is not restored


def asked(cloud: Cloud, region: str, service: str) -> int:
    """How often the region's service was asked so far."""
    return sum(count.times for count in cloud.aws.requests() if (count.region, count.service) == (region, service))


@pytest.mark.usefixtures("patient_reader")
def test_a_document_is_read_where_it_was_uploaded_until_its_copy_has_come(west: Api, link: Link, path: str) -> None:
    early = west("GET", path)
    assert (early.status, early.body, early.headers["X-Read-From"]) == (200, PDF, HOME)
    link.restore()
    late = west("GET", path)
    assert (late.status, late.body, late.headers["X-Read-From"]) == (200, PDF, OTHER)


@pytest.mark.usefixtures("patient_reader")
def test_a_read_in_the_other_region_is_audited_as_any_other(
    cloud: Cloud, west: Api, link: Link, path: str, patient: str
) -> None:
    west("GET", path)
    link.restore()
    row = cloud.audit(f"clinic-a#{patient}")[-1]
    assert (row["action"], row["region"], row["status"]) == ("document.get", OTHER, "200")


def test_rejects_another_organisations_caller_without_asking_the_peer(cloud: Cloud, west: Api, path: str) -> None:
    before = asked(cloud, HOME, "s3")
    assert west("GET", path, caller=clinician("clinic-b")).status == 404
    assert asked(cloud, HOME, "s3") == before


@pytest.mark.parametrize("mode", ["drop", "error", "hang", "slow", "trickle"])
@pytest.mark.parametrize(("region", "service"), [(HOME, "*"), (OTHER, "sts")])
def test_says_in_time_that_the_copy_has_not_come_when_the_peer_cannot_be_read(
    cloud: Cloud, west: Api, path: str, mode: str, region: str, service: str
) -> None:
    cloud.aws.fault(region=region, service=service, mode=mode, seconds=5)
    started = time.monotonic()
    reply = west("GET", path)
    assert (reply.status, reply.json["type"]) == NOT_REPLICATED
    assert int(reply.headers["Retry-After"]) > 0
    assert time.monotonic() - started < 1 + SLACK_SECONDS


def test_the_second_is_for_the_role_and_the_document_together(cloud: Cloud, west: Api, path: str) -> None:
    for region, service in ((OTHER, "sts"), (HOME, "s3")):
        cloud.aws.fault(region=region, service=service, mode="slow", seconds=0.7)
    assert west("GET", path).status == 503


@pytest.mark.usefixtures("patient_reader")
def test_a_peer_that_failed_is_left_alone_for_a_while(
    cloud: Cloud, west: Api, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.api.peers import REST_SECONDS

    cloud.aws.fault(region=HOME)
    assert west("GET", path).status == 503
    before = asked(cloud, HOME, "s3")
    cloud.aws.heal()
    assert west("GET", path).status == 503
    assert asked(cloud, HOME, "s3") == before
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + REST_SECONDS)
    monkeypatch.setattr("functions.api.peers.time", later)
    assert west("GET", path).status == 200


@pytest.mark.usefixtures("patient_reader")
def test_one_copy_of_several_tells_nothing_of_the_others_so_that_the_source_is_asked(
    cloud: Cloud, build: Callable[..., Api], link: Link, path: str
) -> None:
    link.restore()
    places = json.loads(cloud.environment(OTHER)["PEERS"])
    west = build(OTHER, PEERS=json.dumps({**places, "eu-west-1": {}}))
    assert west("GET", f"{path}/status").json["replication"] == "replicated"
    cloud.aws.fault(region=HOME, service="s3")
    assert west("GET", f"{path}/status").json["replication"] == "pending"


@pytest.mark.usefixtures("patient_reader")
def test_a_peer_that_lacks_one_document_is_asked_for_others(
    cloud: Cloud, api: Api, west: Api, link: Link, patient: str
) -> None:
    for name in ("gone.pdf", "there.pdf"):
        put(api, patient, name)
    rows = {row["name"]: row["object_key"] for row in cloud.rows(f"clinic-a#{patient}")}
    for region, name in ((HOME, "gone.pdf"), (OTHER, "gone.pdf"), (OTHER, "there.pdf")):
        cloud.client("s3", region).delete_object(Bucket=bucket(region), Key=rows[name])
    reply = west("GET", f"/patients/{patient}/documents/gone.pdf")
    assert (reply.status, reply.json["type"]) == NOT_REPLICATED
    assert west("GET", f"/patients/{patient}/documents/there.pdf").body == PDF


@pytest.mark.usefixtures("patient_reader")
def test_rejects_to_serve_bytes_that_changed_in_the_other_region(
    cloud: Cloud, west: Api, path: str, patient: str
) -> None:
    [row] = cloud.rows(f"clinic-a#{patient}")
    cloud.client("s3").put_object(Bucket=bucket(HOME), Key=row["object_key"], Body=b"forged")
    assert west("GET", path).status == 500


@pytest.mark.usefixtures("patient_reader")
def test_a_session_of_the_role_is_used_until_it_is_about_to_end(
    cloud: Cloud, west: Api, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = asked(cloud, OTHER, "sts")
    assert [west("GET", path).status for _ in range(3)] == [200] * 3
    assert asked(cloud, OTHER, "sts") == before + 1
    from functions.shared import sessions

    monkeypatch.setattr(sessions, "_MARGIN", 13 * sessions._MARGIN)  # longer than a session lasts
    assert west("GET", path).status == 200
    assert asked(cloud, OTHER, "sts") == before + 2


def test_a_document_is_never_written_in_the_other_region(cloud: Cloud, west: Api, patient: str) -> None:
    before = asked(cloud, HOME, "s3")
    cloud.aws.fault(region=OTHER, service="s3")
    assert put(west, patient).status == 503
    assert asked(cloud, HOME, "s3") == before
