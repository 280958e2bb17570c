"""The drill's command, as far as it goes without anything deployed."""

from pathlib import Path

from drill.__main__ import main
from drill.outages import SCENARIOS

import pytest


def test_the_command_lists_every_scenario_and_what_is_expected_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(f"{each.name}: {each.title}. {each.expected}" in told for each in SCENARIOS)


def test_rejects_a_scenario_that_there_is_none_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path), "--scenario", "earthquake"]) == 2
    assert "no scenario is called earthquake; there are: region-refuses" in capsys.readouterr().out
