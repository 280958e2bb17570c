"""Reports of drills as the schema has them: a failover of us-east-1, and what a page must bear as well."""

from __future__ import annotations

from typing import Any

EAST, WEST = "us-east-1", "us-west-2"
INTERVAL_S = 2.0
LENGTH = 95
OUTAGE, OVER = (11, 76)  # intervals
HOSTILE = "<script>document.title = 'taken'</script>\"'&"


NAMED = {
    *("schema", "started_at", "target", "time_scale", "regions", "weights", "replication_lag_s", "emulated"),
    *("assumptions", "machine", "cores", "python", "objectives", "scenarios", "passed", "name", "title", "expected"),
    *("events", "at_s", "kind", "subject", "text", "series", "interval_s", "requests", "served", "failed"),
    *("unresolved", "healthy", "lag_s", "measures", "served_share", "recovery_point_s", "lost_for_good"),
    *("duplicates", "wrong_answers", "notification_s", "failback_s", "acknowledged", "failed_requests", "checks"),
    *("measured", "limit", "unit", "notes", "recovery_time_s", "budget_recovery_time_s", "latency_s", "missing"),
    *("steady", "outage", "recovery", "overdue_reads", "corrected", "merged"),
}


def check(name: str, measured: object, limit: object, unit: str = "s", *, passed: bool = True) -> dict[str, Any]:
    return {"name": name, "measured": measured, "limit": limit, "unit": unit, "passed": passed}


def event(at_s: float, kind: str, subject: str, text: str) -> dict[str, Any]:
    return {"at_s": at_s, "kind": kind, "subject": subject, "text": text}


def failover() -> dict[str, Any]:
    """us-east-1 dies for 130 s, and DNS leaves it after half a minute."""
    places = range(LENGTH)
    east_served = [28 if place < OUTAGE else 0 if place < OVER + 14 else 20 for place in places]
    east_failed = [28 if OUTAGE <= place < OUTAGE + 14 else 4 if 25 <= place < 40 else 0 for place in places]
    west_served = [12 if place < OUTAGE + 14 else 40 if place < OVER + 14 else 20 for place in places]
    lag: list[float | None] = [
        0.9 if place < OUTAGE or place >= OVER + 3 else (place - OUTAGE) * INTERVAL_S for place in places
    ]
    return {
        "name": "region-refuses",
        "title": "A region refuses all connections",
        "expected": f"{WEST} serves all; writes not yet replicated are back once {EAST} is.",
        "passed": True,
        "events": [
            event(2.0, "phase", "steady", "all is well"),
            event(22.0, "phase", "outage", "A region refuses all connections"),
            event(22.1, "fault", "", f"{EAST} refuses all connections"),
            event(48.2, "health", "health-check-endpoint", f"{EAST} is unhealthy: 0 of 4 locations: healthy"),
            event(48.6, "failover", WEST, f"DNS answers with {WEST}"),
            event(60.0, "notification", "peer-us-east-1", f"{EAST} is not healthy, seen from {WEST}"),
            event(64.0, "notification", "operations", f"{EAST} is evacuated; {WEST} serves all"),
            event(152.0, "heal", "", f"{EAST} refuses all connections: no more"),
            event(152.1, "phase", "recovery", "nothing is broken any more"),
            event(158.0, "replication", EAST, "what was held is replayed"),
            event(174.0, "failover", EAST, f"DNS answers with {EAST} and {WEST}"),
        ],
        "series": {
            "interval_s": INTERVAL_S,
            "requests": {
                EAST: {"served": east_served, "failed": east_failed},
                WEST: {"served": west_served, "failed": [0] * LENGTH},
            },
            "unresolved": [0] * LENGTH,
            "healthy": {
                EAST: [1 if place < 24 or place >= 87 else 0 for place in places],
                WEST: [None if place < 2 else 1 for place in places],
            },
            "lag_s": {f"{EAST} to {WEST}": lag, f"{WEST} to {EAST}": [None, *lag[1:]]},
        },
        "measures": {
            "recovery_time_s": 58.4,
            "served_share": 0.99996,
            "recovery_point_s": {
                "records": 0.8,
                "audit": 0.9,
                "documents_replicated": 0.0,
                "documents_pending": None,
            },
            "lost_for_good": 0,
            "duplicates": 0,
            "wrong_answers": 0,
            "notification_s": 42.0,
            "failback_s": 22.1,
            "acknowledged": 1810,
            "failed_requests": 452,
            "corrected": 700,
            "merged": 3,
            "latency_s": {"steady": {EAST: [0.1, 0.4], WEST: [0.1, 0.5]}, "outage": {WEST: [0.2, 1.9]}},
        },
        "checks": [
            check("DNS leaves", EAST, EAST, ""),
            check("recovery time", 58.4, 98),
            check("recovery point, records", 0.8, 60.0),
            check("recovery point, documents pending", None, None),
            check("acknowledged writes lost for good", 0, 0, "writes"),
        ],
        "notes": ["One client kept an answer for 15 s longer than its TTL."],
    }


def flapping() -> dict[str, Any]:
    """Many events in a short time, requests that find no region, and a check that is missed."""
    scenario = failover()
    flaps = [
        event(20.0 + 8 * turn, "heal" if turn % 2 else "fault", EAST, f"{EAST} {'is back' if turn % 2 else 'is gone'}")
        for turn in range(16)
    ]
    return {
        **scenario,
        "name": "flapping",
        "title": "A region comes and goes",
        "passed": False,
        "events": flaps,
        "series": {**scenario["series"], "unresolved": [3 if 30 <= place < 36 else 0 for place in range(LENGTH)]},
        "measures": {**scenario["measures"], "lost_for_good": 2},
        "checks": [
            check("recovery time", 331.04, 300, passed=False),
            check("acknowledged writes lost for good", 2, 0, "writes", passed=False),
        ],
    }


def empty() -> dict[str, Any]:
    """Nothing was seen at all."""
    series = {"interval_s": 1.0, "requests": {}, "unresolved": [], "healthy": {}, "lag_s": {}}
    scenario = {**failover(), "name": "empty", "title": "Nothing", "events": [], "series": series, "checks": []}
    return {**scenario, "notes": []}


def report(*scenarios: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A report of these scenarios."""
    return {
        "schema": "healthcare-dr/drill/2",
        "started_at": "2026-11-25T23:09:18+00:00",
        "target": "embedded",
        "time_scale": 1,
        "regions": [EAST, WEST],
        "weights": {EAST: 70, WEST: 30},
        "replication_lag_s": 3.0,
        "emulated": ["AWS is an emulator in one process on this machine.", "Route 53 is simulated by its rules."],
        "assumptions": ["5 clients; one keeps answers for 15 s longer than their TTL."],
        "machine": {"cores": 2, "python": "3.13.1"},
        "objectives": {"recovery_time_s": 300, "recovery_point_s": 60, "budget_recovery_time_s": 98},
        "scenarios": list(scenarios),
        "missing": [],
        "passed": all(scenario["passed"] for scenario in scenarios),
        **changed,
    }


def hostile(value: Any) -> Any:
    """The same with every text hostile, and every name of a series; the schema, its names and the kinds stay."""
    match value:
        case dict():
            return {
                name if name in NAMED else hostile(name): each if name in ("kind", "schema") else hostile(each)
                for name, each in value.items()
            }
        case list():
            return [hostile(each) for each in value]
        case str():
            return f"{value} {HOSTILE}"
    return value
