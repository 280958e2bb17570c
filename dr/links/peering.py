"""Private connections between the regions' networks."""

import itertools
from collections.abc import Sequence

from dr.links.link import Link
from dr.regions.region import Region

from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.vpc_peering_connection import VpcPeeringConnection
from cdktf_cdktf_provider_aws.vpc_peering_connection_accepter import VpcPeeringConnectionAccepterA
from cdktf_cdktf_provider_aws.vpc_peering_connection_options import (
    VpcPeeringConnectionOptions,
    VpcPeeringConnectionOptionsAccepter,
    VpcPeeringConnectionOptionsRequester,
)
from constructs import Construct


class Peering(Link):
    """A peering connection for every pair of regions, with routes to the other's addresses on both sides."""

    def __init__(self, scope: Construct, regions: Sequence[Region]) -> None:
        """Link the regions, of which the first is the primary."""
        super().__init__(scope, "peering", regions)
        for requester, accepter in itertools.combinations(regions, 2):
            self._peer(requester, accepter)

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
