"""VPC: private networks, peered in pairs, with endpoints to AWS."""

import itertools
from collections.abc import Iterator
from typing import Any

from tests.brief.reading import (
    at,
    functions_named,
    missing,
    of_region,
    of_the_api,
    peers_of,
    refer,
    referred,
    region_of,
)
from tests.brief.rules import BRIEF, DESIGN, Where, added, changed, dropped, emptied, of, removed, replaced
from tests.synthesis import Resource, Stacks, regions_of, resources

VPC = "aws_vpc"
PEERING = "aws_vpc_peering_connection"
ACCEPTER = "aws_vpc_peering_connection_accepter"
OPTIONS = "aws_vpc_peering_connection_options"
ROUTE = "aws_route"
TABLE = "aws_route_table"
ENDPOINT = "aws_vpc_endpoint"
DESTINATIONS = ("destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id")
EVERYWHERE = ("0.0.0.0/0", "::/0")
IN_A_NETWORK = of("aws_lambda_function", where=of_the_api)


def _pairs(stacks: Stacks) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in itertools.combinations(regions_of(stacks), 2)}


def _peered(stacks: Stacks, peering: Resource) -> frozenset[str]:
    """The regions that an accepted connection links, none while one of its ends is wrong."""
    given = peering.arguments
    vpcs = [referred(stacks, peering.stack, given[side], VPC) for side in ("vpc_id", "peer_vpc_id")]
    regions = [region_of(stacks, vpc) if vpc else "" for vpc in vpcs]
    accepters = [
        accepter
        for accepter in resources(stacks, ACCEPTER)
        if referred(stacks, accepter.stack, accepter.arguments["vpc_peering_connection_id"], PEERING) == peering
        and accepter.arguments.get("auto_accept") is True
        and region_of(stacks, accepter) == regions[1]
    ]
    ends = [region_of(stacks, peering), given.get("peer_region")]
    return frozenset(regions) if accepters and regions == ends else frozenset()


@BRIEF.rule(
    "8.1",
    "T.10",
    "W.6",
    breaks=[
        removed(PEERING),
        removed(ACCEPTER),
        removed(VPC),
        changed(ACCEPTER, "auto_accept", to=False),
        changed(ACCEPTER, "provider", to="aws"),
        changed(PEERING, "peer_region", to="eu-central-1"),
        changed(PEERING, "provider", to="aws.us-west-2"),
        replaced(PEERING, "peer_vpc_id", "us-west-2", "us-east-1"),
    ],
)
def every_pair_of_regions_is_peered_and_accepted(stacks: Stacks) -> Iterator[str]:
    """One connection for each pair, asked for in one region and accepted in the other."""
    yield from missing(stacks, VPC)
    linked = [_peered(stacks, peering) for peering in resources(stacks, PEERING)]
    yield from (f"{sorted(pair)} are not peered" for pair in _pairs(stacks) - set(linked))
    if len(linked) != len(_pairs(stacks)):
        yield f"there are {len(linked)} connections"


def cidr_of(stacks: Stacks, region: str) -> str:
    return next((str(vpc.arguments["cidr_block"]) for vpc in of_region(stacks, region, VPC)), "")


@BRIEF.rule(
    "8.1",
    "W.6",
    needs=(ROUTE,),
    breaks=[
        removed(ROUTE),
        changed(ROUTE, "destination_cidr_block", to="10.99.0.0/16"),
        dropped(ROUTE, "vpc_peering_connection_id"),
        replaced(ROUTE, "route_table_id", "us-east-1", "us-west-2"),
        replaced(ROUTE, "route_table_id", "us-west-2", "us-east-1"),
        changed(ROUTE, "provider", to="aws.elsewhere"),
        removed("aws_route_table_association"),
        changed(VPC, "cidr_block", to="10.98.0.0/16"),
    ],
)
def routes_lead_both_ways_over_every_peering(stacks: Stacks) -> Iterator[str]:
    """Every private subnet's table has a route to each other region's addresses, over the accepted connection."""
    found = set()
    for route in resources(stacks, ROUTE):
        given = route.arguments
        table = referred(stacks, route.stack, given["route_table_id"], TABLE)
        over = refer(stacks, route.stack, given.get("vpc_peering_connection_id"))
        if table and over and over.kind in (ACCEPTER, PEERING) and region_of(stacks, route) == table.stack:
            found.add((table.stack, table.name, given["destination_cidr_block"]))
    for region in regions_of(stacks):
        for subnet in of_region(stacks, region, "aws_subnet"):
            tables = [
                refer(stacks, region, each.arguments["route_table_id"])
                for each in of_region(stacks, region, "aws_route_table_association")
                if referred(stacks, region, each.arguments["subnet_id"], "aws_subnet") == subnet
            ]
            for peer in peers_of(stacks, region):
                if not any(table and (region, table.name, cidr_of(stacks, peer)) in found for table in tables):
                    yield f"{subnet.address}: has no route to {peer}"


def _routes(stacks: Stacks) -> Iterator[tuple[str, Any, Any]]:
    """Every route, by itself or inside a table: its address, its destination, its internet gateway."""
    for route in resources(stacks, ROUTE):
        destination = next((route.arguments[key] for key in DESTINATIONS if route.arguments.get(key)), None)
        yield route.address, destination, refer(stacks, route.stack, route.arguments.get("gateway_id"))
    for table in resources(stacks, TABLE, "aws_default_route_table"):
        for route in table.arguments.get("route", []):
            yield table.address, route.get("cidr_block"), refer(stacks, table.stack, route.get("gateway_id"))


@BRIEF.rule(
    "8.3",
    "D.4.1",
    "D.4.3",
    "W.6",
    breaks=[
        emptied(ROUTE),
        dropped(ROUTE, "destination_cidr_block"),
        changed(ROUTE, "destination_cidr_block", to=""),
        changed(ROUTE, "destination_cidr_block", to=None),
        changed(TABLE, "route", to=[{"gateway_id": "${aws_internet_gateway.gateway.id}"}]),
    ],
)
def every_route_says_which_addresses_it_is_for(stacks: Stacks) -> Iterator[str]:
    """cidr_block is given for every route, in a table or by itself (there: destination_cidr_block)."""
    routes = list(_routes(stacks))
    if not routes:
        yield "there are no routes"
    yield from (f"{address}: has a route to nowhere" for address, destination, _ in routes if not destination)


@BRIEF.rule(
    "8.3",
    "D.4.2",
    breaks=[
        added(
            "us-east-1",
            ROUTE,
            route_table_id="${aws_route_table.table.id}",
            destination_cidr_block="10.0.0.0/8",
            gateway_id="${aws_internet_gateway.gateway.id}",
        ),
        changed(TABLE, "route", to=[{"cidr_block": "10.0.0.0/8", "gateway_id": "${aws_internet_gateway.gateway.id}"}]),
        emptied(ROUTE),
    ],
)
def a_route_to_an_internet_gateway_is_for_all_addresses(stacks: Stacks) -> Iterator[str]:
    """cidr_block="0.0.0.0/0" for internet gateways; the design has none, which the rule does not ask."""
    routes = list(_routes(stacks))
    if not routes:
        yield "there are no routes"
    for address, destination, gateway in routes:
        if gateway and gateway.kind == "aws_internet_gateway" and destination not in EVERYWHERE:
            yield f"{address}: leads {destination} to the internet"


@DESIGN.rule(
    "DESIGN, API",
    needs=("aws_lambda_function", "aws_subnet"),
    breaks=[
        added("us-east-1", "aws_internet_gateway", vpc_id="x"),
        added("us-west-2", "aws_nat_gateway", subnet_id="x"),
        changed("aws_subnet", "map_public_ip_on_launch", to=True),
        dropped(IN_A_NETWORK, "vpc_config"),
        changed(IN_A_NETWORK, "vpc_config.subnet_ids.1", to="subnet-1"),
        changed(IN_A_NETWORK, "vpc_config.subnet_ids", to=[]),
        changed(ROUTE, "destination_cidr_block", to="0.0.0.0/0"),
        changed(TABLE, "route", to=[{"cidr_block": "0.0.0.0/0", "transit_gateway_id": "tgw-1"}]),
        added("us-east-1", ROUTE, route_table_id="x", destination_ipv6_cidr_block="::/0", network_interface_id="x"),
    ],
)
def every_function_but_probe_and_failover_runs_in_private_subnets_without_internet(
    stacks: Stacks,
) -> Iterator[str]:
    """At least two zones, no gateway to the internet, no public addresses, routes to the other regions alone."""
    ways = ("aws_internet_gateway", "aws_nat_gateway", "aws_egress_only_internet_gateway", "aws_eip")
    yield from (f"{each.address}: leads to the internet" for each in resources(stacks, *ways))
    networks = {cidr_of(stacks, region) for region in regions_of(stacks)}
    yield from (f"{address}: leads to {where}" for address, where, _ in _routes(stacks) if where not in networks)
    for subnet in resources(stacks, "aws_subnet"):
        if subnet.arguments.get("map_public_ip_on_launch"):
            yield f"{subnet.address}: is public"
    for region in regions_of(stacks):
        outside = {each.name for kind in ("failover", "probe") for each in functions_named(stacks, region, kind)}
        for function in of_region(stacks, region, "aws_lambda_function"):
            if function.name in outside:
                continue
            values = at(function.arguments, "vpc_config.subnet_ids") or []
            subnets = [referred(stacks, region, value, "aws_subnet") for value in values]
            zones = {subnet.arguments.get("availability_zone_id") for subnet in subnets if subnet}
            if not all(subnets) or len(zones) < 2:
                yield f"{function.address}: runs in {values}"


def _side(side: str) -> Where:
    return lambda each: side in each.arguments


@DESIGN.rule(
    "AWS, Network",
    needs=(ACCEPTER, OPTIONS, ROUTE),
    breaks=[
        removed(OPTIONS),
        replaced(OPTIONS, "vpc_peering_connection_id", ACCEPTER, PEERING),
        replaced(ROUTE, "vpc_peering_connection_id", ACCEPTER, PEERING),
        *(
            changed(of(OPTIONS, where=_side(side)), f"{side}.allow_remote_vpc_dns_resolution", to=False)
            for side in ("requester", "accepter")
        ),
        changed(OPTIONS, "provider", to="aws.elsewhere"),
    ],
)
def options_and_routes_wait_for_the_acceptance(stacks: Stacks) -> Iterator[str]:
    """AWS refuses them on a pending connection: they read the accepter's id (TPA#12113), options one a side."""
    for each in resources(stacks, OPTIONS, ROUTE):
        if not referred(stacks, each.stack, each.arguments.get("vpc_peering_connection_id"), ACCEPTER):
            yield f"{each.address}: does not wait for the acceptance"
    for accepter in resources(stacks, ACCEPTER):
        sides = set()
        for each in resources(stacks, OPTIONS):
            on = referred(stacks, each.stack, each.arguments["vpc_peering_connection_id"], ACCEPTER)
            for side in ("requester", "accepter"):
                allowed = at(each.arguments, f"{side}.allow_remote_vpc_dns_resolution")
                if on == accepter and allowed is True:
                    sides.add((side, region_of(stacks, each)))
        peering = referred(stacks, accepter.stack, accepter.arguments["vpc_peering_connection_id"], PEERING)
        asked = region_of(stacks, peering) if peering else ""
        if sides != {("requester", asked), ("accepter", region_of(stacks, accepter))}:
            yield f"{accepter.address}: names are resolved from {sorted(sides)}"


def _service(*names: str) -> Where:
    return lambda each: each.arguments["service_name"].rsplit(".", 1)[1] in names


@DESIGN.rule(
    "DESIGN, API; AWS, 2",
    breaks=[
        removed(ENDPOINT),
        replaced(of(ENDPOINT, where=_service("dynamodb")), "vpc_endpoint_type", "Gateway", "Interface"),
        changed(of(ENDPOINT, where=_service("kms", "sts")), "private_dns_enabled", to=False),
        changed(of(ENDPOINT, where=lambda each: "interface-s3" in each.name), "private_dns_enabled", to=True),
        changed(ENDPOINT, "service_name", to="com.amazonaws.eu-central-1.s3"),
        changed(VPC, "enable_dns_support", to=False),
        changed(VPC, "enable_dns_hostnames", to=False),
    ],
)
def aws_is_reached_by_endpoints_with_private_names_but_dynamodb_and_s3_by_gateways(stacks: Stacks) -> Iterator[str]:
    """AWS gives DynamoDB's interface endpoint no private name; that of S3 is for the peers, without one here."""
    for region in regions_of(stacks):
        found = set()
        for each in of_region(stacks, region, ENDPOINT):
            given = each.arguments
            service = str(given["service_name"]).removeprefix(f"com.amazonaws.{region}.")
            found.add((given["vpc_endpoint_type"], service))
            named = given.get("private_dns_enabled", False)
            if given["vpc_endpoint_type"] == "Interface" and named is not (service != "s3"):
                yield f"{each.address}: has private_dns_enabled={named}"
        wanted = {("Gateway", "dynamodb"), ("Gateway", "s3")}
        wanted |= {("Interface", service) for service in ("kms", "logs", "monitoring", "s3", "sns", "sts")}
        if found != wanted:
            yield f"{region}: differs in the endpoints {sorted(found ^ wanted)}"
        for vpc in of_region(stacks, region, VPC):
            if not (vpc.arguments.get("enable_dns_support") is vpc.arguments.get("enable_dns_hostnames") is True):
                yield f"{vpc.address}: does not resolve names"
