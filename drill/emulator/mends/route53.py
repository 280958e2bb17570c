"""Route 53: health checks and zones."""

from __future__ import annotations

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
