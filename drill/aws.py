"""A drill on a real deployment: real DNS, real replication, and an outage by evacuation, for AWS cannot be broken."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS, Names, document_bucket
from dr.settings import Settings
from drill.client import ApiClient
from drill.holdings import Holdings, Stores
from drill.outages import Disturbance
from drill.route53 import Resolver, rules
from drill.route53.zone import Check, read_zone
from drill.target import Budget, DrillError, evacuate, overstays, region_of
from drill.traffic import CONFIRMATION_S, OVERSTAY_S, PATIENCE_S
from drill.traffic import Names as Resolving

HELP = """With --target aws the clients, the measures and the report are the same, the settings are those of the
environment and cdktf.json, and the credentials those of the AWS CLI, which must be allowed to call the API and to read
both tables, both buckets, the zone, the health checks and the alarms. The domain must not be delegated, and there must
be no OIDC issuer: clients sign. A region is evacuated, for it cannot be broken. The name servers of the zone are asked
themselves. Costs are those of a few thousand requests. It was tried against the embedded AWS and recorded answers of
Route 53 only, never on AWS."""


class AwsTarget:
    """What `cdktf deploy` made in an account."""

    name = "aws"
    replication_lag_s = None
    emulated = ("Nothing but the outage: a region is evacuated, it is not broken.",)

    def __init__(
        self,
        *,
        client: Callable[[str, str], Any],
        credentials: Mapping[str, str | None],
        settings: Settings,
        regions: Sequence[str],
        server: tuple[str, int] | None = None,
    ) -> None:
        """Read what is deployed.

        Args:
            client: Makes a boto3 client of a service in a region.
            credentials: What clients sign with, as STS returns them.
            settings: Of the deployment.
            regions: Its regions, the primary first.
            server: Who is asked for names; without it the zone's own first name server.

        Raises:
            DrillError: It is deployed so that clients cannot be simulated.
            Route53Error: The zone is not there.
        """
        if settings.domain_delegated or settings.oidc_issuer:
            raise DrillError(
                "a drill on AWS needs a domain that is not delegated, and no OIDC issuer: its clients sign"
            )
        self.regions, self.client_name = tuple(regions), f"failover-test.{settings.domain}"
        self._client, self._credentials = client, credentials
        self._names = Names(settings.environment_suffix)
        account = str(client("sts", regions[0]).get_caller_identity()["Account"])
        self._stores = {
            region: Stores(
                region=region,
                records=self._names.regional(PATIENT_RECORDS),
                audit=self._names.regional(AUDIT_LOGS),
                bucket=document_bucket(self._names, region, account),
                organisation=account,
            )
            for region in regions
        }
        self._zone = read_zone(client, settings.domain)
        weighted = {record.id: record for record in self._zone.records if record.id}
        self.weights = {region: weighted[region].weight for region in regions}
        self._checks = {region: self._zone.checks[str(weighted[region].check)] for region in regions}
        self.budget = Budget.of(self._zone, self.client_name)
        self.patience_s = PATIENCE_S + CONFIRMATION_S
        self._server = server or (socket.gethostbyname(self._name_server()), 53)

    def resolvers(self, clients: int) -> list[Resolving]:
        """A resolver for each client; some keep answers for too long."""
        return [
            Resolver(
                self._server,
                overstay_s=OVERSTAY_S if overstays(number) else 0,
                age_s=self.budget.ttl_s * number / clients,
            )
            for number in range(1, clients + 1)
        ]

    def connect(self, host: str) -> ApiClient:
        """A caller that signs for the region that it was led to."""
        return ApiClient(
            region=region_of(host),
            api_url=f"https://{host}",
            endpoint=f"https://{host}",
            account="",
            role=self._credentials,
            timeout_s=self.patience_s,
        )

    def healthy(self) -> dict[str, bool]:
        """By what the checkers last reported, and by the alarm on the evacuation."""
        return {region: self._healthy(region, check) for region, check in self._checks.items()}

    def lags(self) -> dict[str, float]:
        """Nothing: no call tells how long a write of AWS's waits."""
        return {}

    def holdings(self, region: str, patients: Sequence[str]) -> Holdings:
        """As the caller of the drill."""
        dynamodb, s3 = (self._client(service, region) for service in ("dynamodb", "s3"))
        return self._stores[region].holdings(dynamodb, s3, patients)

    def begin(self, disturbance: Disturbance) -> None:
        """Evacuate a region: nothing else is among the scenarios here."""
        self.keep(disturbance)

    def keep(self, disturbance: Disturbance) -> None:
        """Publish that it is evacuated."""
        evacuate(self._client, self._zone, self.client_name, disturbance)

    def end(self, disturbance: Disturbance) -> None:
        """Do nothing: an evacuation ends when nobody publishes it."""

    def settle(self) -> None:
        """Do nothing: nothing is broken."""

    def _healthy(self, region: str, check: Check) -> bool:
        children = [self._zone.checks[child] for child in check.children]
        return all(
            self._reported(child) if child.endpoint else self._not_evacuated(region, child) for child in children
        )

    def _reported(self, check: Check) -> bool:
        answer = self._client("route53", self.regions[0]).get_health_check_status(HealthCheckId=check.id)
        reports = [each["StatusReport"]["Status"] for each in answer["HealthCheckObservations"]]
        return rules.endpoint_healthy([status.startswith("Success") for status in reports])

    def _not_evacuated(self, region: str, check: Check) -> bool:
        watcher = check.metric.region if check.metric else self.regions[0]
        name = self._names.regional(f"alarm-evacuated-{region}")
        found = self._client("cloudwatch", watcher).describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return all(alarm["StateValue"] != "ALARM" for alarm in found)

    def _name_server(self) -> str:
        route53, domain = self._client("route53", self.regions[0]), self._zone.name
        (zone,) = (
            zone
            for zone in route53.list_hosted_zones_by_name(DNSName=domain)["HostedZones"]
            if zone["Name"] == domain and not zone["Config"]["PrivateZone"]
        )
        return str(route53.get_hosted_zone(Id=zone["Id"])["DelegationSet"]["NameServers"][0])


def deployed() -> AwsTarget:
    """The target that this process's environment leads to.

    Raises:
        DrillError: There are no credentials.
        SettingsError: The settings are wrong.
    """
    from main import REGIONS, load_settings  # starts node, which no other target needs

    import boto3

    session = boto3.Session()
    found = session.get_credentials()
    if found is None:
        raise DrillError("no AWS credentials were found: log in as for the AWS CLI")
    keys = found.get_frozen_credentials()
    return AwsTarget(
        client=lambda service, region: session.client(service, region_name=region),
        credentials={"AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key, "SessionToken": keys.token},
        settings=load_settings(),
        regions=[region.settings.name for region in REGIONS],
    )
