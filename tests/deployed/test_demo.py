"""The demonstration shows what it says, and leaves nothing running when it is interrupted."""

import io
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
    console = Console(file=io.StringIO(), width=100)
    Demo(aws, deployment, console).show()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def row(shown: str, *words: str) -> str:
    """The one line of a table that begins with these words."""
    (found,) = [line for line in shown.splitlines() if line.strip(" │").split()[: len(words)] == list(words)]
    return found


def test_inventory_counts_resources_by_stack(shown: str) -> None:
    assert row(shown, "lambda_function").split() == ["lambda_function", "1", "1"]
    assert row(shown, "dynamodb_table").split() == ["dynamodb_table", "2"]


def test_every_taggable_resource_is_counted_as_tagged(shown: str) -> None:
    (line,) = [line for line in shown.splitlines() if "taggable resources are tagged" in line]
    tagged, _, taggable, *_ = line.split()
    assert (tagged, int(tagged) > 90) == (taggable, True)


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_records_are_read_in_the_other_region(region: str, shown: str) -> None:
    assert "200" in row(shown, "record", "of", region, "read")
    assert f":kms:{region}:" in row(shown, "key", "of", "the", "objects", "│", region)


def test_documents_are_replicated(shown: str) -> None:
    assert "201, replicated" in row(shown, "document", "uploaded")
    assert "200" in row(shown, "document", "downloaded")


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
