"""A drill's report as one HTML page that needs nothing else: `python -m drill.page REPORT.json [PAGE.html]`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypeGuard

from drill.picture import draw
from drill.results import SCHEMA

import attrs
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TARGETS = {
    "embedded": "the embedded AWS, an emulator on this machine: nothing here was seen on AWS itself",
    "aws": "a deployment in AWS",
}


class PageError(Exception):
    """A report is none of this schema; the message says what it is."""


@attrs.frozen(kw_only=True)
class Objective:
    """One thing that must hold, over all scenarios that are held to it.

    Attributes:
        name: What it is.
        limit: The lowest of the scenarios' limits to the highest.
        worst: The figure of the scenario that came nearest to its limit, or went beyond it.
        scenario: That scenario's title.
        held: How many scenarios were held to it.
        failed: How many of them missed it.
    """

    name: str
    limit: str
    worst: str
    scenario: str
    held: int
    failed: int


def render(report: Mapping[str, Any]) -> str:
    """The page; the same report makes the same page.

    Raises:
        PageError: The report has another schema.
    """
    if report.get("schema") != SCHEMA:
        raise PageError(f"a report of the schema '{SCHEMA}' is needed, got: {report.get('schema')!r}")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"seconds": seconds, "share": share, "figure": figure}
    return environment.get_template("page.html.j2").render(
        report=report,
        target=TARGETS.get(report["target"], report["target"]),
        objectives=objectives(report["scenarios"]),
        pictures=[draw(scenario) for scenario in report["scenarios"]],
    )


def objectives(scenarios: Sequence[Mapping[str, Any]]) -> list[Objective]:
    """The checks that have a limit in figures, of all scenarios together; missed ones first."""
    held = [
        (check["name"], scenario["title"], check)
        for scenario in scenarios
        for check in scenario["checks"]
        if _is_figure(check["limit"])
    ]
    order = {name: place for place, name in enumerate(dict.fromkeys(name for name, _, _ in held))}
    found = []
    for name, group in groupby(sorted(held, key=lambda each: order[each[0]]), key=lambda each: each[0]):
        members = [(title, check) for _, title, check in group]
        title, worst = max(members, key=lambda member: _nearness(member[1]))
        limits = sorted({check["limit"] for _, check in members})
        measured = figure(worst["measured"])
        shown = " to ".join(figure(limit) for limit in dict.fromkeys((limits[0], limits[-1])))
        found.append(
            Objective(
                name=name,
                limit=f"{shown} {worst['unit']}",
                worst=f"{measured} {worst['unit']}" if _is_figure(worst["measured"]) else "not measured",
                scenario=title,
                held=len(members),
                failed=sum(not check["passed"] for _, check in members),
            )
        )
    return sorted(found, key=lambda objective: not objective.failed)


def seconds(value: float | None) -> str:
    """A time to the tenth of a second."""
    return "-" if value is None else f"{value:.1f} s"


def share(value: float) -> str:
    """A share in per cent, never rounded up to all."""
    return f"{math.floor(value * 10_000) / 100:.2f} %"


def figure(value: float | str | None) -> str:
    """What a check measured, or its limit."""
    if value is None:
        return "-"
    return f"{round(value, 1):g}" if _is_figure(value) else str(value)


def _is_figure(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float)


def _nearness(check: Mapping[str, Any]) -> tuple[bool, float, float]:
    """What makes one scenario's check worse than another's: missed, then the part of its limit that is used up."""
    measured = check["measured"] if _is_figure(check["measured"]) else 0.0
    return not check["passed"], measured / check["limit"] if check["limit"] else measured, measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 1 where the report cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m drill.page", description=__doc__)
    parser.add_argument("report", type=Path, help="what the drill wrote")
    parser.add_argument("page", type=Path, nargs="?", help="the page, beside the report if nothing else is said")
    options = parser.parse_args(arguments)
    page = options.page or options.report.with_suffix(".html")
    try:
        page.write_text(render(json.loads(options.report.read_text(encoding="utf-8"))), encoding="utf-8")
    except (OSError, ValueError, PageError) as error:
        sys.stderr.write(f"{options.report}: {error}\n")
        return 1
    sys.stdout.write(f"{page}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
