"""`make bench` fails when a figure is not what is wanted of it, and shows which."""

import json

from tools import bench
from tools.bench_api import Figure, start_figures

import pytest

SYNTHESIS = {"on_demand_s": 1.9, "stock_s": 16.0, "ratio": 0.12, "setup_again_s": 0.9}
API = [Figure("seen", 5), Figure("bundle", 3, "MB", "under 5")]
START = {"import_ms": 399.0, "whole_ms": 499.0, "first_request_ms": 30.0, "first_upload_ms": 40.0}
WARM = {"handler_ms": [11.0, 11.0], "call_ms": 1.0}
RED = "\x1b[31m"


def measured(monkeypatch: pytest.MonkeyPatch, synthesis: dict[str, float], api: list[Figure]) -> None:
    """The figures are given; nothing is measured."""
    monkeypatch.setattr(bench, "measure", lambda: synthesis)
    monkeypatch.setattr("tools.bench_api.measure", lambda _: api)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)


def test_figures_that_are_as_wanted_pass(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    measured(monkeypatch, SYNTHESIS, API)
    assert bench.main([]) == 0
    assert RED not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("synthesis", "api", "row"),
    [
        ({"on_demand_s": 2.0}, API, "bindings on demand"),
        ({"ratio": 0.125}, API, "ratio"),
        ({"setup_again_s": 1.0}, API, "set-up, nothing changed"),
        ({}, [*API, Figure("requests not served", 1, "", "0", holds=False)], "requests not served"),
    ],
)
def test_rejects_a_figure_that_is_not_as_wanted(
    synthesis: dict[str, float],
    api: list[Figure],
    row: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured(monkeypatch, {**SYNTHESIS, **synthesis}, api)
    assert bench.main([]) == 1
    (red,) = [line for line in capsys.readouterr().out.splitlines() if RED in line]
    assert row in red
    monkeypatch.delenv("FORCE_COLOR")
    assert bench.main(["--json"]) == 1
    assert json.loads(capsys.readouterr().out)["on_demand_s"] == {**SYNTHESIS, **synthesis}["on_demand_s"]


def test_a_start_that_is_as_wanted_holds_in_every_figure() -> None:
    assert all(figure.holds for figure in start_figures(START, 400, WARM))


@pytest.mark.parametrize(
    ("start", "stock_ms", "warm", "missed"),
    [
        ({"import_ms": 400.0}, 400, {}, "import of the bundle at a cold start"),
        ({"whole_ms": 600.0}, 400, {}, "ratio of that to boto3 with two clients"),
        ({}, 400, {"handler_ms": [12.0]}, "p50 in calls of botocore"),
    ],
)
def test_rejects_each_figure_of_a_start_over_its_limit(
    start: dict[str, float], stock_ms: float, warm: dict[str, list[float]], missed: str
) -> None:
    figures = start_figures({**START, **start}, stock_ms, {**WARM, **warm})
    assert [figure.name for figure in figures if not figure.holds] == [missed]
