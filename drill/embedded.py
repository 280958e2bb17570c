"""The embedded AWS as a target: outages made to order, and a simulated Route 53 in front of both regions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS
from drill.client import ApiClient, api_clients
from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from drill.holdings import Holdings, Stores
from drill.outages import Break, Disturbance, Hold
from drill.route53 import Resolver, SimulatedRoute53
from drill.route53.observation import Listener
from drill.target import Budget, DrillError, evacuate, overstays, region_of
from drill.traffic import CONFIRMATION_S, OVERSTAY_S, PATIENCE_S, Names

LAG_S = 3.0
"""How long the embedded AWS takes to copy something to the other region, at true speed; its own is no time at all."""
HEALTH_PATH = "/healthz"
LEAST_TIMEOUT_S = 0.9
"""The health checkers wait at least so long: the emulator is no quicker for a scale, and the machine may be busy."""
PROBE_RULE = "rule-probe-"
"""What the names of the probes' schedules begin with."""


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
        "The probes' schedule is off: what is measured is what DNS does by itself, and nobody is notified.",
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
                self._route53.address,
                scale=self._route53.scale,
                overstay_s=OVERSTAY_S if overstays(number) else 0,
                age_s=self.budget.ttl_s * number / clients,
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
    with api_clients(aws, deployment) as apis:
        for api in apis.values():
            api.call("GET", HEALTH_PATH, signed=False)  # the first request starts the function, which takes seconds
    with (
        _unwatched(aws),
        SimulatedRoute53(aws, zone, scale=scale, least_timeout_s=LEAST_TIMEOUT_S, listen=listen) as route53,
    ):
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


@contextmanager
def _unwatched(aws: EmbeddedAws) -> Iterator[None]:
    """No probe runs by its schedule meanwhile: what it sets off would outlast a scenario by minutes."""
    found = [
        (aws.client("events", region), rule["Name"])
        for region in aws.regions
        for rule in aws.client("events", region).list_rules(NamePrefix=PROBE_RULE)["Rules"]
    ]
    for events, name in found:
        events.disable_rule(Name=name)
    try:
        yield
    finally:
        for events, name in found:
            events.enable_rule(Name=name)


def _named(tables: Collection[str], kind: str) -> str:
    return next(table for table in tables if table.startswith(f"{kind}-"))
