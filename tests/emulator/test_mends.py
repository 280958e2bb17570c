"""Each mend, by what a client sees: every test here fails without the mend it is for."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from drill.emulator import EmbeddedAws
from tests.emulator.test_process import holds_within

import pytest
from botocore.exceptions import ClientError

NUMBERS = count(1)


@pytest.fixture
def vpc(east: Any) -> str:
    return str(east("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"])


def test_alarms_are_described_in_full(east: Any) -> None:
    settings = {
        "AlarmName": "latency",
        "Namespace": "AWS/ApiGateway",
        "MetricName": "Latency",
        "ExtendedStatistic": "p99",
        "Dimensions": [{"Name": "ApiId", "Value": "a<b"}],
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 1000.5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": ["arn:aws:sns:us-east-1:111111111111:alerts"],
    }
    east("cloudwatch").put_metric_alarm(**settings)
    rule = {"AlarmName": "region", "AlarmRule": 'ALARM("latency")', "AlarmDescription": "any"}
    east("cloudwatch").put_composite_alarm(**rule)
    body = by_query(east("cloudwatch"), "Action=DescribeAlarms&AlarmNames.member.1=latency")
    assert "<ExtendedStatistic>p99<" in body
    assert "<Value>a&lt;b<" in body
    assert "<TreatMissingData>notBreaching<" in body
    assert "<Statistic>" not in body
    body = by_query(east("cloudwatch"), "Action=DescribeAlarms&AlarmTypes.member.1=CompositeAlarm")
    assert "<AlarmRule>ALARM(" in body
    assert "<AlarmDescription>any<" in body


def by_query(client: Any, query: str) -> str:
    """An answer by the Query protocol, which the Terraform provider speaks and this boto3 does not."""
    from urllib.request import Request, urlopen

    credential = "Credential=111111111111/20260101/us-east-1/monitoring/aws4_request"
    request = Request(  # noqa: S310  the emulator's own address
        client.meta.endpoint_url,
        data=f"{query}&Version=2010-08-01".encode(),
        headers={"Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"},
    )
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(answer.read().decode())


def test_interface_endpoints_keep_their_settings(east: Any, vpc: str) -> None:
    ec2 = east("ec2")
    group = ec2.create_security_group(GroupName="endpoints", Description="x", VpcId=vpc)["GroupId"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface",
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.s3",
        SecurityGroupIds=[group],
        PrivateDnsEnabled=True,
        PolicyDocument=policy,
        DnsOptions={"PrivateDnsOnlyForInboundResolverEndpoint": False},
    )["VpcEndpoint"]["VpcEndpointId"]
    shown = ec2.describe_vpc_endpoints(VpcEndpointIds=[made])["VpcEndpoints"][0]
    assert [g["GroupId"] for g in shown["Groups"]] == [group]
    assert shown["PrivateDnsEnabled"] is True
    assert shown["PolicyDocument"] == policy
    assert shown["DnsOptions"]["PrivateDnsOnlyForInboundResolverEndpoint"] is False
    assert shown["DnsEntries"][0]["DnsName"].endswith(".s3.us-east-1.vpce.amazonaws.com")
    ec2.modify_vpc_endpoint(VpcEndpointId=made, RemoveSecurityGroupIds=[group], PrivateDnsEnabled=False)
    shown = ec2.describe_vpc_endpoints(VpcEndpointIds=[made])["VpcEndpoints"][0]
    assert (shown.get("Groups", []), shown["PrivateDnsEnabled"]) == ([], False)


def test_flow_logs_keep_their_settings(east: Any, vpc: str) -> None:
    role = "arn:aws:iam::111111111111:role/flow"
    made = east("ec2").create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogDestination="arn:aws:logs:us-east-1:111111111111:log-group:flow",
        DeliverLogsPermissionArn=role,
        MaxAggregationInterval=60,
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "Name", "Value": "flow"}]}],
    )["FlowLogIds"]
    shown = east("ec2").describe_flow_logs(FlowLogIds=made)["FlowLogs"][0]
    assert shown["DeliverLogsPermissionArn"] == role
    assert shown["MaxAggregationInterval"] == 60
    assert shown["LogFormat"].startswith("${version} ")
    assert shown["Tags"] == [{"Key": "Name", "Value": "flow"}]


def test_security_group_rules_keep_their_prefix_list(east: Any, vpc: str) -> None:
    ec2 = east("ec2")
    group = ec2.create_security_group(GroupName="function", Description="x", VpcId=vpc)["GroupId"]
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "PrefixListIds": [{"PrefixListId": "pl-63a5400a", "Description": "s3"}],
    }
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[permission])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert [r["PrefixListId"] for r in rules if "PrefixListId" in r] == ["pl-63a5400a"]


def test_peering_connections_have_options_and_cidr_blocks(embedded_aws: EmbeddedAws, vpc: str) -> None:
    east, west = (embedded_aws.client("ec2", region) for region in embedded_aws.regions)
    other = west.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    made = east.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other, PeerRegion="us-west-2")
    peering = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    west.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    options = {"AllowDnsResolutionFromRemoteVpc": True}
    east.modify_vpc_peering_connection_options(
        VpcPeeringConnectionId=peering, RequesterPeeringConnectionOptions=options
    )
    for client in (east, west):
        found = client.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering])["VpcPeeringConnections"][0]
        asked, accepted = found["RequesterVpcInfo"], found["AccepterVpcInfo"]
        assert (asked["CidrBlock"], accepted["CidrBlock"]) == ("10.1.0.0/16", "10.2.0.0/16")
        assert asked["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"] is True
        assert accepted["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"] is False
    with pytest.raises(ClientError, match="does not exist"):
        east.modify_vpc_peering_connection_options(VpcPeeringConnectionId="pcx-0")


def test_a_table_replica_has_its_own_key_and_a_recovery_period(embedded_aws: EmbeddedAws) -> None:
    client, name = embedded_aws.client("dynamodb", "us-east-1"), f"mended-{next(NUMBERS)}"
    keys = {r: embedded_aws.client("kms", r).create_key()["KeyMetadata"]["Arn"] for r in embedded_aws.regions}
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": keys["us-east-1"]},
    )
    replica = {"RegionName": "us-west-2", "KMSMasterKeyId": keys["us-west-2"]}
    client.update_table(TableName=name, ReplicaUpdates=[{"Create": replica}])
    table = client.describe_table(TableName=name)["Table"]
    assert table["SSEDescription"]["KMSMasterKeyArn"] == keys["us-east-1"]
    assert table["Replicas"][0]["KMSMasterKeyId"] == keys["us-west-2"]
    own = embedded_aws.client("dynamodb", "us-west-2").describe_table(TableName=name)["Table"]
    assert own["SSEDescription"]["KMSMasterKeyArn"] == keys["us-west-2"]
    recovery = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}
    client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    shown = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert shown["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"] == 7


def test_health_checks_keep_children_and_regions(east: Any) -> None:
    route53 = east("route53")
    regions = ["us-east-1", "us-west-2", "eu-west-1"]
    endpoint = {"Type": "HTTPS", "FullyQualifiedDomainName": "a.b.org", "Regions": regions, "EnableSNI": True}
    child = route53.create_health_check(CallerReference="1", HealthCheckConfig=endpoint)["HealthCheck"]["Id"]
    calculated = {"Type": "CALCULATED", "ChildHealthChecks": [child], "HealthThreshold": 1}
    parent = route53.create_health_check(CallerReference="2", HealthCheckConfig=calculated)["HealthCheck"]["Id"]
    assert route53.get_health_check(HealthCheckId=child)["HealthCheck"]["HealthCheckConfig"]["Regions"] == regions
    shown = route53.get_health_check(HealthCheckId=parent)["HealthCheck"]["HealthCheckConfig"]
    assert shown["ChildHealthChecks"] == [child]


def test_a_zone_says_that_it_is_not_signed(east: Any) -> None:
    zone = east("route53").create_hosted_zone(Name="mended.org", CallerReference="1")["HostedZone"]["Id"]
    assert east("route53").get_dnssec(HostedZoneId=zone)["Status"]["ServeSignature"] == "NOT_SIGNING"


def test_a_trail_keeps_its_tags_and_its_log_group(east: Any) -> None:
    east("s3").create_bucket(Bucket="trail-of-mends")
    tags = [{"Key": "kept", "Value": "yes"}]
    logs = {
        "CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:111111111111:log-group:mended:*",
        "CloudWatchLogsRoleArn": "arn:aws:iam::111111111111:role/mended",
    }
    arn = east("cloudtrail").create_trail(Name="mended", S3BucketName="trail-of-mends", TagsList=tags, **logs)[
        "TrailARN"
    ]
    assert east("cloudtrail").list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == tags
    (trail,) = east("cloudtrail").describe_trails(trailNameList=["mended"])["trailList"]
    assert trail | logs == trail


def test_a_vault_keeps_its_notifications(east: Any) -> None:
    backup = east("backup")
    backup.create_backup_vault(BackupVaultName="told")
    told = {"SNSTopicArn": "arn:aws:sns:us-east-1:111111111111:told", "BackupVaultEvents": ["COPY_JOB_FAILED"]}
    backup.put_backup_vault_notifications(BackupVaultName="told", **told)
    shown = backup.get_backup_vault_notifications(BackupVaultName="told")
    assert shown | told | {"BackupVaultName": "told"} == shown
    backup.delete_backup_vault_notifications(BackupVaultName="told")
    with pytest.raises(ClientError, match="No notifications are associated"):
        backup.get_backup_vault_notifications(BackupVaultName="told")


def test_a_zone_has_one_query_log(east: Any) -> None:
    route53 = east("route53")
    zone = route53.create_hosted_zone(Name="queried.com", CallerReference="queried")["HostedZone"]["Id"]
    group = "arn:aws:logs:us-east-1:111111111111:log-group:/aws/route53/queried.com"
    asked = {"HostedZoneId": zone.removeprefix("/hostedzone/"), "CloudWatchLogsLogGroupArn": group}
    made = route53.create_query_logging_config(**asked)["QueryLoggingConfig"]
    assert route53.get_query_logging_config(Id=made["Id"])["QueryLoggingConfig"] == {"Id": made["Id"], **asked}
    with pytest.raises(ClientError, match="QueryLoggingConfigAlreadyExists"):
        route53.create_query_logging_config(**asked)
    route53.delete_query_logging_config(Id=made["Id"])
    with pytest.raises(ClientError, match="NoSuchQueryLoggingConfig"):
        route53.get_query_logging_config(Id=made["Id"])


def test_a_certificate_keeps_its_key_algorithm(east: Any) -> None:
    arn = east("acm").request_certificate(DomainName="m.org", KeyAlgorithm="EC_prime256v1")["CertificateArn"]
    shown = east("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    assert shown["KeyAlgorithm"] == "EC_prime256v1"
    assert shown["Options"]["CertificateTransparencyLoggingPreference"] == "ENABLED"


def test_the_keys_of_aws_services_are_known(east: Any) -> None:
    shown = east("kms").describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]
    assert shown["KeyManager"] == "AWS"
    assert shown["KeyId"] not in [key["KeyId"] for key in east("kms").list_keys()["Keys"]]
    with pytest.raises(ClientError, match="not found"):
        east("kms").describe_key(KeyId="alias/own")


def test_a_subscription_over_https_has_an_arn_and_reaches_nobody(embedded_aws: EmbeddedAws, east: Any) -> None:
    topic = east("sns").create_topic(Name="mended")["TopicArn"]
    endpoint = "https://alerts.healthcare-dr.org/hook"
    made = east("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint=endpoint, ReturnSubscriptionArn=True)
    assert made["SubscriptionArn"].startswith(f"{topic}:")
    assert east("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint=f"{endpoint}/2")["SubscriptionArn"] == (
        "pending confirmation"
    )
    told = "the embedded AWS sends nothing to other machines"
    assert holds_within(10, lambda: told in embedded_aws.log.read_text())
