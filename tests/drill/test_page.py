"""The page of a drill's report."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

from drill.page import PageError, figure, main, objectives, render, share
from drill.picture import draw
from tests.drill.reports import EAST, HOSTILE, WEST, check, empty, event, failover, flapping, hostile, report

import pytest

VOID = {"meta"}


class Outline(HTMLParser):
    """Every element with its attributes and its text, and that each is closed in its order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self._open: list[int] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(len(self.found))
        self.found.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.found[self._open.pop()][0] == tag
        self.handle_data(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        for place in self._open:
            tag, attributes, text = self.found[place]
            self.found[place] = (tag, attributes, text + data)

    def texts(self, tag: str) -> list[str]:
        return [re.sub(r"\s+", " ", text).strip() for name, _, text in self.found if name == tag]


def test_says_first_whether_it_passed_and_where_it_ran() -> None:
    passed, failed = Outline(render(report(failover()))), Outline(render(report(failover(), flapping())))
    assert passed.texts("h1") == ["Disaster recovery drill: ✓ passed"]
    assert failed.texts("h1") == ["Disaster recovery drill: ✗ failed"]
    first = passed.texts("p")[0]
    assert first.startswith("Ran against the embedded AWS, an emulator on this machine")
    assert first.endswith("at true speed.")
    scaled = Outline(render(report(failover(), time_scale=0.2))).texts("p")[0]
    assert "at time scale 0.2: what takes a second in truth took 0.2 s" in scaled
    assert "AWS is an emulator in one process on this machine." in passed.texts("li")


def test_has_a_row_for_every_objective_and_scenario_with_its_verdict() -> None:
    rows = Outline(render(report(failover(), flapping()))).texts("tr")
    assert "recovery time 98 to 300 s 331 s A region comes and goes 2, 1 failed ✗ failed" in rows
    assert "recovery point, records 60 s 0.8 s A region refuses all connections 1 ✓ passed" in rows
    (row,) = [row for row in rows if row.startswith("A region refuses all connections")]
    points = "records 0.8 s, audit rows 0.9 s, replicated documents 0.0 s, pending documents -"
    assert row.endswith(f"58.4 s {points} 0 99.99 % ✓ passed")
    assert next(row for row in rows if row.startswith("A region comes and goes")).endswith(" 2 99.99 % ✗ failed")


def test_an_objective_shows_the_scenario_that_missed_it_before_one_that_was_slower_within_its_limit() -> None:
    slow = {**failover(), "title": "slow", "checks": [check("failback", 290, 300)]}
    late = {**failover(), "title": "late", "checks": [check("failback", None, 98, passed=False)]}
    (found,) = objectives([slow, late])
    assert (found.scenario, found.worst, found.limit, found.failed) == ("late", "not measured", "98 to 300 s", 1)


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert (share(1), share(0.99999), share(0.5)) == ("100.00 %", "99.99 %", "50.00 %")
    assert (figure(None), figure("us-east-1"), figure(36.941), figure(0.0)) == ("-", "us-east-1", "36.9", "0")


def test_every_picture_has_a_title_and_says_in_words_what_it_shows() -> None:
    outline = Outline(render(report(failover(), flapping())))
    pictures = [attributes for tag, attributes, _ in outline.found if tag == "svg" and attributes.get("role") == "img"]
    ids = {attributes["id"]: text for _, attributes, text in outline.found if "id" in attributes}
    assert len(pictures) == 2
    title, description = (ids[name] for name in str(pictures[0]["aria-labelledby"]).split())
    assert title == "Timeline: A region refuses all connections"
    assert f"{EAST}: 408 requests served, 452 failed, between 22 s and 80 s." in description
    assert f"{EAST} is unhealthy, between 48 s and 174 s. {WEST} is never unhealthy." in description
    assert f"Replication lag, {EAST} to {WEST}: at most 134 s." in description
    unresolved = ids[str(pictures[1]["aria-labelledby"]).split()[1]]
    assert "18 requests found no region, between 60 s and 72 s." in unresolved


def test_failed_requests_stand_on_the_served_ones_of_the_same_scale() -> None:
    scenario = failover()
    scenario["series"]["requests"] = {
        EAST: {"served": [3, 3, 0], "failed": [0, 1, 2]},
        WEST: {"served": [1, 0, 0], "failed": [0, 0, 0]},
    }
    picture = draw(scenario)
    assert picture
    east, west = picture.panels[:2]
    assert (east.most, west.most) == ("up to 4", "up to 4")
    assert east.areas == {"served": "M0 64V16H2V64Z", "failed": "M1 16V0H2V16ZM2 64V32H3V64Z"}
    assert west.areas == {"served": "M0 64V48H1V64Z", "failed": ""}


def test_spans_of_health_and_of_what_is_broken_are_where_they_were() -> None:
    scenario = failover()
    scenario["events"] = [
        event(19.0, "fault", "", "one thing"),
        event(38.0, "fault", "", "another"),
        event(57.0, "heal", "", "one thing"),
        event(95.0, "heal", "", "another"),
        event(171.0, "fault", "", "never mended"),
    ]
    picture = draw(scenario)
    assert picture
    assert picture.broken == [(10.0, 40.0), (90.0, 10.0)]
    states = [(state, round(left + width, 1)) for left, width, state in picture.panels[0].bands]
    assert states == [("healthy", 25.3), ("unhealthy", 91.6), ("healthy", 100.0)]
    assert picture.panels[1].bands[0][0] == pytest.approx(100 * 2 / 95, abs=0.01)


def test_every_event_is_in_one_mark_and_marks_do_not_meet() -> None:
    for scenario in (failover(), flapping()):
        picture = draw(scenario)
        assert picture
        assert sum(len(mark.text.splitlines()) for mark in picture.marks) == len(scenario["events"])
        for lane in range(9):
            row = [mark for mark in picture.marks if mark.lane == lane]
            for first, second in pairwise(row):
                apart = (second.left - first.left) * 3  # pixels of the narrowest picture
                assert apart > (first.width_px + second.width_px) / 2
    refused = draw(failover())
    assert refused
    assert [mark.label for mark in refused.marks][:3] == ["1", "2-3", "4-5"]
    assert refused.marks[1].kind == "fault"


def test_a_scenario_without_any_series_has_no_picture() -> None:
    assert draw(empty()) is None
    outline = Outline(render(report(empty())))
    assert "Nothing was recorded over time." in outline.texts("p")
    assert not any(attributes.get("role") == "img" for _, attributes, _ in outline.found)


def test_series_of_nothing_but_events_or_zeros_are_drawn() -> None:
    only = {**empty(), "events": failover()["events"]}
    quiet = failover()
    quiet["series"]["requests"] = {EAST: {"served": [0], "failed": [0]}}
    quiet["series"]["lag_s"] = {"a to b": [0.0, None], "b to a": [None]}
    for scenario in (only, quiet):
        assert draw(scenario)
        Outline(render(report(scenario)))


def test_a_report_without_scenarios_has_a_page() -> None:
    assert "0 of 0" in Outline(render(report())).texts("dd")


def test_texts_of_a_report_are_never_markup() -> None:
    clean = report(failover(), flapping())
    clean["scenarios"][0]["events"].append(event(180, HOSTILE, HOSTILE, HOSTILE))
    page = render(hostile(clean))
    outline = Outline(page)
    assert [tag for tag, _, _ in outline.found] == [tag for tag, _, _ in Outline(render(clean)).found]
    assert "<script" not in page
    assert unescape(page).count(HOSTILE) > 100
    names = {name for _, attributes, _ in outline.found for name in attributes}
    assert not [name for name in names if name.startswith("on")]


def test_needs_nothing_but_itself() -> None:
    outline = Outline(render(report(failover())))
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _, _ in outline.found}
    leads = [value for _, attributes, _ in outline.found for name, value in attributes.items() if name == "href"]
    ids = [f"#{attributes['id']}" for _, attributes, _ in outline.found if "id" in attributes]
    assert leads
    assert set(leads) <= set(ids)
    assert len(set(ids)) == len(ids)
    policy = [attributes for _, attributes, _ in outline.found if "http-equiv" in attributes]
    assert [each["content"] for each in policy] == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_same_report_makes_the_same_page_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "report.json"
    source.write_text(json.dumps(report(failover(), flapping())), encoding="utf-8")
    assert main([str(source)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'report.html'}\n"
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(report(failover(), flapping()))


@pytest.mark.parametrize("content", ['{"schema": "healthcare-dr/drill/1"}', "[", None])
def test_rejects_what_is_no_report_of_its_schema(
    tmp_path: Path, content: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "report.json"
    if content:
        source.write_text(content, encoding="utf-8")
    assert main([str(source)]) == 1
    assert capsys.readouterr().err.startswith(f"{source}: ")
    assert not (tmp_path / "report.html").exists()
    with pytest.raises(PageError, match="a report of the schema 'healthcare-dr/drill/2' is needed, got: 'other'"):
        render(report(schema="other"))
