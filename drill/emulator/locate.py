"""Which region and service a request is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from drill.emulator.asgi import Scope

from ministack.services import apigateway, apigateway_v1

CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")
REGIONAL_API = re.compile(r"^([a-z0-9]+)\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?::\d+)?$")
LOCAL_API = re.compile(r"^([a-z0-9]+)\.execute-api\.localhost(?::\d+)?$")
PATH_API = re.compile(r"^/_aws/execute-api/([a-z0-9]+)/")

# Requests to them are signed for whatever region the caller likes, but their control planes live in one place
# (AWS Fault Isolation Boundaries, appendix A): they break on their own, as the pseudo-region "global".
GLOBAL_SERVICES = frozenset({"iam", "route53", "cloudfront", "organizations"})
GLOBAL = "global"


@dataclass(frozen=True)
class Target:
    """Where a request is going."""

    region: str
    service: str


class Locator:
    """Finds a request's region: by its signature, else its API's host or path, else the address it came in on."""

    def __init__(self, entries: Mapping[tuple[str, int], str], default: str) -> None:
        self._entries = entries
        self._default = default

    def locate(self, scope: Scope, headers: Mapping[str, str]) -> Target:
        """Region and service of a request."""
        signed = _signature(scope, headers)
        if signed is not None and signed.service != "execute-api":
            return Target(GLOBAL, signed.service) if signed.service in GLOBAL_SERVICES else signed
        region = self._region_of_api(scope, headers.get("host", "").lower())
        return Target(region or (signed.region if signed else self._default), "execute-api")

    def _region_of_api(self, scope: Scope, host: str) -> str | None:
        if regional := REGIONAL_API.match(host):
            return regional[2]
        if api := LOCAL_API.match(host) or PATH_API.match(scope["path"]):
            return _home_of_api(api[1])
        owners = _homes_of_domain(host.split(":")[0])
        server = scope.get("server") or ("", 0)
        entry = self._entries.get((server[0], server[1]))
        return entry if entry in owners or not owners else owners[0]


def _signature(scope: Scope, headers: Mapping[str, str]) -> Target | None:
    if signed := CREDENTIAL.search(headers.get("authorization", "")):
        return Target(signed[1], signed[2])
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    parts = (query.get("X-Amz-Credential") or [""])[0].split("/")
    return Target(parts[2], parts[3]) if len(parts) == 5 else None  # key/date/region/service/aws4_request


def _home_of_api(api_id: str) -> str | None:
    return next((region for (_, region, found), _ in apigateway._apis.all_items() if found == api_id), None)


def _homes_of_domain(domain: str) -> list[str]:
    return [region for (_, region, name), _ in apigateway_v1._domain_names.all_items() if name.lower() == domain]
