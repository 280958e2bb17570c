"""The ASGI application around ministack: counts, breaks and rewrites requests, and takes orders."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from drill.emulator.asgi import Application, Receive, Scope, Send, answer, headers_of, read_body, refuse
from drill.emulator.faults import LONGEST_HANG, Active, Connections, Fault, Faults
from drill.emulator.hooks import ENTRY_REGION
from drill.emulator.locate import Locator
from drill.emulator.replication import Replication

KNOWN_CALLERS = ("Terraform", "Lambda", "aws-cli")
PRIVATE_PATHS = ("/_drill", "/_ministack")
THROTTLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "message": "The level of configured provisioned throughput for the table was exceeded.",
}


class Wrapper:
    """Every request of Terraform, boto3, the AWS CLI and the Lambda functions passes through here."""

    def __init__(self, app: Application, locator: Locator, faults: Faults, replication: Replication) -> None:
        self._app = app
        self._locator = locator
        self._faults = faults
        self._replication = replication
        self._connections = Connections()
        self._connections.install()
        self._seen: Counter[tuple[str, str, str, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or the server's whole life."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(PRIVATE_PATHS):
            await self._private(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        pump = asyncio.create_task(self._replication.run())
        try:
            await self._app(scope, receive, send)
        finally:
            pump.cancel()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        target = self._locator.locate(scope, headers)
        met = self._faults.draw(target, scope["path"])
        outcome = met.fault.mode if met else "ok"
        self._seen[target.region, target.service, outcome, _caller(headers.get("user-agent", "-"))] += 1
        if met is None or await self._survives(met, scope, receive, send):
            ENTRY_REGION.set(target.region)
            answering = _trickling(met, send) if met and met.fault.mode == "trickle" else send
            await self._app(_as_behind_tls(scope), receive, answering)

    async def _survives(self, met: Active, scope: Scope, receive: Receive, send: Send) -> bool:
        """Lets a request meet its fault; True when it may go on afterwards."""
        fault = met.fault
        if fault.mode == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.mode in ("slow", "trickle"):
            return True
        if fault.mode in ("error", "throttle"):
            await read_body(receive)  # or hypercorn closes the connection, which the client may already use again
        if fault.mode == "error":
            await refuse(send)
            return False
        if fault.mode == "throttle":
            await answer(send, 400, THROTTLED)
            return False
        if fault.mode == "hang":
            await _hang(fault.seconds or LONGEST_HANG, receive, met.healed)
        self._connections.reset(scope["client"])
        return False

    async def _private(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Orders come from this machine to 127.0.0.1 by that name: no region's address and no web page gives any."""
        host = headers_of(scope).get("host", "").rsplit(":", 1)[0]
        if (scope.get("server") or ("",))[0] != "127.0.0.1" or host not in ("127.0.0.1", "localhost"):
            await answer(send, 403, {"message": "orders are taken on 127.0.0.1 only"})
        elif scope["path"].startswith("/_drill"):
            await self._control(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
            done = self._obey(scope["method"], scope["path"], json.loads(body) if body else {})
        except (ValueError, TypeError, KeyError) as error:
            await answer(send, 400, {"message": str(error)})
        else:
            if done is None:
                await answer(send, 404, {"message": f"no such order: {scope['method']} {scope['path']}"})
            else:
                await answer(send, 200, {**self._state(), **done})

    def _obey(self, method: str, path: str, data: dict[str, Any]) -> dict[str, object] | None:
        """Does what is asked, and returns what to answer beside the state; None: there is no such order."""
        match method, path.split("/")[2:]:
            case "GET", []:
                pass
            case "POST", ["faults"]:
                return {"number": self._faults.add(Fault.parse(data))}
            case "DELETE", ["faults"]:
                self._faults.clear()
            case "DELETE", ["faults", number]:
                self._faults.lift(int(number))
            case "POST", ["replication"]:
                self._replication.delay(data["source"], data["target"], data["seconds"])
            case "DELETE", ["requests"]:
                self._seen.clear()
            case _:
                return None
        return {}

    def _state(self) -> dict[str, object]:
        return {
            "pid": os.getpid(),
            "faults": [{"number": number, **asdict(each.fault)} for number, each in self._faults.active.items()],
            "replication": self._replication.state(),
            "requests": [[*what, count] for what, count in self._seen.most_common()],
        }


async def _hang(seconds: float, receive: Receive, healed: asyncio.Event) -> None:
    """Returns when the client gives up, the fault is lifted, or the time is over."""

    async def client_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    waits = [asyncio.ensure_future(client_gone()), asyncio.ensure_future(healed.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _trickling(met: Active, send: Send) -> Send:
    """Sends every byte of a body late, and what is left of it at once when the fault is lifted."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        body = message.get("body", b"")
        while body and not met.healed.is_set():
            await send({**message, "body": body[:1], "more_body": True})
            body = body[1:]
            with suppress(TimeoutError):
                await asyncio.wait_for(met.healed.wait(), met.fault.seconds)
        await send({**message, "body": body} if "body" in message else message)

    return sending


def _caller(agent: str) -> str:
    return next((known for known in KNOWN_CALLERS if known in agent), agent.split("/")[0])


def _as_behind_tls(scope: Scope) -> Scope:
    """The request as ministack is to see it: AWS speaks TLS only, and policies that demand it are enforced."""
    kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"x-forwarded-proto"]
    return {**scope, "headers": [*kept, (b"x-forwarded-proto", b"https")]}
