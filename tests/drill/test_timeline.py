"""What was seen, by interval."""

from __future__ import annotations

import json
from pathlib import Path

from drill.outages import SCENARIOS
from drill.results import Report
from drill.timeline import Sample, series, surprises
from tests.drill.logs import EAST, WEST, request


def test_requests_health_and_lag_lie_in_the_interval_that_they_belong_to() -> None:
    log = [
        request(100, 100.1),
        request(100, 100.5, "failed"),
        request(100, 100.7, "stale", region=WEST),
        request(101, 101.1, "failed", region=None),
        request(101, 109),  # ended when all was over
    ]
    samples = [
        Sample(100.0, {EAST: True, WEST: True}, {"a to b": 0.5}),
        Sample(100.9, {EAST: False, WEST: True}, {}),
    ]
    found = series(log, samples, regions=[EAST, WEST], began=100, ended=101.2, scale=0.2)
    assert found.interval_s == 2
    assert (found.requests[EAST].served, found.requests[EAST].failed) == ([1, 0, 0, 1], [0, 1, 0, 0])
    assert (found.requests[WEST].served, found.requests[WEST].failed) == ([0, 1, 0, 0], [0, 0, 0, 0])
    assert found.unresolved == [0, 0, 1, 0]
    assert found.healthy == {EAST: [1, None, 0, None], WEST: [1, None, 1, None]}
    assert found.lag_s == {"a to b": [2.5, None, None, None]}


def test_a_report_passes_only_with_all_of_its_scenarios_and_says_so_in_json(tmp_path: Path) -> None:
    report = Report(
        started_at="2026-01-01T00:00:00+00:00",
        target="embedded",
        time_scale=1.0,
        regions=[EAST, WEST],
        weights={EAST: 70, WEST: 30},
        replication_lag_s=None,
        emulated=[],
        assumptions=[],
        machine={},
        objectives={},
        scenarios=[],
    )
    report.write(tmp_path / "a" / "report.json")
    content = json.loads((tmp_path / "a" / "report.json").read_text(encoding="utf-8"))
    assert (content["schema"], content["passed"]) == ("healthcare-dr/drill/1", True)


def test_what_fails_where_nothing_was_broken_is_told() -> None:
    scenario = next(each for each in SCENARIOS if each.name == "region-refuses")
    log = [
        request(1, 2, "failed"),
        request(3, 4, "failed", region=WEST),
        request(5, 6, "wrong"),
        request(7, 8, "stale"),
    ]
    assert surprises(log, scenario) == ["record of a in us-west-2 failed: ", "record of a in us-east-1 wrong: "]
