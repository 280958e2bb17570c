"""What a scenario of a drill is made of: what is broken, and what must come of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeVar

from dr.objectives import PROBE_PERIOD_S, RECOVERY_TIME_OBJECTIVE_S

import attrs

EAST, WEST = "us-east-1", "us-west-2"
CLASSES = ("records", "audit", "documents_replicated", "documents_pending")

D = TypeVar("D", bound="Disturbance")


@attrs.frozen(kw_only=True)
class Disturbance:
    """One thing that is wrong for a while.

    Attributes:
        text: What it is, for people.
        start_s: When it begins, seconds after the outage's beginning.
        end_s: When it ends; None until `Scenario.lasting` says so.
        every_s: How often it is kept up, where it must be.
    """

    text: str
    start_s: float = 0.0
    end_s: float | None = None
    every_s: float = 10.0


@attrs.frozen(kw_only=True)
class Break(Disturbance):
    """Requests of a region fail; see `drill.emulator.faults.Fault`, which it is made of.

    Attributes:
        region: Where.
        services: Which services, `*` for all.
        mode: How.
        seconds: How late an answer is, where it is late.
        share: The part of the requests.
        path: Of an API.
    """

    region: str
    services: tuple[str, ...] = ("*",)
    mode: str = "drop"
    seconds: float = 0.0
    share: float = 1.0
    path: str = "*"


@attrs.frozen(kw_only=True)
class Hold(Disturbance):
    """Nothing is copied from one region to the other; what was held is replayed in the end."""

    source: str
    target: str


@attrs.frozen(kw_only=True)
class Evacuate(Disturbance):
    """An operator says that a region shall get no traffic."""

    region: str


@attrs.frozen(kw_only=True)
class Watch(Disturbance):
    """The regions' probes run, and set off what they do; in the end an operator releases a region through another."""

    region: str
    survivor: str
    every_s: float = PROBE_PERIOD_S


class Recovery(Enum):
    """When the last request fails."""

    FAILOVER = "within the budget, for DNS answers with the other region"
    NEVER_FAILED = "no request fails"
    WITH_THE_CAUSE = "when what is broken is mended"


@attrs.frozen(kw_only=True)
class Scenario:
    """An outage, and what is expected of it.

    Attributes:
        name: On the command line.
        title: For people.
        expected: The expected outcome, a sentence.
        disturbances: What is broken when.
        leaves: The regions that DNS must stop answering with, one for each time, in their order; no others.
        recovery: When clients are served again.
        recovers_within_s: What recovery takes at most, whatever the budget allows.
        loses: The region that is taken for lost when the recovery point is measured.
        may_lag: The classes of data whose recovery point has no limit here, because that is what is broken.
        waits: Whether requests hang until the client gives up, which comes on top of the recovery time.
        spared: The kinds of request of which none may fail.
        wait_s: For how long at most one client is not served, where chance decides; else while a region is broken.
        unserved: The part of the clients' time in which they may not be served, where they are again with the cause.
        unserved_least: The part in which they cannot be served, where no region is left that could.
    """

    name: str
    title: str
    expected: str
    disturbances: Sequence[Disturbance]
    leaves: tuple[str, ...] = ()
    recovery: Recovery = Recovery.FAILOVER
    recovers_within_s: float = RECOVERY_TIME_OBJECTIVE_S
    loses: str = EAST
    may_lag: frozenset[str] = frozenset()
    waits: bool = False
    spared: tuple[str, ...] = ()
    wait_s: float | None = None
    unserved: float = 1.0
    unserved_least: float | None = None

    @property
    def watched(self) -> bool:
        """Whether it rests on what the probes see, whose minutes no drill scales."""
        return bool(self.all(Watch))

    @property
    def survivor(self) -> str | None:
        """The region that is neither lost nor broken; None if there is none, so that nobody can take over."""
        broken = {self.loses, *(each.region for each in self.all(Break))}
        return next((region for region in (EAST, WEST) if region not in broken), None)

    @property
    def moves(self) -> bool:
        """Whether a client that goes elsewhere does so for the outage: else the region serves on, and it is chance."""
        broken = [each for each in self.all(Break) if each.region == self.loses and each.path == "*"]
        return bool(self.leaves) and any(each.share == 1 and each.mode != "slow" for each in broken)

    def lasting(self, seconds: float) -> Scenario:
        """The same, with an end for what has none: so many seconds after the beginning."""
        ended = [each if each.end_s else attrs.evolve(each, end_s=seconds) for each in self.disturbances]
        return attrs.evolve(self, disturbances=ended)

    def all(self, kind: type[D]) -> list[D]:
        """The disturbances of a kind."""
        return [each for each in self.disturbances if isinstance(each, kind)]
