"""A drill's report on disk, whatever becomes of the drill; its target is a deployment that fails at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drill.emulator import EmbeddedAwsError
from drill.route53 import Route53Error
from drill.scenarios import SCENARIOS
from drill.session import drill
from drill.target import CONFIRMATION_S, PATIENCE_S, Budget, DrillError

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console


class Failing:
    """As much of a target as is asked before a scenario begins."""

    name, emulated, replication_lag_s, copied_within_s, patience_s = "embedded", ("All.",), None, 0.0, 10.0
    regions, weights = ("us-east-1", "us-west-2"), {"us-east-1": 70, "us-west-2": 30}
    budget = Budget(recovery_s=98, evacuation_s=240, ttl_s=60)

    def __init__(self, *errors: BaseException) -> None:
        self._errors = list(errors)

    def settle(self) -> None:
        raise self._errors.pop(0)


def drilled(folder: Path, *errors: BaseException) -> dict[str, Any]:
    target: Any = Failing(*errors)
    chosen = SCENARIOS[: len(errors)]
    drill(target, chosen, scale=1.0, clients=5, observations=[], console=Console(quiet=True), folder=folder)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def test_every_earlier_report_is_kept_with_its_page(tmp_path: Path) -> None:
    for kind in ("json", "html"):
        (tmp_path / f"report.{kind}").write_text(f"an hour's {kind}", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            drilled(tmp_path, KeyboardInterrupt())
    names = [f"report{number}.{kind}" for number in ("", ".1", ".2") for kind in ("html", "json")]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names)
    for kind in ("json", "html"):
        assert (tmp_path / f"report.1.{kind}").read_text(encoding="utf-8") == f"an hour's {kind}"


def test_whatever_keeps_one_scenario_from_being_measured_is_told_and_the_others_are_tried(tmp_path: Path) -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutMetricData")
    errors = [
        DrillError("<b>not warm</b>"),
        Route53Error("no zone"),
        EmbeddedAwsError("ended"),
        BotoCoreError(),
        refused,
    ]
    report = drilled(tmp_path, *errors)
    names = [each.name for each in SCENARIOS[: len(errors)]]
    assert report["unmeasured"] == dict(zip(names, map(str, errors), strict=True))
    assert (report["missing"], report["passed"]) == (names, False)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{names[0]} was not measured: &lt;b&gt;not warm&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("scale", "keeping", "others", "hanging"), [(1.0, "98", "113", "113"), (0.2, "104", "119", "139")]
)
def test_what_is_tolerated_over_the_budget_is_said(
    tmp_path: Path, scale: float, keeping: str, others: str, hanging: str
) -> None:
    chosen = [each for each in SCENARIOS if each.name in ("calls-fail", "region-hangs", "other-region-refuses")]
    target: Any = Failing(*[DrillError("no")] * len(chosen))
    target.patience_s = PATIENCE_S * scale + CONFIRMATION_S
    console = Console(quiet=True)
    report = drill(target, chosen, scale=scale, clients=5, observations=[], console=console, folder=tmp_path)
    said = [each for each in report.assumptions if "tolerance" in each]
    assert len(said) == 2
    assert f"for {hanging} s if they keep TTLs" in said[0]
    assert said[0].endswith("in region-hangs.")
    assert f"98 s by the budget, and by the limit for {keeping} s if they keep TTLs and for {others} s" in said[1]
    assert said[1].endswith("in other-region-refuses.")
