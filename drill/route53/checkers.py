"""Health checkers in several locations, and the status that each check has by what they find."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

from drill.route53 import rules
from drill.route53.ahead import Ahead
from drill.route53.observation import Listener, Observation
from drill.route53.zone import Check, Endpoint, Metric, Zone

from botocore.exceptions import BotoCoreError, ClientError

# Route 53 developer guide, "How Amazon Route 53 determines whether a health check is healthy". Seconds.
CONNECTED_WITHIN, TCP_CONNECTED_WITHIN = 4.0, 10.0
STATUS_WITHIN, BODY_WITHIN = 2.0, 2.0
# How often a metric is read; Route 53 does not say how often it does.
METRIC_READ_EVERY = 10.0

Place = tuple[str, int]


class Checkers:
    """Probes every endpoint and reads every metric, and knows each check's status.

    Attributes:
        status: By check id; right from the start, when nothing has been probed.
    """

    def __init__(
        self,
        zone: Zone,
        *,
        client: Callable[[str, str], Any],
        reach: Callable[[Endpoint], Place],
        scale: float,
        least_timeout_s: float,
        locations: int,
        random: Random,
        listen: Listener,
    ) -> None:
        """Make them; nothing is probed before `run`.

        Args:
            zone: Whose checks.
            client: Gives a boto3 client of a service in a region.
            reach: Where an endpoint is reached.
            scale: What every time is multiplied by.
            least_timeout_s: What no time that an endpoint has to answer in is less than, whatever the scale.
            locations: How many locations probe each endpoint.
            random: Draws when each location's first probe is.
            listen: Is told what happens.
        """
        self._checks, self._client, self._scale = zone.checks, client, scale
        self._least_timeout_s = least_timeout_s
        self._listen, self._random = listen, random
        self._places = {check.id: reach(check.endpoint) for check in self._checks.values() if check.endpoint}
        self._reports = {id_: [rules.Location()] * locations for id_ in self._places}
        self._found = dict.fromkeys(self._checks, True)
        self.status: dict[str, bool] = {}
        for check in self._checks.values():
            self.status[check.id] = self._status(check)

    async def run(self) -> None:
        """Probe and read until cancelled; none waits for another."""
        async with asyncio.TaskGroup() as tasks:
            for check in self._checks.values():
                if check.disabled:
                    continue
                if check.endpoint:
                    for location in range(len(self._reports[check.id])):
                        phase = self._random.uniform(0, check.endpoint.interval_s * self._scale)
                        tasks.create_task(self._watch_endpoint(check, check.endpoint, location, phase))
                if check.metric:
                    tasks.create_task(self._watch_metric(check, check.metric))

    async def _watch_endpoint(self, check: Check, endpoint: Endpoint, location: int, phase: float) -> None:
        loop, reports = asyncio.get_running_loop(), self._reports[check.id]
        due = loop.time() + phase
        while True:
            await asyncio.sleep(due - loop.time())
            passed, why = await probe(endpoint, self._places[check.id], self._scale, self._least_timeout_s)
            reports[location] = reports[location].after(passed, endpoint.threshold)
            self._listen(Observation("checker", check.name, passed, f"location {location + 1}: {why}"))
            healthy = [report.healthy for report in reports]
            self._find(check, rules.endpoint_healthy(healthy), f"{sum(healthy)} of {len(healthy)} locations: healthy")
            due = max(due + endpoint.interval_s * self._scale, loop.time())

    async def _watch_metric(self, check: Check, metric: Metric) -> None:
        ahead = Ahead(true_s=metric.period_s, scaled_s=max(1, round(metric.period_s * self._scale)))
        while True:
            figures = await asyncio.to_thread(self._read, metric, ahead)
            found = rules.metric_healthy(figures, metric.alarm)
            if found is None:
                found = rules.without_data(metric.without_data, self._found[check.id])
            self._find(check, found, f"{metric.query['MetricName']} of the last periods: {figures}")
            await asyncio.sleep(METRIC_READ_EVERY * self._scale)

    def _read(self, metric: Metric, ahead: Ahead) -> list[float | None]:
        """The figures of the last whole periods; a region that does not answer has none."""
        current = int(time.time()) // ahead.scaled_s * ahead.scaled_s
        try:
            answer = self._client("cloudwatch", metric.region).get_metric_statistics(
                **metric.query,
                StartTime=datetime.fromtimestamp(current - ahead.scaled_s * metric.alarm.periods, UTC),
                EndTime=datetime.fromtimestamp(current + ahead.true_s + ahead.scaled_s, UTC),
                Period=ahead.scaled_s,
                Statistics=sorted({metric.statistic, "SampleCount"}),
            )
        except (BotoCoreError, ClientError):
            return [None] * metric.alarm.periods
        points = {
            int(point["Timestamp"].timestamp()): (point[metric.statistic], point["SampleCount"])
            for point in answer["Datapoints"]
        }
        return ahead.figures(points, current, metric.alarm.periods)

    def _find(self, check: Check, healthy: bool, why: str) -> None:
        """Note what the check itself finds, and what follows for its status and those calculated from it."""
        if healthy != self._found[check.id]:
            self._found[check.id] = healthy
            if check.endpoint:
                self._listen(Observation("endpoint", check.name, healthy, why))
        self._settle(check, why)
        for parent in self._checks.values():
            if check.id in parent.children:
                self._settle(parent, f"by {check.name}")

    def _settle(self, check: Check, why: str) -> None:
        status = self._status(check)
        if status != self.status[check.id]:
            self.status[check.id] = status
            self._listen(Observation("check", check.name, status, why))

    def _status(self, check: Check) -> bool:
        found = self._found[check.id]
        if not (check.endpoint or check.metric):
            found = rules.calculated_healthy([self.status[child] for child in check.children], check.healthy_children)
        return rules.status(found, inverted=check.inverted, disabled=check.disabled)


async def probe(endpoint: Endpoint, place: Place, scale: float, least_s: float = 0.0) -> tuple[bool, str]:
    """Whether an endpoint passes one probe, and why: it must connect and answer within the documented times.

    HTTPS is spoken as HTTP: the embedded AWS has no TLS, and Route 53 does not validate certificates.
    """
    within = max(least_s, scale * (TCP_CONNECTED_WITHIN if endpoint.tcp_only else CONNECTED_WITHIN))
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(*place)
    except TimeoutError:
        return False, f"no connection within {within:g} s"
    except OSError as error:
        return False, f"no connection: {error.strerror}"
    try:
        if endpoint.tcp_only:
            return True, "connected"
        writer.write(_request(endpoint))
        return await _judge(endpoint, reader, scale, least_s)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _request(endpoint: Endpoint) -> bytes:
    host = endpoint.host if endpoint.port in (80, 443) else f"{endpoint.host}:{endpoint.port}"
    # In version 1.0, so that no server sends the body in chunks: what is searched is the body and nothing else.
    lines = (
        f"GET {endpoint.path} HTTP/1.0",
        f"Host: {host}",
        "User-Agent: Amazon-Route53-Health-Check-Service (simulated)",
        "Accept: */*",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode()


async def _judge(endpoint: Endpoint, reader: asyncio.StreamReader, scale: float, least_s: float) -> tuple[bool, str]:
    step, within = "status", max(least_s, STATUS_WITHIN * scale)
    try:
        async with asyncio.timeout(within):
            status = int((await reader.readline()).split()[1])
        step, within = "body", max(least_s, BODY_WITHIN * scale)
        async with asyncio.timeout(within):
            body = b"" if endpoint.search is None else await _read_body(reader, endpoint.search)
    except TimeoutError:
        return False, f"no {step} within {within:g} s"
    except OSError as error:
        return False, f"no {step}: {error.strerror or 'connection lost'}"
    except (ValueError, IndexError):
        return False, f"no {step}: what came is not HTTP"
    passed = rules.response_passes(status, body, endpoint.search)
    missing = "" if passed or not 200 <= status < 400 else f" without {endpoint.search!r}"
    return passed, f"status {status}{missing}"


async def _read_body(reader: asyncio.StreamReader, search: bytes) -> bytes:
    """As much of the body as decides: until the string has come, all that is searched has, or there is no more."""
    while (await reader.readline()).strip():
        pass
    body = b""
    while len(body) < rules.SEARCHED_BYTES and search not in body:
        more = await reader.read(rules.SEARCHED_BYTES - len(body))
        if not more:
            break
        body += more
    return body
