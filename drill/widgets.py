"""The widgets of a CloudWatch dashboard, with the data that the embedded AWS has for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

# What CloudWatch takes where a widget says nothing.
PERIOD_S, STATISTIC = 300, "Average"
# SEARCH('{namespace,dimension,...} name="value" ...', 'statistic', period): no other search, and no metric math.
_SEARCH = re.compile(
    r"""SEARCH\(\s*'\{(?P<schema>[^}]+)\}(?P<terms>(?:\s+\w+="[^"]*")*)\s*',\s*'(?P<stat>\w+)'\s*(?:,\s*(?P<period>\d+)\s*)?\)"""
)
_TERM = re.compile(r'(\w+)="([^"]*)"')

Client = Callable[[str], Any]
"""A client of CloudWatch for a region."""


@attrs.frozen(kw_only=True)
class Span:
    """From when until when."""

    start: datetime
    end: datetime


@attrs.frozen(kw_only=True)
class Line:
    """What one metric was: a value for each period that has one."""

    label: str
    times: Sequence[datetime]
    values: Sequence[float]


@attrs.frozen(kw_only=True)
class Widget:
    """One widget in its place of the dashboard's 24 columns.

    Attributes:
        title: Its title.
        view: `timeSeries`, `singleValue`, ... of metrics, else `text`.
        unit: The label of its left axis.
        lines: Its metrics.
        limits: Its horizontal annotations by their labels.
        notes: Its text, and what of it could not be shown.
    """

    title: str
    x: int
    y: int
    width: int
    height: int
    view: str = "text"
    unit: str = ""
    lines: Sequence[Line] = ()
    limits: Mapping[str, float] = attrs.field(factory=dict)
    notes: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class _Metric:
    """A metric as GetMetricData is asked for it."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    stat: str
    period: int
    label: str
    region: str


def read(client: Client, region: str, name: str, span: Span) -> list[Widget]:
    """The widgets of a dashboard.

    Args:
        client: Makes a client of CloudWatch for a region.
        region: Where the dashboard is read.
        name: Its name.
        span: What its metrics are asked for.
    """
    body = json.loads(client(region).get_dashboard(DashboardName=name)["DashboardBody"])
    return [_widget(client, region, content, span) for content in body["widgets"]]


def _widget(client: Client, region: str, content: Mapping[str, Any], span: Span) -> Widget:
    properties = content["properties"]
    bare = Widget(
        title=properties.get("title", ""),
        x=content.get("x", 0),
        y=content.get("y", 0),
        width=content.get("width", 6),
        height=content.get("height", 6),
    )
    match content["type"]:
        case "text":
            return attrs.evolve(bare, notes=properties["markdown"].splitlines())
        case "alarm":
            return attrs.evolve(bare, notes=list(_alarms(client(region), properties["alarms"])))
        case "metric":
            lines, notes = _lines(client, {"region": region, **properties}, span)
            limits = {
                each.get("label", f"{each['value']:g}"): float(each["value"])
                for each in properties.get("annotations", {}).get("horizontal", ())
            }
            unit = properties.get("yAxis", {}).get("left", {}).get("label", "")
            view = properties.get("view", "timeSeries")
            return attrs.evolve(bare, view=view, unit=unit, lines=lines, limits=limits, notes=notes)
    return attrs.evolve(bare, notes=[f"not shown: a widget of type {content['type']}"])


def _alarms(cloudwatch: Any, arns: Sequence[str]) -> Iterator[str]:
    names = [arn.rpartition(":alarm:")[2] for arn in arns]
    found = cloudwatch.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}
    for name in names:
        yield f"{name}: {states.get(name, 'no such alarm in the embedded AWS')}"


def _lines(client: Client, properties: Mapping[str, Any], span: Span) -> tuple[list[Line], list[str]]:
    lines, notes = [], []
    parts: list[str] = []
    for row in properties.get("metrics", ()):
        options = {**properties, "label": "", **(row[-1] if isinstance(row[-1], dict) else {})}
        options["period"] = int(options.get("period", PERIOD_S))
        own = [part for part in row if isinstance(part, str)]
        if options.get("visible") is False:
            parts = _spelt_out(own, parts) if own else parts
        elif expression := options.get("expression"):
            found = _search(client(options["region"]), expression, options)
            lines += [_line(client(metric.region), metric, span) for metric in found or ()]
            if not found:
                why = "not evaluated" if found is None else "nothing found in the embedded AWS"
                notes.append(f"{options['label'] or 'expression'}: {why}: {expression}")
        else:
            parts = _spelt_out(own, parts)
            metric = _Metric(
                namespace=parts[0],
                name=parts[1],
                dimensions=dict(zip(parts[2::2], parts[3::2], strict=True)),
                stat=options.get("stat", STATISTIC),
                period=options["period"],
                label=options["label"] or parts[1],
                region=options["region"],
            )
            lines.append(_line(client(metric.region), metric, span))
    return lines, notes


def _spelt_out(row: Sequence[str], above: Sequence[str]) -> list[str]:
    """A metric's names where `.` stands for the same as above, and `...` for all of them but what follows."""
    if row[0] == "...":
        return [*above[: len(above) - len(row) + 1], *row[1:]]
    return [above[place] if part == "." else part for place, part in enumerate(row)]


def _search(cloudwatch: Any, expression: str, options: Mapping[str, Any]) -> list[_Metric] | None:
    """What a search finds; None to one that is more than a list of names and values, and to any other expression."""
    parsed = _SEARCH.fullmatch(expression.strip())
    if not parsed:
        return None
    namespace, *names = (part.strip().strip('"') for part in parsed["schema"].split(","))
    wanted = dict(_TERM.findall(parsed["terms"]))
    found = []
    for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace):
        for metric in page["Metrics"]:
            dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            named = {"MetricName": metric["MetricName"], **dimensions}
            if set(dimensions) == set(names) and wanted.items() <= named.items():
                label = " ".join(filter(None, (options["label"], *(dimensions[name] for name in names))))
                found.append(
                    _Metric(
                        namespace=namespace,
                        name=metric["MetricName"],
                        dimensions=dimensions,
                        stat=parsed["stat"],
                        period=int(parsed["period"] or options["period"]),
                        label=label,
                        region=options["region"],
                    )
                )
    return sorted(found, key=lambda metric: metric.label)


def _line(cloudwatch: Any, metric: _Metric, span: Span) -> Line:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions.items()]
    asked = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    query = {"Id": "m", "MetricStat": {"Metric": asked, "Period": metric.period, "Stat": metric.stat}}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=span.start, EndTime=span.end, ScanBy="TimestampAscending"
    )
    (found,) = answer["MetricDataResults"]
    return Line(label=metric.label, times=found["Timestamps"], values=found["Values"])
