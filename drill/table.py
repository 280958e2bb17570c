"""A drill's figures as a table: for a terminal, and for the documentation."""

from __future__ import annotations

from drill.outages import CLASSES
from drill.results import Report, Result

from rich.box import SIMPLE_HEAD
from rich.table import Table

COLUMNS = ("scenario", "DNS leaves", "RTO, s", "served", "RPO, s", "lost", "failback, s", "pass")


def table(report: Report) -> Table:
    """The table, with what the figures are of above it and what the columns mean below."""
    title = f"\n{report.target}, {', '.join(report.regions)}, time scale {report.time_scale:g}"
    made = Table(*COLUMNS, title=title, caption=LEGEND, caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for result in report.scenarios:
        style = "" if result.passed else "bold red"
        made.add_row(*row(result), style=style)
    return made


LEGEND = (
    "RTO: of the client that waited longest, and of those that keep TTLs. Served: of all requests while it was broken. "
    f"RPO: {', '.join(each.replace('_', ' ') for each in CLASSES)}. Lost: acknowledged writes lost for good."
)


def row(result: Result) -> tuple[str, ...]:
    """One scenario's cells."""
    measures = result.measures
    points = " / ".join(seconds(measures.recovery_point_s[each]) for each in CLASSES)
    return (
        result.name,
        str(result.checks[0].measured),
        f"{seconds(measures.recovery_time_s)} / {seconds(measures.recovery_time_keeping_ttl_s)}",
        f"{100 * measures.served_share:.1f} %",
        points,
        str(measures.lost_for_good),
        seconds(measures.failback_s),
        "yes" if result.passed else "NO",
    )


def seconds(value: float | None) -> str:
    """A time to the tenth of a second."""
    return "-" if value is None else f"{value:.1f}"
