"""What must hold of a scenario's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dr.objectives import (
    LATCH_PERIODS,
    METRIC_DELAY_S,
    METRIC_PERIOD_S,
    PROBE_PERIOD_S,
    RECOVERY_POINT_OBJECTIVE_S,
    RECOVERY_TIME_OBJECTIVE_S,
)
from drill.outages import CLASSES, Break, Evacuate, Hold, Recovery, Scenario, Watch
from drill.results import Check, Measures
from drill.target import OVERSTAY_S, Budget

import attrs

# After what is broken was mended: until a client tries again, and until it has the answer, for which a document waits.
SETTLING_S = 10.0
# What an outage lasts longer than what is judged: who is served only when it is over has missed every limit.
MARGIN_S = 15.0
NOTIFIED_WITHIN_S = PROBE_PERIOD_S + LATCH_PERIODS * METRIC_PERIOD_S + METRIC_DELAY_S


@attrs.frozen(kw_only=True)
class Allowance:
    """What comes on top of the budget, in seconds at true speed.

    Attributes:
        patience_s: How long a client waits for an answer.
        overhead_s: What the machine takes for itself, which no time scale makes less: 0 at true speed.
    """

    patience_s: float
    overhead_s: float

    @property
    def mishaps(self) -> int:
        """How many requests may fail where nothing is broken: none but one retry where the machine is hurried."""
        return 1 if self.overhead_s else 0

    @property
    def settling_s(self) -> float:
        """After what is broken was mended, the last request fails within it."""
        return SETTLING_S + self.overhead_s


@attrs.frozen(kw_only=True)
class Limits:
    """Within what clients are served by the other region: those that keep TTLs, and all."""

    keeping_s: float
    all_s: float

    @classmethod
    def of(cls, scenario: Scenario, budget: Budget, allowance: Allowance) -> Limits:
        """By the budget, from the word to evacuate if there is one."""
        words = [each.start_s for each in scenario.all(Evacuate)]
        within = max(words) + budget.evacuation_s if words else budget.recovery_s
        keeping = within + allowance.overhead_s + (allowance.patience_s if scenario.waits else 0)
        return cls(keeping_s=keeping, all_s=min(keeping + OVERSTAY_S, scenario.recovers_within_s))


@attrs.frozen(kw_only=True)
class Facts:
    """What else is judged, in seconds at true speed.

    Attributes:
        left: The regions that DNS stopped answering with, one for each time.
        doubts: How often a region was seen, or a health check became, unhealthy.
        asked_last_s: How long after the outage's beginning a client still asked the region that is left.
        felt: How many requests failed, were late or pending because of what was broken.
        failed: Of each kind of request how many failed since something was broken.
        unexplained: How many of these failed where nothing was.
        longest_wait_s: For how long at most one client was not served.
        failing_after_s: How long after the outage's end a client was not served.
        evacuations_told: How often the failover function said that it evacuated.
        back_s: How long after the outage's beginning DNS answered again with the region that it left first; None if it
            never did.
    """

    left: Sequence[str]
    doubts: int
    asked_last_s: float
    felt: int
    failed: Mapping[str, int]
    unexplained: int
    longest_wait_s: float
    failing_after_s: float
    evacuations_told: int
    back_s: float | None


def checks(scenario: Scenario, measures: Measures, facts: Facts, budget: Budget, allowance: Allowance) -> list[Check]:
    """Every check of a scenario that has its ends."""
    return [
        _same("DNS leaves", ", ".join(facts.left) or "no region", ", ".join(scenario.leaves) or "no region"),
        _most("failed where nothing is broken", facts.unexplained, allowance.mishaps, "requests"),
        *_feeling(scenario, facts),
        *_recovery(scenario, measures, facts, Limits.of(scenario, budget, allowance), allowance),
        *_recovery_points(scenario, measures),
        _most("acknowledged writes lost for good", measures.lost_for_good, 0, "writes"),
        _most("writes made twice", measures.duplicates, 0, "writes"),
        _most("wrong answers", measures.wrong_answers, 0, "answers"),
        _most("reads of what should have been copied", measures.overdue_reads, 0, "reads"),
        *_telling(scenario, measures, facts),
    ]


def _feeling(scenario: Scenario, facts: Facts) -> Iterator[Check]:
    """What is broken was felt, and by nobody who is spared: not even by a health check where DNS must stay."""
    if scenario.survivor and not scenario.leaves:
        yield _most("regions or health checks seen unhealthy", facts.doubts, 0, "times")
    if scenario.all(Hold) or any(each.path == "*" for each in scenario.all(Break)):
        yield Check(
            name="requests that felt it", measured=str(facts.felt), limit="some", unit="", passed=facts.felt > 0
        )
    if scenario.spared:
        failed = sum(facts.failed.get(kind, 0) for kind in scenario.spared)
        yield _most(f"failed: {', '.join(scenario.spared)}", failed, 0, "requests")


def _recovery(
    scenario: Scenario, measures: Measures, facts: Facts, limits: Limits, allowance: Allowance
) -> Iterator[Check]:
    afterwards = allowance.settling_s + (allowance.patience_s if scenario.waits else 0)
    yield _most("not served after the outage", facts.failing_after_s, afterwards, "s")
    match scenario.recovery:
        case Recovery.FAILOVER:
            yield _most(
                "recovery time, where TTLs are kept", measures.recovery_time_keeping_ttl_s, limits.keeping_s, "s"
            )
            yield _most("recovery time", measures.recovery_time_s, limits.all_s, "s")
        case Recovery.NEVER_FAILED:
            yield _most("failed requests", measures.failed_requests, 0, "requests")
        case Recovery.WITH_THE_CAUSE:
            lasts = max((each.end_s or 0) - each.start_s for each in scenario.all(Break))
            wait = (scenario.wait_s or lasts) + afterwards
            yield _most("one client not served for", facts.longest_wait_s, wait, "s")
            unserved = round(100 * (1 - measures.served_share), 1)
            if scenario.unserved_least is None:
                yield _most("clients' time not served", unserved, 100 * scenario.unserved, "%")
            else:
                yield _least("clients' time not served", unserved, 100 * scenario.unserved_least, "%")
    if scenario.leaves and scenario.recovery is not Recovery.WITH_THE_CAUSE:
        yield _most("region asked for the last time", facts.asked_last_s, limits.all_s, "s")
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


def _telling(scenario: Scenario, measures: Measures, facts: Facts) -> Iterator[Check]:
    """Where somebody watches, people are told of the evacuation, and once; it lasts until the release."""
    for watch in scenario.all(Watch):
        early = 0 if facts.back_s is None else max(0.0, round((watch.end_s or 0) - facts.back_s, 3))
        yield _most("in DNS again before the release", early, 0, "s")
        yield _same("messages that tell of the evacuation", str(facts.evacuations_told), "1")
        told = measures.notification_s
        passed = told is not None and told <= NOTIFIED_WITHIN_S
        yield Check(name="notification", measured=told, limit=float(NOTIFIED_WITHIN_S), unit="s", passed=passed)


def _most(name: str, measured: float, limit: float, unit: str) -> Check:
    return Check(name=name, measured=measured, limit=limit, unit=unit, passed=measured <= limit)


def _least(name: str, measured: float, limit: float, unit: str) -> Check:
    return Check(name=name, measured=measured, limit=f"at least {limit:g}", unit=unit, passed=measured >= limit)


def _same(name: str, found: str, wanted: str) -> Check:
    return Check(name=name, measured=found, limit=wanted, unit="", passed=found == wanted)
