"""A drill on a real deployment: real DNS, real replication, and an outage by evacuation, for AWS cannot be broken."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dr.objectives import DOCUMENT_REPLICATION_S
from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS, Names, document_bucket
from dr.settings import Settings
from drill.holdings import Stores
from drill.route53 import rules
from drill.route53.zone import Metric, Zone, read_zone
from drill.target import DrillError, Target

HELP = """With --target aws the clients, the measures and the report are the same, the settings are those of the
environment and cdktf.json, and the credentials those of the AWS CLI, which must be allowed to call the API and to read
both tables, both buckets, the zone, the health checks, the alarms and their metrics. The domain must not be delegated,
and there must be no OIDC issuer: clients sign. A region is evacuated, for it cannot be broken: at once and for all
clients, without the question that functions.evacuate asks, and they are back some four minutes after. The records,
documents and audit rows of the drill's patients stay for good. So it asks for --yes. The name servers of the zone are
asked themselves. Notifications are not measured. Costs are those of a few thousand requests. It was tried against the
embedded AWS and answers in the shape of Route 53's reference only, never on AWS."""


class AwsTarget(Target):
    """What `cdktf deploy` made in an account."""

    name = "aws"
    copied_within_s = float(DOCUMENT_REPLICATION_S)
    emulated = ("Nothing but the outage: a region is evacuated, it is not broken.",)

    def __init__(
        self,
        *,
        client: Callable[[str, str], Any],
        credentials: Mapping[str, str | None],
        settings: Settings,
        regions: Sequence[str],
        server: tuple[str, int] | None = None,
        endpoint: str | None = None,
        scale: float = 1.0,
    ) -> None:
        """Read what is deployed.

        Args:
            client: Makes a boto3 client of a service in a region.
            credentials: What clients sign with, as STS returns them.
            settings: Of the deployment.
            regions: Its regions, the primary first.
            server: Who is asked for names; without it the zone's own first name server.
            endpoint: Where all APIs are reached, if that is not AWS.
            scale: What every time of the drill's is multiplied by, if that is not AWS.

        Raises:
            DrillError: It is deployed so that clients cannot be simulated.
            Route53Error: The zone is not there.
        """
        if settings.domain_delegated or settings.oidc_issuer:
            raise DrillError(
                "a drill on AWS needs a domain that is not delegated, and no OIDC issuer: its clients sign"
            )
        names = Names(settings.environment_suffix)
        self._found: dict[str, bool] = {}
        account = str(client("sts", regions[0]).get_caller_identity()["Account"])
        zone = read_zone(client, settings.domain)
        super().__init__(
            client=client,
            credentials=credentials,
            endpoint=endpoint,
            regions=regions,
            zone=zone,
            client_name=f"failover-test.{settings.domain}",
            stores=lambda region: Stores(
                region=region,
                records=names.regional(PATIENT_RECORDS),
                audit=names.regional(AUDIT_LOGS),
                bucket=document_bucket(names, region, account),
                organisation=account,
            ),
            server=server or (socket.gethostbyname(_name_server(client("route53", regions[0]), zone)), 53),
            scale=scale,
        )

    def settle(self) -> None:
        """What was published until now counts: a metric is read only once its period is over."""
        longest = max((check.metric.period_s for check in self._zone.checks.values() if check.metric), default=0)
        period = max(1, round(longest * self.scale))
        time.sleep(period - time.time() % period)

    def healthy(self) -> dict[str, bool]:
        """By what the checkers last reported, and by the metrics that say that a region is evacuated."""
        return {region: self._healthy(str(self._records[region].check)) for region in self.regions}

    def _healthy(self, id_: str) -> bool:
        check = self._zone.checks[id_]
        if check.endpoint:
            found = check.disabled or self._reported(id_)
        elif check.metric:
            found = self._by_metric(id_, check.metric)
        else:
            found = rules.calculated_healthy([*map(self._healthy, check.children)], check.healthy_children)
        return rules.status(found, inverted=check.inverted, disabled=check.disabled)

    def _reported(self, id_: str) -> bool:
        answer = self._client("route53", self.regions[0]).get_health_check_status(HealthCheckId=id_)
        reports = [each["StatusReport"]["Status"] for each in answer["HealthCheckObservations"]]
        return rules.endpoint_healthy([status.startswith("Success") for status in reports])

    def _by_metric(self, id_: str, metric: Metric) -> bool:
        found = rules.metric_healthy(self._figures(metric), metric.alarm)
        if found is None:
            found = rules.without_data(metric.without_data, self._found.get(id_, True))
        self._found[id_] = found
        return found

    def _figures(self, metric: Metric) -> list[float | None]:
        """The figures of the last whole periods."""
        period = max(1, round(metric.period_s * self.scale))
        end = int(time.time()) // period * period
        starts = range(end - period * metric.alarm.periods, end, period)
        answer = self._client("cloudwatch", metric.region).get_metric_statistics(
            **metric.query,
            StartTime=datetime.fromtimestamp(starts[0], UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            Period=period,
            Statistics=[metric.statistic],
        )
        by_start = {int(point["Timestamp"].timestamp()): point[metric.statistic] for point in answer["Datapoints"]}
        return [by_start.get(start) for start in starts]


def _name_server(route53: Any, zone: Zone) -> str:
    (found,) = (
        each
        for each in route53.list_hosted_zones_by_name(DNSName=zone.name)["HostedZones"]
        if each["Name"] == zone.name and not each["Config"]["PrivateZone"]
    )
    return str(route53.get_hosted_zone(Id=found["Id"])["DelegationSet"]["NameServers"][0])


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
