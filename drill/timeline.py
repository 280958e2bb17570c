"""What was seen in the course of a scenario, in intervals: pure functions for the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from drill.log import Acknowledgement, Log, Request, Sample
from drill.outages import Break, Hold, Scenario
from drill.results import Series, Served

INTERVAL_S = 2.0
"""Of a picture, at true speed; what is sampled is sampled as often."""

V = TypeVar("V")


def series(log: Log, regions: Sequence[str], scale: float) -> Series:
    """Requests by region and outcome, health and lag, by interval; a request counts where it ended."""
    interval = INTERVAL_S * scale
    length = int((log.ended - log.began) / interval) + 1

    def place(at: float) -> int:
        return min(length - 1, max(0, int((at - log.began) / interval)))

    def counts(region: str | None, *, failed: bool) -> list[int]:
        found = [0] * length
        for request in log.requests:
            if request.region == region and (request.outcome == "failed") == failed:
                found[place(request.ended)] += 1
        return found

    def sampled(value: Callable[[Sample], V]) -> list[V | None]:
        found: list[V | None] = [None] * length
        for sample in log.samples:
            found[place(sample.at)] = value(sample)
        return found

    ways = sorted({way for sample in log.samples for way in sample.lags})
    healthy, lags = sampled(lambda sample: sample.healthy), sampled(lambda sample: sample.lags)
    return Series(
        interval_s=INTERVAL_S,
        requests={r: Served(served=counts(r, failed=False), failed=counts(r, failed=True)) for r in regions},
        unresolved=counts(None, failed=True),
        healthy={r: [None if seen is None else int(seen[r]) for seen in healthy] for r in regions},
        lag_s={w: [round(seen[w] / scale, 3) if seen and w in seen else None for seen in lags] for w in ways},
    )


def unexplained(requests: Iterable[Request], scenario: Scenario, broken: float) -> list[Request]:
    """The requests that failed before anything was broken, or where nothing was."""
    regions = {each.region for each in scenario.all(Break)}
    return [
        request
        for request in requests
        if request.outcome == "failed" and (request.region not in regions or request.ended < broken)
    ]


def surprises(requests: Sequence[Request], scenario: Scenario, broken: float) -> list[str]:
    """What nothing in the scenario explains: such failures and wrong answers, as sentences."""
    found = [*unexplained(requests, scenario, broken), *(each for each in requests if each.outcome == "wrong")]
    return [
        f"{request.kind} of {request.client} in {request.region or 'no region'} {request.outcome}: {request.text}"
        for request in sorted(found, key=lambda request: request.ended)
    ]


def felt(
    requests: Iterable[Request],
    acknowledgements: Iterable[Acknowledgement],
    scenario: Scenario,
    broken: float,
    healed: float,
    scale: float,
) -> int:
    """How many requests failed or were late in a region that was broken, or pending because nothing was copied."""
    breaks = {each.region: each for each in scenario.all(Break) if each.path == "*"}
    hit = [
        request
        for request in requests
        if (found := breaks.get(request.region or "")) and request.ended >= broken and request.began < healed
        if request.outcome == "failed"
        or (found.mode == "slow" and request.ended - request.began >= found.seconds * scale)
    ]
    pending = sum(each.replication == "pending" and broken <= each.at for each in acknowledgements)
    return len(hit) + (pending if scenario.all(Hold) else 0)
