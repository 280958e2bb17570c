"""One drill: scenarios one after another on one target, and their report."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from dr.objectives import RECOVERY_POINT_OBJECTIVE_S, RECOVERY_TIME_OBJECTIVE_S
from drill.outages import Scenario
from drill.page import render
from drill.results import Report, Result
from drill.route53 import Observation
from drill.run import OVERHEAD_S, Run
from drill.target import Target
from drill.traffic import CONFIRMATION_S, OVERSTAY_S, OVERSTAYING, PACE_S, PATIENCE_S

from rich.console import Console

FOLDER = Path("build/drill")
CLIENTS = 12


def publish(report: Report, folder: Path) -> Path:
    """Write report.json, and report.html beside it for people; returns the former."""
    path = folder / "report.json"
    report.write(path)
    page = render(json.loads(path.read_text(encoding="utf-8")))
    path.with_suffix(".html").write_text(page, encoding="utf-8")
    return path


def drill(
    target: Target,
    scenarios: Sequence[Scenario],
    *,
    scale: float,
    clients: int,
    observations: list[Observation],
    console: Console,
) -> Report:
    """Run scenarios one after another on one target.

    Raises:
        DrillError: One could not be measured.
    """
    started, results = datetime.now(UTC), list[Result]()
    for number, scenario in enumerate(scenarios, 1):
        began = time.monotonic()
        console.print(f"{number} of {len(scenarios)}: {scenario.title} ...", end=" ")
        run = Run(target, scenario, scale, clients, observations)
        results.append(run.run(f"drill-{started:%Y%m%d%H%M%S}-{number}"))
        passed = "[green]passed[/]" if results[-1].passed else "[bold red]failed[/]"
        console.print(f"{passed} ({time.monotonic() - began:.0f} s)")
        for check in results[-1].checks:
            if not check.passed:
                console.print(f"  {check.name}: {check.measured} {check.unit}, limit {check.limit}", markup=False)
    return Report(
        started_at=started.isoformat(timespec="seconds"),
        target=target.name,
        time_scale=scale,
        regions=list(target.regions),
        weights=target.weights,
        replication_lag_s=target.replication_lag_s,
        emulated=[*target.emulated, *_scaled(scale)],
        assumptions=_assumptions(clients),
        machine={"cores": os.cpu_count(), "python": platform.python_version()},
        objectives={
            "recovery_time_s": RECOVERY_TIME_OBJECTIVE_S,
            "recovery_point_s": RECOVERY_POINT_OBJECTIVE_S,
            "budget_recovery_time_s": target.budget.recovery_s,
        },
        scenarios=results,
    )


def _scaled(scale: float) -> list[str]:
    if scale == 1:
        return []
    return [
        f"Time is scaled: intervals, timeouts, TTLs, lags and outages are {scale:g} of what they are, and all times "
        "told here are divided by it. The functions' own times are not scaled, so they count for more, "
        f"and recovery may take {OVERHEAD_S / scale - OVERHEAD_S:g} s more than the budget."
    ]


def _assumptions(clients: int) -> list[str]:
    return [
        f"{clients} clients, each with a resolver of its own, resolve for every request and keep answers for their "
        f"TTL; one in {OVERSTAYING} keeps them for {OVERSTAY_S:g} s more. Their first answers are of any age up to the "
        "TTL, as a shared cache gives them.",
        f"A client waits {PATIENCE_S:g} s for an answer, and {CONFIRMATION_S:g} s for which the API may wait for S3; "
        f"what was not served it tries again after {PACE_S:g} s, under the same idempotency key.",
        "Recovery time is counted from a client's first failed request to its last, of the client that waited longest.",
        "Recovery point is the age of the oldest acknowledged write that the surviving region lacked when DNS left the "
        "other, counted back from the last write that the other took; where DNS left none, at the end of the outage. "
        "What is copied while the survivor is asked, for about a second, counts as there.",
    ]
