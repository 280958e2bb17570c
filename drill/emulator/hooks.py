"""What ministack and its server do on their own accord: invocations and domains by region, whole answers, speed."""

from __future__ import annotations

import functools
import time
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from drill.emulator.faults import Faults

import h11
from hypercorn.events import RawData
from hypercorn.protocol.h11 import H11Protocol
from ministack.core import lambda_runtime
from ministack.services import apigateway_v1, dynamodb, lambda_svc

SOME_PROCESSES = 4
BUSY_S = 2.0
"""How long a call waits at most: one that its own function makes would wait for itself."""

ENTRY_REGION: ContextVar[str | None] = ContextVar("entry_region", default=None)
"""The region that the request in hand came in for."""


def install_hooks(faults: Faults) -> None:
    """Installs all of this module."""
    stop_invocations_in_dead_regions(faults)
    answer_custom_domains_where_reached()
    send_answers_in_one_piece()
    wait_for_busy_functions()
    read_conditions_once()


def stop_invocations_in_dead_regions(faults: Faults) -> None:
    """No invocation starts in a dead region: schedules, alarms, topics and queues start them without any request."""
    original = lambda_svc._execute_function

    def execute(func: dict[str, Any], event: object) -> object:
        region = (func.get("config") or func)["FunctionArn"].split(":")[3]
        if faults.down(region, "lambda"):
            body = {"errorType": "RegionDown", "errorMessage": f"{region} is down"}
            return {"error": True, "function_error": "Unhandled", "log": "", "body": body}
        return original(func, event)

    lambda_svc._execute_function = execute


def answer_custom_domains_where_reached() -> None:
    """A custom domain that two regions registered answers in the region that the request came in for."""
    original = apigateway_v1.find_domain_scope

    def find_domain_scope(domain: str) -> object:
        for (account, region, name), _ in apigateway_v1._domain_names.all_items():
            if region == ENTRY_REGION.get() and name.lower() == domain.lower():
                return account, region, name
        return original(domain)

    apigateway_v1.find_domain_scope = find_domain_scope


def send_answers_in_one_piece() -> None:
    """An answer's head leaves together with the first of its body.

    The AWS provider gives an answer up whose body comes a millisecond after its head, and sends the request again: now
    and then a create was refused with 409, for it had been done.
    """
    heads: WeakKeyDictionary[H11Protocol, bytes] = WeakKeyDictionary()

    async def send_event(protocol: H11Protocol, event: Any) -> None:
        try:
            data = heads.pop(protocol, b"") + (protocol.connection.send(event) or b"")
        except h11.LocalProtocolError:
            if protocol.connection.their_state != h11.ERROR:
                raise
            return
        if isinstance(event, h11.Response):
            heads[protocol] = data
        else:
            await protocol.send(RawData(data=data))

    H11Protocol._send_h11_event = send_event  # type: ignore[method-assign, assignment]


def wait_for_busy_functions() -> None:
    """Once a function has some processes, a call waits a little for one of them before it starts another.

    A process that starts takes a second of a core; meanwhile all calls last longer, and each that came started one
    more: on two cores dozens were started, and nothing was answered for half a minute.
    """
    original = lambda_svc.acquire_worker

    def acquire(func_name: str, config: dict[str, Any], code_zip: bytes, **options: Any) -> Any:
        key = lambda_runtime._worker_key(func_name, config, options.get("qualifier", "$LATEST"))
        ends = time.monotonic() + BUSY_S
        while _all_busy(key) and time.monotonic() < ends:
            time.sleep(0.01)
        return original(func_name, config, code_zip, **options)

    lambda_svc.acquire_worker = acquire


def read_conditions_once() -> None:
    """The text of a condition is read once, and not for every item that it is asked of.

    It was a tenth of the emulator's time, most of it in queries.
    """
    tokens = functools.lru_cache(dynamodb._tokenize)
    dynamodb._tokenize = lambda condition: list(tokens(condition))
    dynamodb._condition_syntax_error = functools.lru_cache(dynamodb._condition_syntax_error)


def _all_busy(key: str) -> bool:
    with lambda_runtime._lock:
        workers = lambda_runtime._workers.get(key, [])
        return len(workers) >= SOME_PROCESSES and all(worker.in_use for worker in workers)
