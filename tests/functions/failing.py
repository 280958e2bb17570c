"""The failover function, and what it acts upon: what the regions saw, alarms, decisions, messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.functions.cloud import ALERTS, HOME, OTHER, STATE, Cloud
from tests.functions.watched import received

# Generous where an answer comes, for the machine may be busy.
PATIENT = {"all": 60.0, "asking": 20.0, "connect": 10.0, "answer": 10.0}
# A region that has been ill for two tenths of a second is so for long enough.
SOON = "0.1"
Event = dict[str, Any]
Handler = Callable[[Event, Any], None]
Rows = list[dict[str, Any]]


def handler(cloud: Cloud, region: str = HOME, limits: dict[str, float] = PATIENT, **changes: str) -> Handler:
    """A region's function; `changes` replace variables of its environment."""
    from functions.failover.failover import Configuration, Limits
    from functions.failover.handler import application

    return application(Configuration.from_environment({**cloud.environment(region), **changes}), Limits(**limits))


def tick() -> Event:
    """What EventBridge sends every minute."""
    from functions.shared.table import now

    return {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "time": now()}


def decisions(cloud: Cloud, kind: str = "evacuation#", region: str = OTHER) -> Rows:
    """The rows of a region's decisions, oldest first."""
    from functions.watching.state import state_of

    return list(state_of(cloud.client("dynamodb"), STATE, HOME).table.items(region, kind))


def told(cloud: Cloud, region: str = HOME) -> list[str]:
    return [f"{each['Subject']}\n\n{each['Message']}" for each in received(cloud.aws, region, ALERTS)]


def beat(cloud: Cloud, region: str) -> None:
    from functions.shared.table import now
    from functions.watching.state import state_of

    state_of(cloud.client("dynamodb", region), STATE, region).beat(now(), cloud.api_urls[region])


def see(
    cloud: Cloud,
    region: str,
    other: str,
    *,
    healthy_s: float = 1000,
    lag_s: float | None = 0.5,
    ill_s: float = 0,
    unsteady_s: float = 0,
) -> None:
    """What a region's probe saw of the other just now."""
    from functions.shared.table import instant
    from functions.watching.state import Sight, state_of

    def ago(seconds: float) -> str:
        return instant(datetime.now(UTC) - timedelta(seconds=seconds)) if seconds else ""

    sight = Sight("" if ill_s else ago(healthy_s), lag_s, ago(ill_s), ago(unsteady_s or ill_s))
    state_of(cloud.client("dynamodb", region), STATE, region).look({other: sight}, ago(0.001))


def blind(cloud: Cloud, region: str) -> None:
    """Nothing is known of what a region sees."""
    from functions.shared.table import now
    from functions.watching.state import state_of

    state_of(cloud.client("dynamodb", region), STATE, region).look({}, now())
    arrive(cloud)


def arrive(cloud: Cloud) -> None:
    """All that was written has been copied."""
    while any(way["queued"] for way in cloud.aws.replication()["ways"]):
        time.sleep(0.02)


def cut_off(cloud: Cloud) -> None:
    """us-west-2 does not answer us-east-1, and that is all."""
    cloud.aws.heal()
    cloud.aws.fault(region=OTHER, service="execute-api")


def fall_ill(cloud: Cloud) -> None:
    """us-west-2 was seen ill after all that was decided about it."""
    time.sleep(0.3)
    see(cloud, HOME, OTHER, ill_s=0.2)
