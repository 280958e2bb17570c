"""Logs of drills that never ran, for what is computed from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from drill.holdings import Holdings
from drill.log import Acknowledgement, Log, Request
from drill.outages import CLASSES
from drill.results import Check, Measures, Report, Result, Series

EAST, WEST = "us-east-1", "us-west-2"
GOOD = Measures(
    recovery_time_s=90,
    recovery_time_keeping_ttl_s=80,
    served_share=0.9,
    recovery_point_s=dict.fromkeys(CLASSES, 0.0),
    lost_for_good=0,
    duplicates=0,
    wrong_answers=0,
    stale_reads=3,
    overdue_reads=0,
    corrected=30,
    merged=2,
    notification_s=70,
    failback_s=50,
    acknowledged=100,
    failed_requests=0,
    latency_s={"steady": {EAST: [0.1, 0.4]}},
)


def report(*checks: Check, time_scale: float = 1.0, missing: Sequence[str] = (), measures: Measures = GOOD) -> Report:
    result = Result(
        name="region-refuses",
        title="A region refuses",
        expected="The other serves.",
        events=[],
        series=Series(interval_s=2, requests={}, unresolved=[], healthy={}, lag_s={}),
        measures=measures,
        checks=checks,
        notes=[],
    )
    return Report(
        started_at="2026-01-02T03:04:05+00:00",
        target="embedded",
        time_scale=time_scale,
        regions=[EAST, WEST],
        weights={EAST: 70, WEST: 30},
        replication_lag_s=3.0,
        emulated=["All of it.", f"Time by {time_scale:g}."],
        assumptions=["Clients retry."],
        machine={"cores": 2, "python": "3.11.7"},
        objectives={},
        scenarios=[result],
        missing=missing,
    )


def request(
    began: float,
    ended: float,
    outcome: str = "served",
    client: str = "a",
    region: str | None = EAST,
    written: Acknowledgement | None = None,
) -> Request:
    return Request(
        client=client, began=began, ended=ended, region=region, kind="record", outcome=outcome, written=written
    )


def acknowledged(at: float, mark: str, region: str = EAST, replication: str | None = None) -> Acknowledgement:
    return Acknowledgement(
        mark=mark,
        patient="a",
        region=region,
        at=at,
        version=f"version of {mark}",
        correlation=f"row of {mark}",
        replication=replication,
    )


def held(
    marks: Iterable[str], *, audited: Iterable[str] | None = None, stored: Iterable[str] = (), region: str = WEST
) -> Holdings:
    """Rows of these writes, audit rows of all or of some of them, and the objects of some."""
    known = list(marks)
    return Holdings(
        region=region,
        at=0.0,
        versions={f"version of {mark}": mark for mark in known},
        objects={f"version of {mark}": f"object of {mark}" for mark in known},
        merges=frozenset(),
        audited=frozenset(f"row of {mark}" for mark in (known if audited is None else audited)),
        stored=frozenset(f"object of {mark}" for mark in stored),
    )


def logged(requests: Sequence[Request], **about: Any) -> Log:
    """A log of these requests of client a, in which nothing else was seen."""
    seen: dict[str, Any] = {
        "acknowledgements": [],
        "samples": [],
        "answers": [],
        "patients": ["a"],
        "keeping": frozenset("a"),
        "notices": [],
        "survivor": None,
        "takeover": 0.0,
        "final": [],
        "began": 100.0,
    }
    return Log(requests=requests, **{**seen, **about})
