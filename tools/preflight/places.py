"""The availability zones that a region's settings name, and the endpoint services in them."""

from collections.abc import Iterator, Sequence
from typing import Any

from tools.preflight.finding import Finding, State


def zones_and_endpoints(region: str, ec2: Any, zones: Sequence[str], services: Sequence[str]) -> Iterator[Finding]:
    """Whether every zone is open to this account, and has every interface endpoint's service."""
    described = ec2.describe_availability_zones(AllAvailabilityZones=True)["AvailabilityZones"]
    # Letters differ from account to account, ids do not: endpoint services answer with names that end in letters.
    ids = {zone["ZoneName"]: zone["ZoneId"] for zone in described if zone["State"] == "available"}
    opened = {
        zone["ZoneId"]
        for zone in described
        if zone["State"] == "available" and zone.get("OptInStatus", "") != "not-opted-in"
    }
    names = [f"com.amazonaws.{region}.{service}" for service in services]
    answer = ec2.describe_vpc_endpoint_services(ServiceNames=names)
    # S3 and others are listed twice, as a gateway and as an interface.
    served = {
        detail["ServiceName"]: {ids.get(name, name) for name in detail["AvailabilityZones"]}
        for detail in answer["ServiceDetails"]
        if "Interface" in [kind["ServiceType"] for kind in detail["ServiceType"]]
    }
    common = sorted(opened.intersection(*(served.get(name, set()) for name in names)))
    todo = f"choose among {', '.join(common) or 'other regions'}: DR_REGIONS, 'zones' of {region}"
    for zone in zones:
        lacking = [name for name in names if zone not in served.get(name, set())]
        if zone not in opened:
            yield Finding(f"{region}: zone {zone}", State.BLOCKED, "not open to this account", todo)
        elif lacking:
            yield Finding(f"{region}: zone {zone}", State.BLOCKED, f"lacks {', '.join(lacking)}", todo)
        else:
            yield Finding(f"{region}: zone {zone}", State.READY, f"open, with {len(names)} endpoint services")
