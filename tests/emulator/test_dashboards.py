"""Pictures of dashboards, from what the embedded AWS answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from drill.dashboards import NO_DATA, draw, main, write
from drill.emulator import EmbeddedAws, EmbeddedAwsError
from drill.emulator.__main__ import main as command
from drill.widgets import Span, Widget, read

import attrs
import pytest
from matplotlib.axes import Axes

START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
SPAN = Span(start=START, end=START + timedelta(minutes=30))
NAMESPACE = "Test/Dashboards"
SEARCH = f"""SEARCH('{{{NAMESPACE},Peer}} MetricName="Lag"', 'Maximum', 60)"""
MATH = "100 * errors / requests"


def metric(title: str, place: int, *metrics: list[Any], **properties: Any) -> dict[str, Any]:
    place_of = {"type": "metric", "x": 12 * (place % 2), "y": 6 * (place // 2), "width": 12, "height": 6}
    return {**place_of, "properties": {"title": title, "region": "us-east-1", "metrics": list(metrics), **properties}}


WIDGETS = [
    metric(
        "Requests",
        0,
        [NAMESPACE, "Count", "Api", "a", {"stat": "Sum", "label": "requests"}],
        [".", "Errors", ".", ".", {"stat": "Sum", "label": "errors"}],
        ["...", "b", {"stat": "Sum", "label": "errors of b"}],
        period=60,
        yAxis={"left": {"label": "a minute"}},
        annotations={"horizontal": [{"label": "too many", "value": 5}]},
    ),
    metric("Lag", 1, [{"expression": SEARCH, "label": "lag to"}]),
    metric("Elsewhere", 2, [NAMESPACE, "Count", "Api", "a", {"region": "us-west-2"}], stat="Sum", period=60),
    metric("Error rate", 3, [{"expression": MATH, "label": "rate"}], [{"expression": SEARCH.replace("Lag", "No")}]),
    metric("Now", 4, [NAMESPACE, "Count", "Api", "a", {"stat": "Sum"}], view="singleValue", period=60),
    {"type": "text", "x": 12, "y": 12, "width": 12, "height": 3, "properties": {"markdown": "Read the runbook"}},
    {
        "type": "alarm",
        "x": 12,
        "y": 15,
        "width": 6,
        "height": 3,
        "properties": {"title": "Alarms", "alarms": [f"arn:aws:cloudwatch:us-east-1:1:alarm:{a}" for a in ("x", "y")]},
    },
    {"type": "explorer", "x": 18, "y": 15, "width": 6, "height": 3, "properties": {}},
]


def put(aws: EmbeddedAws, region: str, name: str, dimension: tuple[str, str], values: list[float]) -> None:
    """One value a minute from the start on."""
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
            "Timestamp": START + timedelta(minutes=minute),
            "Value": value,
        }
        for minute, value in enumerate(values)
    ]
    aws.client("cloudwatch", region).put_metric_data(Namespace=NAMESPACE, MetricData=data)


@pytest.fixture(scope="module")
def widgets(embedded_aws: EmbeddedAws) -> list[Widget]:
    """A dashboard of every kind of widget, with some of its metrics."""
    put(embedded_aws, "us-east-1", "Count", ("Api", "a"), [3, 4, 5])
    put(embedded_aws, "us-east-1", "Count", ("Api", "a"), [1])
    put(embedded_aws, "us-east-1", "Errors", ("Api", "b"), [2])
    put(embedded_aws, "us-east-1", "Lag", ("Peer", "us-west-2"), [7, 8])
    put(embedded_aws, "us-east-1", "Lag", ("Peer", "eu-west-1"), [9])
    put(embedded_aws, "us-east-1", "Lag", ("Table", "records"), [99])
    put(embedded_aws, "us-west-2", "Count", ("Api", "a"), [40])
    cloudwatch = embedded_aws.client("cloudwatch", "us-east-1")
    cloudwatch.put_metric_alarm(
        AlarmName="x",
        Namespace=NAMESPACE,
        MetricName="Count",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.put_dashboard(DashboardName="test-widgets", DashboardBody=json.dumps({"widgets": WIDGETS}))
    return read(partial(embedded_aws.client, "cloudwatch"), "us-east-1", "test-widgets", SPAN)


@pytest.fixture(scope="module")
def axes(widgets: list[Widget]) -> dict[str, Axes]:
    """The drawn widgets by their titles."""
    return {each.get_title(loc="left"): each for each in draw("test-widgets", widgets, SPAN).axes}


def lines(axes: Axes) -> dict[str, list[tuple[int, float]]]:
    """Minute and value of every point of every line."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in axes.get_lines():
        times: Any = line.get_xdata(orig=True)
        values: Any = line.get_ydata()
        if not str(line.get_label()).startswith("_"):
            minutes = [int((time - START) / timedelta(minutes=1)) for time in times]
            found[str(line.get_label())] = list(zip(minutes, values, strict=True))
    return found


def texts(axes: Axes) -> str:
    return "\n".join(text.get_text() for text in axes.texts)


def test_draws_every_value_of_a_metric_at_its_minute(axes: dict[str, Axes]) -> None:
    drawn = lines(axes["Requests"])
    assert drawn == {"requests": [(0, 4), (1, 4), (2, 5)], "errors: no data": [], "errors of b": [(0, 2)]}
    assert axes["Requests"].get_ylabel() == "a minute"
    assert NO_DATA not in texts(axes["Requests"])
    assert "too many" in texts(axes["Requests"])


def test_draws_what_a_search_finds_by_its_dimensions(axes: dict[str, Axes]) -> None:
    assert lines(axes["Lag"]) == {"lag to eu-west-1": [(0, 9)], "lag to us-west-2": [(0, 7), (1, 8)]}


def test_asks_for_a_metric_in_the_region_that_has_it(axes: dict[str, Axes]) -> None:
    assert lines(axes["Elsewhere"]) == {"Count": [(0, 40)]}


def test_says_what_it_cannot_evaluate_and_what_has_no_data(axes: dict[str, Axes]) -> None:
    told = texts(axes["Error rate"])
    assert NO_DATA in told
    assert f"rate: not evaluated: {MATH}" in told
    assert "expression: nothing found in the embedded AWS: SEARCH(" in told.replace("\n", " ")


def test_shows_the_newest_value_alarms_and_texts_as_words(axes: dict[str, Axes], widgets: list[Widget]) -> None:
    assert texts(axes["Now"]) == "Count: 5"
    state = texts(axes["Alarms"]).splitlines()
    assert state[0].removeprefix("x: ") in ("OK", "ALARM", "INSUFFICIENT_DATA")
    assert state[1] == "y: no such alarm in the embedded AWS"
    untitled = [texts(each) for each in draw("test-widgets", widgets, SPAN).axes if not each.get_title(loc="left")]
    assert untitled == ["Read the runbook", "not shown: a widget of type explorer"]


def test_widgets_are_in_their_places_and_share_one_time_axis(widgets: list[Widget], axes: dict[str, Axes]) -> None:
    first, second, third = (axes[title].get_position() for title in ("Requests", "Lag", "Elsewhere"))
    assert first.x1 < second.x0
    assert third.y1 < first.y0
    spans = {axes[title].get_xlim() for title in ("Requests", "Lag", "Elsewhere", "Error rate")}
    ((left, right),) = spans
    assert 24 * 60 * (right - left) == pytest.approx(31)
    clock = [f"{START + timedelta(minutes=minute):%H:%M}" for minute in range(-1, 31)]
    shown = [label.get_text() for label in axes["Lag"].get_xticklabels()]
    assert shown == [minute for minute in clock if minute[-1] in "05"]
    assert "the embedded AWS: an emulator, not AWS" in draw("test-widgets", widgets, SPAN).texts[0].get_text()


def test_a_label_tells_how_many_more_lines_there_are(widgets: list[Widget]) -> None:
    many = attrs.evolve(widgets[1], lines=[widgets[1].lines[0]] * 12)
    (drawn,) = draw("test-widgets", [many], SPAN).axes
    legend = drawn.get_legend()
    assert legend
    labels = [text.get_text() for text in legend.get_texts()]
    assert len(drawn.get_lines()) == 12
    assert (len(labels), labels[-1]) == (8, "and 5 more")


def test_writes_a_small_picture_of_each_region_of_one_that_was_left_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = EmbeddedAws(log=tmp_path / "aws.log").start(detached=True)
    state = tmp_path / "aws.json"
    arguments = ["--state", str(state), "--folder", str(tmp_path)]
    try:
        with pytest.raises(EmbeddedAwsError, match="us-east-1 of the embedded AWS must have one dashboard, got: "):
            write(aws, "us-east-1", tmp_path, SPAN)
        for region in aws.regions:
            body = json.dumps({"widgets": WIDGETS})
            aws.client("cloudwatch", region).put_dashboard(DashboardName=f"dashboard-{region}", DashboardBody=body)
        assert main(arguments) == 0
    finally:
        assert command(["stop", str(state)]) == 0
    pictures = [tmp_path / f"dashboard-{region}.png" for region in aws.regions]
    assert capsys.readouterr().out.splitlines()[:2] == [str(picture) for picture in pictures]
    assert all(1_000 < picture.stat().st_size < 200_000 for picture in pictures)
    assert main(arguments) == 1
