"""What is broken, and how a broken region's connections are cut."""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drill.emulator.locate import Target

from hypercorn.asyncio.tcp_server import TCPServer

MODES = ("drop", "error", "hang", "slow", "throttle", "trickle")
LONGEST_HANG = 120.0
"""Seconds after which a hung request is cut, should neither the client give up nor the fault be lifted."""


@dataclass(frozen=True)
class Fault:
    """One way in which a region (or one service of it) is broken.

    Attributes:
        region: Its name, `global`, or `*`.
        service: Its name in request signatures, `execute-api`, or `*`.
        mode: `drop` resets the connection, `error` answers 503, `hang` never answers, `slow` answers late,
            `throttle` answers as DynamoDB does when its throughput is exceeded, `trickle` answers byte by byte.
        seconds: How late `slow` is, and each byte of a `trickle`; how long a `hang` lasts (0: LONGEST_HANG).
        share: The part of the requests that is hit.
        path: The path of the requests that are hit, or `*`.
    """

    region: str
    service: str = "*"
    mode: str = "drop"
    seconds: float = 0.0
    share: float = 1.0
    path: str = "*"

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Fault:
        """A fault from JSON.

        Raises:
            ValueError: A field is unknown or out of its range.
        """
        if unknown := set(data) - set(cls.__dataclass_fields__):
            raise ValueError(f"a fault has no field {min(unknown)!r}")
        fault = cls(**data)
        if fault.mode not in MODES:
            raise ValueError(f"'mode' must be one of {', '.join(MODES)}, got: {fault.mode!r}")
        if not fault.seconds >= 0:
            raise ValueError(f"'seconds' must not be negative, got: {fault.seconds!r}")
        if not 0 < fault.share <= 1:
            raise ValueError(f"'share' must be more than 0 and at most 1, got: {fault.share!r}")
        return fault

    def hits(self, target: Target, path: str) -> bool:
        """Whether a request to that target can meet this fault."""
        return (
            self.region in ("*", target.region) and self.service in ("*", target.service) and self.path in ("*", path)
        )


class Active:
    """A fault in force.

    Attributes:
        fault: Which.
        healed: Wakes the requests that hang in it when it is lifted.
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.healed = asyncio.Event()
        # Each fault draws anew from one seed: it hits the same requests of a row in every run, whatever came before.
        self._random = random.Random(1)  # noqa: S311

    def draw(self) -> bool:
        """Whether the fault hits one more request."""
        return self._random.random() < self.fault.share


class Faults:
    """The faults in force, by the number that each is lifted by."""

    def __init__(self) -> None:
        self.active: dict[int, Active] = {}
        self._numbers = itertools.count(1)

    def add(self, fault: Fault) -> int:
        """Breaks one thing more; returns its number."""
        number = next(self._numbers)
        self.active[number] = Active(fault)
        return number

    def lift(self, number: int) -> None:
        """Heals one thing; the requests that hang in it are cut. KeyError: it is not broken."""
        self.active.pop(number).healed.set()

    def clear(self) -> None:
        """Heals everything."""
        for number in list(self.active):
            self.lift(number)

    def draw(self, target: Target, path: str) -> Active | None:
        """The fault that one request to that target meets."""
        return next((each for each in self.active.values() if each.fault.hits(target, path) and each.draw()), None)

    def down(self, region: str, service: str) -> bool:
        """Whether no request to that service succeeds."""
        target = Target(region, service)
        found = [each.fault for each in self.active.values()]
        return any(f.hits(target, "*") and f.mode not in ("slow", "trickle") and f.share >= 1 for f in found)


class Connections:
    """Reaches the socket under a request: ASGI itself has no way to reset a connection."""

    def __init__(self) -> None:
        self._writers: dict[tuple[str, int], asyncio.StreamWriter] = {}

    def install(self) -> None:
        """From here on, every connection of hypercorn is known while it lasts."""
        original, writers = TCPServer.run, self._writers

        async def run(server: TCPServer) -> None:
            peer = server.writer.get_extra_info("peername")
            writers[peer] = server.writer
            try:
                await original(server)
            finally:
                writers.pop(peer, None)

        TCPServer.run = run  # type: ignore[method-assign, assignment]

    def reset(self, client: tuple[str, int]) -> None:
        """Cuts a connection with a TCP reset: lingering for no time makes the kernel send RST instead of FIN."""
        writer = self._writers.get((client[0], client[1]))
        if writer is not None:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
