"""One scenario from beginning to end: traffic, an outage, what is seen meanwhile, and what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from drill.emulator import EmbeddedAwsError
from drill.holdings import Holdings
from drill.measures import (
    duplicates,
    failback_time,
    known_objects,
    last_failure,
    lost_for_good,
    missing,
    moment_of_loss,
    recovery_points,
    recovery_time,
    served_share,
)
from drill.outages import CLASSES, Disturbance, Hold, Scenario
from drill.results import Event, Measures, Result
from drill.route53 import Observation
from drill.target import DrillError, Target, overstays
from drill.timeline import INTERVAL_S, Sample, series, surprises
from drill.traffic import Clients
from drill.verdict import Facts, checks

import attrs
from botocore.exceptions import BotoCoreError, ClientError

# Seconds at true speed.
STEADY_S = 20.0
AFTERWARDS_S = 10.0
LONGEST_RECOVERY_S = 300.0
# A function that starts takes its time, however quick the drill is.
WARM_WITHIN_S = 60.0
# Until all that waits to be copied is; not scaled, for it is the emulator's own work.
DRAINED_WITHIN_S = 60.0
KEPT_EVERY_S = 10.0
# What a request, a probe and a thread's turn may take together on a busy machine; at true speed the budget has room.
OVERHEAD_S = 1.5


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
    _takeover: float | None = attrs.field(default=None, init=False)
    _left: set[str] = attrs.field(factory=set, init=False)

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
                enough = healed + AFTERWARDS_S * self.scale
                self._until(
                    healed + LONGEST_RECOVERY_S * self.scale,
                    lambda: time.monotonic() > enough and self._back(traffic, healed),
                )
            ended = time.monotonic()
            final = self._final(traffic.patients)
            survivor = _outcome(self._survivor) if self._survivor else None
        return self._result(traffic, survivor, final, (began, broken, healed, ended))

    def _break(self, asker: ThreadPoolExecutor, traffic: Clients) -> float:
        """Break and mend as the scenario says; returns when the first thing broke."""
        began = time.monotonic()
        self._tell("phase", "outage", self.scenario.title)
        due = sorted(
            (began + at * self.scale, first, number)
            for number, each in enumerate(self.scenario.disturbances)
            for at, first in ((each.start_s, False), (each.end_s, True))
        )
        active, kept = list[Disturbance](), began
        last = due[-1][0]

        def watch() -> bool:
            nonlocal kept
            self._watch(asker, traffic)
            if time.monotonic() > kept + KEPT_EVERY_S * self.scale:
                kept = time.monotonic()
                for disturbance in active:
                    self.target.keep(disturbance)
            return False

        for at, ends, number in due:
            disturbance = self.scenario.disturbances[number]
            self._until(at, watch)
            if at == last and self._survivor is None:
                # No region was left: this is what would be missing if one were lost now.
                _outcome(self._ask(asker, traffic))
            if ends:
                active.remove(disturbance)
                self.target.end(disturbance)
            else:
                active.append(disturbance)
                self.target.begin(disturbance)
            kind = "replication" if isinstance(disturbance, Hold) else "heal" if ends else "fault"
            self._tell(kind, "", f"{disturbance.text}{': no more' if ends else ''}")
        return began

    def _watch(self, asker: ThreadPoolExecutor, traffic: Clients) -> None:
        """When DNS leaves a region and another one takes over, see at once what that one has."""
        healthy = self._samples[-1].healthy
        if self._survivor is None and not all(healthy.values()) and any(healthy.values()):
            self._takeover = self._samples[-1].at
            self._ask(asker, traffic)

    def _ask(self, asker: ThreadPoolExecutor, traffic: Clients) -> Future[Holdings]:
        other = next(region for region in self.target.regions if region != self.scenario.loses)
        self._survivor = asker.submit(self.target.holdings, other, traffic.patients)
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
        sample = Sample(time.monotonic(), self.target.healthy(), self._lags() or {})
        self._samples.append(sample)
        self._left |= {region for region, healthy in sample.healthy.items() if not healthy}
        if before and sample.healthy != before:
            answers = [region for region, healthy in sample.healthy.items() if healthy] or [*sample.healthy]
            self._tell("failover", " ".join(answers), f"DNS answers with {' and '.join(answers)}")

    def _back(self, traffic: Clients, healed: float) -> bool:
        """Whether all regions are healthy, and those that were left serve again."""
        if not all(self._samples[-1].healthy.values()):
            return False
        since = self._healthy_again(healed)
        served = {r.region for r in list(traffic.requests) if r.outcome == "served" and r.began >= (since or healed)}
        return all(region in served or not self.target.weights[region] for region in self._left)

    def _healthy_again(self, healed: float) -> float | None:
        """When the region that was left was found healthy for good."""
        found: float | None = None
        for before, after in zip(self._samples, self._samples[1:], strict=False):
            if not all(before.healthy.values()) and all(after.healthy.values()):
                found = after.at
        return found if found is None else max(found, healed)

    def _warm(self, traffic: Clients) -> bool:
        """Whether each client was served."""
        return {r.client for r in list(traffic.requests) if r.outcome == "served"} == set(traffic.patients)

    def _wait_until_calm(self) -> None:
        ends = time.monotonic() + LONGEST_RECOVERY_S * self.scale
        while not (all(self.target.healthy().values()) and self._copied()):
            if time.monotonic() > ends:
                raise DrillError(f"all regions must be healthy before a scenario, got: {self.target.healthy()}")
            time.sleep(INTERVAL_S * self.scale)

    def _copied(self) -> bool:
        return (lags := self._lags()) is not None and not any(lags.values())

    def _lags(self) -> dict[str, float] | None:
        """The lags; None when the emulator is too busy to be asked, as it is while functions start."""
        try:
            return self.target.lags()
        except EmbeddedAwsError:
            return None

    def _final(self, patients: Sequence[str]) -> list[Holdings]:
        """What every region has once all is copied."""
        ends = time.monotonic() + DRAINED_WITHIN_S
        while not self._copied() and time.monotonic() < ends:
            time.sleep(INTERVAL_S * self.scale)
        return [self.target.holdings(region, patients) for region in self.target.regions]

    def _tell(self, kind: str, subject: str, text: str, at: float | None = None) -> None:
        self._events.append((time.monotonic() if at is None else at, kind, subject, text))

    def _result(
        self,
        traffic: Clients,
        survivor: Holdings | None,
        final: Sequence[Holdings],
        times: tuple[float, float, float, float],
    ) -> Result:
        began, broken, healed, ended = times
        requests, taken = traffic.requests, traffic.acknowledgements
        if not taken:
            raise DrillError("no write was acknowledged: nothing was measured")
        keeping = {patient for number, patient in enumerate(traffic.patients, 1) if not overstays(number)}
        points = dict.fromkeys(CLASSES)
        if survivor:
            takeover = self._takeover or survivor.at
            loss = moment_of_loss(taken, self.scenario.loses, broken, takeover)
            lacking = missing(taken, survivor, known_objects(final), takeover)
            points |= {name: self._true(age) for name, age in recovery_points(lacking, loss).items()}
        back = self._healthy_again(healed) if self._left else None
        failback = failback_time(requests, self.scenario.loses, healed, back)
        measures = Measures(
            recovery_time_s=self._true(recovery_time(requests, broken)),
            recovery_time_keeping_ttl_s=self._true(recovery_time(requests, broken, keeping)),
            served_share=round(served_share(requests, broken, healed), 4),
            recovery_point_s=points,
            lost_for_good=lost_for_good(taken, final),
            duplicates=duplicates(final),
            wrong_answers=sum(request.outcome == "wrong" for request in requests),
            stale_reads=sum(request.outcome == "stale" for request in requests),
            notification_s=None,
            failback_s=None if failback is None else self._true(failback),
            acknowledged=len(taken),
            failed_requests=sum(request.outcome == "failed" for request in requests),
        )
        last = last_failure(requests)
        facts = Facts(
            left=frozenset(self._left),
            failing_after_s=self._true(max(0.0, last - healed)) if last else 0.0,
            patience_s=self._true(self.target.patience_s),
            overhead_s=self._true(OVERHEAD_S) - OVERHEAD_S,
        )
        return Result(
            name=self.scenario.name,
            title=self.scenario.title,
            expected=self.scenario.expected,
            events=self._told(began),
            series=series(
                requests,
                self._samples,
                regions=self.target.regions,
                began=began,
                ended=ended,
                scale=self.scale,
            ),
            measures=measures,
            checks=checks(self.scenario, measures, facts, self.target.budget),
            notes=surprises(requests, self.scenario),
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
