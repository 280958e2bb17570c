"""Logs of drills that never ran, for what is computed from them."""

from __future__ import annotations

from collections.abc import Iterable

from drill.holdings import Holdings
from drill.traffic import Acknowledgement, Request

EAST, WEST = "us-east-1", "us-west-2"


def request(
    began: float, ended: float, outcome: str = "served", client: str = "a", region: str | None = EAST
) -> Request:
    return Request(client=client, began=began, ended=ended, region=region, kind="record", outcome=outcome)


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
        audited=frozenset(f"row of {mark}" for mark in (known if audited is None else audited)),
        stored=frozenset(f"object of {mark}" for mark in stored),
    )
