"""What the deployment is: read back from the services themselves."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drill.demo import Bars
from drill.deployment import Deployment, Done
from drill.emulator import EmbeddedAws
from drill.leftovers import GLOBAL, REGIONAL, leftovers
from tests.deployed.conftest import SUFFIX
from tests.drill.listings import LISTED
from tests.synthesis import resources, synthesize

import pytest
from rich.progress import Progress

STACKS = ("us-east-1", "us-west-2", "peering", "replication", "dns")
REGIONS = ("us-east-1", "us-west-2")


def tables(aws: EmbeddedAws, deployment: Deployment) -> Iterator[tuple[str, str, Any]]:
    """Each table that was deployed, as each region describes it."""
    names = {each.attributes["name"] for each in deployment.instances() if each.kind == "aws_dynamodb_table"}
    assert names == {f"{table}-{SUFFIX}" for table in ("patient_records", "audit_logs", "failover_state")}
    for region in REGIONS:
        for name in sorted(names):
            yield region, name, aws.client("dynamodb", region).describe_table(TableName=name)["Table"]


@pytest.mark.parametrize("stack", STACKS)
def test_second_plan_is_empty(stack: str, deployment: Deployment) -> None:
    assert deployment.changes(stack) == ""


def test_progress_tells_of_every_resource_once_and_fills_every_bar(
    deployment: Deployment, heard: list[Done], tmp_path: Path
) -> None:
    deployed = synthesize(tmp_path, ENVIRONMENT_SUFFIX=SUFFIX)
    made = sorted((each.stack, f"{each.kind}.{each.name}") for each in resources(deployed))
    assert sorted((done.stack, done.address) for done in heard) == made
    progress = Progress(disable=True)
    advance = Bars(progress, dict(Counter(stack for stack, _ in made)))
    for done in heard:
        assert not progress.finished
        advance(done)
    assert progress.finished


def test_every_taggable_resource_carries_both_tags(deployment: Deployment) -> None:
    taggable = [instance for instance in deployment.instances() if "tags_all" in instance.attributes]
    assert len(taggable) > 90
    wanted = {"Environment": "Production", "DisasterRecovery": "Enabled"}
    assert [i for i in taggable if not wanted.items() <= (i.attributes["tags_all"] or {}).items()] == []


def test_replicas_of_tables_are_tagged_too(aws: EmbeddedAws, deployment: Deployment) -> None:
    for region, _, table in tables(aws, deployment):
        tags = aws.client("dynamodb", region).list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
        assert {"Key": "Environment", "Value": "Production"} in tags
        assert {"Key": "DisasterRecovery", "Value": "Enabled"} in tags


def data_classes(aws: EmbeddedAws, region: str) -> Iterator[tuple[str, str]]:
    """The stores of a region by name, with what their tags say that they hold."""
    tagging, logs = (aws.client(service, region) for service in ("resourcegroupstaggingapi", "logs"))
    for found in tagging.get_resources(TagFilters=[{"Key": "DataClass"}])["ResourceTagMappingList"]:
        tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
        yield re.split("[:/]", found["ResourceARN"])[-1].removesuffix(f"-{aws.account}"), tags["DataClass"]
    for group in logs.describe_log_groups()["logGroups"]:
        tags = logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"]
        yield group["logGroupName"].rpartition("/")[0], tags["DataClass"]


@pytest.mark.parametrize("region", REGIONS)
def test_every_store_says_what_kind_of_data_it_holds(region: str, aws: EmbeddedAws, deployment: Deployment) -> None:
    held = sorted(data_classes(aws, region))
    for name, told in (
        *((f"patient_records-{SUFFIX}", "phi"), (f"audit_logs-{SUFFIX}", "audit")),
        *((f"documents-{region}-{SUFFIX}", "phi"), (f"trail-{region}-{SUFFIX}", "audit")),
        *((f"backup-vault-{SUFFIX}", "phi"), (f"queue-dead-letters-{SUFFIX}", "phi")),
        *((f"topic-alerts-{SUFFIX}", "operations"), ("/aws/lambda", "operations")),
        *(("/aws/cloudtrail", "audit"), ("/aws/vpc", "audit"), ("/aws/vendedlogs/apigateway", "audit")),
    ):
        assert {kind for store, kind in held if store == name} == {told}, (name, held)


def test_every_replica_has_point_in_time_recovery(aws: EmbeddedAws, deployment: Deployment) -> None:
    for region, name, _ in tables(aws, deployment):
        backups = aws.client("dynamodb", region).describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert (region, name, recovery["PointInTimeRecoveryStatus"]) == (region, name, "ENABLED")


def test_every_replica_has_the_key_of_its_own_region(aws: EmbeddedAws, deployment: Deployment) -> None:
    for region, name, table in tables(aws, deployment):
        key = table["SSEDescription"]["KMSMasterKeyArn"]
        described = aws.client("kms", region).describe_key(KeyId=key)["KeyMetadata"]
        assert (name, described["KeyManager"], described["Arn"]) == (name, "CUSTOMER", key)


def test_every_key_rotates(aws: EmbeddedAws, deployment: Deployment) -> None:
    for region in REGIONS:
        key = aws.client("kms", region).describe_key(KeyId=f"alias/kms-{SUFFIX}")["KeyMetadata"]["KeyId"]
        assert aws.client("kms", region).get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


def test_peering_is_active_and_routed_both_ways(aws: EmbeddedAws, deployment: Deployment) -> None:
    for region, peer_cidr in zip(REGIONS, ("10.20.0.0/16", "10.10.0.0/16"), strict=True):
        ec2 = aws.client("ec2", region)
        (peering,) = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
        assert peering["Status"]["Code"] == "active"
        routes = [
            route
            for table in ec2.describe_route_tables()["RouteTables"]
            for route in table["Routes"]
            if route.get("VpcPeeringConnectionId") == peering["VpcPeeringConnectionId"]
        ]
        assert [route["DestinationCidrBlock"] for route in routes] == [peer_cidr]


def test_dns_answers_with_both_regions_while_they_are_healthy(aws: EmbeddedAws, deployment: Deployment) -> None:
    route53 = aws.client("route53", "us-east-1")
    (zone,) = route53.list_hosted_zones_by_name(DNSName=f"healthcare-dr-{SUFFIX}.com", MaxItems="1")["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    weighted = {record["SetIdentifier"]: record for record in records if "Weight" in record}
    assert {region: record["Weight"] for region, record in weighted.items()} == {"us-east-1": 70, "us-west-2": 30}

    def described(check: str) -> Any:
        return route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]

    for region, record in weighted.items():
        children = map(described, described(record["HealthCheckId"])["ChildHealthChecks"])
        (check,) = (child for child in children if "FullyQualifiedDomainName" in child)
        assert (check["FailureThreshold"], check["RequestInterval"]) == (3, 10)
        assert record["ResourceRecords"][0]["Value"] == check["FullyQualifiedDomainName"]
        assert deployment.outputs(region)["api_url"] == f"https://{check['FullyQualifiedDomainName']}"


def test_alarms_tell_the_topics_of_their_region(aws: EmbeddedAws, deployment: Deployment) -> None:
    for region in REGIONS:
        alarms = aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
        assert len(alarms) >= 20
        operations: str = deployment.outputs(region)["alert_topic_arn"]
        failover = operations.replace(":topic-alerts-", ":topic-failover-")
        for alarm in alarms:
            of_a_peer = alarm["AlarmName"].startswith("alarm-peer-")
            assert alarm["AlarmActions"] == [failover if of_a_peer else operations]


def test_a_region_has_a_dashboard_of_its_own(aws: EmbeddedAws, deployment: Deployment) -> None:
    for region in REGIONS:
        body = aws.client("cloudwatch", region).get_dashboard(DashboardName=f"dashboard-{SUFFIX}")["DashboardBody"]
        assert "ReplicationLatency" in body
        assert "HealthCheckStatus" in body
        assert "${" not in body


def test_command_line_shows_no_difference_after_a_deploy(deployment: Deployment) -> None:
    assert "No changes. Your infrastructure matches the configuration." in deployment.diff("us-east-1")


# The domain is not delegated yet.
NOT_YET = {"acm CertificateSummaryList", "apigatewayv2 get_domain_names"}
# Route 53 logs queries to us-east-1 only, and nothing else needs a policy of CloudWatch Logs.
NOT_THERE = {"us-west-2 logs resourcePolicies"}


def test_the_search_for_leftovers_finds_what_is_deployed(aws: EmbeddedAws, deployment: Deployment) -> None:
    found = {line.split(": ")[0] for line in leftovers(aws)}
    expected = {f"global {service} {key}" for service, _, key in GLOBAL}
    for service, call, key in REGIONAL:
        if not NOT_YET & {f"{service} {key}", f"{service} {call}"}:
            expected |= {f"{region} {service} {key}" for region in REGIONS}
    assert found == expected - NOT_THERE
    deployed = {instance.kind for instance in deployment.instances()}
    assert {LISTED[kind] for kind in deployed & LISTED.keys()} <= {line.partition(" ")[2] for line in found}
