"""A drill's figures as a table: for a terminal, and for the documentation. Both are made of the report's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drill.outages import CLASSES

from rich.box import SIMPLE_HEAD
from rich.table import Table

COLUMNS = ("scenario", "DNS leaves", "RTO, s", "served", "RPO, s", "lost", "failback, s", "pass")
LEGEND = (
    "RTO: of the client that waited longest / of those that keep TTLs. Served: of all requests while it was broken. "
    f"RPO: {' / '.join(each.replace('_', ' ') for each in CLASSES)}. Lost: acknowledged writes lost for good."
)


def table(report: Mapping[str, Any]) -> Table:
    """The table, with what the figures are of above it and what the columns mean below."""
    made = Table(*COLUMNS, title=f"\n{source(report)}", caption=LEGEND, caption_justify="left", box=SIMPLE_HEAD)
    for result in report["scenarios"]:
        made.add_row(result["name"], *figures(result), style="" if result["passed"] else "bold red")
    return made


def source(report: Mapping[str, Any]) -> str:
    """What the figures are of."""
    speed = "true speed" if report["time_scale"] == 1 else f"time scale {report['time_scale']:g}"
    return f"{report['target']} AWS, {' and '.join(report['regions'])}, {speed}"


def figures(result: Mapping[str, Any]) -> tuple[str, ...]:
    """One scenario's cells but for its name."""
    measures = result["measures"]
    leaves = next(check["measured"] for check in result["checks"] if check["name"] == "DNS leaves")
    return (
        leaves,
        f"{_seconds(measures['recovery_time_s'])} / {_seconds(measures['recovery_time_keeping_ttl_s'])}",
        f"{100 * measures['served_share']:.1f} %",
        " / ".join(_seconds(measures["recovery_point_s"][each]) for each in CLASSES),
        str(measures["lost_for_good"]),
        _seconds(measures["failback_s"]),
        "yes" if result["passed"] else "no",
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
