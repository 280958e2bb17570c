"""The bills of materials name what the lock files lock, are valid, and are the same bytes every time."""

import json
import re
from pathlib import Path

from tests.scans.scanner import ROOT, run
from tools.sbom import SCHEMA_VERSION, write_bills

import pytest

pytestmark = pytest.mark.slow
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for path in sys.argv[2:]:
    version = SchemaVersion.from_version(sys.argv[1])
    fault = JsonStrictValidator(version).validate_str(open(path, encoding="utf-8").read())
    fault and sys.exit(f"{path}: {fault}")
"""


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_bills(tmp_path_factory.mktemp("bills"))


def named(bill: Path) -> set[tuple[str, str]]:
    return {(each["name"], each["version"]) for each in json.loads(bill.read_text())["components"]}


@pytest.mark.parametrize(("place", "lock"), [(0, "bundle"), (1, "infra")])
def test_every_locked_python_package_is_named_with_its_hashes(place: int, lock: str, bills: list[Path]) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    locked = set(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    assert locked
    assert locked <= named(bills[place])
    held = bills[place].read_text()
    assert [digest for digest in re.findall(r"sha256:([0-9a-f]{64})", text) if f'"{digest}"' not in held] == []


def test_the_infrastructure_names_its_command_line_terraform_and_the_provider(bills: list[Path]) -> None:
    assert {("cdktf-cli", "0.21.0"), ("terraform-provider-aws", "5.100.0")} <= named(bills[1])
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    locked = {(path.rpartition("node_modules/")[2], each["version"]) for path, each in packages.items() if path}
    assert locked <= named(bills[1])


def test_the_bills_are_valid(bills: list[Path]) -> None:
    done = run("supply", "python", "-c", VALIDATE, SCHEMA_VERSION, *map(str, bills))
    assert (done.returncode, done.stderr) == (0, "")


def test_rejects_a_bill_that_is_not_valid(bills: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.cdx.json"
    broken.write_text(bills[0].read_text().replace('"library"', '"librarian"'))
    assert "librarian" in run("supply", "python", "-c", VALIDATE, SCHEMA_VERSION, str(broken)).stderr


def test_the_same_locks_make_the_same_bytes(bills: list[Path], tmp_path: Path) -> None:
    again = write_bills(tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in bills]
    assert not any(word in path.read_text() for path in bills for word in ("timestamp", "serialNumber"))
