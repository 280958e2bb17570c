"""`python -m drill.document REPORT...`: writes docs/drill.md from reports of drills."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from drill.table import COLUMNS, LEGEND, figures, source

PATH = Path("docs/drill.md")
HEAD = """# The drill

Written by `python -m drill.document` from reports of `python -m drill`: what was measured, not what is promised
([objectives.md](objectives.md)). `python -m drill --list` says what each scenario is.
"""


def document(reports: Sequence[Mapping[str, Any]]) -> str:
    """The page: a section for each report, and what all of them assume and emulate."""
    lines = [HEAD]
    for report in reports:
        lines += _section(report)
    # What two reports both say is said once.
    emulated, assumed = (
        list(dict.fromkeys(sentence for report in reports for sentence in report[what]))
        for what in ("emulated", "assumptions")
    )
    lines += ["## What is emulated", "", *(f"- {sentence}" for sentence in emulated), ""]
    lines += ["## How it is measured", "", *(f"- {sentence}" for sentence in assumed), ""]
    return "\n".join(lines)


def _section(report: Mapping[str, Any]) -> Iterator[str]:
    machine = report["machine"]
    yield f"## {source(report).capitalize().replace('aws', 'AWS')}"
    yield ""
    yield f"Measured on {report['started_at'][:10]}, {machine['cores']} cores, Python {machine['python']}. {LEGEND}"
    yield ""
    columns = (COLUMNS[0], "expected", *COLUMNS[1:])
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for result in report["scenarios"]:
        yield f"| {' | '.join((result['name'], result['expected'], *figures(result)))} |"
    yield ""


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
