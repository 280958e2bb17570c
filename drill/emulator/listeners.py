"""The sockets that the emulator will serve on, opened before it starts: so a port is never lost to another process."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from typing import NamedTuple

from drill.emulator.errors import EmbeddedAwsError

ATTEMPTS = 20
"""How many free ports are tried until one is free on every address."""


class Address(NamedTuple):
    """A host and a port; as text, what goes between `http://` and the path."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def listen(port: int, regions: int) -> list[socket.socket]:
    """One socket on 127.0.0.1, then one for each region; `port` 0 means any free one.

    A region's socket has the same port on an address of its own, 127.0.1.1 and so on. Where the machine has no such
    addresses (macOS has 127.0.0.1 only), it has a port of its own.

    Raises:
        EmbeddedAwsError: The port is taken.
    """
    own = [f"127.0.{number}.1" for number in range(1, regions + 1)] if _has_address("127.0.1.1") else []
    for attempt in range(1 if port else ATTEMPTS):
        with ExitStack() as opened:
            try:
                first = opened.enter_context(_bound("127.0.0.1", port))
                chosen = first.getsockname()[1]
                places = [(host, chosen) for host in own] or [("127.0.0.1", 0)] * regions
                found = [first, *(opened.enter_context(_bound(*place)) for place in places)]
            except OSError as error:
                if error.errno == errno.EADDRINUSE and not port and attempt < ATTEMPTS - 1:
                    continue
                raise EmbeddedAwsError(
                    f"the embedded AWS cannot listen on port {port or 'any'} of 127.0.0.1 ({error.strerror}): "
                    "stop what uses it, or let a free port be chosen"
                ) from error
            opened.pop_all()
            return found
    raise AssertionError  # the last attempt returns or raises


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port is free again right after a stop
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


def _has_address(host: str) -> bool:
    try:
        _bound(host, 0).close()
    except OSError:
        return False
    return True
