"""Private connections between the regions' networks."""

import itertools
from collections.abc import Sequence

from dr.links.link import Link
from dr.regions.region import Region

from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route53_record import Route53Record, Route53RecordAlias
from cdktf_cdktf_provider_aws.route53_zone import Route53Zone, Route53ZoneVpc
from cdktf_cdktf_provider_aws.vpc_peering_connection import VpcPeeringConnection
from cdktf_cdktf_provider_aws.vpc_peering_connection_accepter import VpcPeeringConnectionAccepterA
from cdktf_cdktf_provider_aws.vpc_peering_connection_options import (
    VpcPeeringConnectionOptions,
    VpcPeeringConnectionOptionsAccepter,
    VpcPeeringConnectionOptionsRequester,
)
from constructs import Construct

# What a region asks of another one: its documents and their key, sessions of its role, its topic.
NAMED_SERVICES = ("kms", "s3", "sns", "sts")


class Peering(Link):
    """A peering connection for every pair of regions, with routes to the other's addresses on both sides.

    Each region resolves the names of the others' AWS services to the endpoints in their networks.
    """

    def __init__(self, scope: Construct, regions: Sequence[Region]) -> None:
        """Link the regions, of which the first is the primary."""
        super().__init__(scope, "peering", regions)
        for requester, accepter in itertools.combinations(regions, 2):
            self._peer(requester, accepter)
        for region in regions:
            self._name_endpoints(region, [other for other in regions if other is not region])

    def _peer(self, requester: Region, accepter: Region) -> None:
        pair = f"{requester.name}-{accepter.name}"
        tags = {"Name": self.names.regional(f"vpc-peering-{pair}")}
        requester_provider, accepter_provider = self.providers[requester.name], self.providers[accepter.name]
        asked = VpcPeeringConnection(
            self,
            f"connection-{pair}",
            vpc_id=requester.network.vpc_id,
            peer_vpc_id=accepter.network.vpc_id,
            peer_region=accepter.name,
            auto_accept=False,
            tags=tags,
            provider=requester_provider,
        )
        accepted = VpcPeeringConnectionAccepterA(
            self,
            f"accepter-{pair}",
            vpc_peering_connection_id=asked.id,
            auto_accept=True,
            tags=tags,
            provider=accepter_provider,
        )
        # From here on by the accepter's id: options and routes are refused before the connection is accepted.
        VpcPeeringConnectionOptions(
            self,
            f"requester-options-{pair}",
            vpc_peering_connection_id=accepted.id,
            requester=VpcPeeringConnectionOptionsRequester(allow_remote_vpc_dns_resolution=True),
            provider=requester_provider,
        )
        VpcPeeringConnectionOptions(
            self,
            f"accepter-options-{pair}",
            vpc_peering_connection_id=accepted.id,
            accepter=VpcPeeringConnectionOptionsAccepter(allow_remote_vpc_dns_resolution=True),
            provider=accepter_provider,
        )
        for here, there in ((requester, accepter), (accepter, requester)):
            Route(
                self,
                f"route-{here.name}-to-{there.name}",
                route_table_id=here.network.route_table_id,
                destination_cidr_block=there.network.cidr,
                vpc_peering_connection_id=accepted.id,
                provider=self.providers[here.name],
            )

    def _name_endpoints(self, region: Region, others: Sequence[Region]) -> None:
        """Zones that the others' networks see and the region's own does not: it has the endpoints' private names."""
        for service in (each for each in NAMED_SERVICES if each in region.network.endpoint_names):
            domain, name = f"{service}.{region.name}.amazonaws.com", f"hosted-zone-{region.name}-{service}"
            zone = Route53Zone(
                self,
                f"zone-{region.name}-{service}",
                name=domain,
                comment=f"{self.names.regional(name)}: endpoint in {region.name} for the other regions",
                vpc=[Route53ZoneVpc(vpc_id=other.network.vpc_id, vpc_region=other.name) for other in others],
                force_destroy=True,
                tags={"Name": self.names.regional(name)},
            )
            endpoint = region.network.endpoint_names[service]
            alias = Route53RecordAlias(name=endpoint.dns_name, zone_id=endpoint.zone_id, evaluate_target_health=False)
            # Clients put a bucket's name before that of S3.
            for kind, host in {"apex": domain, **({"bucket": f"*.{domain}"} if service == "s3" else {})}.items():
                Route53Record(
                    self,
                    f"{kind}-{region.name}-{service}",
                    zone_id=zone.zone_id,
                    name=host,
                    type="A",
                    alias=alias,
                )
