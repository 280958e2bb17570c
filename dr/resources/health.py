"""Whether DNS answers with a region: its endpoint is healthy, and nobody has evacuated it."""

from collections.abc import Iterator, Sequence

from dr.checks import SettingsError
from dr.objectives import METRIC_PERIOD_S
from dr.resources.api import HEALTH_PATH, HEALTHY
from dr.resources.monitoring import FAILOVER_METRICS, Alarm, Metric, Threshold, Total
from dr.resources.naming import Names

import attrs
from cdktf import TerraformProvider
from cdktf_cdktf_provider_aws.route53_health_check import Route53HealthCheck
from constructs import Construct

HTTPS = 443
CALCULATED = "CALCULATED"
STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
# Published for as long as a region shall get no traffic: 1, every minute.
EVACUATED = "Evacuated"


def faults_of_followed(threshold: Threshold) -> Iterator[str]:
    """Yield what Route 53 refuses of an alarm that a health check follows (developer guide, "Monitoring an alarm")."""
    if isinstance(threshold.metric, Total):
        yield f"'metric' must be a single one, for Route 53 follows no metric math, got: {threshold.metric!r}"
    elif threshold.metric.statistic not in STATISTICS:
        yield (
            f"'statistic' must be one of {', '.join(STATISTICS)}, for Route 53 follows no extended one, "
            f"got: {threshold.metric.statistic!r}"
        )
    if threshold.bad is not None:
        yield f"'bad' must be left out, for Route 53 follows no M of N periods, got: {threshold.bad!r}"
    if threshold.period_s < METRIC_PERIOD_S or threshold.period_s % METRIC_PERIOD_S:
        yield (
            f"'period_s' must be a multiple of {METRIC_PERIOD_S}, for Route 53 follows no high resolution, "
            f"got: {threshold.period_s!r}"
        )


def combined(checks: Sequence[Route53HealthCheck]) -> Sequence[Route53HealthCheck]:
    """The checks, of which none may be calculated itself.

    Raises:
        SettingsError: When one is: Route 53 does not nest them.
    """
    nested = [
        f"'checks' must not hold a calculated one, got: {c.node.id!r}" for c in checks if c.type_input == CALCULATED
    ]
    if nested:
        raise SettingsError(nested)
    return checks


@attrs.frozen(kw_only=True)
class Watcher:
    """Another region, which evacuates a region: its own may be past saying so.

    Attributes:
        region: The name of the other region.
        topic_arn: Its topic, which is told.
        provider: Makes resources there.
    """

    region: str
    topic_arn: str
    provider: TerraformProvider


class RegionHealth(Construct):
    """A region's health check: calculated from a check of its endpoint and one of an alarm in each other region.

    Route 53's data plane alone decides by them: nothing needs to be changed in Route 53 to move traffic. The alarms
    have standard resolution and one period, as Route 53 asks of alarms that it follows; without data the region is not
    evacuated.

    Attributes:
        id: The id of the calculated check, which a weighted record carries.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        region: str,
        host: str,
        watchers: Sequence[Watcher],
        interval_s: int,
        failures: int,
    ) -> None:
        """Make the checks.

        Args:
            scope: The stack.
            id_: Its id there.
            names: The naming rule.
            region: The region that is checked.
            host: Its API's own host: unlike the custom domain it is there before any certificate.
            watchers: From where it is evacuated: any of them does it.
            interval_s: Seconds between two probes of one checker, 10 or 30.
            failures: How many in a row make the endpoint unhealthy.
        """
        super().__init__(scope, id_)
        self._names, self._region = names, region
        endpoint = Route53HealthCheck(
            self,
            "endpoint",
            type="HTTPS_STR_MATCH",
            fqdn=host,
            port=HTTPS,
            resource_path=HEALTH_PATH,
            search_string=HEALTHY,
            enable_sni=True,
            request_interval=interval_s,
            failure_threshold=failures,
            tags=self._tag("endpoint-"),
        )
        checks = [endpoint, *map(self._check_evacuation, watchers)]
        both = Route53HealthCheck(
            self,
            "both",
            type=CALCULATED,
            child_healthchecks=[check.id for check in combined(checks)],
            child_health_threshold=len(checks),
            tags=self._tag(""),
        )
        self.id = both.id

    def _tag(self, kind: str) -> dict[str, str]:
        return {"Name": self._names.regional(f"health-check-{kind}{self._region}")}

    def _check_evacuation(self, watcher: Watcher) -> Route53HealthCheck:
        threshold = Threshold(
            metric=Metric(
                namespace=FAILOVER_METRICS, name=EVACUATED, dimensions={"Region": self._region}, statistic="Maximum"
            ),
            limit=0,
            meaning=f"{self._region} is evacuated: DNS answers with the other regions only, until nobody says so.",
        )
        found = list(faults_of_followed(threshold))
        if found:
            raise SettingsError(found)
        alarm = Alarm(
            self,
            f"alarm-{watcher.region}",
            name=self._names.regional(f"alarm-evacuated-{self._region}"),
            threshold=threshold,
            topic_arns=[watcher.topic_arn],
            provider=watcher.provider,
        )
        return Route53HealthCheck(
            self,
            f"evacuated-{watcher.region}",
            type="CLOUDWATCH_METRIC",
            cloudwatch_alarm_name=alarm.alarm_name,
            cloudwatch_alarm_region=watcher.region,
            insufficient_data_health_status="Healthy",
            # Route 53 keeps a copy of the alarm's settings: an alarm that changes must change the check.
            triggers={"alarm": f"{watcher.region}: {threshold}"},
            tags=self._tag(f"{watcher.region}-"),
        )
