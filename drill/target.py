"""Where a drill runs: a deployment, its name server, and what can be done to it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from dr.objectives import evacuation_time_s, recovery_time_s
from drill.client import ApiClient
from drill.holdings import Holdings, Stores
from drill.log import Notice
from drill.outages import Disturbance, Evacuate
from drill.route53 import ResolutionError, Resolver
from drill.route53.zone import Zone
from drill.traffic import Names

import attrs

PATIENCE_S = 10.0
"""How long a client waits for an answer, at true speed."""
CONFIRMATION_S = 5.0
"""How long the API itself waits for S3 to confirm a copy, before it says `pending`: no drill scales that."""
OVERSTAY_S = 15.0
"""How long after its TTL one client in `OVERSTAYING` still uses an answer, at true speed."""
OVERSTAYING = 5
ASKED_AT_ONCE = 6
"""How many answers of DNS a look at it takes."""
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


class Target(ABC):
    """A deployment. What is here needs no more than AWS gives; what breaks something is the embedded AWS's own.

    Attributes:
        name: Of the kind of target.
        emulated: What is not real, as sentences.
        replication_lag_s: The lag that is emulated, seconds at true speed; None where it is real.
        copied_within_s: After which all must be copied, whatever was broken before, seconds; no scale makes it less.
        regions: The regions, the primary first.
        weights: Each region's share of the traffic.
        client_name: What clients resolve.
        patience_s: How long a client waits for an answer.
        budget: What the zone promises.
    """

    name: str
    emulated: Sequence[str]
    copied_within_s: float
    replication_lag_s: float | None = None

    def __init__(
        self,
        *,
        client: Callable[[str, str], Any],
        credentials: Mapping[str, str | None],
        endpoint: str | None,
        regions: Sequence[str],
        zone: Zone,
        client_name: str,
        stores: Callable[[str], Stores],
        server: tuple[str, int],
        scale: float,
    ) -> None:
        """Take what is known of the deployment.

        Args:
            client: Makes a boto3 client of a service in a region.
            credentials: What the drill's clients sign with, as STS returns them.
            endpoint: Where all APIs are reached; None for each at its own host.
            regions: Its regions, the primary first.
            zone: Its zone.
            client_name: What clients resolve.
            stores: Where the data of a region are.
            server: Who is asked for names.
            scale: What every time of the drill's is multiplied by.
        """
        self.regions, self.client_name, self.scale = tuple(regions), client_name, scale
        self.budget, self.patience_s = Budget.of(zone, client_name), PATIENCE_S * scale + CONFIRMATION_S
        self._records = {str(record.id): record for record in zone.records if record.id}
        self.weights = {region: self._records[region].weight for region in regions}
        self._client, self._credentials, self._endpoint = client, credentials, endpoint
        self._zone, self._server = zone, server
        self._stores = {region: stores(region) for region in regions}
        self._asker = Resolver(server)

    def resolvers(self, clients: int) -> list[Names]:
        """A resolver with an empty cache for each client; one in `OVERSTAYING` keeps answers for too long."""
        return [
            Resolver(
                self._server,
                scale=self.scale,
                overstay_s=OVERSTAY_S if overstays(number) else 0,
                age_s=self.budget.ttl_s * number / clients,
            )
            for number in range(1, clients + 1)
        ]

    def answered(self) -> Counter[str]:
        """Which regions DNS answers with now, and how often of some times."""
        found = Counter[str]()
        for _ in range(ASKED_AT_ONCE):
            try:
                found[region_of(self._asker.ask(self.client_name)[0])] += 1
            except ResolutionError:
                return found
        return found

    def connect(self, host: str) -> ApiClient:
        """A caller that signs for the region that it was led to."""
        url = f"https://{host}"
        return ApiClient(
            region=region_of(host),
            api_url=url,
            endpoint=self._endpoint or url,
            account="",
            role=self._credentials,
            timeout_s=self.patience_s,
        )

    @abstractmethod
    def healthy(self) -> dict[str, bool]:
        """Whether Route 53 counts each region as healthy."""

    def lags(self) -> dict[str, float]:
        """How long the oldest write waits that is still to be copied, by direction, seconds: no call of AWS's tells."""
        return {}

    def notices(self) -> Sequence[Notice]:
        """What the operations team was told since the last call: on AWS that is for its own mailbox to say."""
        return ()

    def holdings(self, region: str, patients: Sequence[str]) -> Holdings:
        """What a region holds of patients."""
        dynamodb, s3 = (self._client(service, region) for service in ("dynamodb", "s3"))
        return self._stores[region].holdings(dynamodb, s3, patients)

    @abstractmethod
    def settle(self) -> None:
        """Nothing is broken any more, and what a scenario before this one has left shows."""

    def begin(self, disturbance: Disturbance) -> None:
        """Break something."""
        self.keep(disturbance)

    def keep(self, disturbance: Disturbance) -> None:
        """Do what must be done again and again: an evacuation lasts while its metric is published elsewhere."""
        if not isinstance(disturbance, Evacuate):
            return
        children = self._zone.checks[str(self._records[disturbance.region].check)].children
        for metric in filter(None, (self._zone.checks[child].metric for child in children)):
            about = {part: metric.query[part] for part in ("MetricName", "Dimensions")}
            self._client("cloudwatch", metric.region).put_metric_data(
                Namespace=metric.query["Namespace"], MetricData=[{**about, "Value": 1}]
            )

    def end(self, disturbance: Disturbance) -> None:  # noqa: B027  AWS does it
        """Mend it: an evacuation ends when nobody publishes it."""


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
