"""What regions reach of each other over the peering: names of AWS services, and documents."""

import json
from collections.abc import Iterator
from typing import Any

from tests.brief.functions import every_api_function, without_api_functions
from tests.brief.network import ENDPOINT, VPC
from tests.brief.reading import at, is_private, of_region, of_the_api, peers_of, refer, referred
from tests.brief.rules import DESIGN, changed, dropped, of, removed, replaced
from tests.synthesis import Resource, Stacks, regions_of, resources

ZONE = "aws_route53_zone"
RECORD = "aws_route53_record"
API_FUNCTION = of("aws_lambda_function", where=of_the_api)
PEERS = "environment.variables.PEERS"
# By service, what is asked for before its name: S3 has the bucket's there as well.
NAMED = {"kms": ("",), "s3": ("", "*."), "sns": ("",), "sts": ("",)}


def _private(dns: Resource) -> bool:
    return dns.stack == "peering"


PRIVATE_ZONE, PRIVATE_RECORD = of(ZONE, where=_private), of(RECORD, where=_private)


def _wanted(stacks: Stacks) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """The names, each with the region and the service it leads to and the regions whose networks see it."""
    return {
        f"{host}{service}.{region}.amazonaws.com": (region, service, tuple(sorted(peers_of(stacks, region))))
        for region in regions_of(stacks)
        for service, hosts in NAMED.items()
        for host in hosts
    }


def _endpoint(stacks: Stacks, record: Resource) -> tuple[str, str]:
    """The region and the service of the interface endpoint that a record is an alias of."""
    target = refer(stacks, record.stack, at(record.arguments, "alias.name"))
    zone = refer(stacks, record.stack, at(record.arguments, "alias.zone_id"))
    if not target or not zone or record.arguments["type"] != "A":
        return "", ""
    entry = target._replace(attribute="dns_entry[0].dns_name"), target._replace(attribute="dns_entry[0].hosted_zone_id")
    given = stacks[target.stack]["resource"].get(ENDPOINT, {}).get(target.name, {})
    if (target, zone) != entry or target.kind != ENDPOINT or given.get("vpc_endpoint_type") != "Interface":
        return "", ""
    return target.stack, str(given["service_name"]).rpartition(".")[2]


def _seen_from(stacks: Stacks, zone: Resource) -> tuple[str, ...]:
    """The regions whose own networks a zone answers in, each with what AWS is told of its region."""
    regions = []
    for each in zone.arguments["vpc"]:
        network = referred(stacks, zone.stack, each["vpc_id"], VPC)
        regions.append(network.stack if network and network.stack == each.get("vpc_region") else "")
    return tuple(sorted(regions))


def _own_network_too(stacks: Stacks) -> None:
    zones = stacks["peering"]["resource"][ZONE]
    zones["zone-us-east-1-kms"]["vpc"] += zones["zone-us-west-2-kms"]["vpc"]


@DESIGN.rule(
    "DESIGN, API; AWS, Network",
    breaks=[
        removed(ZONE, _private),
        removed(RECORD, _private),
        changed(PRIVATE_ZONE, "name", to="dynamodb.us-east-1.amazonaws.com"),
        dropped(PRIVATE_ZONE, "vpc"),
        dropped(PRIVATE_ZONE, "vpc.0.vpc_region"),
        changed(PRIVATE_ZONE, "vpc.0.vpc_region", to="eu-central-1"),
        replaced(PRIVATE_ZONE, "vpc.0.vpc_id", "us-west-2", "us-east-1"),
        replaced(PRIVATE_ZONE, "vpc.0.vpc_id", "us-east-1", "us-west-2"),
        replaced(PRIVATE_RECORD, "name", "us-west-2", "us-east-1"),
        replaced(PRIVATE_RECORD, "alias.name", "us-west-2", "us-east-1"),
        replaced(PRIVATE_RECORD, "alias.name", "dns_name", "hosted_zone_id"),
        changed(PRIVATE_RECORD, "alias.zone_id", to="Z0000000000000"),
        changed(PRIVATE_RECORD, "type", to="AAAA"),
        _own_network_too,
    ],
)
def the_others_networks_and_no_more_resolve_a_regions_services_to_its_endpoints(stacks: Stacks) -> Iterator[str]:
    """S3, KMS, STS and SNS; the region itself has the endpoints' private names, and DynamoDB allows no such zone."""
    found = {}
    for record in resources(stacks, RECORD):
        if is_private(stacks, record):
            zone = referred(stacks, record.stack, record.arguments["zone_id"], ZONE)
            name = str(record.arguments["name"])
            if zone and name.removeprefix("*.") == zone.arguments["name"]:
                found[name] = (*_endpoint(stacks, record), _seen_from(stacks, zone))
    wanted = _wanted(stacks)
    for name in sorted(wanted.keys() | found.keys()):
        if found.get(name) != wanted.get(name):
            yield f"{name}: leads to {found.get(name)} and not to {wanted.get(name)}"
    zones = {zone.arguments["name"] for zone in resources(stacks, ZONE) if is_private(stacks, zone)}
    if zones != {name for name in wanted if not name.startswith("*.")}:
        yield f"the private zones are {sorted(zones)}"


def _interface_of_s3(endpoint: Resource) -> bool:
    return endpoint.name.startswith("network_interface-s3")


@DESIGN.rule(
    "AWS, Network",
    needs=(ENDPOINT,),
    breaks=[
        dropped(of(ENDPOINT, where=_interface_of_s3), "depends_on"),
        replaced(of(ENDPOINT, where=_interface_of_s3), "depends_on", "gateway-s3", "gateway-dynamodb"),
    ],
)
def the_interface_endpoint_of_s3_waits_for_the_gateway(stacks: Stacks) -> Iterator[str]:
    """AWS may refuse it in a network that has no gateway endpoint yet (terraform-aws-vpc#982)."""
    for region in regions_of(stacks):
        of_s3 = [each for each in of_region(stacks, region, ENDPOINT) if each.arguments["service_name"].endswith(".s3")]
        by_type: dict[str, Any] = {each.arguments["vpc_endpoint_type"]: each for each in of_s3}
        gateway = f"{ENDPOINT}.{by_type['Gateway'].name}"
        if gateway not in by_type["Interface"].arguments.get("depends_on", []):
            yield f"{by_type['Interface'].address}: does not wait for {gateway}"


@DESIGN.rule(
    "DESIGN, API",
    breaks=[
        dropped(API_FUNCTION, PEERS),
        changed(API_FUNCTION, PEERS, to="{}"),
        replaced(API_FUNCTION, PEERS, "documents-us", "document-us"),
        replaced(API_FUNCTION, PEERS, "role-peer", "role-api"),
        replaced(API_FUNCTION, PEERS, "us-west-2", "us-east-1"),
        removed("aws_s3_bucket", lambda each: each.arguments["bucket"].startswith("documents-")),
    ],
)
def functions_are_told_the_other_regions_buckets_and_by_which_role_to_read_them(stacks: Stacks) -> Iterator[str]:
    """By the naming rule: the bucket and the role exist in the other region's stack, which is not asked for them."""
    yield from without_api_functions(stacks)
    for region, function in every_api_function(stacks):
        told = json.loads(at(function.arguments, PEERS) or "{}")
        if set(told) != set(peers_of(stacks, region)):
            yield f"{function.address}: is told of {sorted(told)}"
        for peer, place in told.items():
            existing = {peer: stacks.get(peer, {})}
            if place["bucket"] not in (each.arguments["bucket"] for each in resources(existing, "aws_s3_bucket")):
                yield f"{function.address}: is told of a bucket {place['bucket']}"
            name = place["role_arn"].rpartition("/")[2]
            if "-peer-" not in name or name not in (
                each.arguments["name"] for each in resources(existing, "aws_iam_role")
            ):
                yield f"{function.address}: is told of a role {name}"
