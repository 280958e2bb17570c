"""What Route 53 refuses of health checks, and of alarms that they follow, is refused before anything is made."""

from pathlib import Path
from typing import Any

from dr.checks import SettingsError
from dr.resources.health import CALCULATED, combined, faults_of_followed
from dr.resources.monitoring import Metric, Threshold, Total

import attrs
import pytest
from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.route53_health_check import Route53HealthCheck

METRIC = Metric(namespace="HealthcareDr/Failover", name="Evacuated", dimensions={}, statistic="Maximum")
FOLLOWED = Threshold(metric=METRIC, limit=0, meaning="evacuated")


def test_an_alarm_of_one_metric_and_whole_minutes_is_followed() -> None:
    assert list(faults_of_followed(FOLLOWED)) == []
    assert list(faults_of_followed(attrs.evolve(FOLLOWED, period_s=300, periods=3))) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"periods": 3, "bad": 2}, "'bad' must be left out, for Route 53 follows no M of N periods, got: 2"),
        ({"period_s": 10}, "'period_s' must be a multiple of 60, for Route 53 follows no high resolution, got: 10"),
        ({"period_s": 90}, "'period_s' must be a multiple of 60, for Route 53 follows no high resolution, got: 90"),
        ({"metric": Total(metrics=[METRIC])}, "'metric' must be a single one, for Route 53 follows no metric math"),
        (
            {"metric": attrs.evolve(METRIC, statistic="p99")},
            "'statistic' must be one of Average, Maximum, Minimum, SampleCount, Sum, for Route 53 follows no extended",
        ),
    ],
)
def test_rejects_an_alarm_that_route_53_cannot_follow(changes: dict[str, Any], told: str) -> None:
    (fault,) = faults_of_followed(attrs.evolve(FOLLOWED, **changes))
    assert fault.startswith(told)


def test_rejects_a_calculated_check_inside_another(tmp_path: Path) -> None:
    stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
    endpoint = Route53HealthCheck(stack, "endpoint", type="HTTPS", fqdn="api.hospital.org")
    inner = Route53HealthCheck(stack, "inner", type=CALCULATED, child_healthchecks=[endpoint.id])
    assert combined([endpoint]) == [endpoint]
    with pytest.raises(SettingsError, match=r"'checks' must not hold a calculated one, got: 'inner'"):
        combined([endpoint, inner])
