"""One probe against a real server on loopback, which behaves in every way that matters."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from drill.route53.checkers import probe
from drill.route53.zone import Endpoint

import attrs
import pytest

SCALE = 0.1  # connect within 0.4 s, status and body within 0.2 s each
OK = b"HTTP/1.1 200 OK\r\nX-Word: serving\r\n\r\n"
ENDPOINT = Endpoint(
    host="x.org",
    address="127.0.0.1",
    port=443,
    path="/healthz",
    search=b"serving",
    tcp_only=False,
    interval_s=10,
    threshold=3,
)
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(*parts: bytes | float) -> Behaviour:
    """A server that sends bytes and waits, seconds, in turn, and then closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            else:
                await asyncio.sleep(part)

    return serve


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def probed(behaviour: Behaviour, endpoint: Endpoint = ENDPOINT) -> tuple[bool, str]:
    async def run() -> tuple[bool, str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await behaviour(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            return await probe(endpoint, server.sockets[0].getsockname(), SCALE)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        (says(OK, b"serving"), (True, "status 200")),
        (says(OK, b"ser", 0.05, b"ving", 1.0), (True, "status 200")),  # what comes later is not waited for
        (says(OK.replace(b"200 OK", b"302 Found"), b"serving"), (True, "status 302")),
        (says(OK, b"." * 5113 + b"serving"), (True, "status 200")),
        (says(OK, b"." * 5114 + b"serving"), (False, "status 200 without b'serving'")),
        (says(OK, b"impaired"), (False, "status 200 without b'serving'")),  # the header does not count
        (says(OK.replace(b"200 OK", b"503 No"), b"serving"), (False, "status 503")),
        (says(0.5, OK, b"serving"), (False, "no status within 0.2 s")),
        (says(OK, 0.5, b"serving"), (False, "no body within 0.2 s")),
        (says(OK, *((b".", 0.05) * 10), b"serving"), (False, "no body within 0.2 s")),
        (says(0.11, OK, 0.11, b"serving"), (True, "status 200")),  # each step has its own time
        (says(), (False, "no status: what came is not HTTP")),
        (says(b"nonsense\r\n"), (False, "no status: what came is not HTTP")),
        (resets, (False, "no status: Connection reset by peer")),
    ],
)
def test_an_endpoint_passes_only_in_time_with_the_status_and_the_string(
    behaviour: Behaviour, verdict: tuple[bool, str]
) -> None:
    assert probed(behaviour) == verdict


def test_without_a_string_the_status_decides() -> None:
    assert probed(says(OK, 0.5), attrs.evolve(ENDPOINT, search=None)) == (True, "status 200")


def test_a_tcp_check_asks_for_a_connection_only() -> None:
    assert probed(says(), attrs.evolve(ENDPOINT, tcp_only=True)) == (True, "connected")


def test_an_endpoint_that_takes_no_connection_fails() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        passed, why = asyncio.run(probe(ENDPOINT, closed.getsockname(), SCALE))
    assert (passed, why.startswith("no connection:")) == (False, True)


def test_an_endpoint_whose_queue_is_full_fails_within_four_seconds() -> None:
    async def run() -> tuple[bool, str]:
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            waiting = [socket.socket() for _ in range(4)]
            try:
                for each in waiting:
                    each.setblocking(False)
                    each.connect_ex(deaf.getsockname())
                return await probe(ENDPOINT, deaf.getsockname(), SCALE)
            finally:
                for each in waiting:
                    each.close()

    assert asyncio.run(run()) == (False, "no connection within 0.4 s")


def test_the_request_is_for_the_host_and_says_who_asks() -> None:
    seen: list[bytes] = []

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK + b"serving")

    assert probed(listens)[0]
    assert probed(listens, attrs.evolve(ENDPOINT, port=8443))[0]
    assert seen[0].startswith(
        b"GET /healthz HTTP/1.0\r\nHost: x.org\r\nUser-Agent: Amazon-Route53-Health-Check-Service"
    )
    assert b"Host: x.org:8443\r\n" in seen[1]
