"""The simulated Route 53 as its user sees it: started, asked, stopped."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import threading
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Self

from drill.route53.answers import Answer, answer, healthy
from drill.route53.checkers import Checkers, Place
from drill.route53.observation import Listener, Observation
from drill.route53.server import DnsServer
from drill.route53.zone import Aws, Endpoint, Route53Error, Zone, read_zone

LOCATIONS = 4
"""How many locations probe by default; Route 53 has about 16. So many probes a small machine bears."""

_API_HOST = re.compile(r"\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com$")


class SimulatedRoute53:
    """Route 53's data plane for one zone, for as long as the `with` block lasts: health checkers, and DNS on loopback.

    Zone, records, checks and the settings of their alarms are read once, at the start.

    Attributes:
        address: Where DNS is answered, host and port, UDP and TCP.
        scale: What every time is multiplied by: intervals, timeouts, metric periods. TTLs are sent as they are in the
            zone, and scaled by the `Resolver`.
        locations: How many locations probe each endpoint. Because of Route 53's 18 %, up to 5 find an endpoint
            unhealthy only when all do, 16 when 14 do.
    """

    def __init__(
        self,
        aws: Aws,
        zone_name: str,
        *,
        scale: float = 1.0,
        least_timeout_s: float = 0.0,
        seed: int = 0,
        listen: Listener = lambda _: None,
        locations: int = LOCATIONS,
        port: int = 0,
    ) -> None:
        """Take the settings; nothing is read or started before the `with` block.

        Args:
            aws: The AWS that the zone is deployed in, an `EmbeddedAws`.
            zone_name: The zone's name.
            scale: More than 0; less than 1 makes everything quicker, the endpoints' time to answer as well.
            least_timeout_s: What no time to answer is scaled below: what is probed is no quicker for the scale.
            seed: Makes the choices by weight and the checkers' phases repeatable.
            listen: Is told what happens, on a thread of the simulation, which waits for it: it must be quick.
            locations: At least 1.
            port: For DNS, on 127.0.0.1; 0 means any free one.

        Raises:
            Route53Error: A setting is out of its range.
        """
        if not scale > 0:
            raise Route53Error(f"'scale' must be more than 0, got: {scale!r}")
        if locations < 1:
            raise Route53Error(f"'locations' must be at least 1, got: {locations!r}")
        self.scale, self.locations = scale, locations
        self._least_timeout_s = least_timeout_s
        self._aws, self._name, self._port, self._seed = aws, zone_name, port, seed
        self._listen = listen
        self._draws = Random(seed)  # noqa: S311  the same draws in every run

    def __enter__(self) -> Self:
        """Read the zone and start.

        Raises:
            Route53Error: The zone or one of its checks is missing or cannot be simulated.
        """
        self._zone = read_zone(self._aws.client, self._name)
        self._checkers = Checkers(
            self._zone,
            client=self._aws.client,
            reach=self._reach,
            scale=self.scale,
            least_timeout_s=self._least_timeout_s,
            locations=self.locations,
            random=Random(self._seed),  # noqa: S311  the same phases in every run
            listen=self._listen,
        )
        self._server = DnsServer(self._ask, self._port)
        self.address = self._server.address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="route53", daemon=True)
        self._thread.start()
        self._checking = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop; an error of a checker or of the listener comes to light here, if not before."""
        try:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    @property
    def zone(self) -> Zone:
        """The zone as it was read."""
        return self._zone

    def healthy(self, check_id: str) -> bool:
        """A health check's status now.

        Raises:
            Route53Error: The zone's records have no such check, or the checkers have ended.
        """
        self._assert_running()
        if check_id not in self._checkers.status:
            raise Route53Error(f"no record needs the check {check_id!r}, but these: {sorted(self._checkers.status)}")
        return self._checkers.status[check_id]

    def status(self) -> list[tuple[str, bool, int]]:
        """Each weighted record: its record set id, whether it is healthy now, its weight."""
        self._assert_running()
        return [
            (record.id, healthy(self._zone, record, self._checkers.status), record.weight)
            for record in self._zone.records
            if record.id
        ]

    async def _start(self) -> asyncio.Task[None]:
        await self._server.open()
        return asyncio.create_task(self._checkers.run())

    async def _stop(self) -> None:
        self._checking.cancel()
        self._server.close()
        with suppress(asyncio.CancelledError):
            await self._checking

    def _assert_running(self) -> None:
        if self._checking.done():
            raise Route53Error("the checkers have ended: the simulation was stopped, or a listener failed")

    def _ask(self, name: str, kind: str) -> Answer:
        found = answer(
            self._zone,
            name,
            kind,
            status=self._checkers.status,
            random=self._draws,
            address=self._address,
        )
        said = "; ".join(each.to_text() for each in found.answers) or found.code.name
        self._listen(Observation("answer", found.chosen or name, None, f"{name} {kind}: {said}"))
        return found

    def _address(self, host: str) -> str | None:
        """The address of an API's name: that of its region in the embedded AWS."""
        found = _API_HOST.search(host)
        return (
            str(self._aws.addresses[found["region"]].host) if found and found["region"] in self._aws.addresses else None
        )

    def _reach(self, endpoint: Endpoint) -> Place:
        """Where an endpoint is: AWS's names are in the embedded AWS, all else must be on loopback."""
        if _API_HOST.search(endpoint.host):
            return "127.0.0.1", self._aws.port
        host = endpoint.address or endpoint.host
        with suppress(ValueError):
            if ipaddress.ip_address(host).is_loopback:
                return host, endpoint.port
        raise Route53Error(f"a simulated checker reaches execute-api hosts and loopback addresses only, got: {host!r}")
