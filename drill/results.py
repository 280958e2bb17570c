"""What a drill found, as frozen values and as JSON of a versioned schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

SCHEMA = "healthcare-dr/drill/2"


@attrs.frozen(kw_only=True)
class Event:
    """One thing that happened, so many seconds after the scenario's beginning.

    Attributes:
        kind: `phase`, `fault`, `heal`, `health`, `notification`, `replication` or `failover`.
    """

    at_s: float
    kind: str
    subject: str
    text: str


@attrs.frozen(kw_only=True)
class Check:
    """One thing that must hold; without a limit it is told only."""

    name: str
    measured: float | str | None
    limit: float | str | None
    unit: str
    passed: bool


@attrs.frozen(kw_only=True)
class Served:
    """Requests by interval."""

    served: Sequence[int]
    failed: Sequence[int]


@attrs.frozen(kw_only=True)
class Series:
    """What was seen by interval; each list has an entry for each interval from the scenario's beginning."""

    interval_s: float
    requests: Mapping[str, Served]
    unresolved: Sequence[int]
    healthy: Mapping[str, Sequence[int | None]]
    lag_s: Mapping[str, Sequence[float | None]]


@attrs.frozen(kw_only=True)
class Measures:
    """The figures of one scenario; times in seconds at true speed, None where nothing was measured.

    Latency is by phase and region the median and the 99th percentile, of those who were served. Corrected are those
    corrections that were taken during the outage.
    """

    recovery_time_s: float
    recovery_time_keeping_ttl_s: float
    served_share: float
    recovery_point_s: Mapping[str, float | None]
    lost_for_good: int
    duplicates: int
    wrong_answers: int
    stale_reads: int
    overdue_reads: int
    corrected: int
    merged: int
    notification_s: float | None
    failback_s: float | None
    acknowledged: int
    failed_requests: int
    latency_s: Mapping[str, Mapping[str, Sequence[float]]]


@attrs.frozen(kw_only=True)
class Result:
    """One scenario."""

    name: str
    title: str
    expected: str
    events: Sequence[Event]
    series: Series
    measures: Measures
    checks: Sequence[Check]
    notes: Sequence[str]
    passed: bool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "passed", all(check.passed for check in self.checks))


@attrs.frozen(kw_only=True)
class Report:
    """All scenarios of one run.

    Attributes:
        missing: The names of those that were not run, or not yet: a report that lacks one has not passed.
        unmeasured: By name, why one is missing that was begun.
    """

    schema: str = attrs.field(default=SCHEMA, init=False)
    started_at: str
    target: str
    time_scale: float
    regions: Sequence[str]
    weights: Mapping[str, int]
    replication_lag_s: float | None
    emulated: Sequence[str]
    assumptions: Sequence[str]
    machine: Mapping[str, object]
    objectives: Mapping[str, float]
    scenarios: Sequence[Result]
    missing: Sequence[str]
    unmeasured: Mapping[str, str] = attrs.field(factory=dict)
    passed: bool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "passed", not self.missing and all(result.passed for result in self.scenarios))

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        write_whole(path, json.dumps(attrs.asdict(self), indent=2) + "\n")


def write_whole(path: Path, content: str) -> None:
    """Write a file that is never there in part: what was there before stays until all of it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(content, encoding="utf-8")
    unfinished.replace(path)
