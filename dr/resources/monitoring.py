"""Alarms and the dashboard of a region."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dr.objectives import METRIC_PERIOD_S

import attrs
from cdktf import TerraformProvider
from cdktf_cdktf_provider_aws.cloudwatch_composite_alarm import CloudwatchCompositeAlarm
from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from constructs import Construct

# CloudWatch keeps Route 53's metrics there only.
ROUTE53_REGION = "us-east-1"
# The namespace of what the probe measures, and of an operator who evacuates by hand.
FAILOVER_METRICS = "HealthcareDr/Failover"


@attrs.frozen(kw_only=True)
class Metric:
    """One metric, and how its samples of a minute become one figure."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"


@attrs.frozen(kw_only=True)
class Total:
    """Several metrics added up, ten at the most; one without samples counts nothing."""

    metrics: Sequence[Metric]


@attrs.frozen(kw_only=True)
class Threshold:
    """When an alarm goes off: the metric beyond the limit in so many periods.

    Attributes:
        metric: What is watched.
        limit: The last figure that is well.
        periods: How many are looked at.
        bad: In how many of them it must be beyond the limit, None for all in a row.
        period_s: The length of a period, seconds.
        below: Whether less than the limit is bad, rather than more.
        missing: What no samples mean: notBreaching (well), breaching (bad) or ignore (nothing new).
        meaning: What it tells the operations team.
    """

    metric: Metric | Total
    limit: float
    meaning: str
    periods: int = 1
    bad: int | None = None
    period_s: int = METRIC_PERIOD_S
    below: bool = False
    missing: str = "notBreaching"


class Alarm(CloudwatchMetricAlarm):
    """An alarm that tells topics of its region when it goes off and when it is over."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        threshold: Threshold,
        topic_arns: Sequence[str],
        provider: TerraformProvider | None = None,
    ) -> None:
        """Make the alarm.

        Args:
            scope: The stack.
            id_: Its id there.
            name: Its name.
            threshold: When it goes off.
            topic_arns: Who is told.
            provider: Makes it in another region than the stack's first.
        """
        watched = threshold.metric
        one = watched if isinstance(watched, Metric) else None
        extended = one is not None and one.statistic.startswith("p")
        super().__init__(
            scope,
            id_,
            alarm_name=name,
            alarm_description=threshold.meaning,
            namespace=one.namespace if one else None,
            metric_name=one.name if one else None,
            dimensions=one.dimensions if one else None,
            statistic=one.statistic if one and not extended else None,
            extended_statistic=one.statistic if one and extended else None,
            period=threshold.period_s if one else None,
            metric_query=_add_up(watched, threshold.period_s) if isinstance(watched, Total) else None,
            evaluation_periods=threshold.periods,
            datapoints_to_alarm=threshold.bad,
            threshold=threshold.limit,
            comparison_operator="LessThanThreshold" if threshold.below else "GreaterThanThreshold",
            treat_missing_data=threshold.missing,
            alarm_actions=list(topic_arns),
            ok_actions=list(topic_arns),
            provider=provider,
        )


def _add_up(total: Total, period_s: int) -> list[CloudwatchMetricAlarmMetricQuery]:
    parts = [
        CloudwatchMetricAlarmMetricQuery(
            id=f"m{place}",
            return_data=False,
            metric=CloudwatchMetricAlarmMetricQueryMetric(
                namespace=metric.namespace,
                metric_name=metric.name,
                dimensions=metric.dimensions,
                stat=metric.statistic,
                period=period_s,
            ),
        )
        for place, metric in enumerate(total.metrics, start=1)
    ]
    expression = " + ".join(f"FILL({part.id}, 0)" for part in parts)
    return [
        CloudwatchMetricAlarmMetricQuery(id="total", expression=expression, label="total", return_data=True),
        *parts,
    ]


class AnyAlarm(CloudwatchCompositeAlarm):
    """An alarm that goes off while any of others does, and tells a topic of its region."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, alarms: Sequence[Alarm], topic_arn: str, meaning: str
    ) -> None:
        """Make the alarm.

        Args:
            scope: The stack of those others.
            id_: Its id there.
            name: Its name.
            alarms: The others; read and not named, so that it is made after them and destroyed before.
            topic_arn: Who is told.
            meaning: What it tells the operations team.
        """
        super().__init__(
            scope,
            id_,
            alarm_name=name,
            alarm_description=meaning,
            alarm_rule=" OR ".join(f'ALARM("{alarm.alarm_name}")' for alarm in alarms),
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
        )


@attrs.frozen(kw_only=True)
class Line:
    """A line of a graph: a metric, or the text of a search expression for metrics that another stack makes.

    Attributes:
        label: What it is called.
        of: What it shows.
        region: Where that is, None for the graph's own region.
    """

    label: str
    of: Metric | str
    region: str | None = None

    def render(self) -> list[Any]:
        """The line in CloudWatch's dashboard body."""
        place = {"region": self.region} if self.region else {}
        if isinstance(self.of, str):
            return [{"expression": self.of, "label": self.label, **place}]
        dimensions = [part for pair in self.of.dimensions.items() for part in pair]
        return [
            self.of.namespace,
            self.of.name,
            *dimensions,
            {"stat": self.of.statistic, "label": self.label, **place},
        ]


@attrs.frozen(kw_only=True)
class Graph:
    """One graph of a dashboard.

    Attributes:
        title: Its title.
        region: Where its metrics are, unless a line says otherwise.
        lines: What it shows.
        unit: What its figures are.
        stacked: Whether the lines are added up.
        limit: A figure that they should stay under, None for no such line.
    """

    title: str
    region: str
    lines: Sequence[Line]
    unit: str = ""
    stacked: bool = False
    limit: float | None = None

    def render(self, place: int) -> dict[str, Any]:
        """The widget in CloudWatch's dashboard body, in its place of two columns."""
        axis = {"yAxis": {"left": {"label": self.unit, "min": 0}}} if self.unit else {}
        limit = {"annotations": {"horizontal": [{"label": "limit", "value": self.limit}]}} if self.limit else {}
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
                "stacked": self.stacked,
                "period": METRIC_PERIOD_S,
                "metrics": [line.render() for line in self.lines],
                **axis,
                **limit,
            },
        }


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
