"""Concurrent clients of the API, what they resolve by, and the log of what they did."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from drill.client import ApiClient
from drill.log import Acknowledgement, Request, lines
from drill.patient import Client
from drill.results import write_whole
from drill.route53 import Kept

PACE_S = 2.0
"""Between two requests of one client, at true speed."""


class Names(Protocol):
    """A resolver."""

    answers: list[Kept]

    def resolve(self, name: str) -> str:
        """The host that the name leads to."""


class Clients:
    """The clients, for as long as the `with` block lasts.

    Attributes:
        requests: Every attempt so far.
        acknowledgements: Every write so far that was taken.
        resolvers: Of each client.
    """

    def __init__(
        self,
        *,
        name: str,
        resolvers: Sequence[Names],
        connect: Callable[[str], ApiClient],
        drill: str,
        scale: float,
        journal: Path | None = None,
    ) -> None:
        """Take what is needed; nothing is asked before the block.

        Args:
            name: What they resolve.
            resolvers: One for each client.
            connect: Makes a client's own caller of the API at a host.
            drill: What its patients are named for: they are its own.
            scale: What the pace is multiplied by.
            journal: Where all acknowledgements and requests are written in the end, however it comes.
        """
        self.requests: list[Request] = []
        self.acknowledgements: list[Acknowledgement] = []
        self.resolvers, self._journal = resolvers, journal
        self._stopped = threading.Event()
        self._running: list[Future[None]] = []
        pace = PACE_S * scale
        self._clients = [
            Client(
                name=f"{drill}-{number}",
                requests=self.requests,
                acknowledgements=self.acknowledgements,
                resolve=partial(resolver.resolve, name),
                connect=connect,
                pace_s=pace,
                stopped=self._stopped,
            )
            for number, resolver in enumerate(resolvers, 1)
        ]

    @property
    def patients(self) -> list[str]:
        """Each client's patient."""
        return [client.name for client in self._clients]

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(len(self._clients))
        for number, client in enumerate(self._clients, 1):
            self._running.append(self._pool.submit(client.run, 2 * number / len(self._clients)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop; what made a client end before comes to light here."""
        self._stopped.set()
        try:
            self._pool.shutdown()
        finally:
            if self._journal:
                write_whole(self._journal, "".join(lines([*self.acknowledgements, *self.requests])))
        for client in self._running:
            if kind is None:
                client.result()
