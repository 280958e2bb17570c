"""What was seen, by interval."""

from __future__ import annotations

from drill.log import Sample
from drill.scenarios import SCENARIOS
from drill.timeline import felt, series, surprises
from tests.drill.logs import EAST, WEST, acknowledged, logged, request

import pytest

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def test_requests_health_and_lag_lie_in_the_interval_that_they_belong_to() -> None:
    log = [
        request(100, 100.1),
        request(100, 100.5, "failed"),
        request(100, 100.7, "stale", region=WEST),
        request(101, 101.1, "failed", region=None),
        request(101, 109),  # ended when all was over
    ]
    samples = [
        Sample(100.0, {EAST: True, WEST: True}, {"a to b": 0.5}, {}),
        Sample(100.9, {EAST: False, WEST: True}, {}, {}),
    ]
    whole = logged(log, samples=samples, broken=100.5, healed=100.9, ended=101.2)
    found = series(whole, [EAST, WEST], 0.2)
    assert found.interval_s == 2
    assert (found.requests[EAST].served, found.requests[EAST].failed) == ([1, 0, 0, 1], [0, 1, 0, 0])
    assert (found.requests[WEST].served, found.requests[WEST].failed) == ([0, 1, 0, 0], [0, 0, 0, 0])
    assert found.unresolved == [0, 0, 1, 0]
    assert found.healthy == {EAST: [1, None, 0, None], WEST: [1, None, 1, None]}
    assert found.lag_s == {"a to b": [2.5, None, None, None]}


def test_what_fails_where_nothing_was_broken_is_told() -> None:
    log = [
        request(0, 1, "failed", client="b"),
        request(1, 2, "failed"),
        request(3, 4, "failed", region=WEST),
        request(5, 6, "wrong"),
        request(7, 8, "stale"),
    ]
    found = surprises(log, BY_NAME["region-refuses"], broken=1.5)
    assert found == [
        "record of b in us-east-1 failed: ",
        "record of a in us-west-2 failed: ",
        "record of a in us-east-1 wrong: ",
    ]


@pytest.mark.parametrize(
    ("scenario", "count"),
    [("region-refuses", 1), ("region-slow", 2), ("both-refuse", 2), ("health-path-dead", 0), ("replication-held", 1)],
)
def test_an_outage_is_felt_by_what_failed_or_was_late_where_it_was_or_pending(scenario: str, count: int) -> None:
    log = [
        request(90, 95, "failed"),  # before
        request(101, 102, "failed"),
        request(101, 102, "failed", region=WEST),
        request(103, 104.5),  # late by more than 5 s at true speed
        request(103, 103.5),
    ]
    taken = [
        acknowledged(99, "before", replication="pending"),
        acknowledged(110, "held", replication="pending"),
        acknowledged(111, "copied", replication="replicated"),
    ]
    assert felt(log, taken, BY_NAME[scenario], 100, 120, 0.2) == count
