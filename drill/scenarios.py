"""The scenarios of a drill."""

from __future__ import annotations

from dr.objectives import PROBE_PERIOD_S
from drill.outages import CLASSES, EAST, WEST, Break, Evacuate, Hold, Recovery, Scenario, Watch

# The API reads a row of its own table for its health, and a key that is denied stops the table and the bucket with it.
KEYED_SERVICES = ("kms", "dynamodb", "s3")
# Three probes 10 s apart cannot all fail in it.
BLIP_S = 15.0
# Two runs of the probe, of which the second says that the region is evacuated, and two periods until DNS knows.
LATCHED_S = 4.0 * PROBE_PERIOD_S
# Its own health check takes it back sooner, so that only the latch can keep it out for so long after it is mended.
KEPT_OUT_S = 90.0
# Of clients' time, where no region answers: all but what a client pauses before the first request that fails. Drills
# show 96 %, and 84 % five times quicker.
NOBODY_SERVES = 0.7


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
        unserved_least=NOBODY_SERVES,
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
