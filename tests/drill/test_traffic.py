"""What clients make of answers: scripted ones, for the API itself gives none that are wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from drill.client import Answer
from drill.route53 import ResolutionError
from drill.traffic import Clients
from tests.drill.logs import EAST, WEST

import attrs

CREATED = Answer(201, b'{"replication": null}', {"ETag": '"v1"', "X-Correlation-Id": "c1", "Location": "/r/1"})
NOT_REPLICATED = b'{"type": "urn:healthcare-dr:problem:not-replicated"}'


@attrs.define
class Scripted:
    """An API that gives the answers of a script, one after another, and remembers how it was asked."""

    region: str
    answers: Iterator[Answer]
    asked: list[dict[str, Any]]

    def call(self, method: str, path: str, body: bytes = b"", **options: str) -> Answer:
        self.asked.append({"method": method, "path": path, **options})
        return next(self.answers, Answer(503, b"", {}))

    def close(self) -> None:
        """There is nothing to close."""


@attrs.define
class Hosts:
    """A resolver that leads to these hosts in turn; None is a name that leads nowhere."""

    hosts: list[str | None]

    def resolve(self, name: str) -> str:
        host = self.hosts.pop(0) if len(self.hosts) > 1 else self.hosts[0]
        if host is None:
            raise ResolutionError(name)
        return host


def outcomes(
    hosts: list[str | None], *answers: Answer, until: int
) -> tuple[list[tuple[str | None, str, str]], list[dict[str, Any]], Clients]:
    """Region, kind and outcome of the first requests of one client; how the APIs were asked; and its log."""
    script, asked = iter(answers), list[dict[str, Any]]()
    connect: Callable[[str], Any] = lambda host: Scripted(host, script, asked)  # noqa: E731  typed as what it stands for
    clients = Clients(name="n", resolvers=[Hosts(hosts)], connect=connect, drill="d", scale=0.001)
    with clients:
        deadline = time.monotonic() + 10
        while len(clients.requests) < until and time.monotonic() < deadline:
            time.sleep(0.005)
    return [(each.region, each.kind, each.outcome) for each in clients.requests[:until]], asked, clients


def mark(text: str) -> bytes:
    return json.dumps({"content": {"mark": text}}).encode()


def test_what_is_read_back_as_it_was_written_is_served() -> None:
    found, _, clients = outcomes([EAST], CREATED, Answer(200, mark("d-1-1"), {}), until=2)
    assert found == [(EAST, "record", "served"), (EAST, "read record", "served")]
    (written,) = clients.acknowledgements
    assert (written.mark, written.region, written.version, written.correlation) == ("d-1-1", EAST, "v1", "c1")


def test_another_content_than_was_written_is_a_wrong_answer() -> None:
    assert outcomes([EAST], CREATED, Answer(200, mark("d-1-9"), {}), until=2)[0][1] == (EAST, "read record", "wrong")


def test_what_is_missing_is_stale_in_the_other_region_and_wrong_where_it_was_written() -> None:
    missing = Answer(404, b"", {})
    assert outcomes([EAST, WEST], CREATED, missing, until=2)[0][1] == (WEST, "read record", "stale")
    assert outcomes([EAST], CREATED, missing, until=2)[0][1] == (EAST, "read record", "wrong")


def test_bytes_that_are_not_copied_yet_are_stale() -> None:
    late = Answer(503, NOT_REPLICATED, {})
    assert outcomes([EAST, WEST], CREATED, late, until=2)[0][1] == (WEST, "read record", "stale")


def test_a_refusal_of_a_write_is_a_wrong_answer() -> None:
    assert outcomes([EAST], Answer(403, b"", {}), until=1)[0] == [(EAST, "record", "wrong")]


def test_a_write_that_is_not_served_is_tried_again_under_the_same_key() -> None:
    busy = (Answer(503, b"", {}), Answer(429, b"", {}))
    found, asked, clients = outcomes([EAST, EAST, WEST], *busy, CREATED, until=3)
    assert found == [(EAST, "record", "failed"), (EAST, "record", "failed"), (WEST, "record", "served")]
    assert {each["idempotency_key"] for each in asked[:3]} == {"d-1-1"}
    assert [each.region for each in clients.acknowledgements] == [WEST]


def test_a_name_that_leads_nowhere_is_a_failure_of_no_region() -> None:
    assert outcomes([None, EAST], CREATED, until=2)[0] == [(None, "record", "failed"), (EAST, "record", "served")]
