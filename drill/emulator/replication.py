"""Delays what is copied from region to region, and lets the last writer win."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import NamedTuple

from drill.emulator.faults import Faults

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a value is kept: what is last written here wins."""

    service: str
    region: str
    container: Hashable
    key: Hashable


@dataclass(frozen=True)
class Copy:
    """One write on its way to another region: `apply` is told whether a later write is already there."""

    target: Place
    stamp: int
    apply: Callable[[bool], None]
    since: float


class Replication:
    """One queue for each direction between two regions and each service.

    A write is copied at once unless its direction has a lag or is held, or one of the two regions is down; then it
    waits its turn. Writes carry stamps in the order in which they were made, and a copy that arrives after a later
    write loses to it, so both regions converge on the same value, as global tables and two-way bucket replication do.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._lags: dict[tuple[str, str], float] = {}
        self._queues: dict[tuple[str, str, str], deque[Copy]] = {}
        self._stamps: dict[Place, int] = {}
        self._clock = itertools.count(1)
        self._lock = threading.RLock()  # schedules and queue consumers write from threads
        self._copied = self._conflicts = self._failed = 0

    def delay(self, source: str, target: str, seconds: float | str) -> None:
        """Gives one direction a lag: seconds, or `hold` for until further notice.

        Raises:
            ValueError: It is neither.
        """
        lag = math.inf if seconds == "hold" else float(seconds)
        if not lag >= 0:
            raise ValueError(f"'seconds' must be 'hold' or not negative, got: {seconds!r}")
        with self._lock:
            self._lags[source, target] = lag

    def wrote(self, place: Place) -> int:
        """Stamps a write that was just made."""
        with self._lock:
            stamp = next(self._clock)
            self._stamps[place] = stamp
            return stamp

    def submit(self, source: str, target: Place, stamp: int, apply: Callable[[bool], None]) -> bool:
        """Copies now and answers True, or queues the copy and answers False."""
        way = (source, target.region, target.service)
        copy = Copy(target, stamp, apply, time.monotonic())
        with self._lock:
            queue = self._queues.setdefault(way, deque())
            if queue or self._lags.get(way[:2]) or self._held(way):
                queue.append(copy)
                return False
            self._deliver(copy)
            return True

    async def run(self) -> None:
        """Delivers what is due, for as long as the emulator lives."""
        while True:
            with self._lock:
                for way in list(self._queues):
                    self._drain(way)
                self._forget()
            await asyncio.sleep(0.02)

    def state(self) -> dict[str, object]:
        """Lags and lengths of the queues by direction, and what became of the copies so far."""
        with self._lock:
            lags = dict.fromkeys((way[:2] for way in self._queues), 0.0) | self._lags
            ways = []
            for (source, target), lag in sorted(lags.items()):
                since = [
                    copy.since for way, queue in self._queues.items() if way[:2] == (source, target) for copy in queue
                ]
                ways.append(
                    {
                        "source": source,
                        "target": target,
                        "seconds": "hold" if math.isinf(lag) else lag,
                        "queued": len(since),
                        "oldest_s": round(time.monotonic() - min(since), 3) if since else 0.0,
                    }
                )
            return {"ways": ways, "copied": self._copied, "conflicts": self._conflicts, "failed": self._failed}

    def _held(self, way: tuple[str, str, str]) -> bool:
        *regions, service = way
        return math.isinf(self._lags.get(way[:2], 0.0)) or any(self._faults.down(region, service) for region in regions)

    def _drain(self, way: tuple[str, str, str]) -> None:
        queue = self._queues[way]
        while queue and not self._held(way) and queue[0].since + self._lags.get(way[:2], 0.0) <= time.monotonic():
            self._deliver(queue.popleft())

    def _deliver(self, copy: Copy) -> None:
        """Applies one copy. One that fails is logged and counted; the others still travel."""
        superseded = self._stamps.get(copy.target, 0) > copy.stamp
        try:
            copy.apply(superseded)
        except Exception:
            log.exception("a copy was not made: %s", copy.target)
            self._failed += 1
            return
        if superseded:
            self._conflicts += 1
        else:
            self._copied += 1
            self._stamps[copy.target] = copy.stamp

    def _forget(self) -> None:
        """With nothing on its way, no copy can arrive late: the stamps have done their work."""
        if not any(self._queues.values()):
            self._stamps.clear()
