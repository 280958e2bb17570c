"""What a region reaches of the other one over the peering."""

import time
from collections.abc import Iterator

from drill.client import Answer, ApiClient
from drill.deployment import Deployment
from drill.emulator import EmbeddedAws

import pytest

EAST, WEST = "us-east-1", "us-west-2"


@pytest.mark.parametrize(("here", "there"), [(EAST, WEST), (WEST, EAST)])
def test_a_network_resolves_the_other_regions_services_to_its_endpoints(
    here: str, there: str, aws: EmbeddedAws, deployment: Deployment
) -> None:
    endpoints = aws.client("ec2", there).describe_vpc_endpoints()["VpcEndpoints"]
    entries = {each["ServiceName"]: each["DnsEntries"][0] for each in endpoints if each["VpcEndpointType"] != "Gateway"}
    route53, found = aws.client("route53", here), {}
    (vpc,) = (v["VpcId"] for v in aws.client("ec2", here).describe_vpcs()["Vpcs"] if not v["IsDefault"])
    for zone in route53.list_hosted_zones_by_vpc(VPCId=vpc, VPCRegion=here)["HostedZoneSummaries"]:
        for record in route53.list_resource_record_sets(HostedZoneId=zone["HostedZoneId"])["ResourceRecordSets"]:
            if record["Type"] == "A":
                found[record["Name"].replace("\\052", "*")] = record["AliasTarget"]
    named = {"kms": ("",), "s3": ("", "*."), "sns": ("",), "sts": ("",)}
    wanted = {f"{host}{service}.{there}.amazonaws.com.": service for service in named for host in named[service]}
    assert found.keys() == wanted.keys()
    for name, service in wanted.items():
        entry = entries[f"com.amazonaws.{there}.{service}"]
        target = found[name]["DNSName"].replace("\\052", "*").rstrip("."), found[name]["HostedZoneId"]
        assert target == (entry["DnsName"], entry["HostedZoneId"])


def eventually(client: ApiClient, path: str) -> Answer:
    """The answer once it is 200: a function that starts may spend its second on that, and then lets the peer rest."""
    ends = time.monotonic() + 40
    while (answer := client.call("GET", path)).status != 200 and time.monotonic() < ends:
        time.sleep(1)
    return answer


@pytest.fixture
def held(aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """The account, whose replication may be held and whose services may be broken until the test ends."""
    yield aws
    aws.heal()
    for source, target in ((EAST, WEST), (WEST, EAST)):
        aws.delay_replication(source=source, target=target, seconds=0)


@pytest.mark.parametrize(("here", "there"), [(EAST, WEST), (WEST, EAST)])
def test_a_document_is_read_where_it_was_uploaded_until_its_copy_has_come(
    here: str, there: str, held: EmbeddedAws, clients: dict[str, ApiClient]
) -> None:
    path = f"/patients/read-through-{here}/documents/scan.pdf"
    held.fault(region=there, service="s3")  # the row is replicated, the bytes are not
    assert clients[here].call("PUT", path, b"%PDF-1.7 early", content_type="application/pdf").status == 201
    held.delay_replication(source=here, target=there, seconds=None)
    held.heal()
    early = eventually(clients[there], path)
    assert (early.status, early.body, early.headers["X-Read-From"]) == (200, b"%PDF-1.7 early", here)
    held.delay_replication(source=here, target=there, seconds=0)
    ends = time.monotonic() + 20
    while (late := clients[there].call("GET", path)).headers.get("X-Read-From") != there and time.monotonic() < ends:
        time.sleep(0.2)
    assert (late.body, late.headers["X-Read-From"]) == (b"%PDF-1.7 early", there)
