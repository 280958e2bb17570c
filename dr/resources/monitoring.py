"""Alarms and the dashboard of a region."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dr.objectives import METRIC_PERIOD_S

import attrs
from cdktf import TerraformProvider
from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from constructs import Construct

# CloudWatch keeps Route 53's metrics there only.
ROUTE53_REGION = "us-east-1"


@attrs.frozen(kw_only=True)
class Metric:
    """One metric, and how its samples of a minute become one figure."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"


@attrs.frozen(kw_only=True)
class Threshold:
    """When an alarm goes off: the metric beyond the limit for so many minutes in a row.

    Attributes:
        metric: What is watched.
        limit: The last figure that is well.
        minutes: How many in a row.
        below: Whether less than the limit is bad, rather than more.
        missing: What no samples mean: notBreaching (well) or breaching (bad).
        meaning: What it tells the operations team.
    """

    metric: Metric
    limit: float
    meaning: str
    minutes: int = 1
    below: bool = False
    missing: str = "notBreaching"


class Alarm(CloudwatchMetricAlarm):
    """An alarm that tells a topic of its region when it goes off and when it is over."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        threshold: Threshold,
        topic_arn: str,
        provider: TerraformProvider | None = None,
    ) -> None:
        """Make the alarm.

        Args:
            scope: The stack.
            id_: Its id there.
            name: Its name.
            threshold: When it goes off.
            topic_arn: Who is told.
            provider: Makes it in another region than the stack's first.
        """
        metric = threshold.metric
        extended = metric.statistic.startswith("p")
        super().__init__(
            scope,
            id_,
            alarm_name=name,
            alarm_description=threshold.meaning,
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=metric.dimensions,
            statistic=None if extended else metric.statistic,
            extended_statistic=metric.statistic if extended else None,
            period=METRIC_PERIOD_S,
            evaluation_periods=threshold.minutes,
            threshold=threshold.limit,
            comparison_operator="LessThanThreshold" if threshold.below else "GreaterThanThreshold",
            treat_missing_data=threshold.missing,
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            provider=provider,
        )


@attrs.frozen(kw_only=True)
class Graph:
    """One graph of a dashboard: lines of one region's metrics.

    A line is a metric, or the text of a search expression for metrics that another stack makes.
    """

    title: str
    region: str
    lines: Sequence[tuple[str, Metric | str]]
    unit: str = ""

    def render(self, place: int) -> dict[str, Any]:
        """The widget in CloudWatch's dashboard body, in its place of two columns."""
        axis = {"yAxis": {"left": {"label": self.unit, "min": 0}}} if self.unit else {}
        return {
            "type": "metric",
            "x": 12 * (place % 2),
            "y": 6 * (place // 2),
            "width": 12,
            "height": 6,
            "properties": {
                "title": self.title,
                "region": self.region,
                "view": "timeSeries",
                "period": METRIC_PERIOD_S,
                "metrics": [_line(label, line) for label, line in self.lines],
                **axis,
            },
        }


def _line(label: str, line: Metric | str) -> list[Any]:
    if isinstance(line, str):
        return [{"expression": line, "label": label}]
    dimensions = [part for pair in line.dimensions.items() for part in pair]
    return [line.namespace, line.name, *dimensions, {"stat": line.statistic, "label": label}]


class Dashboard(CloudwatchDashboard):
    """A dashboard of one region that is of use while every other region is gone."""

    def __init__(self, scope: Construct, id_: str, *, name: str, graphs: Sequence[Graph]) -> None:
        """Make the dashboard.

        Args:
            scope: The region's stack.
            id_: Its id there.
            name: Its name.
            graphs: What it shows, from left to right and downwards.
        """
        body = {"widgets": [graph.render(place) for place, graph in enumerate(graphs)]}
        super().__init__(scope, id_, dashboard_name=name, dashboard_body=json.dumps(body))
