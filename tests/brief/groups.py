"""Security groups: one for functions, one for data services."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.brief.network import ENDPOINT, EVERYWHERE, cidr_of
from tests.brief.reading import api_functions, at, missing, of_region, of_the_api, peers_of, referred
from tests.brief.rules import BRIEF, added, changed, dropped, emptied, of, removed
from tests.synthesis import Stacks, regions_of, resources

GROUP = "aws_security_group"
INGRESS = "aws_vpc_security_group_ingress_rule"
EGRESS = "aws_vpc_security_group_egress_rule"


def _all(sets: Iterable[set[str]]) -> set[str]:
    return {name for each in sets for name in each}


def _groups(stacks: Stacks, region: str, each: Any, path: str) -> set[str]:
    values = at(each.arguments, path) or []
    return {group.name for value in values if (group := referred(stacks, region, value, GROUP))}


@BRIEF.rule(
    "8.2",
    breaks=[
        emptied(GROUP),
        removed(GROUP),
        emptied(ENDPOINT),
        changed(of("aws_lambda_function", where=of_the_api), "vpc_config.security_group_ids", to=[]),
        dropped("aws_lambda_function", "vpc_config"),
        changed(of(ENDPOINT, where=lambda each: "interface" in each.name), "security_group_ids", to=[]),
        emptied(INGRESS),
        removed(INGRESS),
        emptied(EGRESS),
        removed(EGRESS, lambda each: "endpoints" in each.name or "peer" in each.name),
        changed(INGRESS, "from_port", to=1),
        changed(INGRESS, "ip_protocol", to="-1"),
        changed(INGRESS, "cidr_ipv4", to="0.0.0.0/0"),
        changed(EGRESS, "cidr_ipv4", to="0.0.0.0/0"),
        changed(EGRESS, "to_port", to=65535),
        added(
            "us-west-2",
            INGRESS,
            security_group_id="x",
            ip_protocol="tcp",
            from_port=22,
            to_port=22,
            cidr_ipv4="0.0.0.0/0",
        ),
        changed(GROUP, "ingress", to=[{"from_port": 0, "to_port": 0, "protocol": "-1", "cidr_blocks": ["0.0.0.0/0"]}]),
    ],
)
def functions_reach_data_services_by_https_and_nothing_else_is_open(stacks: Stacks) -> Iterator[str]:
    """A group for functions, one for data services' endpoints; HTTPS between them and with the peers, no more."""
    yield from missing(stacks, GROUP, INGRESS, EGRESS, ENDPOINT)
    for region in regions_of(stacks):
        functions = [
            _groups(stacks, region, each, "vpc_config.security_group_ids") for each in api_functions(stacks, region)
        ]
        interfaces = [
            each for each in of_region(stacks, region, ENDPOINT) if each.arguments["vpc_endpoint_type"] == "Interface"
        ]
        data = [_groups(stacks, region, each, "security_group_ids") for each in interfaces]
        if not functions or not data or not all([*functions, *data]) or _all(functions) & _all(data):
            yield f"{region}: functions and data services do not have groups of their own"
            continue
        wanted = {("cidr", cidr_of(stacks, peer)) for peer in peers_of(stacks, region)}
        into = _allowed(stacks, region, INGRESS, _all(data))
        out = _allowed(stacks, region, EGRESS, _all(functions))
        if into != wanted | {("group", name) for name in _all(functions)}:
            yield f"{region}: data services are reached from {sorted(into)}"
        if not out >= wanted | {("group", name) for name in _all(data)}:
            yield f"{region}: functions reach {sorted(out)}"
    for rule in resources(stacks, INGRESS, EGRESS):
        given = rule.arguments
        if (given["ip_protocol"], given.get("from_port"), given.get("to_port")) != ("tcp", 443, 443):
            yield f"{rule.address}: is for more than HTTPS"
        if given.get("cidr_ipv4") in EVERYWHERE or given.get("cidr_ipv6") in EVERYWHERE:
            yield f"{rule.address}: is for everywhere"
    for group in resources(stacks, GROUP, "aws_default_security_group"):
        if group.arguments.get("ingress") or group.arguments.get("egress"):
            yield f"{group.address}: has rules inside"


def _allowed(stacks: Stacks, region: str, kind: str, groups: set[str]) -> set[tuple[str, str]]:
    """What the rules of these groups are for: groups, addresses, prefix lists."""
    found = set()
    for rule in of_region(stacks, region, kind):
        group = referred(stacks, region, rule.arguments["security_group_id"], GROUP)
        if group and group.name in groups:
            other = referred(stacks, region, rule.arguments.get("referenced_security_group_id"), GROUP)
            cidr = rule.arguments.get("cidr_ipv4")
            found.add(("group", other.name) if other else ("cidr", cidr) if cidr else ("list", rule.name))
    return found
