"""Route 53: health checks and zones."""

from __future__ import annotations

import uuid
from typing import Any
from xml.etree import ElementTree as ET

from ministack.services import route53

LISTS = (("ChildHealthChecks", "ChildHealthCheck"), ("Regions", "Region"))
FLAGS = frozenset({"MeasureLatency", "EnableSNI", "Inverted", "Disabled"})


def keep_lists_of_health_checks() -> None:
    """A health check's children and regions read back as empty, and its flags as `True` instead of `true`."""
    parse, build = route53._parse_health_check_config, route53._build_health_check_el

    def parse_config(element: Any) -> Any:
        config = parse(element)
        for name, item in LISTS:
            found = route53._find(element, name)
            if found is not None:
                config[name] = [child.text or "" for child in route53._findall(found, item)]
        return config

    def build_element(parent: Any, check: Any) -> None:
        build(parent, check)
        for element in parent.iter():
            if element.tag in FLAGS and element.text:
                element.text = element.text.lower()

    route53._parse_health_check_config, route53._build_health_check_el = parse_config, build_element


def answer_get_dnssec() -> None:
    """GetDNSSEC is missing: a zone with `force_destroy` cannot be destroyed, because the provider asks it first."""
    original = route53.handle_request

    def unsigned(root: Any) -> None:
        status = ET.SubElement(root, "Status")
        ET.SubElement(status, "ServeSignature").text = "NOT_SIGNING"
        ET.SubElement(root, "KeySigningKeys")

    async def handle_request(method: str, path: str, *rest: Any) -> Any:
        if method == "GET" and path.rstrip("/").endswith("/dnssec"):
            return route53._xml_response("GetDNSSECResponse", unsigned)
        return await original(method, path, *rest)

    route53.handle_request = handle_request


def know_query_logs() -> None:
    """The query log of a zone is unknown: it can be neither made nor read nor deleted."""
    original = route53.handle_request
    logs = _QueryLogs()

    async def handle_request(method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        _, found, id_ = path.partition("/queryloggingconfig")
        if found:
            return logs.answer(method, id_.strip("/"), body)
        return await original(method, path, headers, body, *rest)

    route53.handle_request = handle_request


class _QueryLogs:
    """The query logs of all zones: each zone has one at most."""

    def __init__(self) -> None:
        self._made: dict[str, dict[str, str]] = {}

    def answer(self, method: str, id_: str, body: bytes) -> Any:
        if method == "POST":
            return self._create(route53._parse_body(body))
        if id_ not in self._made:
            return route53._error_response("NoSuchQueryLoggingConfig", f"there is no query log {id_!r}", 404)
        answer = route53._xml_response(f"{method.title()}QueryLoggingConfigResponse", self._describe(id_))
        if method == "DELETE":
            del self._made[id_]
        return answer

    def _create(self, request: Any) -> Any:
        id_ = str(uuid.uuid4())
        made = {name: route53._text(request, name) for name in ("HostedZoneId", "CloudWatchLogsLogGroupArn")}
        if made["HostedZoneId"] in {other["HostedZoneId"] for other in self._made.values()}:
            return route53._error_response("QueryLoggingConfigAlreadyExists", "the zone has a query log", 409)
        self._made[id_] = {"Id": id_, **made}
        status, headers, answer = route53._xml_response("CreateQueryLoggingConfigResponse", self._describe(id_), 201)
        return status, {**headers, "Location": f"/2013-04-01/queryloggingconfig/{id_}"}, answer

    def _describe(self, id_: str) -> Any:
        def build(root: Any) -> None:
            config = ET.SubElement(root, "QueryLoggingConfig")
            for name, value in self._made[id_].items():
                ET.SubElement(config, name).text = value

        return build
