"""All outages of the drill, in quick motion, on the session's deployment."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from drill.__main__ import main
from drill.deployment import ROOT, Deployment, DeploymentError
from drill.embedded import embedded
from drill.emulator import EmbeddedAws
from drill.outages import EAST, WEST, Scenario, Watch
from drill.scenarios import SCENARIOS
from drill.target import DrillError
from tests.deployed.conftest import SUFFIX
from tests.drill.test_page_browser import WIDTHS, opened

import pytest

SCALE, CLIENTS = 0.2, 5
# What the probes decide takes their minutes at any scale: tests/deployed/test_watching.py sees that at true speed.
SCALED = [each for each in SCENARIOS if not each.watched]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the report goes."""
    return tmp_path_factory.mktemp("drill")


@pytest.fixture(scope="module")
def report(aws: EmbeddedAws, deployment: Deployment, folder: Path) -> dict[str, Any]:
    """What the command reports of them, which finds the emulator as one that was left running."""
    state = deployment.folder / "aws.json"
    content = {
        "pid": aws.pid,
        "port": aws.port,
        "account": aws.account,
        "addresses": aws.addresses,
        "log": "aws.log",
    }
    (deployment.folder / "aws.log").symlink_to(aws.log.resolve())
    state.write_text(json.dumps(content), encoding="utf-8")
    options = ["--state", str(state), "--folder", str(folder), "--scale", str(SCALE), "--clients", str(CLIENTS)]
    code = main(options)
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert (found["missing"], found["unmeasured"]) == ([], {})
    assert code == (0 if found["passed"] else 1)
    return found


@pytest.mark.parametrize("scenario", SCALED, ids=lambda each: each.name)
def test_an_outage_ends_as_expected_and_loses_nothing_for_good(scenario: Scenario, report: dict[str, Any]) -> None:
    (found,) = (each for each in report["scenarios"] if each["name"] == scenario.name)
    assert [check for check in found["checks"] if not check["passed"]] == []
    assert found["measures"]["acknowledged"] > CLIENTS
    assert (found["measures"]["corrected"] > 0) == (scenario.name != "both-refuse")


def test_the_report_says_what_it_is_of_and_has_every_request_beside_it(
    report: dict[str, Any], aws: EmbeddedAws, folder: Path
) -> None:
    assert len(list(folder.glob("drill-*.jsonl"))) == len(SCALED)
    assert (report["schema"], report["target"], report["time_scale"]) == ("healthcare-dr/drill/2", "embedded", SCALE)
    assert report["regions"] == list(aws.regions)
    assert any("emulator" in sentence for sentence in report["emulated"])
    assert report["objectives"] == {"recovery_time_s": 300, "recovery_point_s": 60, "budget_recovery_time_s": 98}


def test_the_page_of_it_fits_every_width_with_a_picture_of_each_outage(
    report: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    found = opened(tmp_path, (folder / "report.html").read_text(encoding="utf-8"))
    for width, page in zip(WIDTHS, found, strict=True):
        assert page["title"] == f"Disaster recovery drill: {'passed' if report['passed'] else 'failed'}"
        assert (page["width"], page["beyond"], page["collisions"]) == (width, [], [])
        assert len(page["pictures"]) == len(SCALED)


def test_a_drill_leaves_nothing_broken(report: dict[str, Any], aws: EmbeddedAws) -> None:
    assert report["scenarios"]
    assert aws.faults() == []
    assert {way["seconds"] for way in aws.replication()["ways"]} == {0.0}


def test_no_probe_runs_during_a_drill(aws: EmbeddedAws, deployment: Deployment) -> None:
    events = aws.client("events", WEST)
    events.put_rule(Name="rule-probe-of-a-test", ScheduleExpression="rate(1 minute)")
    try:
        with embedded(aws, deployment, scale=SCALE, listen=lambda _: None):
            assert events.describe_rule(Name="rule-probe-of-a-test")["State"] == "DISABLED"
        assert events.describe_rule(Name="rule-probe-of-a-test")["State"] == "ENABLED"
    finally:
        events.delete_rule(Name="rule-probe-of-a-test")


def test_what_was_evacuated_is_released_once_when_the_watch_ends(aws: EmbeddedAws, deployment: Deployment) -> None:
    (watch,) = (each for scenario in SCENARIOS for each in scenario.all(Watch))
    order = (watch.region, "--via", watch.survivor, "--suffix", SUFFIX, "--reason", "a test", "--yes")
    command = [sys.executable, "-m", "functions.evacuate", "evacuate", *order]
    with embedded(aws, deployment, scale=SCALE, listen=lambda _: None) as target:
        target.begin(watch)
        ends = time.monotonic() + 120  # until both regions' probes have run
        while subprocess.run(command, cwd=ROOT, env=aws.isolated()).returncode and time.monotonic() < ends:
            target.keep(watch)
            time.sleep(2)
        target.end(watch)
        target.begin(watch)
        with pytest.raises(DrillError, match=f"{watch.region} was not released: .*there is nothing to release"):
            target.end(watch)


def test_a_drill_deploys_anew_where_what_was_left_running_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise DeploymentError("it would be deployed now")

    monkeypatch.setattr(Deployment, "deploy", stop)
    state = tmp_path / "aws.json"
    addresses = {EAST: ["127.0.0.1", 2], WEST: ["127.0.0.1", 3]}
    state.write_text(json.dumps({"pid": 2, "port": 1, "account": "1" * 12, "addresses": addresses, "log": "aws.log"}))
    assert main(["--state", str(state), "--folder", str(tmp_path / "drill")]) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert f"the embedded AWS of {state} does not run any more, or does not answer: a new one is started" in said
    assert "It was not measured to the end: it would be deployed now" in said
