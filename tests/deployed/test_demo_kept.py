"""The demonstration run to its end: left running, talked to as it says, destroyed, and ended as it says."""

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from drill.demo import SUFFIX, Demo
from drill.deployment import ROOT, Deployment
from drill.emulator import EmbeddedAws
from tests.deployed.test_demo import processes_in

import pytest
from rich.console import Console

# What a reader of the printed lines would type.
SCAN = "import boto3; print(boto3.client('dynamodb', region_name='us-west-2').scan(TableName='patient_records-demo'))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demonstration's files go."""
    return tmp_path_factory.mktemp("kept") / "demo"


@pytest.fixture(scope="module")
def said(folder: Path) -> Iterator[str]:
    """What a demonstration says that leaves everything running."""
    ended = run_demo(folder, KEEP="1")
    try:
        assert ended.returncode == 0, ended.stdout
        yield ended.stdout
    finally:
        run("-m", "drill.emulator", "stop", str(folder / "aws.json"))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the project's Python to its end, in an environment that leads to no account but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True
    )


def run_demo(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("-m", "drill.demo", "--folder", str(folder), COLUMNS="200", **environment)


def test_a_kept_demonstration_is_talked_to_by_the_environment_that_it_prints(said: str) -> None:
    assert all(title in said for title in ("Deployed, by stack", "Addresses", "The story of jane-doe", "Keys"))
    assert "It is left running." in said
    (page,) = re.findall(r"^Its timeline, and what is emulated: (.*)$", said, re.MULTILINE)
    assert "<svg" in Path(page).read_text(encoding="utf-8")
    environment = dict(re.findall(r"^ *export (\w+)='([^']*)'$", said, re.MULTILINE))
    answered = run("-c", SCAN, **environment)
    assert answered.returncode == 0, answered.stderr
    assert "jane-doe" in answered.stdout


def test_rejects_a_second_demonstration_while_one_is_left_running(said: str, folder: Path) -> None:
    second = run_demo(folder)
    assert (second.returncode, "an earlier demonstration is still running" in second.stdout) == (1, True)


def test_what_is_left_running_is_destroyed_and_ended_by_the_command_that_it_prints(said: str, folder: Path) -> None:
    (port,) = re.findall(r"listens at http://127\.0\.0\.1:(\d+)", said)
    aws = EmbeddedAws(log=folder / "unused.log", port=int(port))
    console = Console(file=io.StringIO(), width=200)
    Demo(aws, Deployment(folder, aws.isolated(), ENVIRONMENT_SUFFIX=SUFFIX), console).destroy()
    assert isinstance(console.file, io.StringIO)
    assert "Nothing is left." in console.file.getvalue()
    (command,) = re.findall(r"^To end it: python (.*)$", said, re.MULTILINE)
    ended = run(*shlex.split(command))
    assert (ended.returncode, ended.stdout) == (0, f"the embedded AWS on port {port} is stopped\n")
    assert processes_in(folder) == []
    assert run("-m", "drill.emulator", "status", str(folder / "aws.json")).returncode == 1
