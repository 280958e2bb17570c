"""What one region is given: its name, its addresses, its zones and its share of the traffic."""

import ipaddress
import re
from collections.abc import Iterator

from dr.checks import CHECK, between, faults, one_of

import attrs

# The code that begins a region's zone ids. Zone letters (us-east-1a) differ from account to account, ids do not.
ZONE_CODES = {
    "ap-northeast-1": "apne1",
    "ap-south-1": "aps1",
    "ap-southeast-1": "apse1",
    "ap-southeast-2": "apse2",
    "ca-central-1": "cac1",
    "eu-central-1": "euc1",
    "eu-north-1": "eun1",
    "eu-west-1": "euw1",
    "eu-west-2": "euw2",
    "eu-west-3": "euw3",
    "sa-east-1": "sae1",
    "us-east-1": "use1",
    "us-east-2": "use2",
    "us-west-1": "usw1",
    "us-west-2": "usw2",
}
# A VPC is cut into eight equal parts, one a zone at the most: adding a zone later moves no subnet.
SUBNET_BITS = 3
_PRIVATE = tuple(ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def _check_cidr(value: object) -> Iterator[str]:
    rule = "must be a private block of /16 to /24"
    try:
        block = ipaddress.IPv4Network(str(value))
    except ValueError:
        yield rule
        return
    if str(block) != value or not any(block.subnet_of(private) for private in _PRIVATE):
        yield rule
    elif block.prefixlen > 24:
        yield f"{rule}, for its subnets would be too small (AWS keeps 5 addresses of each, endpoints take 6)"
    elif block.prefixlen < 16:
        yield rule


def _check_zones(value: object) -> Iterator[str]:
    zones = [str(zone) for zone in value] if isinstance(value, tuple) else []
    if not 2 <= len(zones) <= 6 or len(set(zones)) != len(zones):
        yield "must name 2 to 6 different zones"
    elif not all(re.fullmatch(r"[a-z]{2,4}[0-9]-az[0-9]", zone) for zone in zones):
        yield "must be zone ids such as 'use1-az1', not letters, which differ by account"


@attrs.frozen(kw_only=True)
class RegionSettings:
    """One region's settings; `Settings` refuses them with all their faults, and with those of all others.

    Attributes:
        name: The AWS region.
        cidr: Addresses of its VPC, private, /16 to /24.
        zones: Ids of the availability zones it uses, 2 to 6.
        weight: Share of the DNS answers, 0 to 255; a region of weight 0 is used when all others fail.
    """

    name: str = attrs.field(metadata={CHECK: one_of(*ZONE_CODES)})
    cidr: str = attrs.field(metadata={CHECK: _check_cidr})
    zones: tuple[str, ...] = attrs.field(metadata={CHECK: _check_zones})
    weight: int = attrs.field(metadata={CHECK: between(0, 255)})

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with them in themselves."""
        found = list(faults(self))
        code = ZONE_CODES.get(self.name, "")
        if code and not found and not all(zone.startswith(f"{code}-az") for zone in self.zones):
            found.append(f"'zones' must begin with '{code}-az', got: {self.zones!r}")
        yield from (f"region {self.name!r}: {fault}" for fault in found)

    @property
    def subnets(self) -> tuple[str, ...]:
        """The address block of each zone's private subnet, in the order of the zones."""
        blocks = ipaddress.ip_network(self.cidr).subnets(prefixlen_diff=SUBNET_BITS)
        return tuple(str(block) for _, block in zip(self.zones, blocks, strict=False))
