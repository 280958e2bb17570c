"""No tracked file holds a secret: detect-secrets finds none but what is listed."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.scans.gate import Finding, faults
from tests.scans.scanner import ROOT, run
from tests.scans.skips import SECRETS

import pytest

pytestmark = pytest.mark.slow
# Nothing but packages with their hashes, each of which looks like a secret.
LOCKS = ("package-lock.json", "requirements/")


def scan(files: Iterable[str | Path]) -> list[Finding]:
    """What looks like a secret in these files."""
    done = run("supply", "detect-secrets-hook", "--json", "--no-verify", *map(str, files))
    report = json.loads(done.stdout) if done.returncode else {"results": {}}
    return [
        Finding(each["type"], file, f"line {each['line_number']}")
        for file, found in report["results"].items()
        for each in found
    ]


def test_no_tracked_file_holds_a_secret() -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [file for file in listing.split("\0") if file and not file.startswith(LOCKS)]
    assert len(files) > 100
    assert list(faults(scan(files), SECRETS)) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("AWS Access Key", "key = '" + "AKIA" + "2E0A8F3B244C9986'"),
        ("Private Key", "-----BEGIN " + "RSA PRIVATE KEY-----"),
        ("Basic Auth Credentials", "url = 'https://nurse:" + "Wq4xT9zL@db.hospital.org'"),
    ],
)
def test_rejects_a_planted_secret(kind: str, text: str, tmp_path: Path) -> None:
    planted = tmp_path / "settings.py"
    planted.write_text(f"{text}\n")
    assert Finding(kind, str(planted), "line 1") in scan([planted])
