"""The runbook has a line for every alarm, and the headings that notifications lead to."""

import re
from pathlib import Path

from tests.synthesis import Stacks, regions_of, resources

ROOT = Path(__file__).resolve().parent.parent
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
# What the functions' notifications end in.
ANCHORS = ("a-region-is-down", "a-region-was-evacuated", "a-region-was-released", "evacuation-is-switched-off")
KINDS = ("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm")


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as they are made for links."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def alarms(stacks: Stacks) -> set[str]:
    """The alarms' names without their suffix, and with `<region>` for the region in them."""
    found = set()
    for each in resources(stacks, *KINDS):
        name = each.arguments["alarm_name"].removeprefix("alarm-").removesuffix("-dev")
        for region in regions_of(stacks):
            name = name.replace(region, "<region>")
        found.add(name)
    return found


def test_every_alarm_has_its_line_and_every_line_its_alarm(three_regions: Stacks) -> None:
    lines = re.findall(r"^\| `([^`]+)` \| .+ \| .+ \|$", RUNBOOK, re.MULTILINE)
    assert sorted(lines) == sorted(alarms(three_regions))


def test_every_link_within_the_runbook_leads_to_a_heading() -> None:
    links = set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK))
    assert links
    assert links <= anchors(RUNBOOK)


def test_what_notifications_lead_to_is_there() -> None:
    assert set(ANCHORS) <= anchors(RUNBOOK)
