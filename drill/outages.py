"""What is broken in a drill, and what must come of it: values, from which nothing acts by itself."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeVar

from dr.objectives import PROBE_PERIOD_S, RECOVERY_TIME_OBJECTIVE_S

import attrs

EAST, WEST = "us-east-1", "us-west-2"
# The API reads a row of its own table for its health, and a key that is denied stops the table and the bucket with it.
KEYED_SERVICES = ("kms", "dynamodb", "s3")
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


# Three probes 10 s apart cannot all fail in it.
BLIP_S = 15.0
# Two runs of the probe, of which the second says that the region is evacuated, and two periods until DNS knows.
LATCHED_S = 4.0 * PROBE_PERIOD_S
# Its own health check takes it back sooner, so that only the latch can keep it out for so long after it is mended.
KEPT_OUT_S = 90.0
# The failover function's own message, of all that are told when a region is lost.
EVACUATED = "was evacuated"


def _east(text: str, end_s: float | None = None, **broken: object) -> tuple[Break, ...]:
    return (Break(text=f"{EAST} {text}", region=EAST, end_s=end_s, **broken),)  # type: ignore[arg-type]  # of Break


def _in_turn(*starts: float, lasts_s: float) -> tuple[Break, ...]:
    return tuple(
        Break(text=f"{EAST} refuses all connections", region=EAST, start_s=at, end_s=at + lasts_s) for at in starts
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="region-refuses",
        title="A region refuses all connections",
        expected=f"{WEST} serves all; writes not yet replicated are back once {EAST} is.",
        disturbances=_east("refuses all connections"),
        leaves=(EAST,),
        recovers_within_s=120,
    ),
    Scenario(
        name="region-hangs",
        title="A region takes connections and never answers",
        expected=f"{WEST} serves all; requests that hang when DNS moves end with their clients' patience.",
        disturbances=_east("hangs", mode="hang"),
        leaves=(EAST,),
        waits=True,
    ),
    Scenario(
        name="calls-fail",
        title="30 % of a region's API calls fail",
        expected="No failover: too few probes fail in a row. Retries are served; evacuating is for the operator.",
        disturbances=_east("fails 30 % of its API calls", 60, services=("execute-api",), mode="error", share=0.3),
        recovery=Recovery.WITH_THE_CAUSE,
        wait_s=40,
        unserved=0.45,
    ),
    Scenario(
        name="region-slow",
        title="A region is slow by 5 s",
        expected=f"Its health check takes too long, so {WEST} serves all.",
        disturbances=_east("answers 5 s late", mode="slow", seconds=5.0),
        leaves=(EAST,),
        waits=True,
    ),
    Scenario(
        name="dynamodb-dead",
        title="DynamoDB alone is dead in a region",
        expected=f"{EAST} says that it is impaired, so {WEST} serves all.",
        disturbances=_east("has no DynamoDB", services=("dynamodb",)),
        leaves=(EAST,),
        waits=True,
    ),
    Scenario(
        name="s3-dead",
        title="S3 alone is dead in a region",
        expected="No failover: records are served everywhere, documents only by retries that reach the other region.",
        disturbances=_east("has no S3", 60, services=("s3",)),
        recovery=Recovery.WITH_THE_CAUSE,
        may_lag=frozenset({"documents_pending"}),
        waits=True,
        spared=("record", "correction", "read record"),
        unserved=0.75,
    ),
    Scenario(
        name="key-denied",
        title="The region's key is denied",
        expected=f"{EAST} can read neither table nor bucket and says so, so {WEST} serves all.",
        disturbances=_east("may not use its key", services=KEYED_SERVICES, mode="error"),
        leaves=(EAST,),
        waits=True,
    ),
    Scenario(
        name="replication-held",
        title="Replication stalls, and catches up",
        expected="No request fails. Until it catches up the other region lacks the newest writes; uploads say pending.",
        disturbances=tuple(
            Hold(text=f"nothing is copied from {source} to {target}", source=source, target=target, end_s=60)
            for source, target in ((EAST, WEST), (WEST, EAST))
        ),
        recovery=Recovery.NEVER_FAILED,
        may_lag=frozenset({"records", "audit", "documents_pending"}),
    ),
    Scenario(
        name="flapping",
        title="A region comes and goes",
        expected=f"DNS leaves {EAST} and returns, both times; nothing is lost or written twice.",
        disturbances=_in_turn(0, 90, lasts_s=45),
        leaves=(EAST, EAST),
        recovery=Recovery.WITH_THE_CAUSE,
        unserved=0.7,
    ),
    Scenario(
        name="health-path-dead",
        title="Only the health check's path fails",
        expected=f"No request fails; {WEST} serves all until {EAST} says again that it is healthy.",
        disturbances=_east("fails its health check alone", services=("execute-api",), mode="error", path="/healthz"),
        leaves=(EAST,),
        recovery=Recovery.NEVER_FAILED,
    ),
    Scenario(
        name="other-region-refuses",
        title="The smaller region refuses all connections",
        expected=f"{EAST} serves all.",
        disturbances=(Break(text=f"{WEST} refuses all connections", region=WEST),),
        leaves=(WEST,),
        loses=WEST,
    ),
    Scenario(
        name="both-refuse",
        title="Both regions refuse all connections",
        expected="Nobody is served, DNS answers with both, and both serve as soon as they are back.",
        disturbances=tuple(Break(text=f"{region} refuses", region=region, end_s=60) for region in (EAST, WEST)),
        recovery=Recovery.WITH_THE_CAUSE,
        may_lag=frozenset(CLASSES),  # nobody is left who could be asked
    ),
    Scenario(
        name="blips",
        title="Blips shorter than the threshold",
        expected="No failover.",
        disturbances=_in_turn(0, 45, 90, lasts_s=BLIP_S),
        recovery=Recovery.WITH_THE_CAUSE,
        unserved=0.55,
    ),
    Scenario(
        name="evacuation",
        title="A sick region is evacuated by hand",
        expected=f"{EAST} fails 30 % of its calls until {WEST} is told to evacuate it; then {WEST} serves all.",
        disturbances=(
            Break(
                text=f"{EAST} fails 30 % of its API calls",
                region=EAST,
                services=("execute-api",),
                mode="error",
                share=0.3,
            ),
            Evacuate(text=f"{EAST} is evacuated", region=EAST, start_s=20),
        ),
        leaves=(EAST,),
    ),
    Scenario(
        name="evacuated-in-health",
        title="A healthy region is evacuated by hand",
        expected=f"No request fails; {WEST} serves all until nobody says so any more.",
        disturbances=(Evacuate(text=f"{EAST} is evacuated", region=EAST),),
        leaves=(EAST,),
        recovery=Recovery.NEVER_FAILED,
    ),
    Scenario(
        name="latched",
        title="A lost region is latched out, and people are told",
        expected=f"{WEST} evacuates {EAST} by itself and says so once; mended, {EAST} stays out until it is released.",
        disturbances=(
            *_east("refuses all connections", LATCHED_S),
            Watch(
                text="the probes run every minute",
                region=EAST,
                survivor=WEST,
                start_s=PROBE_PERIOD_S,  # as late as the next run may be
                end_s=LATCHED_S + KEPT_OUT_S,
            ),
        ),
        leaves=(EAST,),
    ),
)
