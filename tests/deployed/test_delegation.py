"""The domain is delegated and the callers get an issuer: the deployment changes in place."""

from drill.client import ApiClient
from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from tests.deployed.conftest import SUFFIX

import pytest

DOMAIN = f"healthcare-dr-{SUFFIX}.com"
REGIONS = ("us-east-1", "us-west-2")


@pytest.mark.parametrize("stack", ["us-east-1", "us-west-2", "peering", "replication", "dns"])
def test_second_plan_of_the_delegated_deployment_is_empty(stack: str, delegated_deployment: Deployment) -> None:
    assert delegated_deployment.changes(stack) == ""


def test_each_region_serves_the_shared_name_and_its_own(aws: EmbeddedAws, delegated_deployment: Deployment) -> None:
    for region in REGIONS:
        names = {item["DomainName"] for item in aws.client("apigatewayv2", region).get_domain_names()["Items"]}
        assert names == {f"api.{DOMAIN}", f"{region}.api.{DOMAIN}"}


def test_the_shared_name_is_weighted_between_the_regions(aws: EmbeddedAws, delegated_deployment: Deployment) -> None:
    route53 = aws.client("route53", "us-east-1")
    zone = next(zone for zone in route53.list_hosted_zones()["HostedZones"] if zone["Name"] == f"{DOMAIN}.")
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    weighted = [record for record in records if record["Name"] == f"api.{DOMAIN}."]
    assert {record["SetIdentifier"]: record["Weight"] for record in weighted} == {"us-east-1": 70, "us-west-2": 30}
    assert all(record["HealthCheckId"] and record["AliasTarget"] for record in weighted)
    assert not [record for record in records if record["Name"].startswith("failover-test.")]


def test_the_parent_zone_points_at_the_zone(aws: EmbeddedAws, delegated_deployment: Deployment) -> None:
    route53 = aws.client("route53", "us-east-1")
    parent = delegated_deployment.settings["DR_PARENT_ZONE_ID"]
    records = route53.list_resource_record_sets(HostedZoneId=parent)["ResourceRecordSets"]
    (delegation,) = [record for record in records if record["Name"] == f"{DOMAIN}."]
    assert sorted(server["Value"] for server in delegation["ResourceRecords"]) == sorted(
        delegated_deployment.outputs("dns")["name_servers"]
    )


def test_operations_are_subscribed_in_both_regions(aws: EmbeddedAws, delegated_deployment: Deployment) -> None:
    for region in REGIONS:
        topic = delegated_deployment.outputs(region)["alert_topic_arn"]
        found = aws.client("sns", region).list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert {subscription["Protocol"] for subscription in found} == {"email", "sqs"}


def test_rejects_calls_without_a_token_where_there_is_an_issuer(strangers: dict[str, ApiClient]) -> None:
    for client in strangers.values():
        assert client.call("GET", "/patients/p/records", signed=False).status == 401
        assert client.call("GET", "/patients/p/records").status == 401


def test_the_health_check_stays_open(strangers: dict[str, ApiClient]) -> None:
    for client in strangers.values():
        assert client.call("GET", "/healthz", signed=False).status == 200
