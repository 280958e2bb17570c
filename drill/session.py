"""One drill: scenarios one after another on one target, and their report."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from dr.objectives import RECOVERY_POINT_OBJECTIVE_S, RECOVERY_TIME_OBJECTIVE_S
from drill.embedded import LEAST_TIMEOUT_S
from drill.emulator import EmbeddedAwsError
from drill.outages import Recovery, Scenario
from drill.page import render
from drill.results import Report, write_whole
from drill.route53 import Observation, Route53Error
from drill.run import LED_WITHIN_TTLS, OVERHEAD_S, Run
from drill.target import CONFIRMATION_S, OVERSTAY_S, OVERSTAYING, PATIENCE_S, DrillError, Target
from drill.traffic import PACE_S
from drill.verdict import Allowance, Limits

import attrs
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

FOLDER = Path("build/drill")
CLIENTS = 12
FAILURES = (DrillError, Route53Error, EmbeddedAwsError, BotoCoreError, ClientError)
"""What keeps one scenario from being measured, and not those after it."""


def publish(report: Report, folder: Path) -> Path:
    """Write report.json, and report.html beside it for people; returns the former."""
    path = folder / "report.json"
    report.write(path)
    write_whole(path.with_suffix(".html"), render(json.loads(path.read_text(encoding="utf-8"))))
    return path


def _put_aside(folder: Path) -> None:
    """Keep an earlier run's report as report.1.json, its page as report.1.html, or by the next number that is free."""
    number = next(number for number in count(1) if not (folder / f"report.{number}.json").exists())
    for kind in ("json", "html"):
        with suppress(FileNotFoundError):
            (folder / f"report.{kind}").rename(folder / f"report.{number}.{kind}")


def drill(
    target: Target,
    scenarios: Sequence[Scenario],
    *,
    scale: float,
    clients: int,
    observations: list[Observation],
    console: Console,
    folder: Path,
) -> Report:
    """Run scenarios one after another on one target; the report is written after each, and names those it lacks.

    Beside it is a file of JSON lines for each scenario: every acknowledgement and request; the marks of lost
    writes lead there.
    """
    report = Report(
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        target=target.name,
        time_scale=scale,
        regions=list(target.regions),
        weights=target.weights,
        replication_lag_s=target.replication_lag_s,
        emulated=[*target.emulated, *_scaled(scale)],
        assumptions=[*_assumptions(clients, scale), *_limits(target, scenarios, scale)],
        machine={"cores": os.cpu_count(), "python": platform.python_version()},
        objectives={
            "recovery_time_s": RECOVERY_TIME_OBJECTIVE_S,
            "recovery_point_s": RECOVERY_POINT_OBJECTIVE_S,
            "budget_recovery_time_s": target.budget.recovery_s,
        },
        scenarios=[],
        missing=[scenario.name for scenario in scenarios],
    )
    _put_aside(folder)
    publish(report, folder)
    for number, scenario in enumerate(scenarios, 1):
        began = time.monotonic()
        console.print(f"{number} of {len(scenarios)}: {scenario.title} ...", end=" ")
        name = f"drill-{''.join(filter(str.isdigit, report.started_at[:19]))}-{number}"
        try:
            result = Run(target, scenario, scale, clients, observations, folder / f"{name}.jsonl").run(name)
        except FAILURES as error:
            console.print("[bold red]not measured[/]:", end=" ")
            console.print(str(error), markup=False, highlight=False, soft_wrap=True)
            report = attrs.evolve(report, unmeasured={**report.unmeasured, scenario.name: str(error)})
            publish(report, folder)
            continue
        console.print(
            f"{'[green]passed[/]' if result.passed else '[bold red]failed[/]'} ({time.monotonic() - began:.0f} s)"
        )
        for check in result.checks:
            if not check.passed:
                console.print(f"  {check.name}: {check.measured} {check.unit}, limit {check.limit}", markup=False)
        missing = [each for each in report.missing if each != scenario.name]
        report = attrs.evolve(report, scenarios=[*report.scenarios, result], missing=missing)
        publish(report, folder)
    return report


def _scaled(scale: float) -> list[str]:
    if scale == 1:
        return []
    return [
        f"Time is scaled: intervals, TTLs, lags and outages are {scale:g} of what they are, and all times told here "
        "are divided by it. Not scaled, so that they count for more: the functions' own times, the "
        f"{CONFIRMATION_S:g} s for which the API may wait for S3 and a client for the API, and {LEAST_TIMEOUT_S:g} s "
        "that a health checker waits at least."
    ]


def _limits(target: Target, scenarios: Sequence[Scenario], scale: float) -> Iterator[str]:
    """How long clients may fail, and how much of it is tolerance, as sentences."""
    allowance = Allowance(patience_s=target.patience_s / scale, overhead_s=OVERHEAD_S / scale - OVERHEAD_S)
    none = Allowance(patience_s=0, overhead_s=0)
    found = defaultdict[tuple[Limits, Limits], list[str]](list)
    for each in scenarios:
        if each.recovery is Recovery.FAILOVER:
            limits, bare = (Limits.of(each, target.budget, allowed) for allowed in (allowance, none))
            found[limits, bare].append(each.name)
    for (limits, bare), names in found.items():
        yield (
            f"Clients may fail for {bare.keeping_s:g} s by the budget, and by the limit for {limits.keeping_s:g} s if "
            f"they keep TTLs and for {limits.all_s:g} s if not: the rest is tolerance, in {', '.join(names)}."
        )


def _assumptions(clients: int, scale: float) -> list[str]:
    return [
        f"{clients} clients, each with a resolver of its own, resolve for every request and keep answers for their "
        f"TTL; one in {OVERSTAYING} keeps them for {OVERSTAY_S:g} s more. Their first answers are of any age up to the "
        "TTL, as a shared cache gives them. Nothing is broken before each region that will be leads one of them, which "
        f"keeps to it for a quarter of a TTL more; after {LED_WITHIN_TTLS} TTLs it is broken all the same.",
        f"A client waits {PATIENCE_S:g} s for an answer, and {CONFIRMATION_S:g} s for which the API may wait for S3; "
        f"what was not served it tries again after {PACE_S:g} s, under the same idempotency key. It adds records, "
        "corrects them (`If-Match`), stores documents, and reads all of it back.",
        "Recovery time is counted from a client's first failed request to its last, of the client that waited longest. "
        "Served is the part of all clients' time in which none of them waited for what had failed.",
        "DNS has left a region when it was asked 40 times in a row, by the drill itself, and never answered with it.",
        "Recovery point is the age, at the takeover, of the oldest acknowledged write that the surviving region "
        "lacked. The takeover is when DNS left the other region, or before that when the survivor first served a "
        "client of that one, unless that one serves on; where DNS leaves none, just before the last thing is mended. "
        f"What is copied while the survivor is asked, for about {1 / scale:g} s, counts as there.",
        "Failback is over when every client's resolver has a new answer since DNS answers with the region again, and "
        "the region has served one.",
    ]
