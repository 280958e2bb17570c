"""What passes and what does not."""

from __future__ import annotations

from typing import Any

from drill.outages import CLASSES, SCENARIOS, Break, Evacuate, Scenario
from drill.results import Measures
from drill.target import Budget
from drill.verdict import Facts, checks
from tests.drill.logs import EAST, WEST

import attrs
import pytest

BUDGET = Budget(recovery_s=98, evacuation_s=240, ttl_s=60)
GOOD = Measures(
    recovery_time_s=90,
    recovery_time_keeping_ttl_s=80,
    served_share=0.9,
    recovery_point_s=dict.fromkeys(CLASSES, 0.0),
    lost_for_good=0,
    duplicates=0,
    wrong_answers=0,
    stale_reads=3,
    notification_s=None,
    failback_s=50,
    acknowledged=100,
    failed_requests=0,
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def failed(scenario: str, left: set[str], failing_after_s: float = 0.0, **changes: Any) -> set[str]:
    """The checks that fail of a scenario whose figures are good but for these changes."""
    facts = Facts(left=frozenset(left), failing_after_s=failing_after_s, patience_s=15, overhead_s=0)
    found = checks(BY_NAME[scenario], attrs.evolve(GOOD, **changes), facts, BUDGET)
    return {check.name for check in found if not check.passed}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_good_figures_pass(scenario: Scenario) -> None:
    assert failed(scenario.name, set(scenario.leaves)) == set()


@pytest.mark.parametrize(
    ("scenario", "left", "changes", "wanted"),
    [
        ("region-refuses", {EAST, WEST}, {}, "DNS leaves"),
        ("blips", {EAST}, {}, "DNS leaves"),
        ("region-refuses", {EAST}, {"recovery_time_keeping_ttl_s": 98.1}, "recovery time, where TTLs are kept"),
        ("region-hangs", {EAST}, {"recovery_time_keeping_ttl_s": 113.1}, "recovery time, where TTLs are kept"),
        ("evacuation", {EAST}, {"recovery_time_keeping_ttl_s": 260.1}, "recovery time, where TTLs are kept"),
        ("region-refuses", {EAST}, {"recovery_time_s": 301}, "recovery time"),
        ("health-path-dead", {EAST}, {"failed_requests": 1}, "failed requests"),
        ("replication-held", set(), {"failed_requests": 1}, "failed requests"),
        ("both-refuse", {EAST, WEST}, {"failing_after_s": 6}, "still failing after the outage"),
        ("region-refuses", {EAST}, {"failback_s": None}, "failback"),
        ("region-refuses", {EAST}, {"failback_s": 301}, "failback"),
        ("region-refuses", {EAST}, {"lost_for_good": 1}, "acknowledged writes lost for good"),
        ("region-refuses", {EAST}, {"duplicates": 1}, "writes made twice"),
        ("region-refuses", {EAST}, {"wrong_answers": 1}, "wrong answers"),
    ],
)
def test_rejects_a_figure_over_its_limit(scenario: str, left: set[str], changes: dict[str, float], wanted: str) -> None:
    assert failed(scenario, left, **changes) == {wanted}


@pytest.mark.parametrize(
    ("scenario", "name", "measured", "passes"),
    [
        ("region-refuses", "records", 60, True),
        ("region-refuses", "records", 60.1, False),
        ("region-refuses", "audit", 60.1, False),
        ("region-refuses", "documents_replicated", 0.1, False),
        ("region-refuses", "documents_pending", 900, True),
        ("replication-held", "records", 900, True),
        ("replication-held", "documents_replicated", 0.1, False),
        ("region-refuses", "records", None, False),
    ],
)
def test_a_recovery_point_has_the_limit_of_its_class(
    scenario: str, name: str, measured: float | None, passes: bool
) -> None:
    found = failed(scenario, set(BY_NAME[scenario].leaves), recovery_point_s={**GOOD.recovery_point_s, name: measured})
    assert found == (set() if passes else {f"recovery point, {name.replace('_', ' ')}"})


def test_every_scenario_breaks_something_in_time_and_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(SCENARIOS)
    for scenario in SCENARIOS:
        assert all(0 <= each.start_s < each.end_s for each in scenario.disturbances)
        assert scenario.leaves <= {EAST, WEST}


def test_a_region_that_is_to_be_left_is_broken_for_longer_than_the_budget() -> None:
    for scenario in SCENARIOS:
        if scenario.leaves == {EAST} and scenario.name != "flapping":
            evacuated = any(isinstance(each, Evacuate) for each in scenario.disturbances)
            within = BUDGET.evacuation_s if evacuated else BUDGET.recovery_s
            assert scenario.lasts_s > within, scenario.name


def test_a_blip_is_over_before_three_probes_of_one_checker_can_fail() -> None:
    interval_s, failures = 10, 3
    for each in BY_NAME["blips"].disturbances:
        assert isinstance(each, Break)
        assert each.end_s - each.start_s < interval_s * (failures - 1)
