"""The page of the drill's figures, made of reports."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

from drill import document
from drill.document import table
from drill.results import Check, Report
from drill.scenarios import SCENARIOS
from tests.drill.logs import EAST, GOOD, WEST, report

import attrs
import pytest
from rich.console import Console

MEASURES = attrs.evolve(
    GOOD,
    recovery_time_s=101.26,
    recovery_time_keeping_ttl_s=88.0,
    served_share=0.6543,
    recovery_point_s={"records": 2.04, "audit": 2.5, "documents_replicated": 0.0, "documents_pending": None},
    failback_s=41.0,
)
PASSED = Check(name="DNS leaves", measured=EAST, limit=EAST, unit="", passed=True)


def written(folder: Path, made: Report) -> dict[str, Any]:
    made.write(folder / "report.json")
    content: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return content


def test_the_page_has_a_section_for_each_report_and_says_once_what_both_say_and_else_which(tmp_path: Path) -> None:
    made = [report(PASSED, time_scale=scale, measures=MEASURES) for scale in (1.0, 0.2)]
    page = document.document([written(tmp_path, each) for each in made])
    row = "us-east-1 | 101.3 / 88.0 | 65.4 % | 2.0 / 2.5 / 0.0 / - | 0 | 41.0 | 70.0 | yes |"
    assert page.count(f"| region-refuses | The other serves. | {row}") == 2
    assert "## Embedded AWS, us-east-1 and us-west-2, true speed" in page
    assert "## Embedded AWS, us-east-1 and us-west-2, time scale 0.2" in page
    slow = "- Embedded AWS, us-east-1 and us-west-2, time scale 0.2: Time by 0.2."
    assert [page.count(each) for each in ("- All of it.", slow, "- Clients retry.")] == [1, 1, 1]


def test_the_page_that_is_kept_has_every_scenario_as_it_is_now_at_true_speed_and_each_passed() -> None:
    true_speed = document.PATH.read_text(encoding="utf-8").partition("true speed\n")[2].partition("\n## ")[0]
    rows = [
        line.strip("|").split(" | ") for line in true_speed.splitlines() if re.match(r"\| [a-z0-9]+[a-z0-9-]* \|", line)
    ]
    assert [[row[0].strip(), row[1], row[-1].strip()] for row in rows[1:]] == [
        [each.name, each.expected, "yes"] for each in SCENARIOS
    ]


def test_a_report_fails_with_one_of_its_scenarios_and_the_table_shows_which(tmp_path: Path) -> None:
    made = report(attrs.evolve(PASSED, limit=WEST, passed=False))
    assert not made.passed
    console = Console(width=200, record=True, file=StringIO())
    console.print(table(written(tmp_path, made)))
    (row,) = (line for line in console.export_text().splitlines() if "region-refuses" in line)
    assert row.split()[-1] == "no"


def test_a_report_that_lacks_a_scenario_fails() -> None:
    assert report(PASSED).passed
    assert not report(PASSED, missing=["flapping"]).passed


def test_a_report_that_cannot_be_written_whole_leaves_the_one_before(
    tmp_path: Path,
) -> None:
    path = tmp_path / "report.json"
    report(PASSED).write(path)
    before = path.read_bytes()
    (tmp_path / "report.json.unfinished").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        report(PASSED, missing=["flapping"]).write(path)
    assert path.read_bytes() == before


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, report(PASSED))
    monkeypatch.setattr(document, "PATH", tmp_path / "drill.md")
    document.main([str(tmp_path / "report.json")])
    assert (tmp_path / "drill.md").read_text(encoding="utf-8").startswith("# The drill\n")
