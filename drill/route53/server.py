"""A DNS server on loopback: UDP and TCP, real messages."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress

from drill.route53.answers import Answer

from dns import flags, message, opcode, rcode, rdataclass, rdatatype
from dns.exception import DNSException

ATTEMPTS = 20
UDP_BYTES = 512
EDNS_BYTES = 1232
IDLE_S = 10.0

Ask = Callable[[str, str], Answer]


class DnsServer:
    """Answers queries as an authoritative server, from `open` to `close`.

    Attributes:
        address: Where it listens, UDP and TCP.
    """

    def __init__(self, ask: Ask, port: int = 0) -> None:
        """Take the port on 127.0.0.1, or any free one; queries wait until `open`.

        Raises:
            OSError: The port is taken.
        """
        self._ask = ask
        self._udp, self._tcp = _bind(port)
        self.address: tuple[str, int] = self._udp.getsockname()
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Answer from now on."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self.respond), sock=self._udp)
        self._server = await asyncio.start_server(self._converse, sock=self._tcp)

    def close(self) -> None:
        """Answer no more."""
        if self._transport:
            self._transport.close()
        if self._server:
            self._server.close()
        self._udp.close()
        self._tcp.close()

    def respond(self, wire: bytes, *, tcp: bool = False) -> bytes | None:
        """The response to one message; None to what is no query."""
        try:
            query = message.from_wire(wire)
            if query.flags & flags.QR:
                return None
            response = message.make_response(query, our_payload=EDNS_BYTES)
        except DNSException:
            return None
        if query.opcode() != opcode.QUERY or len(query.question) != 1:
            response.set_rcode(rcode.NOTIMP)
        elif query.question[0].rdclass != rdataclass.IN:
            response.set_rcode(rcode.REFUSED)
        else:
            asked = query.question[0]
            found = self._ask(asked.name.to_text(), rdatatype.to_text(asked.rdtype))
            response.set_rcode(found.code)
            response.answer, response.authority = list(found.answers), list(found.authority)
            response.additional = list(found.notes)
            if found.code != rcode.REFUSED:
                response.flags |= flags.AA
        longest = 65535 if tcp else max(UDP_BYTES, query.payload)
        return response.to_wire(max_size=longest, prefer_truncation=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Queries over one TCP connection, each after its length."""
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            while True:
                async with asyncio.timeout(IDLE_S):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    response = self.respond(await reader.readexactly(length), tcp=True)
                if response is None:
                    break
                writer.write(len(response).to_bytes(2, "big") + response)
                await writer.drain()
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, respond: Callable[[bytes], bytes | None]) -> None:
        self._respond = respond

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # no other here
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if response := self._respond(data):
            self._transport.sendto(response, addr)


def _bind(port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on the same port."""
    for attempt in range(1 if port else ATTEMPTS):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.bind(("127.0.0.1", port))
            tcp.bind(udp.getsockname())
        except OSError as error:
            udp.close()
            tcp.close()
            if port or error.errno != errno.EADDRINUSE or attempt == ATTEMPTS - 1:
                raise
            continue
        tcp.listen()
        udp.setblocking(False)
        tcp.setblocking(False)
        return udp, tcp
    raise AssertionError  # the last attempt returns or raises
