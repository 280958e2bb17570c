"""The figures of a scenario from its log, at true speed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dr.objectives import RECOVERY_POINT_OBJECTIVE_S
from drill.log import Log
from drill.measures import (
    all_departures,
    doubts,
    duplicates,
    failback_time,
    known_objects,
    latencies,
    lost_for_good,
    missing,
    overdue,
    recovery_points,
    recovery_time,
    served_share,
    spells,
)
from drill.outages import CLASSES, Break, Hold, Scenario
from drill.results import Measures
from drill.route53 import Observation
from drill.timeline import felt, unexplained
from drill.verdict import Facts

# The failover function's own message, of all that are told when a region is lost.
EVACUATED = "was evacuated"


def figures(
    log: Log, scenario: Scenario, scale: float, overhead_s: float, observations: Iterable[Observation] = ()
) -> tuple[Measures, Facts]:
    """What is reported, and what else is judged.

    Args:
        log: What was seen.
        scenario: Of what.
        scale: What all times are divided by.
        overhead_s: What the machine takes for itself, seconds that are not scaled.
        observations: What the simulated Route 53 told meanwhile.
    """

    def true(seconds: float) -> float:
        return round(seconds / scale, 3)

    requests, taken, broken, healed = log.requests, log.acknowledgements, log.broken, log.healed
    points = dict.fromkeys(CLASSES)
    if log.survivor:
        lacking = missing(taken, log.survivor, known_objects(log.final), log.takeover)
        points |= {name: true(age) for name, age in recovery_points(lacking, log.takeover).items()}
    regions = [sample.healthy for sample in log.samples][-1]
    left, waited = all_departures(log.samples, regions), spells(requests)
    disturbed = {each.region for each in scenario.all(Break)} | {each.source for each in scenario.all(Hold)}
    within = RECOVERY_POINT_OBJECTIVE_S * scale + overhead_s
    failback = failback_time(log.answers, requests, left[-1], healed) if left else None
    told = [each for each in log.notices if "evacuated" in each.subject and each.at >= broken]
    phases = {"steady": (log.began, broken), "outage": (broken, healed), "recovery": (healed, log.ended)}
    outcomes = Counter(request.outcome for request in requests)
    failed = [request for request in requests if request.outcome == "failed" and request.ended >= broken]
    measures = Measures(
        recovery_time_s=true(recovery_time(requests, broken, healed)),
        recovery_time_keeping_ttl_s=true(recovery_time(requests, broken, healed, log.keeping)),
        served_share=round(served_share(waited, len(log.patients), broken, healed), 4),
        recovery_point_s=points,
        lost_for_good=lost_for_good(taken, log.final),
        duplicates=duplicates(log.final),
        wrong_answers=outcomes["wrong"],
        stale_reads=outcomes["stale"],
        overdue_reads=len(list(overdue(requests, disturbed, broken, healed, within))),
        corrected=sum(
            (each.kind, each.outcome) == ("correction", "served") and broken <= each.ended < healed for each in requests
        ),
        merged=len({version for held in log.final for version in held.merges}),
        notification_s=true(min(each.at for each in told) - broken) if told else None,
        failback_s=None if failback is None else true(failback),
        acknowledged=len(taken),
        failed_requests=len(failed),
        latency_s={
            phase: {region: [true(each) for each in both] for region, both in regions.items()}
            for phase, regions in latencies(requests, phases).items()
        },
    )
    until = min([healed, *(back for _, back, _ in left[:1] if back)])
    asked = [
        each.began - broken for each in requests if each.region in scenario.leaves and broken <= each.began < until
    ]
    back = next((back for _, back, _ in left), None)
    facts = Facts(
        left=[region for _, _, region in left],
        doubts=doubts(log.samples, observations),
        asked_last_s=true(_longest(asked)),
        felt=felt(requests, taken, scenario, broken, healed, scale),
        failed=Counter(request.kind for request in failed),
        unexplained=len(unexplained(failed, scenario, broken)),
        longest_wait_s=true(_longest(each.ended - max(each.began, broken) for each in waited)),
        failing_after_s=true(_longest(each.ended - healed for each in waited)),
        evacuations_told=sum(EVACUATED in each.subject for each in told),
        back_s=None if back is None else true(back - broken),
    )
    return measures, facts


def _longest(times: Iterable[float]) -> float:
    return max([0.0, *times])
