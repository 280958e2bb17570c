"""One scenario from beginning to end: traffic, an outage, what is seen meanwhile, and what is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from drill.emulator import EmbeddedAwsError
from drill.figures import figures
from drill.holdings import Holdings
from drill.log import Log, Sample
from drill.measures import all_departures, failback_time, first_move, lost_for_good, lost_writes
from drill.outages import Break, Disturbance, Hold, Scenario, Watch
from drill.results import Event, Result
from drill.route53 import Observation
from drill.target import DrillError, Target, overstays, region_of
from drill.timeline import INTERVAL_S, series, surprises
from drill.traffic import Clients
from drill.verdict import MARGIN_S, Allowance, Limits, checks

import attrs
from botocore.exceptions import BotoCoreError, ClientError

# Seconds at true speed.
STEADY_S = 12.0
# How many TTLs a client is waited for that is led to what will be broken. Of five, none is led to 30 % of the weight in
# every sixth TTL.
LED_WITHIN_TTLS = 5
# After what is still judged of the time afterwards.
AFTERWARDS_S = 15.0
LONGEST_RECOVERY_S = 300.0
# A function that starts takes its time, however quick the drill is.
WARM_WITHIN_S = 60.0
# What a request, a probe and a thread's turn may take together on a busy machine; at true speed the budget has room.
OVERHEAD_S = 1.5


@attrs.define
class Run:
    """One scenario on one target.

    Attributes:
        observations: What the simulated Route 53 tells; others append.
        journal: Where every acknowledgement and request is written.
    """

    target: Target
    scenario: Scenario
    scale: float
    clients: int
    observations: list[Observation]
    journal: Path | None = None
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
            DrillError: It is worthless: the regions were not healthy before, or did not serve every client, or nothing
                was acknowledged.
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
            journal=self.journal,
        )
        with ThreadPoolExecutor(1) as asker:
            with traffic:
                if not self._until(began + WARM_WITHIN_S, lambda: self._warm(traffic)):
                    raise DrillError(
                        f"every client must be served within {WARM_WITHIN_S:g} s before anything is broken"
                    )
                self._tell("phase", "steady", "all is well")
                self._until(time.monotonic() + STEADY_S * self.scale, lambda: False)
                ttl_s = self.target.budget.ttl_s * self.scale
                if not self._until(time.monotonic() + LED_WITHIN_TTLS * ttl_s, lambda: self._led(traffic, ttl_s / 4)):
                    self._tell("phase", "steady", "no client is led to what will be broken")
                broken = self._break(asker, traffic)
                healed = time.monotonic()
                self._tell("phase", "recovery", "nothing is broken any more")
                judged = self._allowance.settling_s + (self._allowance.patience_s if self.scenario.waits else 0)
                enough = healed + (judged + AFTERWARDS_S) * self.scale
                self._until(
                    healed + LONGEST_RECOVERY_S * self.scale,
                    lambda: time.monotonic() > enough and self._back(traffic, healed),
                )
            ended = time.monotonic()
            final = self._final(traffic)
        patients = traffic.patients
        log = Log(
            requests=traffic.requests,
            acknowledgements=traffic.acknowledgements,
            samples=self._samples,
            answers=[resolver.answers for resolver in traffic.resolvers],
            patients=patients,
            keeping=frozenset(each for number, each in enumerate(patients, 1) if not overstays(number)),
            notices=self.target.notices(),
            survivor=_outcome(self._survivor) if self._survivor else None,
            takeover=self._takeover,
            final=final,
            began=began,
            broken=broken,
            healed=healed,
            ended=ended,
        )
        return self._result(log)

    def _break(self, asker: ThreadPoolExecutor, traffic: Clients) -> float:
        """Break and mend as the scenario says; returns when the first thing broke."""
        began = time.monotonic()
        self._tell("phase", "outage", self.scenario.title)
        due = sorted(
            (began + at * self.scale, ends, number)
            for number, each in enumerate(self.scenario.disturbances)
            for at, ends in ((each.start_s, False), (each.end_s or 0, True))
        )
        kept = dict[Disturbance, float]()
        # One interval, for so often is looked, and what the answer takes: the mending waits for neither.
        ask_at = due[-1][0] - INTERVAL_S * self.scale - OVERHEAD_S

        def watch() -> bool:
            self._watch(asker, traffic, began, ask_at)
            for each, at in kept.items():
                if time.monotonic() >= at + each.every_s * self.scale:
                    kept[each] = time.monotonic()
                    self.target.keep(each)
            return False

        for at, ends, number in due:
            disturbance = self.scenario.disturbances[number]
            self._until(at, watch)
            watch()
            if ends:
                del kept[disturbance]
                self.target.end(disturbance)
            else:
                kept[disturbance] = time.monotonic()
                self.target.begin(disturbance)
            kind = "replication" if isinstance(disturbance, Hold) else "phase" if isinstance(disturbance, Watch) else ""
            self._tell(kind or ("heal" if ends else "fault"), "", f"{disturbance.text}{': no more' if ends else ''}")
        return began

    def _watch(self, asker: ThreadPoolExecutor, traffic: Clients, broken: float, ask_at: float) -> None:
        """When another region takes over, by DNS or before that for one client that fled, see at once what it has.

        Where none does: what would be missing if one were lost just before the last thing is mended?
        """
        if self._survivor or not self.scenario.survivor:
            return
        moved = first_move(list(traffic.requests), self.scenario.loses, broken) if self.scenario.moves else None
        last = self._samples[-1]
        if moved or (self.scenario.leaves and not last.healthy[self.scenario.loses]):
            self._ask(asker, traffic, self.scenario.survivor, moved or last.at)
        elif time.monotonic() >= ask_at:
            self._ask(asker, traffic, self.scenario.survivor, time.monotonic())

    def _ask(self, asker: ThreadPoolExecutor, traffic: Clients, region: str, takeover: float) -> None:
        self._takeover, self._survivor = takeover, asker.submit(self.target.holdings, region, traffic.patients)
        said = f"{region} takes over" if self.scenario.leaves else "nobody takes over"
        self._tell("failover", region, f"{said}; {region} is asked what it has", takeover)

    def _until(self, end: float, done: Callable[[], bool]) -> bool:
        """Look every interval until the time has come or it is done; returns whether it is."""
        while not self._samples or time.monotonic() < end:
            self._look()
            if done():
                return True
            time.sleep(max(0.0, min(end, self._samples[-1].at + INTERVAL_S * self.scale) - time.monotonic()))
        return False

    def _look(self) -> None:
        before = self._samples[-1].healthy if self._samples else {}
        sample = Sample(time.monotonic(), self.target.healthy(), self._lags() or {}, self.target.answered())
        self._samples.append(sample)
        if before and sample.healthy != before:
            found = [region for region, healthy in sample.healthy.items() if healthy]
            self._tell("failover", " ".join(found), f"healthy in DNS: {' and '.join(found) or 'no region'}")

    def _back(self, traffic: Clients, healed: float) -> bool:
        """Whether all regions are healthy, and the one that was left last has its share again."""
        left = all_departures(self._samples, self.target.regions)
        answers = [list(resolver.answers) for resolver in traffic.resolvers]
        back = not left or failback_time(answers, list(traffic.requests), left[-1], healed) is not None
        return back and all(self._samples[-1].healthy.values())

    def _warm(self, traffic: Clients) -> bool:
        """Whether each client was served."""
        return {r.client for r in list(traffic.requests) if r.outcome == "served"} == set(traffic.patients)

    def _led(self, traffic: Clients, seconds: float) -> bool:
        """Whether each region that will be broken leads a client, which keeps to it for so long: the fault is felt."""
        enough = time.monotonic() + seconds
        last = [answer for resolver in traffic.resolvers for answer in resolver.answers[-1:]]
        led = {region_of(answer.target) for answer in last if answer.until >= enough}
        return {each.region for each in self.scenario.all(Break)} <= led

    def _wait_until_calm(self) -> None:
        ends = time.monotonic() + LONGEST_RECOVERY_S * self.scale
        while not self._calm():
            if time.monotonic() > ends:
                healthy, answered = self.target.healthy(), dict(self.target.answered())
                raise DrillError(
                    f"all regions must be healthy and in DNS before a scenario, got: {healthy}, in DNS {answered}"
                )
            time.sleep(INTERVAL_S * self.scale)

    def _calm(self) -> bool:
        """Whether all regions are healthy, DNS has heard of it, and nothing waits to be copied."""
        if not all(self.target.healthy().values()) or set(self.target.answered()) != set(self.target.regions):
            return False
        lags = self._lags()
        return lags is not None and not any(lags.values())

    def _lags(self) -> dict[str, float] | None:
        """The lags; None when the emulator is too busy to be asked, as it is while functions start."""
        try:
            return self.target.lags()
        except EmbeddedAwsError:
            return None

    def _final(self, traffic: Clients) -> list[Holdings]:
        """What every region has once all is copied, or once it should be.

        Raises:
            DrillError: One does not answer even then.
        """
        ends, found = time.monotonic() + self.target.copied_within_s, list[Holdings]()
        while time.monotonic() < ends:
            with suppress(BotoCoreError, ClientError):
                found = [self.target.holdings(region, traffic.patients) for region in self.target.regions]
                if not lost_for_good(traffic.acknowledgements, found):
                    break
            time.sleep(INTERVAL_S * self.scale)
        if not found:
            raise DrillError("nobody could tell what the regions have in the end")
        return found

    def _tell(self, kind: str, subject: str, text: str, at: float | None = None) -> None:
        self._events.append((time.monotonic() if at is None else at, kind, subject, text))

    def _result(self, log: Log) -> Result:
        if not log.acknowledgements:
            raise DrillError("no write was acknowledged: nothing was measured")
        left = all_departures(log.samples, self.target.regions)
        if left and left[0][0] < log.broken:
            raise DrillError(f"DNS left {left[0][2]} before anything was broken, as after an evacuation just before")
        measures, facts = figures(log, self.scenario, self.scale, OVERHEAD_S, self.observations)
        for each in log.notices:
            self._tell("notification", "operations", each.subject, each.at)
        for since, back, region in left:
            self._tell("failover", region, f"DNS answers with {region} no more", since)
            if back:
                self._tell("failover", region, f"DNS answers with {region} again", back)
        return Result(
            name=self.scenario.name,
            title=self.scenario.title,
            expected=self.scenario.expected,
            events=self._told(log.began),
            series=series(log, self.target.regions, self.scale),
            measures=measures,
            checks=checks(self.scenario, measures, facts, self.target.budget, self._allowance),
            notes=[*surprises(log.requests, self.scenario, log.broken), *lost_writes(log.acknowledgements, log.final)],
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
