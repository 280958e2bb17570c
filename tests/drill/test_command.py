"""The drill's command, as far as it goes without anything deployed."""

from pathlib import Path

from drill.__main__ import main
from drill.scenarios import SCENARIOS

import pytest


def test_the_command_lists_every_scenario_and_what_is_expected_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(f"{each.name}: {each.title}. {each.expected}" in told for each in SCENARIOS)


def test_rejects_a_scenario_that_there_is_none_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path), "--scenario", "earthquake"]) == 2
    assert "no scenario is called earthquake here; there are: region-refuses" in capsys.readouterr().out


def test_rejects_to_scale_what_the_probes_decide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path), "--scale", "0.2", "--scenario", "latched"]) == 2
    told = " ".join(capsys.readouterr().out.split())
    assert "no scenario is called latched here; there are: region-refuses" in told
    assert told.endswith("; what probes watch needs `--scale 1`")


def test_rejects_on_aws_what_only_an_emulator_can_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--folder", str(tmp_path), "--target", "aws"]
    assert main([*options, "--scenario", "region-refuses"]) == 2
    assert "no scenario is called region-refuses here; there are: evacuated-in-health" in capsys.readouterr().out
    assert main([*options, "--scale", "0.2"]) == 2
    assert "'--scale' must be 1 on AWS, whose time cannot be scaled, got: 0.2" in capsys.readouterr().out


def test_evacuates_nothing_on_aws_without_a_yes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--folder", str(tmp_path), "--target", "aws", "--scenario", "evacuated-in-health"]
    assert main(options) == 2
    assert "a region is evacuated at once, and what the drill's patients wrote stays for good: say '--yes'" in (
        capsys.readouterr().out
    )
    assert list(tmp_path.iterdir()) == []
