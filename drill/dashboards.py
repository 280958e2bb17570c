"""The deployed dashboards as pictures: `KEEP=1 make demo`, then `python -m drill.dashboards`.

CloudWatch's own pictures are in its console, where an emulator has none. These have the same widgets in the same
places, from what the embedded AWS answers to the calls that the console makes.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from drill.emulator import EmbeddedAws, EmbeddedAwsError
from drill.widgets import Span, Widget, read

from matplotlib.axes import Axes
from matplotlib.figure import Figure

STATE = Path("build/demo/aws.json")
DOCS = Path("docs")
NO_DATA = "no data in the embedded AWS"
COLUMNS = 24
COLUMN_CHARACTERS = 7  # of 8 points
COLUMN_IN, ROW_IN, TITLE_IN = 0.58, 0.42, 0.7
MOST_LABELS, MOST_TICKS = 8, 7
STEPS = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)]
SOFT = "#4a5866"


def draw(name: str, widgets: Sequence[Widget], span: Span) -> Figure:
    """A dashboard, each widget in its place; all with the same time axis, from the first value of any."""
    rows = max((widget.y + widget.height for widget in widgets), default=1)
    width, height = COLUMNS * COLUMN_IN, rows * ROW_IN + TITLE_IN
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    heading = f"{name}, from the metrics of the embedded AWS: an emulator, not AWS"
    figure.text(0.012, 1 - 0.3 / height, heading, fontsize=14, weight="bold", va="center")
    times = [time for widget in widgets for line in widget.lines for time in line.times]
    shown = Span(start=min(times, default=span.start) - timedelta(minutes=1), end=span.end)
    when = f"{shown.start:%Y-%m-%d %H:%M} to {shown.end:%H:%M} UTC"
    figure.text(0.988, 1 - 0.3 / height, when, fontsize=10, color=SOFT, va="center", ha="right")
    for widget in widgets:
        top = height - TITLE_IN - widget.y * ROW_IN
        legend_in = 0.2 * -(-min(len(widget.lines), MOST_LABELS) // 2)
        left_in, right_in, bottom_in = widget.x * COLUMN_IN + 0.75, 0.25, 0.42 + legend_in
        place = (
            left_in / width,
            (top - widget.height * ROW_IN + bottom_in) / height,
            (widget.width * COLUMN_IN - 0.75 - right_in) / width,
            (widget.height * ROW_IN - bottom_in - 0.4) / height,
        )
        _draw(figure.add_axes(place), widget, shown)
    return figure


def _draw(axes: Axes, widget: Widget, span: Span) -> None:
    axes.set_title(widget.title, fontsize=10, loc="left", weight="bold")
    if widget.view == "timeSeries":
        _draw_lines(axes, widget, span)
    else:
        axes.set_axis_off()
        latest = [f"{line.label}: {f'{line.values[-1]:g}' if line.values else NO_DATA}" for line in widget.lines]
        _write(axes, latest, widget, size=15, top=1.0)
        _write(axes, widget.notes, widget, top=1.0 - 0.3 * len(latest))


def _draw_lines(axes: Axes, widget: Widget, span: Span) -> None:
    for line in widget.lines:
        label = line.label if line.values else f"{line.label}: no data"
        axes.plot(line.times, line.values, marker="o", markersize=3, linewidth=1.4, label=label)  # type: ignore[arg-type]  # dates: matplotlib takes them
    for label, limit in widget.limits.items():
        axes.axhline(limit, color="#b3261e", linestyle="--", linewidth=1)
        axes.annotate(label, (1, limit), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7)
    axes.set_xlim(span.start, span.end)  # type: ignore[arg-type]  # dates: matplotlib takes them
    values = [0.0, *widget.limits.values(), *(value for line in widget.lines for value in line.values)]
    axes.set_ylim(min(values), max(values) + 0.12 * (max(values) - min(values) or 1))
    ticks = _ticks(span)
    axes.set_xticks(ticks, [f"{tick:%H:%M}" for tick in ticks])  # type: ignore[arg-type]  # dates: matplotlib takes them
    axes.tick_params(labelsize=8, colors=SOFT)
    axes.set_ylabel(widget.unit, fontsize=8, color=SOFT)
    axes.grid(color="#d8dee4", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    notes = list(widget.notes)
    if not any(line.values for line in widget.lines):
        axes.set_yticks([])
        notes.insert(0, NO_DATA)
    _write(axes, notes, widget, top=0.9)
    if widget.lines:
        handles, labels = axes.get_legend_handles_labels()
        if len(labels) > MOST_LABELS:
            labels[MOST_LABELS - 1] = f"and {len(labels) - MOST_LABELS + 1} more"
        axes.legend(
            handles[:MOST_LABELS],
            labels[:MOST_LABELS],
            loc="upper left",
            bbox_to_anchor=(-0.02, -0.13),
            ncols=2,
            fontsize=7,
            frameon=False,
        )


def _ticks(span: Span) -> list[datetime]:
    """Round times in a span."""
    step = next((step for step in STEPS if (span.end - span.start) / step < MOST_TICKS), STEPS[-1])
    midnight = span.start.replace(hour=0, minute=0, second=0, microsecond=0)
    first = -((midnight - span.start) // step)
    return [midnight + step * place for place in range(first, (span.end - midnight) // step + 1)]


def _write(axes: Axes, lines: Sequence[str], widget: Widget, *, top: float, size: int = 8) -> None:
    most = widget.width * COLUMN_CHARACTERS * 8 // size
    wrapped = [part for line in lines for part in textwrap.wrap(line, most) or [""]]
    if wrapped:
        axes.text(0.01, top, "\n".join(wrapped), transform=axes.transAxes, fontsize=size, color=SOFT, va="top")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a picture of every dashboard of every region; 1 where there is no embedded AWS or no dashboard."""
    parser = argparse.ArgumentParser(prog="python -m drill.dashboards", description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="of the embedded AWS that was left running")
    parser.add_argument("--folder", type=Path, default=DOCS, help="where dashboard-<region>.png is written")
    parser.add_argument("--hours", type=float, default=3, help="how far back metrics are looked for")
    options = parser.parse_args(arguments)
    end = datetime.now(UTC)
    span = Span(start=end - timedelta(hours=options.hours), end=end)
    try:
        with EmbeddedAws.attach(options.state) as aws:
            written = [write(aws, region, options.folder, span) for region in aws.regions]
    except EmbeddedAwsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


def write(aws: EmbeddedAws, region: str, folder: Path, span: Span) -> Path:
    """Write the picture of a region's dashboard.

    Raises:
        EmbeddedAwsError: The region has no dashboard, or several.
    """
    client = partial(aws.client, "cloudwatch")
    names = [entry["DashboardName"] for entry in client(region).list_dashboards()["DashboardEntries"]]
    if len(names) != 1:
        raise EmbeddedAwsError(f"{region} of the embedded AWS must have one dashboard, got: {names}")
    path = folder / f"dashboard-{region}.png"
    draw(f"{names[0]} in {region}", read(client, region, names[0], span), span).savefig(path)
    return path


if __name__ == "__main__":
    raise SystemExit(main())
