"""What ministack does on its own accord, taught about regions: invocations and custom domains."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from drill.emulator.faults import Faults

from ministack.services import apigateway_v1, lambda_svc

ENTRY_REGION: ContextVar[str | None] = ContextVar("entry_region", default=None)
"""The region that the request in hand came in for."""


def install_hooks(faults: Faults) -> None:
    """Installs all of this module."""
    stop_invocations_in_dead_regions(faults)
    answer_custom_domains_where_reached()


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
