"""Figures from logs, worked out by hand."""

from __future__ import annotations

from drill.log import Request, Sample
from drill.measures import (
    ANSWERS_WITHOUT,
    Spell,
    all_departures,
    departures,
    doubts,
    duplicates,
    failback_time,
    first_move,
    known_objects,
    latencies,
    lost_for_good,
    lost_writes,
    missing,
    overdue,
    recovery_points,
    recovery_time,
    served_share,
    spells,
)
from drill.route53 import Kept, Observation
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
    assert recovery_time(log, 100, 300) == 52
    assert recovery_time(log, 100, 300, {"a"}) == 41
    assert recovery_time(log, 100, 141) == 41


def test_a_failure_before_the_outage_is_none_of_it() -> None:
    assert recovery_time([request(90, 99, "failed")], 100, 300) == 0


def test_what_fails_after_the_outage_is_none_of_it_but_what_hangs_into_that_time_is() -> None:
    log = [request(110, 111, "failed"), request(298, 313, "failed"), request(488, 489, "failed")]
    assert recovery_time(log, 100, 300) == 203


def test_stale_reads_and_wrong_answers_are_no_outage() -> None:
    assert recovery_time([request(101, 102, "stale"), request(103, 104, "wrong")], 100, 300) == 0


@given(REQUESTS, TIMES)
def test_no_part_of_the_clients_waits_longer_than_all(log: list[Request], since: float) -> None:
    assert recovery_time(log, since, 900, {"a", "b"}) <= recovery_time(log, since, 900)


@given(REQUESTS, TIMES)
def test_recovery_time_ends_with_the_last_failed_request(log: list[Request], since: float) -> None:
    failed = [each for each in log if each.outcome == "failed" and each.ended >= since]
    assert 0 <= recovery_time(log, since, 900) <= max((each.ended - since for each in failed), default=0)


def test_a_client_is_not_served_from_its_first_failed_request_to_the_next_answer_that_is_none() -> None:
    log = [
        request(10, 20, "failed", "a"),  # it hung
        request(22, 23, "failed", "a"),
        request(25, 26, "stale", "a"),
        request(10, 11, "served", "b"),
        request(30, 31, "failed", "b"),
        request(38, 40, "served", "a"),
    ]
    assert spells(log) == [Spell(10, 26), Spell(30, 40)]


@given(REQUESTS)
def test_who_is_served_again_does_not_wait_and_who_is_not_waits_to_the_end(log: list[Request]) -> None:
    waits = {spell.began for spell in spells(log)}
    assert bool(waits) == any(each.outcome == "failed" for each in log)
    assert all(spell.began <= spell.ended for spell in spells(log))


def test_the_served_share_is_of_the_clients_time_so_that_one_request_that_hangs_counts_for_as_long_as_it_does() -> None:
    assert served_share([Spell(10, 20)], clients=2, start=10, end=20) == 0.5
    assert served_share([Spell(5, 12), Spell(18, 30)], clients=2, start=10, end=20) == 0.8
    assert served_share([Spell(30, 40)], clients=2, start=10, end=20) == 1


def test_latency_is_of_those_who_were_served_by_region_and_phase() -> None:
    log = [request(10, 10.1 + each / 100) for each in range(101)]
    log += [request(30, 31), request(10, 19, "failed"), request(11, 12, region=WEST), request(12, 15, region=None)]
    found = latencies(log, {"steady": (10, 20), "outage": (20, 40)})
    assert found["steady"][EAST] == pytest.approx([0.6, 1.09])
    assert found["steady"][WEST] == [1, 1]
    assert found["outage"] == {EAST: [1, 1]}


def seen(*answered: dict[str, int]) -> list[Sample]:
    return [Sample(float(at), {}, {}, each) for at, each in enumerate(answered, 1)]


def test_dns_has_left_a_region_when_it_answers_often_without_it_and_each_time_counts() -> None:
    both, west = {EAST: 4, WEST: 2}, {WEST: ANSWERS_WITHOUT // 2}
    samples = seen(both, west, {}, west, both, west, both, west, west, west)
    assert departures(samples, EAST) == [(2, 5), (8, None)]
    assert departures(samples, WEST) == []
    assert all_departures(samples, [WEST, EAST]) == [(2, 5, EAST), (8, None, EAST)]


def test_a_region_that_chance_left_out_for_a_while_was_not_left() -> None:
    assert departures(seen({WEST: ANSWERS_WITHOUT - 1}, {EAST: 1, WEST: 9}), EAST) == []


def test_a_region_is_in_doubt_at_each_look_that_finds_it_unhealthy_and_each_health_check_that_says_so() -> None:
    health = {EAST: False, WEST: True}, {EAST: True, WEST: True}
    samples = [Sample(float(at), each, {}, {}) for at, each in enumerate(health)]
    told = [Observation(kind, "name", healthy, "") for kind in ("checker", "check") for healthy in (False, True)]
    assert doubts(samples, []) == 1
    assert doubts(samples[1:], told) == 1
    assert doubts(samples[1:], [told[0], told[3], Observation("answer", "name", None, "")]) == 0


def test_a_region_takes_over_when_it_first_serves_a_client_of_the_other() -> None:
    log = [
        request(95, 96, "served", "a"),
        request(95, 96, "served", "b", WEST),
        request(101, 102, "served", "b", WEST),  # it was there before
        request(101, 103, "failed", "a", WEST),
        request(110, 112, "served", "a", WEST),
    ]
    assert first_move(log, EAST, 100) == 112
    assert first_move(log[:4], EAST, 100) is None


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
    assert recovery_points(lacking, takeover=130) == {
        "records": 33,
        "audit": 36,
        "documents_replicated": 0,
        "documents_pending": 38,
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


def test_two_damaged_versions_are_no_write_made_twice() -> None:
    damaged = attrs.evolve(held([]), versions={"version of m1": "", "version of m2": ""})
    assert duplicates([damaged]) == 0


def test_a_version_with_another_content_than_was_written_is_lost() -> None:
    whole = held(["m1"], region=EAST)
    damaged = attrs.evolve(held(["m1"]), versions={"version of m1": ""})
    assert lost_for_good([acknowledged(1, "m1")], [whole, damaged]) == 1
    named = f"lost for good: m1 of a, acknowledged by {EAST} as version version of m1"
    assert lost_writes([acknowledged(1, "m1")], [whole, damaged]) == [named]


def test_a_stale_read_is_overdue_once_replication_had_its_time() -> None:
    written = acknowledged(90, "m1")
    early, late, after = (request(at, at + 1, "stale", region=WEST, written=written) for at in (95, 160, 290))
    undisturbed, broken = (
        list(overdue([early, late, after], regions, since=100, healed=200, within=60)) for regions in ((), (EAST,))
    )
    assert undisturbed == [late, after]
    assert broken == [after]


def test_failback_is_over_when_all_clients_ask_anew_and_the_region_serves() -> None:
    log = [request(201, 202), request(236, 237, "failed"), request(238, 240), request(250, 251, region=WEST)]
    answers = [[Kept(WEST, 190, 232), Kept(EAST, 232, 292)], [Kept(EAST, 190, 245), Kept(WEST, 245, 305)]]
    assert failback_time(answers, log, (225.0, 230.0, EAST), healed=200) == 45
    assert failback_time(answers[:1], log, (225.0, 230.0, EAST), healed=200) == 40
    assert failback_time([*answers, [Kept(WEST, 190, 400)]], log, (225.0, 230.0, EAST), healed=200) is None
    assert failback_time(answers, log[:2], (225.0, 230.0, EAST), healed=200) is None
