"""What clients make of answers: scripted ones, for the API itself gives none that are wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from drill.client import Answer
from drill.holdings import content, text
from drill.route53 import Kept, ResolutionError
from drill.traffic import Clients
from tests.drill.logs import EAST, WEST

import attrs
import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, SSLError

HEADERS = {"ETag": '"v1"', "X-Correlation-Id": "c1", "Location": "/patients/d-1/records/1"}
CREATED = Answer(201, b'{"replication": null}', HEADERS)
CHANGED = Answer(200, b"{}", {**HEADERS, "ETag": '"v2"'})
NOT_REPLICATED = b'{"type": "urn:healthcare-dr:problem:not-replicated"}'


@attrs.define
class Scripted:
    """An API that gives the answers of a script, one after another, and remembers how it was asked."""

    region: str
    answers: Iterator[Answer | Exception]
    asked: list[dict[str, Any]]

    def call(self, method: str, path: str, body: bytes = b"", **options: str) -> Answer:
        self.asked.append({"method": method, "path": path, **options})
        answer = next(self.answers, Answer(503, b"", {}))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """There is nothing to close."""


@attrs.define
class Hosts:
    """A resolver that leads to these hosts in turn; None is a name that leads nowhere."""

    hosts: list[str | None]
    answers: list[Kept] = attrs.field(factory=list)

    def resolve(self, name: str) -> str:
        host = self.hosts.pop(0) if len(self.hosts) > 1 else self.hosts[0]
        if host is None:
            raise ResolutionError(name)
        return host


def outcomes(
    hosts: list[str | None], *answers: Answer | Exception, until: int
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


def mark(*marks: str, tag: str = '"v1"') -> Answer:
    """A record in versions of these marks; more than one have diverged."""
    heads = [{"content": content(each)} for each in marks]
    body = {**heads[0], "divergence": {"heads": heads} if len(heads) > 1 else None}
    return Answer(200, json.dumps(body).encode(), {"ETag": tag})


def test_what_is_read_back_as_it_was_written_is_served() -> None:
    found, _, clients = outcomes([EAST], CREATED, mark("d-1-1"), until=2)
    assert found == [(EAST, "record", "served"), (EAST, "read record", "served")]
    (written,) = clients.acknowledgements
    assert (written.mark, written.region, written.version, written.correlation) == ("d-1-1", EAST, "v1", "c1")


def test_another_content_than_was_written_is_a_wrong_answer() -> None:
    assert outcomes([EAST], CREATED, mark("d-1-9"), until=2)[0][1] == (EAST, "read record", "wrong")


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


@pytest.mark.parametrize(
    "malformed",
    [
        Answer(200, b"[", {"ETag": '"v1"'}),
        Answer(200, b"{}", {"ETag": '"v1"'}),
        Answer(200, b'{"content": {"mark": "d-1-1"}}', {"ETag": '"v1"'}),
        Answer(200, mark("d-1-1").body, {}),
    ],
    ids=["no JSON", "no content", "half of the content", "no entity tag"],
)
def test_an_answer_that_is_malformed_is_a_wrong_one_and_the_client_goes_on(malformed: Answer) -> None:
    found, _, _ = outcomes([EAST], CREATED, malformed, until=3)
    assert found[1:] == [(EAST, "read record", "wrong"), (EAST, "correction", "failed")]


def test_an_acknowledgement_that_is_malformed_is_none() -> None:
    found, _, clients = outcomes([EAST], Answer(201, b"", {}), CREATED, until=2)
    assert found == [(EAST, "record", "wrong"), (EAST, "record", "served")]
    assert len(clients.acknowledgements) == 1


@pytest.mark.parametrize("error", [EndpointConnectionError, ConnectTimeoutError, SSLError])
def test_whatever_keeps_an_answer_from_coming_is_a_failure(error: type[Exception]) -> None:
    lost = error(endpoint_url="https://there", error="lost")  # type: ignore[call-arg]  # of botocore's own
    assert outcomes([EAST], lost, CREATED, until=2)[0] == [(EAST, "record", "failed"), (EAST, "record", "served")]


def test_what_ends_a_client_otherwise_fails_the_drill() -> None:
    def connect(host: str) -> Any:
        tried.set()
        raise RuntimeError("a fault of the drill")

    tried = threading.Event()
    clients = Clients(name="n", resolvers=[Hosts([EAST])], connect=connect, drill="d", scale=0.001)
    clients.__enter__()
    assert tried.wait(10)
    with pytest.raises(RuntimeError, match="a fault of the drill"):
        clients.__exit__(None, None, None)


def test_all_that_was_acknowledged_and_asked_is_kept_when_the_drill_is_interrupted(tmp_path: Path) -> None:
    journal = tmp_path / "drill.jsonl"
    script = iter((CREATED, mark("d-1-1")))
    connect: Callable[[str], Any] = lambda host: Scripted(host, script, [])  # noqa: E731  typed as what it stands for
    clients = Clients(name="n", resolvers=[Hosts([EAST])], connect=connect, drill="d", scale=0.001, journal=journal)

    def interrupted() -> None:
        with clients:
            deadline = time.monotonic() + 10
            while len(clients.requests) < 3 and time.monotonic() < deadline:
                time.sleep(0.005)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    written = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    assert [each["row"] for each in written] == ["acknowledgement"] + ["request"] * len(clients.requests)
    assert (written[0]["mark"], written[0]["version"], written[0]["region"]) == ("d-1-1", "v1", EAST)
    assert [each["written"] for each in written[1:4]] == [None, "d-1-1", "d-1-1"]
    assert all(0 <= time.time() - each.get("at", each.get("ended")) < 60 for each in written)


def test_a_record_is_corrected_on_top_of_what_the_client_knows() -> None:
    found, asked, clients = outcomes(
        [EAST], CREATED, mark("d-1-1"), CHANGED, mark("d-1-2", tag='"v2"'), Answer(503, b"", {}), until=5
    )
    assert found[2:4] == [(EAST, "correction", "served"), (EAST, "read record", "served")]
    assert (asked[2]["method"], asked[2]["path"], asked[2]["if_match"]) == ("PUT", "/patients/d-1/records/1", '"v1"')
    assert asked[4]["if_match"] == '"v2"'
    assert [each.mark for each in clients.acknowledgements] == ["d-1-1", "d-1-2"]


def test_an_older_version_is_stale_elsewhere_and_wrong_where_the_correction_was_taken() -> None:
    older = (CREATED, mark("d-1-1"), CHANGED, mark("d-1-1"))
    assert outcomes([EAST, EAST, EAST, WEST], *older, until=4)[0][3] == (WEST, "read record", "stale")
    assert outcomes([EAST], *older, until=4)[0][3] == (EAST, "read record", "wrong")


def test_where_the_record_has_diverged_both_heads_are_shown_and_merged() -> None:
    moved = (CREATED, mark("d-1-1"), CHANGED, mark("d-1-1"), CHANGED, mark("d-1-2", "d-1-3", tag='"a.b"'))
    found, asked, _ = outcomes([EAST, EAST, EAST, WEST], *moved, until=7)
    assert found[4:6] == [(WEST, "correction", "served"), (WEST, "read record", "served")]
    assert (asked[4]["if_match"], asked[5]["method"]) == ('"v1"', "GET")


def test_a_correction_of_what_has_another_version_by_now_is_given_up_and_what_is_there_is_read() -> None:
    found, asked, clients = outcomes(
        [EAST, EAST, WEST], CREATED, mark("d-1-1"), Answer(412, b"", {}), mark("d-1-1", tag='"v0"'), until=5
    )
    assert found[2:4] == [(WEST, "correction", "stale"), (WEST, "read record", "served")]
    assert asked[4]["if_match"] == '"v0"'
    assert [each.mark for each in clients.acknowledgements] == ["d-1-1"]


def test_a_correction_of_what_is_not_there_is_stale_elsewhere_and_wrong_where_the_record_was_taken() -> None:
    for region, outcome in ((WEST, "stale"), (EAST, "wrong")):
        found, _, clients = outcomes([EAST, EAST, region], CREATED, mark("d-1-1"), Answer(404, b"", {}), until=4)
        assert found[2:] == [(region, "correction", outcome), (region, "read record", "failed")]
        assert clients.requests[2].written == clients.acknowledgements[0]


def test_a_refusal_is_wrong_where_the_same_region_goes_on_showing_what_was_to_be_corrected() -> None:
    refused = (CREATED, mark("d-1-1"), Answer(412, b"", {}), mark("d-1-1"))
    assert outcomes([EAST], *refused, until=4)[0][2:] == [(EAST, "correction", "stale"), (EAST, "read record", "wrong")]
    assert outcomes([EAST, EAST, EAST, WEST], *refused, until=4)[0][3] == (WEST, "read record", "served")
    assert outcomes([EAST, EAST, WEST, EAST], *refused, until=4)[0][3] == (EAST, "read record", "served")
    by_now = (*refused[:3], mark("d-1-1", tag='"v2"'))
    assert outcomes([EAST], *by_now, until=4)[0][3] == (EAST, "read record", "served")


@pytest.mark.parametrize(("replication", "outcome"), [("pending", "stale"), ("replicated", "wrong")])
def test_the_bytes_of_a_document_that_was_said_to_be_copied_must_be_there(replication: str, outcome: str) -> None:
    stored = Answer(201, json.dumps({"replication": replication}).encode(), HEADERS)
    before = (CREATED, mark("d-1-1"), CHANGED, mark("d-1-2"), CHANGED, mark("d-1-3"))
    # The row that names it comes as records do.
    for missing, found_as in ((Answer(404, b"", {}), "stale"), (Answer(503, NOT_REPLICATED, {}), outcome)):
        found, _, _ = outcomes([*[EAST] * 7, WEST], *before, stored, missing, until=8)
        assert found[6:] == [(EAST, "document", "served"), (WEST, "read document", found_as)]
    for body, read in ((text("d-1-4"), "served"), (b"x", "wrong")):
        assert outcomes([EAST], *before, stored, Answer(200, body, {}), until=8)[0][7][2] == read


def test_what_is_older_is_read_again_in_turn() -> None:
    def corrected(*numbers: int) -> list[Answer]:
        return [answer for number in numbers for answer in (CHANGED, mark(f"d-1-{number}"))]

    def stored(number: int) -> list[Answer]:
        return [Answer(201, b'{"replication": "pending"}', HEADERS), Answer(200, text(f"d-1-{number}"), {})]

    first = [CREATED, mark("d-1-1"), *corrected(2, 3), *stored(4)]
    answers = [*first, mark("d-1-3"), *corrected(6, 7), *stored(8), *corrected(9), Answer(404, b"", {})]
    found, asked, clients = outcomes([*[EAST] * 17, WEST], *answers, until=18)
    assert [each[1] for each in found[8:10]] == ["read record", "correction"]
    assert clients.requests[8].written == clients.acknowledgements[2]
    assert found[17] == (WEST, "read document", "stale")
    assert asked[17]["path"].endswith("/documents/d-1-4.txt")
    assert {outcome for _, _, outcome in found[:17]} == {"served"}
