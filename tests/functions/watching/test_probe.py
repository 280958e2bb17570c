"""The probe: what one region sees of all regions, also while others are gone or hang."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.functions.cloud import HOME, OTHER, REGIONS, STATE, Cloud, Link, bucket
from tests.functions.conftest import Decide
from tests.functions.gateway import Context

import pytest

pytestmark = pytest.mark.usefixtures("serving")

NAMESPACE = "HealthcareDr/Failover"
# Generous where an answer comes, for the machine may be busy; brief where none can.
PATIENT = {"own": 20.0, "asking": 20.0, "connect": 10.0, "answer": 10.0}
BRIEF = {**PATIENT, "asking": 3.0}
Run = Callable[..., dict[str, Any]]
Published = Callable[..., list[float]]
Failures = Callable[[], set[str]]


@pytest.fixture
def run(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> Run:
    """Runs a region's probe once, and returns what it logged last; `changes` replace variables and limits."""
    from functions.probe.handler import application
    from functions.probe.probe import Configuration, Limits

    caplog.set_level(logging.INFO)

    def made(region: str = HOME, limits: dict[str, float] = PATIENT, **changes: str) -> dict[str, Any]:
        configuration = Configuration.from_environment({**cloud.environment(region), **changes})
        handler = application(configuration, Limits(**limits))
        caplog.clear()
        handler({"source": "aws.events"}, Context())
        return vars(caplog.records[-1])

    return made


@pytest.fixture
def published(cloud: Cloud) -> Published:
    """The samples of a metric that were published since the test began, those ahead of time too."""
    began = datetime.now(UTC)

    def made(region: str, name: str, statistic: str = "Maximum", **dimensions: str) -> list[float]:
        found = cloud.client("cloudwatch", region).get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=began,
            EndTime=began + timedelta(minutes=10),
            Period=1,
            Statistics=[statistic],
        )["Datapoints"]
        return [point[statistic] for point in sorted(found, key=lambda point: point["Timestamp"])]

    return made


@pytest.fixture
def failures(caplog: pytest.LogCaptureFixture) -> Failures:
    """What failed of the last run's own work."""

    def made() -> set[str]:
        return {vars(each)["part"] for each in caplog.records if each.levelno == logging.ERROR}

    return made


def lag(published: Published, store: str = "tables", region: str = HOME) -> list[float]:
    target = OTHER if region == HOME else HOME
    return published(region, "ReplicationLag", Source=region, Target=target, Store=store)


def test_a_lag_between_two_beats_is_measured_and_not_taken_for_a_short_wait(cloud: Cloud, run: Run, link: Link) -> None:
    run()
    cloud.aws.delay_replication(source=HOME, target=OTHER, seconds=0.8)
    for _ in range(2):
        assert 0.8 <= run()["replication_lag_s"][f"lag of tables to {OTHER}"] < 4.8


def test_every_region_says_that_it_lives_and_sees_that_the_others_do(
    cloud: Cloud, run: Run, published: Published
) -> None:
    for region in (OTHER, HOME):
        line = run(region)
    assert (line["complaints"], line["unknown"], line["evacuated"]) == ({}, [], [])
    assert [published(HOME, "Healthy", Region=region) for region in REGIONS] == [[1.0], [1.0]]
    assert 0 <= published(HOME, "HeartbeatAge", Region=OTHER)[0] < 60
    assert published(HOME, "HeartbeatAge", Region=HOME) == []


def test_the_lag_of_tables_and_documents_is_measured_in_every_direction(run: Run, published: Published) -> None:
    for region in REGIONS:
        run(region)
    for region in REGIONS:
        for store in ("tables", "documents"):
            [measured] = lag(published, store, region)
            assert 0 <= measured < 10


@pytest.mark.parametrize("store", ["tables", "documents"])
def test_the_lag_rises_while_replication_is_held_and_falls_when_it_goes_on(run: Run, link: Link, store: str) -> None:
    # As if the next run came at once.
    limits = {**PATIENT, "period": 0.0}

    def measured() -> float:
        found: float = run(limits=limits, ARRIVAL_S="0.3")["replication_lag_s"][f"lag of {store} to {OTHER}"]
        return found

    measured()
    link.cut()
    cut = time.monotonic()
    held = [measured() for _ in range(3)]
    assert held == sorted(held)
    assert held[2] >= time.monotonic() - cut - 10
    assert held[2] > held[0]
    link.restore()
    assert measured() < time.monotonic() - cut


def test_a_document_bucket_that_has_none_of_the_probes_objects_yet_is_behind(
    cloud: Cloud, run: Run, link: Link
) -> None:
    link.cut()
    cloud.client("s3", OTHER).delete_object(Bucket=bucket(OTHER), Key=f"probe/{HOME}")
    lines = [run(ARRIVAL_S="0.3") for _ in range(2)]
    first, second = (line["replication_lag_s"][f"lag of documents to {OTHER}"] for line in lines)
    assert second > first


@pytest.mark.parametrize("mode", ["drop", "error", "hang"])
def test_a_region_that_is_gone_or_hangs_is_told_in_time(
    cloud: Cloud, run: Run, published: Published, mode: str
) -> None:
    run(OTHER)
    cloud.aws.fault(region=OTHER, mode=mode)
    started = time.monotonic()
    line = run(limits=BRIEF, ARRIVAL_S="0.3")
    assert time.monotonic() - started < BRIEF["asking"] + 10
    assert list(line["complaints"]) == [OTHER]
    assert line["complaints"][OTHER] in (
        "does not answer (RemoteDisconnected)",
        "does not answer (ConnectionResetError)",
        "answers with status 503",
        "does not answer in time",
    )
    assert published(HOME, "Healthy", Region=OTHER) == [0.0]
    assert published(HOME, "Healthy", Region=HOME) == [1.0]
    assert len(published(HOME, "HeartbeatAge", Region=OTHER)) == 1
    assert lag(published) == lag(published, "documents") == []


def test_health_is_published_before_replication_is_waited_for(
    cloud: Cloud, run: Run, published: Published, link: Link
) -> None:
    from functions.shared.table import now
    from functions.watching.state import state_of

    run(OTHER)
    link.cut()
    # As if what was seen before were long ago.
    state_of(cloud.client("dynamodb"), STATE, HOME).look({}, now())
    began = now()
    waiting = threading.Thread(target=run, kwargs={"ARRIVAL_S": "8"})
    waiting.start()
    ends = time.monotonic() + 7
    # And kept, for the next run may begin before this one has ended.
    here, early = state_of(cloud.client("dynamodb"), STATE, HOME), list[float]()
    while not (early and OTHER in here.sights(HOME)) and time.monotonic() < ends:
        early = published(HOME, "Healthy", Region=OTHER)
        time.sleep(0.1)
    assert early == [1.0]
    assert lag(published) == []
    assert here.sights(HOME)[OTHER].healthy_since > began
    link.restore()
    waiting.join()
    assert len(lag(published)) == 1


def test_a_region_whose_table_does_not_answer_is_unhealthy(cloud: Cloud, run: Run) -> None:
    run(OTHER)
    cloud.aws.fault(region=OTHER, service="dynamodb", mode="error")
    time.sleep(1.1)  # an answer of the API is kept for a second
    assert run()["complaints"] == {OTHER: "answers with status 503"}


def test_a_region_that_nobody_heard_of_yet_is_named(cloud: Cloud, run: Run, published: Published) -> None:
    run(OTHER)
    peers = json.loads(cloud.environment(HOME)["PEERS"])
    line = run(PEERS=json.dumps({**peers, "eu-west-1": peers[OTHER]}))
    assert line["unknown"] == ["eu-west-1"]
    assert published(HOME, "Healthy", Region="eu-west-1") == []
    assert published(HOME, "Evacuated", Region="eu-west-1") == [0.0]


def test_an_evacuation_is_published_for_this_minute_and_the_next_until_it_is_over(
    cloud: Cloud, run: Run, published: Published, decide: Decide
) -> None:
    def samples() -> tuple[float, ...]:
        """How many there are, of tests before for this minute too, and how many of them say that it is evacuated."""
        return tuple(sum(published(HOME, "Evacuated", each, Region=OTHER)) for each in ("SampleCount", "Sum"))

    count, ones = samples()
    run()
    assert samples() == (count + 1, ones)
    decide(OTHER, "evacuated")
    assert run()["evacuated"] == [OTHER]
    assert samples() == (count + 3, ones + 2)
    assert published(HOME, "Evacuated", Region=HOME) == []
    decide(OTHER, "released")
    assert run()["evacuated"] == []


def test_the_sample_ahead_is_of_the_next_minute(cloud: Cloud) -> None:
    from functions.watching.metrics import evacuation

    now, ahead = evacuation(OTHER, True)
    assert (ahead["Timestamp"] - now["Timestamp"]).total_seconds() == pytest.approx(60, abs=1)
    assert [each["Value"] for each in evacuation(OTHER, False)] == [0.0]


@pytest.mark.parametrize(
    ("service", "failed"),
    [
        ("dynamodb", {"heartbeats", "evacuations", "sights", "heartbeat"}),
        ("s3", {"object"}),
        ("monitoring", {"metrics", "lag metrics"}),
    ],
)
def test_a_failure_of_its_own_is_told_and_hides_nothing_else(
    cloud: Cloud, run: Run, published: Published, failures: Failures, service: str, failed: set[str]
) -> None:
    run(OTHER)
    cloud.aws.fault(region=HOME, service=service, mode="error")
    run()
    assert failures() == failed
    cloud.aws.heal()
    assert (published(HOME, "Healthy", Region=OTHER) == [1.0]) == (service == "s3")
    assert (len(published(HOME, "Healthy", Region=HOME)) == 1) == (service != "monitoring")
    assert (len(lag(published)) == 1) == (service == "s3")
    assert lag(published, "documents") == []


def test_the_verifier_takes_no_object_of_a_probe_for_a_document_that_nothing_names(cloud: Cloud, run: Run) -> None:
    from functions.verify import orphans, trails_of

    run()
    s3, records = cloud.client("s3"), trails_of(HOME, "test").patients.heads
    assert s3.head_object(Bucket=bucket(HOME), Key=f"probe/{HOME}")
    found = orphans(s3, bucket(HOME), records, datetime.now(UTC) + timedelta(days=1))
    assert [key for key in found if key.startswith("probe/")] == []


def test_a_bucket_that_cannot_be_looked_into_hides_nothing_else_and_is_told(
    cloud: Cloud, run: Run, published: Published, failures: Failures
) -> None:
    run(OTHER)
    cloud.aws.fault(region=OTHER, service="s3", mode="error")
    run()
    assert failures() == {f"lag of documents to {OTHER}"}
    assert len(lag(published)) == 1
    assert lag(published, "documents") == []


def test_the_lag_to_a_region_that_does_not_serve_is_no_failure_of_the_probe(
    cloud: Cloud, run: Run, failures: Failures
) -> None:
    run(OTHER)
    cloud.aws.fault(region=OTHER)
    run(limits=BRIEF)
    assert failures() == set()


def test_a_peer_is_healthy_since_the_first_of_the_runs_that_saw_it_so(
    cloud: Cloud, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.shared.table import now
    from functions.watching import state

    here = state.state_of(cloud.client("dynamodb"), STATE, HOME)
    run(OTHER)
    here.look({}, now())  # whatever was seen before
    cloud.aws.fault(region=OTHER, mode="drop")
    run()
    ill = here.sights(HOME)[OTHER]
    run()
    assert here.sights(HOME)[OTHER] == state.Sight("", None, ill.ill_since, ill.ill_since)
    assert ill.ill_since
    cloud.aws.heal()
    run()
    since = here.sights(HOME)[OTHER].healthy_since
    run()
    sight = here.sights(HOME)[OTHER]
    assert (sight.healthy_since, sight.ill_since) == (since, "")
    assert sight.unsteady_since == ill.ill_since  # perhaps it comes and goes
    assert sight.lag_s is not None
    run(limits={**PATIENT, "period": 0.0})  # healthy for longer than it takes
    assert here.sights(HOME)[OTHER].unsteady_since == ""
    monkeypatch.setattr(state, "_FRESH_SECONDS", 0.0)  # as if the last run were long ago
    run()
    monkeypatch.undo()
    assert here.sights(HOME)[OTHER].healthy_since > since


@pytest.mark.parametrize(
    ("at", "previous", "first", "arrived", "least", "most"),
    [
        (1, 61, 900, 1, 1, 2),
        (4, 64, 900, 64, 4, 5),
        (4, 4, 4, None, 4, 5),
        (4, 64, 900, None, 900, 901),
        (4, 64, 900, 124, 64, 65),
        (4, 64, 900, 604, 544, 545),
    ],
)
def test_the_lag_is_the_age_of_the_oldest_beat_that_has_not_arrived(
    cloud: Cloud, at: int, previous: int, first: int, arrived: int | None, least: int, most: int
) -> None:
    from functions.probe.probe import Beat
    from functions.shared.table import instant

    present = datetime.now(UTC)

    def ago(seconds: int | None) -> str:
        return "" if seconds is None else instant(present - timedelta(seconds=seconds))

    assert least <= Beat(ago(at), ago(previous), ago(first)).lag_s(ago(arrived), 60) < most


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://127.0.0.1:1", r"cannot be reached \(ConnectionRefusedError\)"),
        ("https://127.0.0.1:{port}", r"cannot be reached \(SSLError\)"),
        ("http://127.0.0.1:{port}", r"answers with status 4.."),
    ],
)
def test_a_region_is_asked_as_its_clients_ask_it(cloud: Cloud, url: str, complaint: str) -> None:
    from functions.watching.endpoint import Endpoint, Patience

    found = Endpoint(url.format(port=cloud.aws.port), "", Patience(connect=5.0, answer=5.0)).complaint()
    assert re.fullmatch(complaint, found)


def test_a_region_that_is_reached_and_never_answers_is_given_up(cloud: Cloud) -> None:
    from functions.watching.endpoint import Endpoint, Patience

    cloud.aws.fault(region=OTHER, service="execute-api", mode="hang")
    assert (
        Endpoint(cloud.api_urls[OTHER], cloud.aws.endpoint, Patience(connect=5.0, answer=0.3)).complaint()
        == "does not answer in time"
    )


def test_every_line_of_its_log_is_json_and_carries_the_request(cloud: Cloud) -> None:
    lines = cloud.printed("probe", {})
    told = [line for line in lines if "level" in line]
    assert told[-1]["message"] == "probed"
    assert {line["function_request_id"] for line in told} == {Context().aws_request_id}
    assert [line["Failures"] for line in lines if "_aws" in line] == [[0.0]]
