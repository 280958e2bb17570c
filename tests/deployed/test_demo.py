"""The demonstration shows what it says, and leaves nothing running when it is interrupted."""

import io
import os
import signal
import socket
import subprocess
import sys
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


def test_an_interrupted_demonstration_leaves_nothing_running(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "drill.demo", "--folder", str(tmp_path / "demo")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    ) as running:
        assert running.stdout is not None
        endpoint = next(line.split()[-1] for line in running.stdout if "listens at" in line)
        next(line for line in running.stdout if "deploying" in line)
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
    assert (running.returncode, "nothing is left running" in rest) == (130, True)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", urlsplit(endpoint).port or 0)) != 0
