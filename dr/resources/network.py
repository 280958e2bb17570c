"""A region's private network: no way to the internet, AWS by endpoints, the other regions by peering."""

from collections.abc import Mapping, Sequence

from dr.regions.settings import RegionSettings
from dr.resources.data_class import DataClass
from dr.resources.encryption import EncryptionKey
from dr.resources.endpoint_policies import endpoint_statements
from dr.resources.naming import Names
from dr.resources.policy import Statement, document
from dr.resources.role import Role

import attrs
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.flow_log import FlowLog
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

GATEWAY_ENDPOINTS = ("dynamodb", "s3")
# DynamoDB is reached by its gateway endpoint alone: AWS gives its interface endpoint no private name.
HTTPS = 443
WRITE_FLOW_LOGS = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")


@attrs.frozen
class EndpointName:
    """The DNS name that an interface endpoint has of its own, and the hosted zone it is in."""

    dns_name: str
    zone_id: str


class Network(Construct):
    """A VPC with one private subnet a zone, endpoints to AWS, flow logs, and security groups for functions and data.

    Functions reach HTTPS only: the endpoints, the gateway endpoints' prefix lists and the peers' addresses. The data
    services' endpoints are reached from the functions and from the peers. The VPC's default group lets nothing pass.

    Attributes:
        vpc_id: The VPC.
        cidr: Its addresses.
        subnet_ids: The private subnets, one a zone.
        route_table_id: The route table of the private subnets; peering adds its routes there.
        function_group_id: The security group of functions.
        endpoint_names: The interface endpoints' own names, by service.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        account: str,
        region: RegionSettings,
        peers: Sequence[RegionSettings],
        services: Sequence[str],
        key: EncryptionKey,
        log_retention_days: int,
    ) -> None:
        """Make the network.

        Args:
            scope: The region's stack.
            id_: Its id there.
            names: The naming rule.
            account: The id of the account.
            region: Where it lies, its addresses and zones.
            peers: The other regions, whose addresses may come and go.
            services: The AWS services that get an interface endpoint.
            key: Encrypts the flow logs.
            log_retention_days: How long flow logs are kept.
        """
        super().__init__(scope, id_)
        self._names, self._region, self._account, self._services = names, region, account, services
        vpc = Vpc(
            self,
            "vpc",
            cidr_block=region.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tag("vpc"),
        )
        self.vpc_id, self.cidr = vpc.id, region.cidr
        # Given no rules, it loses those that AWS puts in.
        DefaultSecurityGroup(self, "default-group", vpc_id=self.vpc_id, tags=self._tag("security-group-default"))

        table = RouteTable(self, "route-table", vpc_id=self.vpc_id, tags=self._tag("route-table"))
        self.route_table_id = table.id
        self.subnet_ids = [
            self._create_subnet(zone, cidr) for zone, cidr in zip(region.zones, region.subnets, strict=True)
        ]

        functions = self._create_group("function", "Functions: HTTPS to AWS and to the peers")
        data = self._create_group("data", "Endpoints of data services: HTTPS from functions and peers")
        self.function_group_id = functions
        self.endpoint_names = self._create_endpoints(functions, data)
        self._allow_functions_to(functions, "endpoints", referenced_security_group_id=data)
        self._allow_into(data, "functions", referenced_security_group_id=functions)
        for peer in peers:
            self._allow_functions_to(functions, peer.name, cidr_ipv4=peer.cidr)
            self._allow_into(data, peer.name, cidr_ipv4=peer.cidr)
        self._record_flows(key, log_retention_days)

    def _tag(self, kind: str) -> dict[str, str]:
        return {"Name": self._names.regional(kind)}

    def _create_subnet(self, zone: str, cidr: str) -> str:
        subnet = Subnet(
            self,
            f"subnet-{zone}",
            vpc_id=self.vpc_id,
            availability_zone_id=zone,
            cidr_block=cidr,
            tags=self._tag(f"subnet-{zone}"),
        )
        subnet_id = subnet.id
        RouteTableAssociation(self, f"route-{zone}", subnet_id=subnet_id, route_table_id=self.route_table_id)
        return subnet_id

    def _create_group(self, kind: str, description: str) -> str:
        name = self._names.regional(f"security-group-{kind}")
        group = SecurityGroup(
            self, f"group-{kind}", name=name, description=description, vpc_id=self.vpc_id, tags={"Name": name}
        )
        return group.id

    def _allow_functions_to(self, group: str, what: str, **destination: str) -> None:
        VpcSecurityGroupEgressRule(
            self,
            f"functions-to-{what}",
            security_group_id=group,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description=f"Functions to {what}, HTTPS",
            tags=self._tag(f"functions-to-{what}"),
            **destination,  # type: ignore[arg-type]  # one of the three kinds of destination
        )

    def _allow_into(self, group: str, what: str, **source: str) -> None:
        VpcSecurityGroupIngressRule(
            self,
            f"data-from-{what}",
            security_group_id=group,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description=f"Endpoints from {what}, HTTPS",
            tags=self._tag(f"data-from-{what}"),
            **source,  # type: ignore[arg-type]  # one of the three kinds of source
        )

    def _create_endpoints(self, functions: str, data: str) -> Mapping[str, EndpointName]:
        gateways, names = {}, {}
        for service in GATEWAY_ENDPOINTS:
            gateways[service] = VpcEndpoint(
                self,
                f"gateway-{service}",
                vpc_id=self.vpc_id,
                vpc_endpoint_type="Gateway",
                service_name=f"com.amazonaws.{self._region.name}.{service}",
                route_table_ids=[self.route_table_id],
                policy=self._endpoint_policy(service),
                tags=self._tag(f"vpc-endpoint-gateway-{service}"),
            )
            self._allow_functions_to(functions, service, prefix_list_id=gateways[service].prefix_list_id)
        for service in self._services:
            endpoint = VpcEndpoint(
                self,
                f"interface-{service}",
                vpc_id=self.vpc_id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{self._region.name}.{service}",
                subnet_ids=self.subnet_ids,
                security_group_ids=[data],
                # In its own region S3 is reached by the gateway; this endpoint is for the peers.
                private_dns_enabled=service != "s3",
                policy=self._endpoint_policy(service),
                tags=self._tag(f"vpc-endpoint-{service}"),
                # AWS refuses that of S3 in a VPC without the gateway (terraform-aws-vpc#982).
                depends_on=[gateways[service]] if service in gateways else None,
            )
            own = endpoint.dns_entry.get(0)
            names[service] = EndpointName(own.dns_name, own.hosted_zone_id)
        return names

    def _endpoint_policy(self, service: str) -> str:
        return document(endpoint_statements(service, self._names, self._region.name, self._account))

    def _record_flows(self, key: EncryptionKey, retention_days: int) -> None:
        group = CloudwatchLogGroup(
            self,
            "flow-log-group",
            name=f"/aws/vpc/{self._names.regional('flow-log')}",
            kms_key_id=key.arn,
            retention_in_days=retention_days,
            tags=DataClass.AUDIT.tag,
        )
        role = Role(
            self,
            "flow-log-role",
            name=self._names.worldwide("role-flow-log", self._region.name),
            service="vpc-flow-logs",
            account=self._account,
            statements=[
                Statement(sid="WriteFlowLogs", actions=WRITE_FLOW_LOGS, resources=(f"{group.arn}:*",)),
                Statement(
                    sid="FindLogGroup",
                    actions=("logs:DescribeLogGroups",),
                    resources=(f"arn:aws:logs:{self._region.name}:{self._account}:log-group:*",),
                ),
            ],
        )
        FlowLog(
            self,
            "flow-log",
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags=self._tag("flow-log"),
            depends_on=role.attachments,
        )
