"""The runbook has commands that work, a line for every alarm, and the headings that notifications lead to."""

import re
from pathlib import Path

from tests.commands import FENCE, STACKS, commands, faults
from tests.synthesis import Stacks, regions_of, resources

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
# What the functions' notifications end in.
ANCHORS = ("a-region-is-down", "a-region-was-evacuated", "a-region-was-released", "evacuation-is-switched-off")
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [*commands(RUNBOOK), *commands(README)]
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


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_every_command_of_the_runbook_and_the_readme_is_one_that_works(command: str) -> None:
    assert list(faults(command)) == []


def test_no_command_of_the_runbook_is_overlooked() -> None:
    assert {language for language, _ in FENCE.findall(RUNBOOK)} == {"sh"}
    named = re.findall(r"(?:^|`)(?:aws|cdktf|make|python -m) ", RUNBOOK, re.MULTILINE)
    assert len(named) > 20
    assert sum(command.startswith(("aws", "cdktf", "make", "python")) for command in commands(RUNBOOK)) == len(named)


@pytest.mark.parametrize("command", [command for command in dict.fromkeys(COMMANDS) if " --" in command])
def test_rejects_any_option_that_is_misspelt(command: str) -> None:
    options = re.findall(r"(?<=[ '])--[a-z-]+", command)
    assert options
    for option in options:
        assert list(faults(command.replace(option, f"{option}x", 1))), option


READ = "aws dynamodb get-item --table-name t --key"
EVACUATE = "python -m functions.evacuate evacuate us-east-1 --suffix prod --via us-west-2 --reason 'slow'"


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("aws dinamodb list-tables", "'aws dinamodb list-tables' must be of a service of AWS"),
        ("aws dynamodb list-table", "'aws dynamodb list-table' must be a call of the service"),
        ("aws dynamodb", "'aws dynamodb ' must be a call of the service"),
        ("aws dynamodb list-tables tables", "'aws dynamodb list-tables' must have options only, got: ['tables']"),
        (f"{READ} '{{}}' --regoin us-east-1", "must have known options only, got: '--regoin'"),
        ("aws dynamodb get-item --table-name t", "'aws dynamodb get-item' must have --key"),
        (f"{READ} '{{", "a quotation must be closed"),
        (f"{READ} '{{\"id\"'", "--key must be JSON"),
        (f'{READ} \'{{"id": {{"T": "1"}}}}\'', '--key Unknown parameter in id: "T"'),
        (f"{READ} '{{}}' --query 'Item.['", "--query must be a JMESPath expression, got: 'Item.['"),
        ("aws dynamodb describe-table --table-name", "--table-name must have a value, got: []"),
        ("aws dynamodb describe-table --table-name a b", "--table-name must have a value, got: ['a', 'b']"),
        ("aws backup list-backup-jobs --by-state BROKEN", "--by-state must be one of CREATED"),
        ("aws cloudwatch describe-alarms --alarm-types MetricAlarm Any", "--alarm-types must be one of CompositeAlarm"),
        ("aws logs tail /aws/lambda/any --sinc 15m", "must have known options only, got: '--sinc'"),
        ("python dr/settings.py", "python must run a module"),
        ("python -m functions.evacuation state", "'python -m functions.evacuation' must be a module that is there"),
        ("python -m functions.api --help", "'python -m functions.api' must be a module that is there"),
        (EVACUATE.replace(" evacuate ", " evict "), "must be told to evacuate|release|state, got: ['evict']"),
        (EVACUATE.replace("--via", "--through"), "must have known options only, got: '--through'"),
        (EVACUATE.partition(" --reason")[0], "'python -m functions.evacuate' must have --reason"),
        ("python -m tools.openapi --json", "must have known options only, got: '--json'"),
        ("cdktf apply us-east-1", "cdktf must be told to deploy, destroy, diff, synth, got: 'apply'"),
        ("cdktf deploy", "'cdktf deploy' must name a stack"),
        (
            "TF_CLI_ARGS_apply=-refresh=false cdktf deploy us-west-3",
            f"'cdktf deploy' must name some of {', '.join(STACKS)}, got: 'us-west-3'",
        ),
        ("cdktf diff us-west-2 --quick", "'cdktf diff' must have known options only, got: '--quick'"),
        ("KEEP=1 make demos", "make must have a target in the Makefile, got: 'demos'"),
        ("make drill ARGS='--scenarios blips'", "'python -m drill' must have known options only, got: '--scenarios'"),
        ("make hipaa ARGS=--json", "'make hipaa' must take ARGS"),
        ("echo a | python3 -m json.tool > file", "the program must be one of aws"),
    ],
)
def test_rejects_a_command_that_does_not_work(command: str, fault: str) -> None:
    assert any(fault in found for found in faults(command)), list(faults(command))
