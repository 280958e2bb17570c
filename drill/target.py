"""What a drill needs of where it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self

from dr.objectives import evacuation_time_s, recovery_time_s
from drill.client import ApiClient
from drill.holdings import Holdings
from drill.outages import Disturbance, Evacuate
from drill.route53.zone import Zone
from drill.traffic import OVERSTAYING, Names

import attrs

_API_HOST = re.compile(r"[a-z0-9]+\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")


class DrillError(Exception):
    """A drill cannot be run, or saw something that makes its figures worthless; the message says what."""


@attrs.frozen(kw_only=True)
class Budget:
    """What the deployed zone promises: seconds at true speed."""

    recovery_s: float
    evacuation_s: float
    ttl_s: float

    @classmethod
    def of(cls, zone: Zone, name: str) -> Self:
        """Compute it from the records of the clients' name and the checks of the endpoints."""
        ttl = max(record.ttl for record in zone.records if record.name.rstrip(".") == name)
        endpoint = next(check.endpoint for check in zone.checks.values() if check.endpoint)
        return cls(
            recovery_s=recovery_time_s(interval_s=endpoint.interval_s, failure_threshold=endpoint.threshold, ttl_s=ttl),
            evacuation_s=evacuation_time_s(ttl_s=ttl),
            ttl_s=ttl,
        )


class Target(Protocol):
    """Where a drill runs."""

    client_name: str
    budget: Budget
    patience_s: float

    @property
    def name(self) -> str:
        """Of the kind of target."""

    @property
    def regions(self) -> Sequence[str]:
        """The regions, the primary first."""

    @property
    def weights(self) -> Mapping[str, int]:
        """Each region's share of the traffic."""

    @property
    def replication_lag_s(self) -> float | None:
        """The lag that is emulated, seconds at true speed; None where it is real."""

    @property
    def emulated(self) -> Sequence[str]:
        """What is not real, as sentences."""

    def resolvers(self, clients: int) -> list[Names]:
        """A resolver with an empty cache for each client; some keep answers for too long."""

    def connect(self, host: str) -> ApiClient:
        """A caller of the API at a host that the name led to."""

    def healthy(self) -> dict[str, bool]:
        """Whether DNS counts each region as healthy."""

    def lags(self) -> dict[str, float]:
        """How long the oldest write waits that is still to be copied, by direction, seconds."""

    def holdings(self, region: str, patients: Sequence[str]) -> Holdings:
        """What a region holds of patients."""

    def begin(self, disturbance: Disturbance) -> None:
        """Break something."""

    def keep(self, disturbance: Disturbance) -> None:
        """Do what must be done again and again while it is broken."""

    def end(self, disturbance: Disturbance) -> None:
        """Mend it."""

    def settle(self) -> None:
        """Nothing is broken any more."""


def evacuate(client: Callable[[str, str], Any], zone: Zone, name: str, disturbance: Disturbance) -> None:
    """If that is what is wrong, publish that a region is evacuated: the metric that its health check follows.

    Args:
        client: Makes a boto3 client of a service in a region.
        zone: Has the record of each region, and its check.
        name: The clients' name.
        disturbance: What is wrong.
    """
    if not isinstance(disturbance, Evacuate):
        return
    records = {record.id: record for record in zone.records if record.name.rstrip(".") == name}
    children = zone.checks[str(records[disturbance.region].check)].children
    for metric in filter(None, (zone.checks[child].metric for child in children)):
        about = {part: metric.query[part] for part in ("MetricName", "Dimensions")}
        client("cloudwatch", metric.region).put_metric_data(
            Namespace=metric.query["Namespace"], MetricData=[{**about, "Value": 1}]
        )


def overstays(client: int) -> bool:
    """Whether a client, counted from 1, keeps DNS answers for too long."""
    return client % OVERSTAYING == 0


def region_of(host: str) -> str:
    """The region of an API's own host.

    Raises:
        DrillError: It is another kind of host.
    """
    found = _API_HOST.fullmatch(host)
    if not found:
        raise DrillError(f"the name must lead to an execute-api host, got: {host!r}")
    return found["region"]
