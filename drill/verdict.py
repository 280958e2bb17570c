"""What must hold of a scenario's figures."""

from __future__ import annotations

from collections.abc import Iterator

from dr.objectives import RECOVERY_POINT_OBJECTIVE_S, RECOVERY_TIME_OBJECTIVE_S
from drill.outages import CLASSES, Evacuate, Recovery, Scenario
from drill.results import Check, Measures
from drill.target import Budget

import attrs

# One probe more of each client may have been on its way.
SETTLING_S = 5.0


@attrs.frozen(kw_only=True)
class Facts:
    """What else is judged, in seconds at true speed.

    Attributes:
        left: The regions that DNS stopped answering with.
        failing_after_s: How long after the outage's end a request was begun that failed.
        patience_s: How long a client waits for an answer.
        overhead_s: What the machine takes for itself, which no time scale makes less: 0 at true speed.
    """

    left: frozenset[str]
    failing_after_s: float
    patience_s: float
    overhead_s: float


def checks(scenario: Scenario, measures: Measures, facts: Facts, budget: Budget) -> list[Check]:
    """Every check of a scenario."""
    return [
        _same("DNS leaves", facts.left, scenario.leaves),
        *_recovery(scenario, measures, facts, budget),
        *_recovery_points(scenario, measures),
        _most("acknowledged writes lost for good", measures.lost_for_good, 0, "writes"),
        _most("writes made twice", measures.duplicates, 0, "writes"),
        _most("wrong answers", measures.wrong_answers, 0, "answers"),
    ]


def _recovery(scenario: Scenario, measures: Measures, facts: Facts, budget: Budget) -> Iterator[Check]:
    evacuations = [each.start_s for each in scenario.disturbances if isinstance(each, Evacuate)]
    within = max(evacuations) + budget.evacuation_s if evacuations else budget.recovery_s
    match scenario.recovery:
        case Recovery.FAILOVER:
            limit = within + facts.overhead_s + (facts.patience_s if scenario.waits else 0)
            yield _most("recovery time, where TTLs are kept", measures.recovery_time_keeping_ttl_s, limit, "s")
            yield _most("recovery time", measures.recovery_time_s, RECOVERY_TIME_OBJECTIVE_S, "s")
        case Recovery.NEVER_FAILED:
            yield _most("failed requests", measures.failed_requests, 0, "requests")
        case Recovery.WITH_THE_CAUSE:
            yield _most("still failing after the outage", facts.failing_after_s, SETTLING_S + facts.overhead_s, "s")
    if scenario.leaves:
        back = measures.failback_s
        passed = back is not None and back <= RECOVERY_TIME_OBJECTIVE_S
        yield Check(name="failback", measured=back, limit=RECOVERY_TIME_OBJECTIVE_S, unit="s", passed=passed)


def _recovery_points(scenario: Scenario, measures: Measures) -> Iterator[Check]:
    limits = dict.fromkeys(CLASSES, float(RECOVERY_POINT_OBJECTIVE_S))
    # Nobody promises anything of a document that was answered as pending; one answered as replicated is there.
    limits |= {"documents_replicated": 0.0}
    for name in CLASSES:
        measured = measures.recovery_point_s[name]
        limit = None if name == "documents_pending" or name in scenario.may_lag else limits[name]
        passed = limit is None or (measured is not None and measured <= limit)
        yield Check(
            name=f"recovery point, {name.replace('_', ' ')}", measured=measured, limit=limit, unit="s", passed=passed
        )


def _most(name: str, measured: float, limit: float, unit: str) -> Check:
    return Check(name=name, measured=measured, limit=limit, unit=unit, passed=measured <= limit)


def _same(name: str, found: frozenset[str], wanted: frozenset[str]) -> Check:
    first, second = (", ".join(sorted(each)) or "no region" for each in (found, wanted))
    return Check(name=name, measured=first, limit=second, unit="", passed=found == wanted)
