"""The demonstration shows what it says, and leaves nothing running when it is interrupted."""

import io
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from drill.demo import Demo
from drill.deployment import Deployment
from drill.emulator import EmbeddedAws

import pytest
from rich.console import Console


@pytest.fixture(scope="module")
def shown(aws: EmbeddedAws, deployment: Deployment) -> str:
    """What the demonstration prints of the session's deployment."""
    console = Console(file=io.StringIO(), width=140)
    Demo(aws, deployment, console).show()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def row(shown: str, *words: str) -> str:
    """The one line of a table that begins with these words."""
    (found,) = [line for line in shown.splitlines() if line.strip(" │").split()[: len(words)] == list(words)]
    return found


def test_inventory_counts_resources_by_stack(shown: str) -> None:
    assert row(shown, "lambda_function").split() == ["lambda_function", "3", "3"]
    assert row(shown, "dynamodb_table").split() == ["dynamodb_table", "3"]


def test_every_taggable_resource_is_counted_as_tagged(shown: str) -> None:
    (line,) = [line for line in shown.splitlines() if "taggable resources are tagged" in line]
    tagged, _, taggable, *_ = line.split()
    assert (tagged, int(tagged) > 90) == (taggable, True)


def test_a_correction_in_one_region_holds_in_the_other(shown: str) -> None:
    steps = told(shown, "The story of jane-doe")
    assert [step[1:] for step in steps if step[0] == "clinician"] == [
        ["us-east-1", "writes a heart rate of 72", "201, version 1"],
        ["us-west-2", "reads the record", "200, 72 a minute"],
        ["us-west-2", "corrects it to 74, If-Match the first", "200, version 2"],
        ["us-east-1", "corrects it to 76, If-Match the first", "412, it has another version by now"],
        ["us-east-1", "reads the record", "200, 74 a minute"],
        ["us-east-1", "stores a document", "201, replicated"],
        ["us-west-2", "fetches the document", "200, the same bytes"],
        ["us-west-2", "asks for the audit trail", "403, for auditors only"],
    ]


def test_the_auditor_sees_every_step_of_the_clinicians_and_nothing_else(shown: str) -> None:
    steps = told(shown, "The story of jane-doe")
    assert [step[1:] for step in steps if step[0] == "auditor"] == [
        ["us-west-2", "reads the audit trail", "200, 8 rows"],
        ["us-west-2", "asks for the records", "403, for clinicians only"],
    ]
    assert [step[2:] for step in told(shown, "The audit trail of jane-doe")] == [
        ["us-east-1", "record.create", "allowed"],
        ["us-west-2", "record.read", "allowed"],
        ["us-west-2", "record.update", "allowed"],
        ["us-east-1", "record.update", "refused"],
        ["us-east-1", "record.read", "allowed"],
        ["us-east-1", "document.put", "allowed"],
        ["us-west-2", "document.get", "allowed"],
        ["us-west-2", "audit.read", "refused"],
    ]


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_each_region_verifies_the_whole_trail_and_keeps_its_own_key(region: str, shown: str) -> None:
    assert f"python -m functions.verify --region {region} --suffix test: 0 faults" in shown
    assert f":kms:{region}:" in dict(told(shown, "Keys"))[region]


def test_the_story_leaves_no_role_behind(shown: str, aws: EmbeddedAws) -> None:
    roles = aws.client("iam", "us-east-1").list_roles()["Roles"]
    assert [role["RoleName"] for role in roles if role["RoleName"].endswith("auditor")] == []


def told(shown: str, title: str) -> list[list[str]]:
    """The cells of each row of a table."""
    lines = iter(shown.splitlines())
    assert any(title in line for line in lines)
    table = itertools.takewhile(lambda line: "└" not in line, lines)
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in table if line.startswith("│")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demonstration_leaves_nothing_running(number: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with subprocess.Popen(
        [sys.executable, "-m", "drill.demo", "--folder", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    ) as running:
        wait_for(lambda: "Creation complete" in text_of(folder / "deploy.log"))
        assert processes_in(folder)
        running.send_signal(number)
        assert running.stdout is not None
        said = running.stdout.read()
    assert (running.returncode, "nothing is left running" in said) == (130, True)
    port = urlsplit(next(line.split()[-1] for line in said.splitlines() if "listens at" in line)).port
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port or 0)) != 0
    wait_for(lambda: processes_in(folder) == [])


def text_of(log: Path) -> str:
    """What a command has written so far."""
    return log.read_text(encoding="utf-8") if log.exists() else ""


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until it holds, two minutes at the most."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def processes_in(folder: Path) -> list[str]:
    """The commands of the processes that work in a folder, or were told of it."""
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line and "drill.demo" not in line]
