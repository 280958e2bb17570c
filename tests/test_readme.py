"""The README says what the code does."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

from dr.objectives import recovery_time_s
from dr.settings import Settings, camel, variable_of
from tests.synthesis import REGIONS, resources, synthesize

import attrs
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Settings)])
def test_every_setting_is_in_the_table(field: str) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{variable_of(field)}` |")]
    assert f"`{camel(field)}`" in row
    default = getattr(attrs.fields(Settings), field).default
    if isinstance(default, str | int):
        assert f"| `{str(default).lower()}` |" in row


def test_worst_case_of_the_default_settings_is_the_one_in_the_text() -> None:
    worst = recovery_time_s(interval_s=10, failure_threshold=3, ttl_s=60)
    assert f"about {worst} s at the worst" in README


def test_the_region_that_is_added_is_as_it_is_pasted(tmp_path: Path) -> None:
    (file, code), *others = re.findall(r"One file, `dr/regions/(.+)`:\n\n```python\n(.*?)```\n", README, re.DOTALL)
    assert others == []
    pasted = tmp_path / file
    pasted.write_text(code, encoding="utf-8")
    lint = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--quiet", str(pasted)]
    subprocess.run(lint, check=True)
    (region,) = (found for name, found in runpy.run_path(str(pasted)).items() if name == "EuWest1")
    stacks = synthesize(tmp_path / "cdktf.out", *REGIONS, region)
    windows = {each.stack: each.arguments["deletion_window_in_days"] for each in resources(stacks, "aws_kms_key")}
    assert windows == {"us-east-1": 7, "us-west-2": 7, "eu-west-1": 30}
    assert {"aws_vpc_peering_connection", "aws_route"} <= stacks["peering"]["resource"].keys()
    assert {each.arguments.get("set_identifier") for each in resources(stacks, "aws_route53_record")} >= {"eu-west-1"}
