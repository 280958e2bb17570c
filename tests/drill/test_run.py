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
from drill.outages import SCENARIOS, Disturbance
from drill.route53 import ResolutionError
from drill.run import Run
from drill.target import Budget, DrillError, Target
from drill.traffic import Clients
from tests.drill.logs import EAST, WEST, held

import pytest

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
BUDGET = Budget(recovery_s=98, evacuation_s=240, ttl_s=60)
SCALE = 0.01


class Nowhere:
    """A resolver that knows no name."""

    answers = ()

    def resolve(self, name: str) -> str:
        raise ResolutionError(name)


class Slow:
    """A target that leads no client anywhere, and whose survivor answers only when all is mended."""

    client_name, patience_s, budget, regions = "name", 1.0, BUDGET, (EAST, WEST)

    def __init__(self) -> None:
        """Nothing is broken yet."""
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
        if disturbance.end_s == 105:
            self.mended.set()

    def keep(self, disturbance: Disturbance) -> None:
        assert disturbance in self.broken

    def healthy(self) -> dict[str, bool]:
        return dict.fromkeys(self.regions, True)

    def lags(self) -> dict[str, float]:
        return {}

    def answered(self) -> Counter[str]:
        return Counter(self.regions)

    def holdings(self, region: str, patients: Sequence[str]) -> Holdings:
        self.asked.append(region)
        return held([str(self.mended.wait(30))])


def broken(name: str) -> tuple[Slow, Holdings | None]:
    target = Slow()
    run = Run(cast(Target, target), BY_NAME[name], SCALE, 1, [])
    run._look()
    none = Clients(name="", resolvers=[], connect=SimpleNamespace, drill="d", scale=SCALE)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as asker:
        began = run._break(asker, none)
        assert time.monotonic() - began < 25, "the mending waited for the answer"
    return target, run._survivor.result() if run._survivor else None


def test_nothing_is_broken_before_every_client_was_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drill.run.WARM_WITHIN_S", 0.1)
    with pytest.raises(DrillError, match="every client must be served"):
        Run(cast(Target, Slow()), BY_NAME["blips"], SCALE, 1, []).run("drill")


def test_nothing_is_mended_later_because_the_survivor_is_asked_what_it_has() -> None:
    target, found = broken("blips")
    assert (target.broken, target.asked) == ([], [WEST])
    assert found
    assert set(found.versions.values()) == {"True"}


def test_no_region_is_asked_what_it_has_when_none_is_left() -> None:
    assert broken("both-refuse")[1] is None
