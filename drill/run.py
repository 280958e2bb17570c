"""One scenario from beginning to end: traffic, an outage, what is seen meanwhile, and what is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from dr.objectives import RECOVERY_POINT_OBJECTIVE_S
from drill import measures as of
from drill.emulator import EmbeddedAwsError
from drill.holdings import Holdings
from drill.outages import CLASSES, EVACUATED, Break, Disturbance, Hold, Scenario, Watch
from drill.results import Event, Measures, Result
from drill.route53 import Observation
from drill.target import DrillError, Notice, Target, overstays
from drill.timeline import INTERVAL_S, Sample, felt, series, surprises
from drill.traffic import Clients
from drill.verdict import MARGIN_S, Allowance, Facts, Limits, checks

import attrs
from botocore.exceptions import BotoCoreError, ClientError

# Seconds at true speed.
STEADY_S = 12.0
# After what is still judged of the time afterwards.
AFTERWARDS_S = 15.0
LONGEST_RECOVERY_S = 300.0
# A function that starts takes its time, however quick the drill is.
WARM_WITHIN_S = 60.0
# What a request, a probe and a thread's turn may take together on a busy machine; at true speed the budget has room.
OVERHEAD_S = 1.5


@attrs.frozen
class _Times:
    """The moments of a scenario."""

    began: float
    broken: float
    healed: float
    ended: float


@attrs.define
class Run:
    """One scenario on one target.

    Attributes:
        observations: What the simulated Route 53 tells; others append.
    """

    target: Target
    scenario: Scenario
    scale: float
    clients: int
    observations: list[Observation]
    _events: list[tuple[float, str, str, str]] = attrs.field(factory=list, init=False)
    _samples: list[Sample] = attrs.field(factory=list, init=False)
    _survivor: Future[Holdings] | None = attrs.field(default=None, init=False)
    _takeover: float = attrs.field(default=0.0, init=False)
    _allowance: Allowance = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """What has no end lasts for longer than clients have until they must be served."""
        self._allowance = Allowance(
            patience_s=self._true(self.target.patience_s), overhead_s=self._true(OVERHEAD_S) - OVERHEAD_S
        )
        limits = Limits.of(self.scenario, self.target.budget, self._allowance)
        self.scenario = self.scenario.lasting(limits.all_s + MARGIN_S)

    def run(self, drill: str) -> Result:
        """Do it all, and measure.

        Args:
            drill: Names its patients: no other scenario of the same deployment may have the same.

        Raises:
            DrillError: It is worthless: the regions were not healthy before, or nothing was acknowledged.
        """
        self.target.settle()
        self._wait_until_calm()
        self.observations.clear()
        began = time.monotonic()
        traffic = Clients(
            name=self.target.client_name,
            resolvers=self.target.resolvers(self.clients),
            connect=self.target.connect,
            drill=drill,
            scale=self.scale,
        )
        with ThreadPoolExecutor(1) as asker:
            with traffic:
                self._until(began + WARM_WITHIN_S, lambda: self._warm(traffic))
                self._tell("phase", "steady", "all is well")
                self._until(time.monotonic() + STEADY_S * self.scale, lambda: False)
                broken = self._break(asker, traffic)
                healed = time.monotonic()
                self._tell("phase", "recovery", "nothing is broken any more")
                judged = self._allowance.settling_s + (self._allowance.patience_s if self.scenario.waits else 0)
                enough = healed + (judged + AFTERWARDS_S) * self.scale
                self._until(
                    healed + LONGEST_RECOVERY_S * self.scale,
                    lambda: time.monotonic() > enough and self._back(traffic, healed),
                )
            times = _Times(began, broken, healed, time.monotonic())
            final = self._final(traffic)
            survivor = _outcome(self._survivor) if self._survivor else None
        return self._result(traffic, survivor, final, self.target.notices(), times)

    def _break(self, asker: ThreadPoolExecutor, traffic: Clients) -> float:
        """Break and mend as the scenario says; returns when the first thing broke."""
        began = time.monotonic()
        self._tell("phase", "outage", self.scenario.title)
        due = sorted(
            (began + at * self.scale, ends, number)
            for number, each in enumerate(self.scenario.disturbances)
            for at, ends in ((each.start_s, False), (each.end_s or 0, True))
        )
        kept, last = dict[Disturbance, float](), due[-1][0]

        def watch() -> bool:
            self._watch(asker, traffic, began)
            for each, at in kept.items():
                if time.monotonic() >= at + each.every_s * self.scale:
                    kept[each] = time.monotonic()
                    self.target.keep(each)
            return False

        for at, ends, number in due:
            disturbance = self.scenario.disturbances[number]
            self._until(at, watch)
            if at == last and self._survivor is None:
                # No region was left: what would be missing if one were lost before the last thing is mended?
                asked = self._ask(asker, traffic, time.monotonic())
                self._until(at + LONGEST_RECOVERY_S, asked.done)
            if ends:
                del kept[disturbance]
                self.target.end(disturbance)
            else:
                kept[disturbance] = time.monotonic()
                self.target.begin(disturbance)
            kind = "replication" if isinstance(disturbance, Hold) else "phase" if isinstance(disturbance, Watch) else ""
            self._tell(kind or ("heal" if ends else "fault"), "", f"{disturbance.text}{': no more' if ends else ''}")
        return began

    def _watch(self, asker: ThreadPoolExecutor, traffic: Clients, broken: float) -> None:
        """When another region takes over, for one client or by DNS, see at once what it has."""
        if self._survivor or not self.scenario.leaves:
            return
        moved, last = of.first_move(list(traffic.requests), self.scenario.loses, broken), self._samples[-1]
        if moved or not last.healthy[self.scenario.loses]:
            self._ask(asker, traffic, moved or last.at)

    def _ask(self, asker: ThreadPoolExecutor, traffic: Clients, takeover: float) -> Future[Holdings]:
        other = next(region for region in self.target.regions if region != self.scenario.loses)
        self._takeover, self._survivor = takeover, asker.submit(self.target.holdings, other, traffic.patients)
        self._tell(
            "failover", other, f"{other} takes over from {self.scenario.loses}, and is asked what it has", takeover
        )
        return self._survivor

    def _until(self, end: float, done: Callable[[], bool]) -> None:
        """Look every interval until the time has come or it is done."""
        while not self._samples or time.monotonic() < end:
            self._look()
            if done():
                return
            time.sleep(max(0.0, min(end, self._samples[-1].at + INTERVAL_S * self.scale) - time.monotonic()))

    def _look(self) -> None:
        before = self._samples[-1].healthy if self._samples else {}
        sample = Sample(time.monotonic(), self.target.healthy(), self._lags() or {}, self.target.answered())
        self._samples.append(sample)
        if before and sample.healthy != before:
            found = [region for region, healthy in sample.healthy.items() if healthy]
            self._tell("failover", " ".join(found), f"healthy in DNS: {' and '.join(found) or 'no region'}")

    def _departures(self) -> list[tuple[float, float | None, str]]:
        """When DNS stopped answering with a region, and when it answered with it again."""
        return sorted(
            (left, back, region)
            for region in self.target.regions
            for left, back in of.departures(self._samples, region)
        )

    def _failback(self, traffic: Clients, healed: float) -> float | None:
        """How long after the outage the region that was left last had its share again."""
        *_, (_, back, region) = self._departures()
        answers = [list(resolver.answers) for resolver in traffic.resolvers]
        return None if back is None else of.failback_time(answers, list(traffic.requests), region, healed, back)

    def _back(self, traffic: Clients, healed: float) -> bool:
        """Whether all regions are healthy, and those that were left have their share again."""
        healthy = all(self._samples[-1].healthy.values())
        return healthy and (not self._departures() or self._failback(traffic, healed) is not None)

    def _warm(self, traffic: Clients) -> bool:
        """Whether each client was served."""
        return {r.client for r in list(traffic.requests) if r.outcome == "served"} == set(traffic.patients)

    def _wait_until_calm(self) -> None:
        ends = time.monotonic() + LONGEST_RECOVERY_S * self.scale
        while not (
            all(self.target.healthy().values()) and (lags := self._lags()) is not None and not any(lags.values())
        ):
            if time.monotonic() > ends:
                raise DrillError(f"all regions must be healthy before a scenario, got: {self.target.healthy()}")
            time.sleep(INTERVAL_S * self.scale)

    def _lags(self) -> dict[str, float] | None:
        """The lags; None when the emulator is too busy to be asked, as it is while functions start."""
        try:
            return self.target.lags()
        except EmbeddedAwsError:
            return None

    def _final(self, traffic: Clients) -> list[Holdings]:
        """What every region has once all is copied, or once it should be."""
        ends = time.monotonic() + self.target.copied_within_s
        while True:
            found = [self.target.holdings(region, traffic.patients) for region in self.target.regions]
            if not of.lost_for_good(traffic.acknowledgements, found) or time.monotonic() > ends:
                return found
            time.sleep(INTERVAL_S * self.scale)

    def _tell(self, kind: str, subject: str, text: str, at: float | None = None) -> None:
        self._events.append((time.monotonic() if at is None else at, kind, subject, text))

    def _result(
        self,
        traffic: Clients,
        survivor: Holdings | None,
        final: Sequence[Holdings],
        notices: Sequence[Notice],
        times: _Times,
    ) -> Result:
        requests, taken, scenario, broken, healed = (
            traffic.requests,
            traffic.acknowledgements,
            self.scenario,
            times.broken,
            times.healed,
        )
        if not taken:
            raise DrillError("no write was acknowledged: nothing was measured")
        keeping = {patient for number, patient in enumerate(traffic.patients, 1) if not overstays(number)}
        points = dict.fromkeys(CLASSES)
        if survivor:
            lacking = of.missing(taken, survivor, of.known_objects(final), self._takeover)
            points |= {name: self._true(age) for name, age in of.recovery_points(lacking, self._takeover).items()}
        left, waited = self._departures(), of.spells(requests)
        disturbed = {each.region for each in scenario.all(Break)} | {each.source for each in scenario.all(Hold)}
        within = RECOVERY_POINT_OBJECTIVE_S * self.scale + OVERHEAD_S
        failback = self._failback(traffic, healed) if left else None
        told = [each.at for each in notices if "evacuated" in each.subject and each.at >= broken]
        phases = {"steady": (times.began, broken), "outage": (broken, healed), "recovery": (healed, times.ended)}
        outcomes = Counter(request.outcome for request in requests)
        measures = Measures(
            recovery_time_s=self._true(of.recovery_time(requests, broken)),
            recovery_time_keeping_ttl_s=self._true(of.recovery_time(requests, broken, keeping)),
            served_share=round(of.served_share(waited, self.clients, broken, healed), 4),
            recovery_point_s=points,
            lost_for_good=of.lost_for_good(taken, final),
            duplicates=of.duplicates(final),
            wrong_answers=outcomes["wrong"],
            stale_reads=outcomes["stale"],
            overdue_reads=len(list(of.overdue(requests, disturbed, broken, healed, within))),
            corrected=sum((r.kind, r.outcome) == ("correction", "served") for r in requests),
            notification_s=self._true(min(told) - broken) if told else None,
            failback_s=None if failback is None else self._true(failback),
            acknowledged=len(taken),
            failed_requests=outcomes["failed"],
            latency_s={
                phase: {region: [self._true(each) for each in both] for region, both in regions.items()}
                for phase, regions in of.latencies(requests, phases).items()
            },
        )
        until = min([healed, *(back for _, back, _ in left[:1] if back)])
        asked = [r.began for r in requests if r.region in scenario.leaves and broken <= r.began < until]
        facts = Facts(
            left=[region for _, _, region in left],
            asked_last_s=self._true(max(asked, default=broken) - broken),
            felt=felt(requests, taken, scenario, broken, healed, self.scale),
            failed=Counter(request.kind for request in requests if request.outcome == "failed"),
            longest_wait_s=self._true(max((each.ended - each.began for each in waited), default=0.0)),
            failing_after_s=self._true(
                max((each.ended - healed for each in waited if each.ended > healed), default=0.0)
            ),
            evacuations_told=sum(EVACUATED in each.subject for each in notices),
        )
        for each in notices:
            self._tell("notification", "operations", each.subject, each.at)
        for left_at, back_at, region in left:
            self._tell("failover", region, f"DNS answers with {region} no more", left_at)
            if back_at:
                self._tell("failover", region, f"DNS answers with {region} again", back_at)
        return Result(
            name=scenario.name,
            title=scenario.title,
            expected=scenario.expected,
            events=self._told(times.began),
            series=series(
                requests,
                self._samples,
                regions=self.target.regions,
                began=times.began,
                ended=times.ended,
                scale=self.scale,
            ),
            measures=measures,
            checks=checks(scenario, measures, facts, self.target.budget, self._allowance),
            notes=surprises(requests, scenario),
        )

    def _true(self, seconds: float) -> float:
        """A time at true speed."""
        return round(seconds / self.scale, 3)

    def _told(self, began: float) -> list[Event]:
        for seen in self.observations:
            if seen.kind == "check":
                state = "healthy" if seen.healthy else "unhealthy"
                self._tell("health", seen.subject, f"{seen.subject} is {state}: {seen.text}", seen.at)
        return [
            Event(at_s=self._true(at - began), kind=kind, subject=subject, text=text)
            for at, kind, subject, text in sorted(self._events)
        ]


def _outcome(asked: Future[Holdings]) -> Holdings | None:
    """What the region answered; None if it did not, as a dead one."""
    try:
        return asked.result()
    except (BotoCoreError, ClientError):
        return None
