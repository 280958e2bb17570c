"""What passes and what does not."""

from __future__ import annotations

from typing import Any

from drill.outages import Break, Evacuate, Recovery, Scenario, Watch
from drill.scenarios import SCENARIOS
from drill.target import Budget
from drill.verdict import MARGIN_S, Allowance, Facts, Limits, checks
from tests.drill.logs import EAST, GOOD, WEST

import attrs
import pytest

BUDGET = Budget(recovery_s=98, evacuation_s=240, ttl_s=60)
ALLOWANCE = Allowance(patience_s=15, overhead_s=0)
AT_A_FIFTH = Allowance(patience_s=35, overhead_s=6)
BY_NAME = {scenario.name: scenario.lasting(150) for scenario in SCENARIOS}

STAY = ("calls-fail", "s3-dead", "replication-held", "blips")


def failed(scenario: str, **changes: Any) -> set[str]:
    """The checks that fail of a scenario whose figures are good but for these changes."""
    facts = Facts(
        left=BY_NAME[scenario].leaves,
        doubts=0 if scenario in STAY else 4,
        asked_last_s=60,
        felt=20,
        failed={"document": 5},
        unexplained=0,
        longest_wait_s=14,
        failing_after_s=4,
        evacuations_told=1,
        back_s=340,
    )
    names = {field.name for field in attrs.fields(Facts)}
    seen = attrs.evolve(facts, **{name: value for name, value in changes.items() if name in names})
    served = {"served_share": 0.04} if BY_NAME[scenario].unserved_least else {}
    changed = {name: value for name, value in changes.items() if name not in names}
    measured = attrs.evolve(GOOD, **{**served, **changed})
    found = checks(BY_NAME[scenario], measured, seen, BUDGET, ALLOWANCE)
    return {check.name for check in found if not check.passed}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_good_figures_pass(scenario: Scenario) -> None:
    assert failed(scenario.name) == set()


@pytest.mark.parametrize(
    ("scenario", "changes", "wanted"),
    [
        ("region-refuses", {"left": []}, "DNS leaves"),
        ("blips", {"left": [EAST]}, "DNS leaves"),
        ("flapping", {"left": [EAST]}, "DNS leaves"),
        *((scenario, {"doubts": 1}, "regions or health checks seen unhealthy") for scenario in STAY),
        ("both-refuse", {"left": [EAST, WEST]}, "DNS leaves"),
        ("region-refuses", {"recovery_time_keeping_ttl_s": 98.1}, "recovery time, where TTLs are kept"),
        ("region-hangs", {"recovery_time_keeping_ttl_s": 113.1}, "recovery time, where TTLs are kept"),
        ("evacuation", {"recovery_time_keeping_ttl_s": 260.1}, "recovery time, where TTLs are kept"),
        ("region-refuses", {"recovery_time_s": 113.1}, "recovery time"),
        ("evacuation", {"recovery_time_s": 276}, "recovery time"),
        ("region-slow", {"asked_last_s": 129}, "region asked for the last time"),
        ("evacuated-in-health", {"asked_last_s": 256}, "region asked for the last time"),
        ("health-path-dead", {"failed_requests": 1}, "failed requests"),
        ("replication-held", {"failed_requests": 1}, "failed requests"),
        ("replication-held", {"felt": 0}, "requests that felt it"),
        ("region-slow", {"felt": 0}, "requests that felt it"),
        ("blips", {"felt": 0}, "requests that felt it"),
        ("both-refuse", {"failing_after_s": 11}, "not served after the outage"),
        ("region-refuses", {"failing_after_s": 11}, "not served after the outage"),
        ("region-hangs", {"failing_after_s": 26}, "not served after the outage"),
        ("evacuated-in-health", {"failing_after_s": 11}, "not served after the outage"),
        ("both-refuse", {"longest_wait_s": 71}, "one client not served for"),
        ("blips", {"longest_wait_s": 26}, "one client not served for"),
        ("calls-fail", {"longest_wait_s": 51}, "one client not served for"),
        ("calls-fail", {"served_share": 0.0}, "clients' time not served"),
        ("s3-dead", {"served_share": 0.0}, "clients' time not served"),
        ("flapping", {"served_share": 0.0}, "clients' time not served"),
        ("both-refuse", {"served_share": 0.31}, "clients' time not served"),
        ("both-refuse", {"served_share": 1.0}, "clients' time not served"),
        ("region-refuses", {"unexplained": 1}, "failed where nothing is broken"),
        ("s3-dead", {"failed": {"read record": 1}}, "failed: record, correction, read record"),
        ("region-refuses", {"failback_s": None}, "failback"),
        ("region-refuses", {"failback_s": 301}, "failback"),
        ("region-refuses", {"lost_for_good": 1}, "acknowledged writes lost for good"),
        ("region-refuses", {"duplicates": 1}, "writes made twice"),
        ("region-refuses", {"wrong_answers": 1}, "wrong answers"),
        ("region-refuses", {"overdue_reads": 1}, "reads of what should have been copied"),
        ("latched", {"evacuations_told": 0}, "messages that tell of the evacuation"),
        ("latched", {"evacuations_told": 2}, "messages that tell of the evacuation"),
        ("latched", {"notification_s": None}, "notification"),
        ("latched", {"back_s": 329}, "in DNS again before the release"),
    ],
)
def test_rejects_a_figure_over_its_limit(scenario: str, changes: dict[str, Any], wanted: str) -> None:
    assert failed(scenario, **changes) == {wanted}


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
    found = failed(scenario, recovery_point_s={**GOOD.recovery_point_s, name: measured})
    assert found == (set() if passes else {f"recovery point, {name.replace('_', ' ')}"})


def test_clients_time_not_served_is_judged_from_above_where_a_region_is_left_and_else_from_below() -> None:
    judged = [scenario for scenario in SCENARIOS if scenario.recovery is Recovery.WITH_THE_CAUSE]
    assert {scenario.name for scenario in judged if scenario.unserved_least} == {"both-refuse"}
    assert all((scenario.unserved < 1) != bool(scenario.unserved_least) for scenario in judged)


def test_one_retry_is_forgiven_where_nothing_is_broken_if_the_machine_is_hurried() -> None:
    assert (ALLOWANCE.mishaps, AT_A_FIFTH.mishaps) == (0, 1)


def test_every_scenario_breaks_something_in_time_and_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(SCENARIOS)
    for scenario in BY_NAME.values():
        assert all(0 <= each.start_s < (each.end_s or 0) for each in scenario.disturbances)
        assert set(scenario.leaves) <= {EAST, WEST}


@pytest.mark.parametrize("allowance", [ALLOWANCE, AT_A_FIFTH], ids=["true speed", "a fifth"])
def test_who_is_served_only_after_the_outage_has_missed_every_limit(allowance: Allowance) -> None:
    judged = [
        scenario for scenario in SCENARIOS if scenario.recovery is not Recovery.WITH_THE_CAUSE and scenario.leaves
    ]
    assert len(judged) == 10
    for scenario in judged:
        limits = Limits.of(scenario, BUDGET, allowance)
        found = scenario.lasting(limits.all_s + MARGIN_S)
        assert limits.keeping_s <= limits.all_s
        assert all((each.end_s or 0) >= limits.all_s + MARGIN_S for each in found.disturbances), scenario.name


def test_the_loss_of_a_region_is_over_in_two_minutes_for_all_clients() -> None:
    assert Limits.of(BY_NAME["region-refuses"], BUDGET, ALLOWANCE).all_s < 120
    assert Limits.of(BY_NAME["region-refuses"], attrs.evolve(BUDGET, recovery_s=180), ALLOWANCE).all_s == 120


def test_an_evacuation_has_time_from_the_word_on() -> None:
    (word,) = BY_NAME["evacuation"].all(Evacuate)
    assert Limits.of(BY_NAME["evacuation"], BUDGET, ALLOWANCE).keeping_s == word.start_s + BUDGET.evacuation_s


def test_a_blip_is_over_before_three_probes_of_one_checker_can_fail() -> None:
    interval_s, failures = 10, 3
    for each in BY_NAME["blips"].all(Break):
        assert (each.end_s or 0) - each.start_s < interval_s * (failures - 1)


def test_a_latched_region_is_released_only_when_its_own_health_check_has_long_taken_it_back() -> None:
    (broken,), (watch,) = BY_NAME["latched"].all(Break), BY_NAME["latched"].all(Watch)
    assert (watch.end_s or 0) - (broken.end_s or 0) >= 60
