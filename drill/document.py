"""A drill's figures as a table, in a terminal and in docs/drill.md: `python -m drill.document REPORT...` writes it.

Both are made of the report's JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from drill.outages import CLASSES

from rich.box import SIMPLE_HEAD
from rich.table import Table

PATH = Path("docs/drill.md")
HEAD = """# The drill

Written by `python -m drill.document` from reports of `python -m drill`: what was measured, not what is promised
([objectives.md](objectives.md)). `python -m drill --list` says what each scenario is.
"""

COLUMNS = ("scenario", "DNS leaves", "RTO, s", "served", "RPO, s", "lost", "failback, s", "told, s", "pass")
LEGEND = (
    "RTO: of the client that waited longest / of those that keep TTLs. Served: of clients' time in the outage. "
    f"RPO: {' / '.join(each.replace('_', ' ') for each in CLASSES)}. Lost: acknowledged writes lost for good. "
    "Told: until the operations team was told of an evacuation, which needs the probes: they run in `latched` only."
)


def document(reports: Sequence[Mapping[str, Any]]) -> str:
    """The page: a section for each report, and what all of them assume and emulate."""
    lines = [HEAD]
    for report in reports:
        lines += _section(report)
    lines += ["## What is emulated", "", *_said(reports, "emulated"), ""]
    lines += ["## How it is measured", "", *_said(reports, "assumptions"), ""]
    return "\n".join(lines)


def _said(reports: Sequence[Mapping[str, Any]], what: str) -> Iterator[str]:
    """Each sentence once, and of which reports it is unless all say it."""
    sources = {source(report): None for report in reports}
    by_sentence: dict[str, dict[str, None]] = {}
    for report in reports:
        for sentence in report[what]:
            by_sentence.setdefault(sentence, {})[source(report)] = None
    for sentence, found in by_sentence.items():
        yield f"- {sentence}" if found == sources else f"- {'; '.join(found)}: {sentence}"


def _section(report: Mapping[str, Any]) -> Iterator[str]:
    machine = report["machine"]
    yield f"## {source(report)}"
    yield ""
    yield f"Measured on {report['started_at'][:10]}, {machine['cores']} cores, Python {machine['python']}. {LEGEND}"
    yield ""
    columns = (COLUMNS[0], "expected", *COLUMNS[1:])
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for result in report["scenarios"]:
        yield f"| {' | '.join((result['name'], result['expected'], *figures(result)))} |"
    yield ""


def table(report: Mapping[str, Any]) -> Table:
    """The table, with what the figures are of above it and what the columns mean below."""
    made = Table(*COLUMNS, title=f"\n{source(report)}", caption=LEGEND, caption_justify="left", box=SIMPLE_HEAD)
    for result in report["scenarios"]:
        made.add_row(result["name"], *figures(result), style="" if result["passed"] else "bold red")
    return made


def source(report: Mapping[str, Any]) -> str:
    """What the figures are of."""
    speed = "true speed" if report["time_scale"] == 1 else f"time scale {report['time_scale']:g}"
    target = "AWS" if report["target"] == "aws" else f"{report['target'].capitalize()} AWS"
    return f"{target}, {' and '.join(report['regions'])}, {speed}"


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
        _seconds(measures["notification_s"]),
        "yes" if result["passed"] else "no",
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m drill.document", description=__doc__)
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="JSON that a drill has written")
    options = parser.parse_args(arguments)
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in options.reports]
    PATH.write_text(document(reports), encoding="utf-8")
    sys.stdout.write(f"{PATH}\n")


if __name__ == "__main__":
    main()
