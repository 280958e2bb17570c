"""When a region is healthy by what AWS says of its checks, in an embedded AWS with a zone and its checks alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from dr.settings import Settings
from drill.aws import AwsTarget
from drill.emulator import EmbeddedAws
from drill.outages import Evacuate
from main import REGIONS
from tests.drill.logs import EAST, WEST
from tests.drill.test_route53_simulated import create_check, create_zone

import pytest
from botocore.stub import Stubber

pytestmark = pytest.mark.emulator

SETTINGS = Settings.load({"ENVIRONMENT_SUFFIX": "test"}, {}, [region.settings for region in REGIONS])
# As Route 53 writes them (API reference, GetHealthCheckStatus).
SUCCESS = "Success: HTTP Status Code 200, OK. Resolved IP: 192.0.2.44"
FAILURE = "Failure: The health check endpoint timed out. Resolved IP: 192.0.2.44"
NOW = datetime.now(UTC)


class Recorded:
    """A client of Route 53 that has what the embedded one lacks: what the checkers of AWS last reported."""

    def __init__(self, aws: EmbeddedAws, reports: list[str]) -> None:
        self._route53, self._reports = aws.client("route53", EAST), reports

    def __getattr__(self, name: str) -> Any:
        return getattr(self._route53, name)

    def get_health_check_status(self, **asked: str) -> Any:
        observations = [
            {"Region": "eu-west-1", "IPAddress": "192.0.2.1", "StatusReport": {"Status": each, "CheckedTime": NOW}}
            for each in self._reports
        ]
        with Stubber(self._route53) as stubber:  # which compares the answer with the description of the API
            stubber.add_response("get_health_check_status", {"HealthCheckObservations": observations}, asked)
            return self._route53.get_health_check_status(**asked)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(log=tmp_path_factory.mktemp("aws") / "aws.log") as running:
        create_zone(running, SETTINGS.domain)
        yield running


def deployed(
    aws: EmbeddedAws,
    *,
    successes: int = 16,
    minutes_ago: Sequence[int] = (),
    endpoint: dict[str, Any] | None = None,
    scale: float = 1.0,
    **calculated: Any,
) -> AwsTarget:
    """Both regions' checks anew: of an endpoint, and in the east of a metric too.

    Args:
        aws: Where.
        successes: How many of 16 checkers report success.
        minutes_ago: When it was said that the east is evacuated.
        endpoint: What else the endpoints' checks have.
        scale: What every time is multiplied by.
        calculated: What else the calculated ones have.
    """
    own = str(uuid4())
    metric = {"Namespace": own, "MetricName": "Evacuated", "Dimensions": [{"Name": "Region", "Value": EAST}]}
    cloudwatch, route53 = aws.client("cloudwatch", WEST), aws.client("route53", EAST)
    cloudwatch.put_metric_alarm(
        AlarmName=own,
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **metric,
    )
    for each in minutes_ago:
        at = datetime.now(UTC) - timedelta(minutes=each)
        datum = {part: metric[part] for part in ("MetricName", "Dimensions")}
        cloudwatch.put_metric_data(Namespace=own, MetricData=[{**datum, "Value": 1.0, "Timestamp": at}])
    watched = create_check(
        aws,
        f"metric-{own}",
        Type="CLOUDWATCH_METRIC",
        AlarmIdentifier={"Name": own, "Region": WEST},
        InsufficientDataHealthStatus="Healthy",
    )
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    for region, weight in ((EAST, 70), (WEST, 30)):
        host = f"{region}.example.org"
        probed = {"Type": "HTTPS", "FullyQualifiedDomainName": host, "RequestInterval": 10, "FailureThreshold": 3}
        children = [create_check(aws, f"{region}-{own}", **probed, **(endpoint or {})), watched][: 1 + (region == EAST)]
        about = {"ChildHealthChecks": children, "HealthThreshold": len(children), **calculated}
        record = {
            "Name": f"failover-test.{SETTINGS.domain}",
            "Type": "CNAME",
            "SetIdentifier": region,
            "Weight": weight,
            "TTL": 60,
            "ResourceRecords": [{"Value": host}],
            "HealthCheckId": create_check(aws, f"all-{region}-{own}", Type="CALCULATED", **about),
        }
        change = {"Action": "UPSERT", "ResourceRecordSet": record}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    recorded = Recorded(aws, [SUCCESS] * successes + [FAILURE] * (16 - successes))
    return AwsTarget(
        client=lambda service, region: recorded if service == "route53" else aws.client(service, region),
        credentials={},
        settings=SETTINGS,
        regions=[EAST, WEST],
        server=("127.0.0.1", 53),
        scale=scale,
    )


@pytest.mark.parametrize(("successes", "healthy"), [(16, True), (3, True), (2, False), (0, False)])
def test_a_region_is_healthy_while_enough_of_the_checkers_report_success(
    aws: EmbeddedAws, successes: int, healthy: bool
) -> None:
    assert deployed(aws, successes=successes).healthy() == {EAST: healthy, WEST: healthy}


@pytest.mark.parametrize(("minutes_ago", "healthy"), [((), True), ((0, 1), False), ((2, 9), True)])
def test_a_region_is_unhealthy_while_the_last_minutes_metric_says_that_it_is_evacuated(
    aws: EmbeddedAws, minutes_ago: Sequence[int], healthy: bool
) -> None:
    assert deployed(aws, minutes_ago=minutes_ago).healthy() == {EAST: healthy, WEST: True}


def test_an_evacuation_of_a_moment_ago_shows_once_all_is_settled(aws: EmbeddedAws) -> None:
    target = deployed(aws, scale=2 / 60)
    time.sleep(2 - time.time() % 2)  # a period begins
    target.begin(Evacuate(text="", region=EAST))
    assert target.healthy() == {EAST: True, WEST: True}
    target.settle()
    assert target.healthy() == {EAST: False, WEST: True}


@pytest.mark.parametrize(
    ("successes", "changes", "healthy"),
    [
        (0, {"HealthThreshold": 1}, {EAST: True, WEST: False}),
        (0, {"HealthThreshold": 0}, {EAST: True, WEST: True}),
        (16, {"Inverted": True}, {EAST: False, WEST: False}),
        (0, {"Disabled": True}, {EAST: True, WEST: True}),
        (0, {"endpoint": {"Disabled": True}}, {EAST: True, WEST: True}),
        (0, {"endpoint": {"Inverted": True}}, {EAST: True, WEST: True}),
    ],
)
def test_a_check_counts_as_it_is_set(
    aws: EmbeddedAws, successes: int, changes: dict[str, Any], healthy: dict[str, bool]
) -> None:
    assert deployed(aws, successes=successes, **changes).healthy() == healthy
