"""The page of the drill's figures, made of reports."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

from drill import document
from drill.results import Check, Measures, Report, Result, Series
from drill.table import table
from tests.drill.logs import EAST, WEST

import pytest
from rich.console import Console

POINTS = {"records": 2.04, "audit": 2.5, "documents_replicated": 0.0, "documents_pending": None}


def report(time_scale: float, *, passed: bool = True) -> Report:
    measures = Measures(
        recovery_time_s=101.26,
        recovery_time_keeping_ttl_s=88.0,
        served_share=0.6543,
        recovery_point_s=POINTS,
        lost_for_good=0,
        duplicates=0,
        wrong_answers=0,
        stale_reads=0,
        notification_s=None,
        failback_s=41.0,
        acknowledged=100,
        failed_requests=30,
    )
    result = Result(
        name="region-refuses",
        title="A region refuses",
        expected="The other serves.",
        events=[],
        series=Series(interval_s=2, requests={}, unresolved=[], healthy={}, lag_s={}),
        measures=measures,
        checks=[Check(name="DNS leaves", measured=EAST, limit=EAST if passed else WEST, unit="", passed=passed)],
        notes=[],
    )
    return Report(
        started_at="2026-01-02T03:04:05+00:00",
        target="embedded",
        time_scale=time_scale,
        regions=[EAST, WEST],
        weights={EAST: 70, WEST: 30},
        replication_lag_s=3.0,
        emulated=["All of it.", f"Time by {time_scale:g}."],
        assumptions=["Clients retry."],
        machine={"cores": 2, "python": "3.11.7"},
        objectives={},
        scenarios=[result],
    )


def written(folder: Path, made: Report) -> dict[str, Any]:
    made.write(folder / "report.json")
    content: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return content


def test_the_page_has_a_section_for_each_report_and_says_once_what_both_say(tmp_path: Path) -> None:
    page = document.document([written(tmp_path, report(1.0)), written(tmp_path, report(0.2))])
    row = "us-east-1 | 101.3 / 88.0 | 65.4 % | 2.0 / 2.5 / 0.0 / - | 0 | 41.0 | yes |"
    assert page.count(f"| region-refuses | The other serves. | {row}") == 2
    assert "## Embedded AWS, us-east-1 and us-west-2, true speed" in page
    assert "## Embedded AWS, us-east-1 and us-west-2, time scale 0.2" in page
    assert [page.count(each) for each in ("- All of it.", "- Time by 0.2.", "- Clients retry.")] == [1, 1, 1]


def test_a_report_fails_with_one_of_its_scenarios_and_the_table_shows_which(tmp_path: Path) -> None:
    made = report(1.0, passed=False)
    assert not made.passed
    console = Console(width=200, record=True, file=StringIO())
    console.print(table(written(tmp_path, made)))
    (row,) = (line for line in console.export_text().splitlines() if "region-refuses" in line)
    assert row.split()[-1] == "no"


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, report(1.0))
    monkeypatch.setattr(document, "PATH", tmp_path / "drill.md")
    document.main([str(tmp_path / "report.json")])
    assert (tmp_path / "drill.md").read_text(encoding="utf-8").startswith("# The drill\n")
