"""What a drill runs on: the embedded AWS, with a simulated Route 53 in front of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, Self

from dr.objectives import evacuation_time_s, recovery_time_s
from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS
from drill.client import ApiClient
from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from drill.holdings import Holdings, Stores
from drill.outages import Break, Disturbance, Evacuate, Hold
from drill.route53 import Resolver, SimulatedRoute53
from drill.route53.observation import Listener
from drill.route53.zone import Zone
from drill.traffic import CONFIRMATION_S, OVERSTAY_S, OVERSTAYING, PATIENCE_S, Names

import attrs

LAG_S = 3.0
"""How long the embedded AWS takes to copy something to the other region, at true speed; its own is no time at all."""
LEAST_TIMEOUT_S = 0.9
"""The health checkers wait at least so long: the emulator is no quicker for a scale, and the machine may be busy."""
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


class EmbeddedTarget:
    """Both regions deployed in an embedded AWS, and DNS and health checks simulated beside it."""

    name = "embedded"
    replication_lag_s = LAG_S
    emulated = (
        "AWS is an emulator in one process on this machine, and so are its Lambda functions.",
        "Route 53 is simulated by its documented rules: health checkers in four places, DNS answers, TTLs.",
        f"Copies between the regions take {LAG_S:g} s each way: a figure of the drill's own, and so is every recovery "
        "point, which follows from it.",
        "Outages are made in front of the emulator: connections are reset, answers held back, refused or delayed.",
        "A denied key is shown as KMS, DynamoDB and S3 refusing together, for the emulator enforces no keys in these.",
    )

    def __init__(self, aws: EmbeddedAws, deployment: Deployment, route53: SimulatedRoute53) -> None:
        """Use what runs."""
        self.regions = aws.regions
        self.weights = {region: weight for region, _, weight in route53.status()}
        self.client_name = str(deployment.outputs("dns")["client_name"])
        self.budget = Budget.of(route53.zone, self.client_name)
        self.patience_s = PATIENCE_S * route53.scale + CONFIRMATION_S
        self._aws, self._route53 = aws, route53
        self._faults: dict[Disturbance, list[int]] = {}
        tables = {str(each.attributes["name"]) for each in deployment.instances() if each.kind == "aws_dynamodb_table"}
        self._stores = {
            region: Stores(
                region=region,
                records=_named(tables, PATIENT_RECORDS),
                audit=_named(tables, AUDIT_LOGS),
                bucket=str(deployment.outputs(region)["document_bucket"]),
                organisation=aws.account,
            )
            for region in aws.regions
        }

    def resolvers(self, clients: int) -> list[Names]:
        """A resolver for each client; one in `OVERSTAYING` keeps answers for too long."""
        return [
            Resolver(
                self._route53.address, scale=self._route53.scale, overstay_s=OVERSTAY_S if overstays(number) else 0
            )
            for number in range(1, clients + 1)
        ]

    def connect(self, host: str) -> ApiClient:
        """A caller that signs as the account's root user for the region that it was led to."""
        return ApiClient(
            region=region_of(host),
            api_url=f"https://{host}",
            endpoint=self._aws.endpoint,
            account=self._aws.account,
            timeout_s=self.patience_s,
        )

    def healthy(self) -> dict[str, bool]:
        """By the simulated Route 53."""
        return {region: healthy for region, healthy, _ in self._route53.status()}

    def lags(self) -> dict[str, float]:
        """By the emulator's queues."""
        ways = self._aws.replication()["ways"]
        return {f"{way['source']} to {way['target']}": way["oldest_s"] for way in ways}

    def holdings(self, region: str, patients: Sequence[str]) -> Holdings:
        """As the account's root user."""
        dynamodb, s3 = (self._aws.client(service, region) for service in ("dynamodb", "s3"))
        return self._stores[region].holdings(dynamodb, s3, patients)

    def begin(self, disturbance: Disturbance) -> None:
        """Order it of the wrapper around the emulator."""
        if isinstance(disturbance, Break):
            self._faults[disturbance] = [
                self._aws.fault(
                    region=disturbance.region,
                    service=service,
                    mode=disturbance.mode,
                    seconds=disturbance.seconds * self._route53.scale,
                    share=disturbance.share,
                    path=disturbance.path,
                )
                for service in disturbance.services
            ]
        if isinstance(disturbance, Hold):
            self._aws.delay_replication(source=disturbance.source, target=disturbance.target, seconds=None)
        self.keep(disturbance)

    def keep(self, disturbance: Disturbance) -> None:
        """An evacuation lasts for as long as its metric is published, in another region."""
        evacuate(self._aws.client, self._route53.zone, self.client_name, disturbance)

    def end(self, disturbance: Disturbance) -> None:
        """Lift it."""
        for fault in self._faults.pop(disturbance, ()):
            self._aws.heal(fault)
        if isinstance(disturbance, Hold):
            self._delay(disturbance.source, disturbance.target)

    def settle(self) -> None:
        """No fault, and the usual lag in every direction."""
        self._faults.clear()
        self._aws.heal()
        for source in self.regions:
            for target in self.regions:
                if source != target:
                    self._delay(source, target)

    def _delay(self, source: str, target: str) -> None:
        self._aws.delay_replication(source=source, target=target, seconds=LAG_S * self._route53.scale)


@contextmanager
def embedded(aws: EmbeddedAws, deployment: Deployment, *, scale: float, listen: Listener) -> Iterator[EmbeddedTarget]:
    """A target in an embedded AWS that both regions are deployed in, left as it was found.

    Raises:
        DrillError: It is deployed so that clients cannot be simulated.
    """
    name = str(deployment.outputs("dns")["client_name"])
    if not name.startswith("failover-test."):
        raise DrillError(
            f"in the embedded AWS a drill needs a domain that is not delegated, got {name!r}: "
            "deploy without DR_DOMAIN_DELEGATED"
        )
    zone = name.partition(".")[2]
    with SimulatedRoute53(aws, zone, scale=scale, least_timeout_s=LEAST_TIMEOUT_S, listen=listen) as route53:
        target = EmbeddedTarget(aws, deployment, route53)
        try:
            target.settle()
            yield target
        finally:
            aws.heal()
            for source in aws.regions:
                for other in aws.regions:
                    if source != other:
                        aws.delay_replication(source=source, target=other, seconds=0)


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


def _named(tables: Collection[str], kind: str) -> str:
    return next(table for table in tables if table.startswith(f"{kind}-"))


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
