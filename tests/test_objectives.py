"""The budget of the recovery objectives, against figures worked out by hand."""

from typing import Any

from dr.objectives import (
    ARRIVAL_MARGIN_S,
    RECOVERY_POINT_OBJECTIVE_S,
    Plan,
    availability,
    broken,
    budget,
    evacuation_time_s,
    latch_time_s,
    recovery_time_s,
    stall_told_s,
)
from dr.resources.failover import PROBE_TIMEOUT_S
from functions.probe.probe import Limits
from main import REGIONS
from tools.objectives import PATH, render
from tools.objectives import figures as default_figures

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

PLAN = Plan(interval_s=10, failures=3, ttl_s=60, lag_alarm_s=30, weights=(70, 30))


def figures(**changes: Any) -> dict[str, float]:
    """The figures of the plan with some of its parts changed, by name."""
    return {figure.name: figure.value for figure in budget(attrs.evolve(PLAN, **changes))}


@pytest.mark.parametrize(
    ("interval", "failures", "ttl", "seconds"),
    # 3 probes of 10 s, 8 s until the last is given up, 60 s in resolvers; and so on.
    [(10, 3, 60, 98), (10, 1, 1, 19), (30, 3, 60, 158), (30, 8, 60, 308)],
)
def test_recovery_takes_the_probes_the_timeouts_and_the_ttl(
    interval: int, failures: int, ttl: int, seconds: int
) -> None:
    assert recovery_time_s(interval_s=interval, failure_threshold=failures, ttl_s=ttl) == seconds


def test_evacuation_takes_a_period_the_delay_of_metrics_and_the_ttl() -> None:
    assert evacuation_time_s(ttl_s=60) == 60 + 120 + 60


def test_the_latch_takes_a_probe_two_bad_minutes_a_run_of_the_function_and_an_evacuation() -> None:
    assert latch_time_s(ttl_s=60) == 60 + 10 + 2 * 60 + 60 + 10 + 240


def test_a_stall_is_told_after_a_probe_its_wait_a_period_and_the_delay_of_metrics() -> None:
    assert stall_told_s(lag_alarm_s=30) == 60 + 35 + 60 + 120


@pytest.mark.parametrize(
    ("regions", "recovery_s", "share", "percent"),
    [
        # 0.9995 x 0.9995 x 0.9999: one region misses 99.99 % before anything fails over.
        (1, 0, 0, "99.8900"),
        (2, 0, 0, "99.9999"),
        # Of 2,592,000 s a month: 300 s of everybody, of 70 %, and 120 s of 70 %.
        (2, 300, 1, "99.9883"),
        (2, 300, 0.7, "99.9918"),
        (2, 120, 0.7, "99.9966"),
        (3, 98, 0.5, "99.9981"),
    ],
)
def test_availability_is_what_regions_and_one_failover_a_month_leave(
    regions: int, recovery_s: float, share: float, percent: str
) -> None:
    assert f"{100 * availability(regions=regions, recovery_s=recovery_s, share=share):.4f}" == percent


def test_the_defaults_keep_every_objective() -> None:
    assert list(broken(PLAN)) == []
    assert figures() == {
        "recovery time when a region dies": 98,
        "recovery time when a region is evacuated": 240,
        "until a lost region is latched out of DNS": 500,
        "lag of records and audit rows that raises an alarm": 30,
        "until replication that stands still is told": 275,
        "recovery point of documents answered as replicated": 0,
        "recovery point of documents answered as pending": 900,
        "availability with one failover a month": pytest.approx(0.99997, abs=5e-6),
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"interval_s": 30, "failures": 8}, "when a region dies be under 300 s, got: 308 s of (30, 8, 60)"),
        ({"ttl_s": 120}, "when a region is evacuated be under 300 s, got: 300 s of (120,)"),
        ({"lag_alarm_s": 60}, "records and audit rows that raises an alarm be under 60 s, got: 60 s of (60,)"),
        (
            {"interval_s": 30, "failures": 7, "weights": (100, 0)},
            "one failover a month be at least 99.9900 %, got: 99.9892 % of ((100, 0), 30, 7, 60)",
        ),
        ({"weights": (100,)}, "one failover a month be at least 99.9900 %, got: 99.8863 % of ((100,), 10, 3, 60)"),
    ],
)
def test_a_plan_that_breaks_an_objective_is_refused_with_the_figure(changes: dict[str, Any], told: str) -> None:
    (fault,) = broken(attrs.evolve(PLAN, **changes))
    assert fault.endswith(told)


def test_all_limits_of_the_probe_together_stay_within_the_functions_time() -> None:
    limits = Limits()
    longest = RECOVERY_POINT_OBJECTIVE_S + ARRIVAL_MARGIN_S
    assert longest + 4 * limits.own + limits.asking < PROBE_TIMEOUT_S


def test_the_page_is_current() -> None:
    assert PATH.read_text(encoding="utf-8") == render(default_figures()), "make objectives writes it"
    added = [region.settings.weight for region in REGIONS[len(PLAN.weights) :]]
    plan = attrs.evolve(PLAN, weights=(*PLAN.weights, *added))
    assert [figure.value for figure in default_figures()] == [figure.value for figure in budget(plan)]


@given(st.lists(st.integers(0, 255), min_size=2, max_size=6), st.integers(1, 60))
def test_a_longer_ttl_and_a_larger_share_never_help(weights: list[int], ttl: int) -> None:
    name = "availability with one failover a month"
    shorter, longer = (figures(weights=tuple(weights), ttl_s=seconds)[name] for seconds in (ttl, ttl + 1))
    assert longer <= shorter
    assert figures(weights=(1, *(0 for _ in weights[1:])), ttl_s=ttl)[name] <= shorter
