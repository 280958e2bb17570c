"""Figures from logs, worked out by hand."""

from __future__ import annotations

from drill.measures import (
    duplicates,
    failback_time,
    known_objects,
    last_failure,
    lost_for_good,
    missing,
    moment_of_loss,
    recovery_points,
    recovery_time,
    served_share,
)
from drill.traffic import Request
from tests.drill.logs import EAST, WEST, acknowledged, held, request

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

TIMES = st.floats(0, 1000)
OUTCOMES = st.sampled_from(["served", "failed", "stale", "wrong"])
REQUESTS = st.lists(
    st.builds(
        lambda began, lasts, outcome, client: request(began, began + lasts, outcome, client),
        TIMES,
        st.floats(0, 20),
        OUTCOMES,
        st.sampled_from("abc"),
    )
)


def test_recovery_time_is_of_the_client_that_waited_longest() -> None:
    log = [
        request(98, 103, "failed", "a"),  # on its way when the outage begins at 100
        request(140, 141, "failed", "a"),
        request(110, 111, "failed", "b"),
        request(160, 162, "failed", "b"),
        request(170, 171, "served", "b"),
    ]
    assert recovery_time(log, 100) == 52
    assert recovery_time(log, 100, {"a"}) == 41


def test_a_failure_before_the_outage_is_none_of_it() -> None:
    assert recovery_time([request(90, 99, "failed")], 100) == 0


def test_stale_reads_and_wrong_answers_are_no_outage() -> None:
    assert recovery_time([request(101, 102, "stale"), request(103, 104, "wrong")], 100) == 0


@given(REQUESTS, TIMES)
def test_no_part_of_the_clients_waits_longer_than_all(log: list[Request], since: float) -> None:
    assert recovery_time(log, since, {"a", "b"}) <= recovery_time(log, since)


@given(REQUESTS, TIMES)
def test_recovery_time_ends_with_the_last_failed_request(log: list[Request], since: float) -> None:
    failed = [each for each in log if each.outcome == "failed" and each.ended >= since]
    assert 0 <= recovery_time(log, since) <= max((each.ended - since for each in failed), default=0)
    assert (last_failure(log) is None) == (not any(each.outcome == "failed" for each in log))


def test_the_served_share_counts_what_ended_in_the_outage() -> None:
    log = [
        request(1, 2, "failed"),
        request(9, 10, "failed"),
        request(11, 12),
        request(13, 14, "stale"),
        request(19, 20),
    ]
    assert served_share(log, 10, 20) == pytest.approx(2 / 3)
    assert served_share(log, 50, 60) == 1


def test_a_dead_region_is_lost_when_the_outage_begins() -> None:
    log = [acknowledged(95, "m1"), acknowledged(99, "m2"), acknowledged(120, "m3", region=WEST)]
    assert moment_of_loss(log, EAST, 100, 130) == 100


def test_a_region_that_still_takes_writes_is_lost_with_its_last_one_before_the_takeover() -> None:
    log = [acknowledged(95, "m1"), acknowledged(128, "m2"), acknowledged(131, "m3")]
    assert moment_of_loss(log, EAST, 100, 130) == 128


def test_the_recovery_point_is_the_age_of_the_oldest_missing_write_of_each_class() -> None:
    log = [
        acknowledged(90, "there"),
        acknowledged(94, "half"),
        acknowledged(97, "gone"),
        acknowledged(91, "copied", replication="replicated"),
        acknowledged(92, "kept", replication="pending"),
        acknowledged(140, "later"),
    ]
    survivor = held(["there", "half", "copied", "kept"], audited=["there", "copied", "kept"], stored=["copied"])
    lacking = missing(log, survivor, known_objects([survivor]), until=130)
    assert {name: [each.mark for each in rows] for name, rows in lacking.items()} == {
        "records": ["gone"],
        "audit": ["half", "gone"],
        "documents_replicated": [],
        "documents_pending": ["kept"],
    }
    assert recovery_points(lacking, loss=100) == {
        "records": 3,
        "audit": 6,
        "documents_replicated": 0,
        "documents_pending": 8,
    }


def test_a_document_whose_object_nobody_knows_is_missing() -> None:
    log = [acknowledged(90, "scan", replication="replicated")]
    lacking = missing(log, held([]), {}, until=100)
    assert [each.mark for each in lacking["documents_replicated"]] == ["scan"]


@given(st.lists(st.tuples(TIMES, st.booleans())))
def test_the_recovery_point_never_grows_with_what_the_survivor_has(writes: list[tuple[float, bool]]) -> None:
    log = [acknowledged(at, f"m{number}") for number, (at, _) in enumerate(writes)]
    some = held(f"m{number}" for number, (_, kept) in enumerate(writes) if kept)
    everything = held(f"m{number}" for number in range(len(writes)))
    point, none, worst = (
        recovery_points(missing(log, each, {}, 1000), 1000)["records"] for each in (some, everything, held([]))
    )
    assert none == 0 <= point <= worst


def test_a_write_is_lost_for_good_if_any_part_is_missing_in_any_region_in_the_end() -> None:
    log = [acknowledged(1, "m1"), acknowledged(2, "m2"), acknowledged(3, "scan", replication="pending")]
    whole = held(["m1", "m2", "scan"], stored=["scan"], region=EAST)
    assert lost_for_good(log, [whole, held(["m1", "m2", "scan"], stored=["scan"])]) == 0
    assert lost_for_good(log, [whole, held(["m1", "scan"], stored=["scan"])]) == 1
    assert lost_for_good(log, [whole, held(["m1", "m2", "scan"], audited=["m1", "m2"])]) == 1
    assert lost_for_good(log, [held([]), held([])]) == 3


def test_one_write_in_both_regions_is_no_duplicate_and_a_second_version_is() -> None:
    both = [held(["m1", "m2"], region=EAST), held(["m1", "m2"])]
    assert duplicates(both) == 0
    assert duplicates([*both, attrs.evolve(both[0], versions={"another version": "m1"})]) == 1


def test_failback_is_the_first_request_served_by_the_region_once_it_is_healthy() -> None:
    log = [
        request(201, 202),  # a resolver that never left
        request(231, 232, region=WEST),
        request(236, 237, "failed"),
        request(238, 240),
    ]
    assert failback_time(log, EAST, healed=200, healthy_again=230) == 40
    assert failback_time(log, EAST, healed=200, healthy_again=None) is None
    assert failback_time(log[:2], EAST, healed=200, healthy_again=230) is None
