"""Concurrent clients of the API: each resolves, connects, writes what it can tell again, reads it back, and logs it."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from drill.client import Answer, ApiClient
from drill.route53 import ResolutionError

import attrs
from botocore.exceptions import HTTPClientError

PACE_S = 2.0
"""Between two requests of one client, at true speed."""
PATIENCE_S = 10.0
"""How long a client waits for an answer, at true speed."""
CONFIRMATION_S = 5.0
"""How long the API itself waits for S3 to confirm a copy, before it says `pending`: no drill scales that."""
OVERSTAY_S = 15.0
"""How long after its TTL one client in `OVERSTAYING` still uses an answer, at true speed."""
OVERSTAYING = 5
# Each so many-th write is a document.
_DOCUMENT_EVERY = 4


@attrs.frozen(kw_only=True)
class Request:
    """One attempt of a client, as it saw it; times are of `time.monotonic()`.

    Attributes:
        client: Who.
        began: When it began to resolve the name.
        ended: When the answer was there, or the client gave up.
        region: Which region the name led to; None if it led nowhere.
        kind: `record`, `document`, or the reading of one: `read record`, `read document`.
        outcome: `served`, `failed` (no answer, or the server's fault), `stale` (not yet copied to where it was read)
            or `wrong`.
        text: What came, for people, where it was not served.
    """

    client: str
    began: float
    ended: float
    region: str | None
    kind: str
    outcome: str
    text: str = ""


@attrs.frozen(kw_only=True)
class Acknowledgement:
    """A write that the API took.

    Attributes:
        mark: What it is known by, and its idempotency key: different for each write of a drill.
        patient: Whose data.
        region: Which region took it.
        at: When the client knew.
        version: The id of the version, from the entity tag.
        correlation: By what its audit row is found.
        replication: What a document's answer says of its copy; None for a record.
    """

    mark: str
    patient: str
    region: str
    at: float
    version: str
    correlation: str
    replication: str | None = None


class Names(Protocol):
    """A resolver."""

    def resolve(self, name: str) -> str:
        """The host that the name leads to."""


class Clients:
    """The clients, for as long as the `with` block lasts.

    Attributes:
        requests: Every attempt so far.
        acknowledgements: Every write so far that was taken.
    """

    def __init__(
        self,
        *,
        name: str,
        resolvers: Sequence[Names],
        connect: Callable[[str], ApiClient],
        drill: str,
        scale: float,
    ) -> None:
        """Take what is needed; nothing is asked before the block.

        Args:
            name: What they resolve.
            resolvers: One for each client.
            connect: Makes a client's own caller of the API at a host.
            drill: What its patients are named for: they are its own.
            scale: What the pace is multiplied by.
        """
        self.requests: list[Request] = []
        self.acknowledgements: list[Acknowledgement] = []
        self._stopped = threading.Event()
        self._clients = [
            _Client(
                self,
                f"{drill}-{number}",
                name,
                resolver,
                connect,
                PACE_S * scale,
                2 * PACE_S * scale * number / len(resolvers),
                self._stopped,
            )
            for number, resolver in enumerate(resolvers, 1)
        ]

    @property
    def patients(self) -> list[str]:
        """Each client's patient."""
        return [client.name for client in self._clients]

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=client.run, name=client.name) for client in self._clients]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()


class _Client:
    """One client, who keeps one patient's data."""

    def __init__(
        self,
        log: Clients,
        name: str,
        host: str,
        resolver: Names,
        connect: Callable[[str], ApiClient],
        pace_s: float,
        phase_s: float,
        stopped: threading.Event,
    ) -> None:
        """Take what is needed; the phase keeps the clients from all writing at once, and then all reading."""
        self.name = name
        self._log, self._host, self._resolver, self._connect = log, host, resolver, connect
        self._pace_s, self._phase_s, self._stopped = pace_s, phase_s, stopped
        self._apis: dict[str, ApiClient] = {}

    def run(self) -> None:
        """Write and read back until stopped; what is not served is tried again under the same idempotency key."""
        number = 0
        self._stopped.wait(self._phase_s)
        try:
            while not self._stopped.is_set():
                number += 1
                mark = f"{self.name}-{number}"
                (self._keep_document if number % _DOCUMENT_EVERY == 0 else self._keep_record)(mark)
        finally:
            for api in self._apis.values():
                api.close()

    def _keep_record(self, mark: str) -> None:
        record = {
            "record_type": "observation",
            "facility_id": "drill",
            "recorded_at": "2026-01-05T09:30:00Z",
            "content": {"mark": mark},
        }
        path, body = f"/patients/{self.name}/records", json.dumps(record).encode()
        if found := self._write("record", "POST", path, mark, body, "application/json"):
            written, answer = found
            self._read(written, answer.headers["Location"], lambda body: json.loads(body)["content"]["mark"] == mark)

    def _keep_document(self, mark: str) -> None:
        path, body = f"/patients/{self.name}/documents/{mark}.txt", hashlib.sha256(mark.encode()).hexdigest().encode()
        if found := self._write("document", "PUT", path, mark, body, "text/plain"):
            self._read(found[0], path, lambda read: read == body)

    def _write(
        self, kind: str, method: str, path: str, mark: str, body: bytes, content_type: str
    ) -> tuple[Acknowledgement, Answer] | None:
        """The acknowledgement and the answer; None if the end came first."""

        def judge(region: str, answer: Answer) -> str:
            return "served" if answer.status == 201 else _refusal(answer)

        while True:
            region, answer = self._ask(
                kind, judge, lambda api: api.call(method, path, body, content_type=content_type, idempotency_key=mark)
            )
            if answer and answer.status == 201:
                written = Acknowledgement(
                    mark=mark,
                    patient=self.name,
                    region=region,
                    at=time.monotonic(),
                    version=answer.headers["ETag"].strip('"'),
                    correlation=answer.headers["X-Correlation-Id"],
                    replication=json.loads(answer.body).get("replication"),
                )
                self._log.acknowledgements.append(written)
            if self._stopped.wait(self._pace_s):
                return None
            if answer and answer.status == 201:
                return written, answer

    def _read(self, written: Acknowledgement, path: str, right: Callable[[bytes], bool]) -> None:
        """Read once, wherever the name leads."""

        def judge(region: str, answer: Answer) -> str:
            if answer.status == 200:
                return "served" if right(answer.body) else "wrong"
            elsewhere = region != written.region
            if elsewhere and (answer.status == 404 or b"problem:not-replicated" in answer.body):
                return "stale"
            return _refusal(answer)

        self._ask(f"read {'document' if written.replication else 'record'}", judge, lambda api: api.call("GET", path))
        self._stopped.wait(self._pace_s)

    def _ask(
        self, kind: str, judge: Callable[[str, Answer], str], call: Callable[[ApiClient], Answer]
    ) -> tuple[str, Answer | None]:
        """One attempt, logged: the region that was asked, if any, and its answer."""
        began, region, answer = time.monotonic(), "", None
        try:
            host = self._resolver.resolve(self._host)
            if host not in self._apis:
                self._apis[host] = self._connect(host)
            region = self._apis[host].region
            answer = call(self._apis[host])
            outcome, text = judge(region, answer), f"{answer.status} {answer.body[:200]!r}"
        except (ResolutionError, HTTPClientError) as error:
            outcome, text = "failed", f"{type(error).__name__}: {error}"
        self._log.requests.append(
            Request(
                client=self.name,
                began=began,
                ended=time.monotonic(),
                region=region or None,
                kind=kind,
                outcome=outcome,
                text="" if outcome == "served" else text,
            )
        )
        return region, answer


def _refusal(answer: Answer) -> str:
    """What an answer is that is none of the expected: the server's fault is a failure, all else must not be."""
    return "failed" if answer.status >= 500 or answer.status == 429 else "wrong"
