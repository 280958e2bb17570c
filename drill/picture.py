"""One scenario's timeline as shapes that drill/page.html.j2 draws: per cent of the width, pixels of height."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

import attrs

LANE_PX, HEADING_PX, BAND_PX, GAP_PX = 22, 20, 10, 16
CHART_PX = {"requests": 64, "unresolved": 36, "lag": 44}
# The narrowest picture: marks that do not collide in it collide in none.
NARROWEST_PX = 300
# Marks closer than this share of the width become one.
TOGETHER = 1.2
STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
TICKS = 7


@attrs.frozen(kw_only=True)
class Mark:
    """One event, or several at nearly the same time, by their numbers.

    Attributes:
        left: Its place, per cent of the width.
        lane: Which row it is in, for others are too near.
        kind: Of its first event.
        label: The number, or the first and the last.
        text: What happened, a line for each.
    """

    left: float
    lane: int
    kind: str
    label: str
    text: str

    @property
    def width_px(self) -> int:
        """How wide its label is."""
        return 10 + 7 * len(self.label)


@attrs.frozen(kw_only=True)
class Panel:
    """One chart below the others.

    Attributes:
        title: What it shows.
        most: Its highest figure, which all panels of its kind share.
        top_px: Where its heading begins.
        height_px: How high the chart below the heading is.
        areas: Paths by their style, in intervals to the right and pixels downwards.
        bands: Below the chart, spans of one state: beginning and width in per cent, and the state.
    """

    title: str
    most: str
    top_px: int
    height_px: int
    areas: Mapping[str, str]
    bands: Sequence[tuple[float, float, str]] = ()

    @property
    def chart_px(self) -> int:
        """Where the chart begins."""
        return self.top_px + HEADING_PX

    @property
    def bottom_px(self) -> int:
        """Where the chart and its bands end."""
        return self.chart_px + self.height_px + (BAND_PX + 4 if self.bands else 0)


@attrs.frozen(kw_only=True)
class Picture:
    """A scenario's timeline.

    Attributes:
        length: How many intervals long it is.
        marks: The events.
        broken: When something was broken: beginnings and widths in per cent.
        panels: The charts, downwards.
        ticks: Of the time axis: place in per cent, and the label.
        description: The picture in words.
    """

    length: float
    marks: Sequence[Mark]
    broken: Sequence[tuple[float, float]]
    panels: Sequence[Panel]
    ticks: Sequence[tuple[float, str]]
    description: str

    @property
    def lanes_px(self) -> int:
        """The height of the marks' rows."""
        return LANE_PX * (1 + max((mark.lane for mark in self.marks), default=-1))

    @property
    def axis_px(self) -> int:
        """Where the time axis is."""
        return (self.panels[-1].bottom_px if self.panels else self.lanes_px) + 6


def draw(scenario: Mapping[str, Any]) -> Picture | None:
    """The picture of a scenario of the report; None where nothing was seen."""
    series, events = scenario["series"], scenario["events"]
    lists = [counts for region in series["requests"].values() for counts in region.values()]
    lists += [series["unresolved"], *series["healthy"].values(), *series["lag_s"].values()]
    interval = float(series["interval_s"])
    seen_s = max([interval * len(each) for each in lists] + [float(event["at_s"]) for event in events], default=0.0)
    if not seen_s:
        return None
    marks = _marks(events, seen_s)
    top = LANE_PX * (1 + max((mark.lane for mark in marks), default=-1)) + 4
    return Picture(
        length=seen_s / interval,
        marks=marks,
        broken=_broken(events, seen_s),
        panels=_stack(_panels(series, seen_s), top),
        ticks=_ticks(seen_s),
        description=" ".join(_sentences(series)),
    )


def _marks(events: Sequence[Mapping[str, Any]], seen_s: float) -> list[Mark]:
    groups: list[list[tuple[int, float, Mapping[str, Any]]]] = []
    for number, event in enumerate(events, 1):
        left = min(100.0, max(0.0, 100 * event["at_s"] / seen_s))
        if groups and left - groups[-1][0][1] < TOGETHER:
            groups[-1].append((number, left, event))
        else:
            groups.append([(number, left, event)])
    marks: list[Mark] = []
    ends: list[float] = []  # of each lane, per cent
    for group in groups:
        numbers = [str(number) for number, _, _ in group]
        mark = Mark(
            left=round(group[0][1], 2),
            lane=0,
            kind=_kind(event["kind"] for _, _, event in group),
            label=numbers[0] if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}",
            text="\n".join(f"{number}: {event['text']}" for number, _, event in group),
        )
        half = 100 * (mark.width_px + 4) / 2 / NARROWEST_PX
        lane = next((lane for lane, end in enumerate(ends) if end <= mark.left - half), len(ends))
        ends[lane : lane + 1] = [mark.left + half]
        marks.append(attrs.evolve(mark, lane=lane))
    return marks


def _kind(kinds: Iterator[str]) -> str:
    """What a mark of several is coloured by: that something broke or was mended, before all else."""
    found = list(kinds)
    return next((kind for kind in ("fault", "heal") if kind in found), found[0])


def _broken(events: Sequence[Mapping[str, Any]], seen_s: float) -> list[tuple[float, float]]:
    """Spans in which at least one fault was there."""
    steps = [
        (min(event["at_s"], seen_s), 1 if event["kind"] == "fault" else -1)
        for event in events
        if event["kind"] in ("fault", "heal")
    ]
    active = list(accumulate((step for _, step in steps), lambda count, step: max(0, count + step)))
    spans, began = [], 0.0
    for (at, step), now in zip(steps, active, strict=True):
        if step > 0 and now == 1:
            began = at
        elif step < 0 and now == 0 and at > began:
            spans.append((began, at))
    if active and active[-1]:
        spans.append((began, seen_s))
    return [(round(100 * start / seen_s, 2), round(100 * (end - start) / seen_s, 2)) for start, end in spans]


def _panels(series: Mapping[str, Any], seen_s: float) -> Iterator[Panel]:
    """All charts, each as if it were the first."""
    interval = series["interval_s"]
    each = f"in each {interval:g} s"
    totals = {
        region: [sum(pair) for pair in zip(counts["served"], counts["failed"], strict=True)]
        for region, counts in series["requests"].items()
    }
    most = max((count for total in totals.values() for count in total), default=0)
    for region, total in totals.items():
        served, height = series["requests"][region]["served"], CHART_PX["requests"]
        yield Panel(
            title=f"{region}: requests {each}",
            most=f"up to {most}",
            top_px=0,
            height_px=height,
            areas={"served": _area(served, most, height), "failed": _area(total, most, height, above=served)},
            bands=_bands(series["healthy"].get(region, ()), 100 * interval / seen_s),
        )
    if any(series["unresolved"]):
        most, height = max(series["unresolved"]), CHART_PX["unresolved"]
        area = _area(series["unresolved"], most, height)
        title = f"Unresolved: requests {each}"
        yield Panel(title=title, most=f"up to {most}", top_px=0, height_px=height, areas={"failed": area})
    lags = {way: lag for way, lag in series["lag_s"].items() if any(value is not None for value in lag)}
    longest = max((value for lag in lags.values() for value in lag if value is not None), default=0)
    for way, lag in lags.items():
        area = _area(lag, longest, CHART_PX["lag"])
        most = f"up to {longest:.3g} s"
        yield Panel(title=f"Lag, {way}", most=most, top_px=0, height_px=CHART_PX["lag"], areas={"lag": area})


def _stack(panels: Iterator[Panel], top_px: int) -> list[Panel]:
    stacked = []
    for panel in panels:
        stacked.append(attrs.evolve(panel, top_px=top_px))
        top_px = stacked[-1].bottom_px + GAP_PX
    return stacked


def _area(values: Sequence[float | None], most: float, height: int, *, above: Sequence[float] | None = None) -> str:
    """A path of steps, one for each interval; it rests on the chart's ground, or on the steps of `above`.

    Where there is no value, or nothing on top of `above`, there is no step.
    """
    path = []
    steps = zip(values, above or [0] * len(values), strict=True)
    place = 0
    for (top, ground), run in groupby(steps):
        end = place + len(list(run))
        if top is not None and top > ground:
            high, low = (f"{height - height * value / most:.4g}" for value in (top, ground))
            path.append(f"M{place} {low}V{high}H{end}V{low}Z")
        place = end
    return "".join(path)


def _bands(states: Sequence[int | None], width: float) -> list[tuple[float, float, str]]:
    bands, place = [], 0
    for state, run in groupby(states):
        length = len(list(run))
        if state is not None:
            name = "healthy" if state else "unhealthy"
            bands.append((round(place * width, 2), round(length * width, 2), name))
        place += length
    return bands


def _ticks(seen_s: float) -> list[tuple[float, str]]:
    step = next((step for step in STEPS_S if seen_s / step <= TICKS), seen_s)
    return [(round(100 * at * step / seen_s, 2), f"{at * step:g} s") for at in range(int(seen_s / step) + 1)]


def _sentences(series: Mapping[str, Any]) -> Iterator[str]:
    """What the picture shows, for who cannot see it."""
    interval = series["interval_s"]
    for region, counts in series["requests"].items():
        served, failed = sum(counts["served"]), sum(counts["failed"])
        yield f"{region}: {served} requests served, {failed} failed{_when(counts['failed'], interval)}."
    for region, states in series["healthy"].items():
        sick = [state == 0 for state in states]
        yield f"{region} is unhealthy{_when(sick, interval)}." if any(sick) else f"{region} is never unhealthy."
    if any(series["unresolved"]):
        yield f"{sum(series['unresolved'])} requests found no region{_when(series['unresolved'], interval)}."
    for way, lag in series["lag_s"].items():
        if known := [value for value in lag if value is not None]:
            yield f"Replication lag, {way}: at most {max(known):.3g} s."


def _when(values: Sequence[float], interval: float) -> str:
    places = [place for place, value in enumerate(values) if value]
    return f", between {places[0] * interval:g} s and {(places[-1] + 1) * interval:g} s" if places else ""
