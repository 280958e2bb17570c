"""What is left in the embedded AWS: asked of the services themselves, not of Terraform."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from drill.emulator import EmbeddedAws

# Service, its listing call, and the key of what it lists. Read in every region.
REGIONAL = (
    ("acm", "list_certificates", "CertificateSummaryList"),
    ("apigatewayv2", "get_apis", "Items"),
    ("apigatewayv2", "get_domain_names", "Items"),
    ("backup", "list_backup_plans", "BackupPlansList"),
    ("backup", "list_backup_vaults", "BackupVaultList"),
    ("cloudtrail", "list_trails", "Trails"),
    ("cloudwatch", "describe_alarms", "CompositeAlarms"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("cloudwatch", "list_dashboards", "DashboardEntries"),
    ("dynamodb", "list_tables", "TableNames"),
    ("ec2", "describe_flow_logs", "FlowLogs"),
    ("ec2", "describe_route_tables", "RouteTables"),
    ("ec2", "describe_security_groups", "SecurityGroups"),
    ("ec2", "describe_subnets", "Subnets"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints"),
    ("ec2", "describe_vpc_peering_connections", "VpcPeeringConnections"),
    ("ec2", "describe_vpcs", "Vpcs"),
    ("events", "list_rules", "Rules"),
    ("kms", "list_aliases", "Aliases"),
    ("kms", "list_keys", "Keys"),
    ("lambda", "list_functions", "Functions"),
    ("logs", "describe_log_groups", "logGroups"),
    ("logs", "describe_resource_policies", "resourcePolicies"),
    ("sns", "list_subscriptions", "Subscriptions"),
    ("sns", "list_topics", "Topics"),
    ("sqs", "list_queues", "QueueUrls"),
)
# The same in every region: read once.
GLOBAL = (
    ("iam", "list_policies", "Policies"),
    ("iam", "list_roles", "Roles"),
    ("route53", "list_health_checks", "HealthChecks"),
    ("route53", "list_hosted_zones", "HostedZones"),
    ("s3", "list_buckets", "Buckets"),
)
# CloudWatch lists composite alarms only where they are asked for.
_ARGUMENTS = {"CompositeAlarms": {"AlarmTypes": ["CompositeAlarm"]}}
# AWS keeps a deleted key for its deletion window, a deleted peering connection for about two hours, and every account
# has a default VPC and roles of AWS's own. A VPC's own security group and main route table go with it alone.
_STAYS: dict[str, Callable[[Any, Any], bool]] = {
    "Keys": lambda kms, key: kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion",
    "Aliases": lambda _, alias: alias["AliasName"].startswith("alias/aws/"),
    "Vpcs": lambda _, vpc: bool(vpc["IsDefault"]),
    "Subnets": lambda _, subnet: bool(subnet["DefaultForAz"]),
    "SecurityGroups": lambda _, group: group["GroupName"] == "default",
    "RouteTables": lambda _, table: any(each["Main"] for each in table["Associations"]),
    "VpcPeeringConnections": lambda _, peering: peering["Status"]["Code"] == "deleted",
    "Roles": lambda _, role: role["Path"].startswith("/aws-service-role/"),
    "Policies": lambda _, policy: policy["Arn"].startswith("arn:aws:iam::aws:"),
}
# What is AWS's own, or part of a VPC that stays.
_OF_OTHERS = " (Policies|Aliases|Subnets|SecurityGroups|RouteTables): "


def leftovers(aws: EmbeddedAws) -> list[str]:
    """Everything in the account that a destroyed project must not leave, one line each."""
    return [line for line, stays in inventory(aws) if not stays]


def legitimate(aws: EmbeddedAws) -> list[str]:
    """What an account keeps by itself after a destroy, one line each."""
    return [line for line, stays in inventory(aws) if stays and not re.search(_OF_OTHERS, line)]


def inventory(aws: EmbeddedAws) -> Sequence[tuple[str, bool]]:
    """Everything that the account has, and whether it may stay after a destroy."""
    found: list[tuple[str, bool]] = []
    for region, calls in [("global", GLOBAL), *((region, REGIONAL) for region in aws.regions)]:
        for service, call, key in calls:
            client = aws.client(service, aws.regions[0] if region == "global" else region)
            stays = _STAYS.get(key, lambda *_: False)
            found += [
                (f"{region} {service} {key}: {_name(item)}", stays(client, item))
                for item in _listed(client, call, key, **_ARGUMENTS.get(key, {}))
            ]
    return found


def _listed(client: Any, call: str, key: str, **arguments: Any) -> list[Any]:
    """All pages of a listing; a key that the service does not have is an error, not an empty list."""
    if client.can_paginate(call):
        return [item for page in client.get_paginator(call).paginate(**arguments) for item in page.get(key) or ()]
    return list(getattr(client, call)(**arguments)[key])


def _name(item: Any) -> str:
    """The most telling part of what a listing says."""
    if not isinstance(item, dict):
        return str(item)
    telling = (
        "Name",
        "KeyId",
        "VpcEndpointId",
        "SubnetId",
        "GroupId",
        "RouteTableId",
        "VpcId",
        "VpcPeeringConnectionId",
        "RoleName",
        "PolicyName",
        "FunctionName",
        "AlarmName",
        "DashboardName",
        "logGroupName",
    )
    return str(next((item[key] for key in telling if key in item), next(iter(item.values()))))
