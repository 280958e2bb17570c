"""The course of a scenario, on a target that takes its time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import cast

from drill.holdings import Holdings
from drill.log import Request
from drill.outages import Disturbance
from drill.route53 import Kept, ResolutionError
from drill.run import Run
from drill.scenarios import SCENARIOS
from drill.target import Budget, DrillError, Target
from drill.traffic import Clients
from tests.drill.logs import EAST, WEST, held, request

import pytest

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
BUDGET = Budget(recovery_s=98, evacuation_s=240, ttl_s=60)
SCALE = 0.005


class Nowhere:
    """A resolver that knows no name."""

    def __init__(self) -> None:
        self.answers = list[Kept]()

    def resolve(self, name: str) -> str:
        raise ResolutionError(name)


class Slow:
    """A target that leads no client anywhere, and whose survivor answers only when all is mended."""

    client_name, patience_s, budget, regions = "name", 1.0, BUDGET, (EAST, WEST)

    def __init__(self, leaves_after: float = float("inf")) -> None:
        """Nothing is broken yet; us-east-1 is found unhealthy so many looks later."""
        self.looks, self.leaves_after, self.last_s = 0, leaves_after, 0.0
        self.broken, self.asked, self.mended = list[Disturbance](), list[str](), threading.Event()

    def settle(self) -> None:
        assert not self.broken

    def resolvers(self, clients: int) -> list[Nowhere]:
        return [Nowhere() for _ in range(clients)]

    connect = SimpleNamespace

    def begin(self, disturbance: Disturbance) -> None:
        self.broken.append(disturbance)

    def end(self, disturbance: Disturbance) -> None:
        self.broken.remove(disturbance)
        if disturbance.end_s == self.last_s:
            self.mended.set()

    def keep(self, disturbance: Disturbance) -> None:
        assert disturbance in self.broken

    def healthy(self) -> dict[str, bool]:
        self.looks += 1
        return {EAST: self.looks <= self.leaves_after, WEST: True}

    def lags(self) -> dict[str, float]:
        return {}

    def answered(self) -> Counter[str]:
        return Counter(self.regions)

    def holdings(self, region: str, patients: Sequence[str]) -> Holdings:
        self.asked.append(region)
        return held([str(self.mended.wait(30))])


def broken(name: str, target: Slow, *requests: Request) -> Run:
    """A run after all is mended and the survivor has answered, in which the clients' log was this."""
    run = Run(cast(Target, target), BY_NAME[name], SCALE, 1, [])
    target.last_s = max(each.end_s or 0 for each in run.scenario.disturbances)
    run._look()
    clients = Clients(name="", resolvers=[], connect=SimpleNamespace, drill="d", scale=SCALE)  # type: ignore[arg-type]
    clients.requests.extend(requests)
    with ThreadPoolExecutor(1) as asker:
        began = run._break(asker, clients)
        assert time.monotonic() - began < 25, "the mending waited for the answer"
    assert target.broken == []
    return run


def test_nothing_is_broken_before_every_client_was_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drill.run.WARM_WITHIN_S", 0.1)
    with pytest.raises(DrillError, match="every client must be served"):
        Run(cast(Target, Slow()), BY_NAME["blips"], SCALE, 1, []).run("drill")


class Left(Slow):
    """A target whose name server leaves us-east-1 out the first so many times that it is asked."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self.times, self.named = times, 0

    def answered(self) -> Counter[str]:
        self.named += 1
        return Counter(self.regions if self.named > self.times else [WEST])

    def resolvers(self, clients: int) -> list[Nowhere]:
        assert self.named > self.times, "clients came before"
        return super().resolvers(clients)


@pytest.mark.parametrize(
    ("times", "seconds", "told"),
    [(3, 600, "every client must be served"), (float("inf"), 0, r"in DNS \{'us-west-2': 1\}")],
)
def test_nothing_begins_before_dns_answers_with_every_region(
    times: float, seconds: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drill.run.WARM_WITHIN_S", 0.1)
    monkeypatch.setattr("drill.run.LONGEST_RECOVERY_S", seconds)
    with pytest.raises(DrillError, match=told):
        Run(cast(Target, Left(times)), BY_NAME["blips"], SCALE, 1, []).run("drill")


class Leading(Slow):
    """A target whose client is led to us-east-1, and from the twelfth look on to us-west-2 for so many seconds more."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.client = seconds, Nowhere()

    def resolvers(self, clients: int) -> list[Nowhere]:
        return [self.client]

    def healthy(self) -> dict[str, bool]:
        region, lasts = (EAST, 60.0) if self.looks < 12 else (WEST, self.seconds)
        self.client.answers = [Kept(f"a.execute-api.{region}.amazonaws.com", 0, time.monotonic() + lasts)]
        return super().healthy()


@pytest.mark.parametrize(
    ("scenario", "looks"),
    [("region-refuses", range(12)), ("evacuated-in-health", range(12)), ("other-region-refuses", range(12, 16))],
)
def test_what_is_broken_leads_a_client_first(scenario: str, looks: range, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drill.run.LED_WITHIN_TTLS", 100)  # however slow the machine is
    until_broken(target := Leading(60), scenario, monkeypatch)
    assert target.looks in looks


@pytest.mark.parametrize(("scenario", "seconds"), [("other-region-refuses", 0.01), ("both-refuse", 60)])
def test_a_client_that_is_not_led_to_all_of_it_or_not_for_long_is_waited_for_a_while(
    scenario: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = until_broken(Leading(seconds), scenario, monkeypatch)._events
    assert "no client is led to what will be broken" in [text for *_, text in told]


def until_broken(target: Slow, scenario: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run up to where something would be broken, every client being served."""

    def stop(*_: object) -> float:
        raise DrillError("broken now")

    monkeypatch.setattr(Run, "_warm", lambda *_: True)
    monkeypatch.setattr(Run, "_break", stop)
    run = Run(cast(Target, target), BY_NAME[scenario], SCALE, 1, [])
    with pytest.raises(DrillError, match="broken now"):
        run.run("drill")
    return run


def test_nothing_is_mended_later_because_the_survivor_is_asked_what_it_has() -> None:
    target = Slow()
    asked = broken("blips", target)._survivor
    assert asked
    assert (target.asked, set(asked.result().versions.values())) == ([WEST], {"True"})


def test_no_region_is_asked_what_it_has_when_none_is_left() -> None:
    assert broken("both-refuse", target := Slow())._survivor is None
    assert target.asked == []


@pytest.mark.parametrize(
    ("scenario", "fled"),
    [("region-refuses", True), ("region-slow", False), ("health-path-dead", False), ("evacuation", False)],
)
def test_who_goes_elsewhere_is_no_takeover_while_the_region_that_is_left_still_serves(
    scenario: str, fled: bool
) -> None:
    later = time.monotonic() + 3600
    run = broken(scenario, Slow(leaves_after=1), request(0, 1), request(later, later + 1, region=WEST))
    left = next(sample.at for sample in run._samples if not sample.healthy[EAST])
    assert run._takeover == (later + 1 if fled else left)
