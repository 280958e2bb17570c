"""Replication between regions: at once, held while a region is dead, and the last writer wins."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

from drill.emulator import EmbeddedAws
from drill.emulator.faults import Fault, Faults
from drill.emulator.replication import Place, Replication

import pytest

NUMBERS = count(1)
REGIONS = ("us-east-1", "us-west-2")


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


class Table:
    """A global table of both regions."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws, self.name = aws, f"table-{next(NUMBERS)}"
        client = aws.client("dynamodb", "us-east-1")
        client.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        client.update_table(TableName=self.name, ReplicaUpdates=[{"Create": {"RegionName": "us-west-2"}}])

    def put(self, region: str, value: str) -> None:
        item = {"id": {"S": "x"}, "value": {"S": value}}
        self.aws.client("dynamodb", region).put_item(TableName=self.name, Item=item)

    def delete(self, region: str) -> None:
        self.aws.client("dynamodb", region).delete_item(TableName=self.name, Key={"id": {"S": "x"}})

    def get(self, region: str) -> str | None:
        answer = self.aws.client("dynamodb", region).get_item(TableName=self.name, Key={"id": {"S": "x"}})
        return answer["Item"]["value"]["S"] if "Item" in answer else None


class Buckets:
    """A bucket in each region, with a key each, replicated to every other."""

    def __init__(self, aws: EmbeddedAws, regions: tuple[str, ...] = REGIONS) -> None:
        number = next(NUMBERS)
        self.aws, self.names = aws, {region: f"documents-{region}-{number}" for region in regions}
        self.keys = {r: aws.client("kms", r).create_key()["KeyMetadata"]["Arn"] for r in regions}
        for region, name in self.names.items():
            client = aws.client("s3", region)
            place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            client.create_bucket(Bucket=name, **place)
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        for source in regions:
            client, rules = aws.client("s3", source), [self._rule(target) for target in regions if target != source]
            configuration = {"Role": "arn:aws:iam::111111111111:role/replication", "Rules": rules}
            client.put_bucket_replication(Bucket=self.names[source], ReplicationConfiguration=configuration)

    def _rule(self, target: str) -> dict[str, Any]:
        destination = {
            "Bucket": f"arn:aws:s3:::{self.names[target]}",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": self.keys[target]},
        }
        return {
            "ID": target,
            "Priority": next(NUMBERS),
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "Destination": destination,
        }

    def put(self, region: str, body: str) -> str:
        settings = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.keys[region], "Tagging": "kind=scan"}
        client = self.aws.client("s3", region)
        return str(client.put_object(Bucket=self.names[region], Key="a/b", Body=body, **settings)["VersionId"])

    def head(self, region: str, **version: str) -> Any:
        return self.aws.client("s3", region).head_object(Bucket=self.names[region], Key="a/b", **version)

    def versions(self, region: str) -> Any:
        return self.aws.client("s3", region).list_object_versions(Bucket=self.names[region])

    def read(self, region: str) -> str:
        answer = self.aws.client("s3", region).get_object(Bucket=self.names[region], Key="a/b")
        with answer["Body"] as body:
            return str(body.read().decode())


def test_table_writes_are_held_while_a_region_is_dead_and_replayed_after(healed: EmbeddedAws) -> None:
    table = Table(healed)
    table.put("us-east-1", "before")
    assert table.get("us-west-2") == "before"
    healed.fault(region="us-west-2")
    table.put("us-east-1", "during")
    time.sleep(0.1)
    (way,) = (way for way in healed.replication()["ways"] if way["target"] == "us-west-2")
    assert way["queued"] == 1
    assert eventually(lambda: any(way["oldest_s"] > 0.1 for way in healed.replication()["ways"]))
    healed.heal()
    assert eventually(lambda: table.get("us-west-2") == "during")


@pytest.mark.parametrize("last", REGIONS)
def test_the_last_writer_wins_in_both_regions(healed: EmbeddedAws, last: str) -> None:
    table = Table(healed)
    for source, target in (REGIONS, REGIONS[::-1]):
        healed.delay_replication(source=source, target=target, seconds=None)
    first = next(region for region in REGIONS if region != last)
    table.put(first, "earlier")
    table.put(last, "later")
    assert table.get(first) == "earlier"
    for source, target in (REGIONS, REGIONS[::-1]):
        healed.delay_replication(source=source, target=target, seconds=0)
    for region in REGIONS:
        assert eventually(lambda region=region: table.get(region) == "later")  # type: ignore[misc]


def test_a_delete_that_came_last_wins_too(healed: EmbeddedAws) -> None:
    table = Table(healed)
    table.put("us-east-1", "old")
    healed.delay_replication(source="us-west-2", target="us-east-1", seconds=None)
    table.put("us-west-2", "earlier")
    table.delete("us-east-1")
    healed.delay_replication(source="us-west-2", target="us-east-1", seconds=0)
    assert eventually(lambda: not any(way["queued"] for way in healed.replication()["ways"]))
    assert [table.get(region) for region in REGIONS] == [None, None]


def test_a_lag_delays_copies_by_that_much(healed: EmbeddedAws) -> None:
    table = Table(healed)
    healed.delay_replication(source="us-east-1", target="us-west-2", seconds=1)
    began = time.monotonic()
    table.put("us-east-1", "late")
    assert table.get("us-west-2") is None
    assert eventually(lambda: table.get("us-west-2") == "late")
    assert time.monotonic() - began >= 1
    healed.delay_replication(source="us-east-1", target="us-west-2", seconds=0)


def test_an_object_replica_has_its_own_regions_key_and_tags(healed: EmbeddedAws) -> None:
    buckets = Buckets(healed)
    buckets.put("us-east-1", "scan")
    source, replica = buckets.head("us-east-1"), buckets.head("us-west-2")
    assert (source["ReplicationStatus"], replica["ReplicationStatus"]) == ("COMPLETED", "REPLICA")
    assert source["SSEKMSKeyId"] == buckets.keys["us-east-1"]
    assert replica["SSEKMSKeyId"] == buckets.keys["us-west-2"]


def test_an_object_is_pending_while_the_other_region_is_dead(healed: EmbeddedAws) -> None:
    buckets = Buckets(healed)
    healed.fault(region="us-west-2")
    version = buckets.put("us-east-1", "scan")
    assert buckets.head("us-east-1", VersionId=version)["ReplicationStatus"] == "PENDING"
    healed.heal()
    assert eventually(lambda: buckets.head("us-east-1", VersionId=version)["ReplicationStatus"] == "COMPLETED")
    assert buckets.read("us-west-2") == "scan"
    assert buckets.head("us-west-2")["SSEKMSKeyId"] == buckets.keys["us-west-2"]
    tags = healed.client("s3", "us-west-2").get_object_tagging(Bucket=buckets.names["us-west-2"], Key="a/b")["TagSet"]
    assert tags == [{"Key": "kind", "Value": "scan"}]


@pytest.mark.parametrize("last", REGIONS)
def test_of_two_objects_the_later_is_current_in_both_regions_and_both_are_kept(healed: EmbeddedAws, last: str) -> None:
    buckets = Buckets(healed)
    for source, target in (REGIONS, REGIONS[::-1]):
        healed.delay_replication(source=source, target=target, seconds=None)
    buckets.put(next(region for region in REGIONS if region != last), "earlier")
    buckets.put(last, "later")
    for source, target in (REGIONS, REGIONS[::-1]):
        healed.delay_replication(source=source, target=target, seconds=0)
    for region in REGIONS:
        assert eventually(lambda region=region: len(buckets.versions(region)["Versions"]) == 2)  # type: ignore[misc]
        assert buckets.read(region) == "later"


def test_with_three_regions_an_object_is_complete_when_it_is_everywhere(healed: EmbeddedAws) -> None:
    regions = (*REGIONS, "eu-west-1")
    buckets = Buckets(healed, regions)
    healed.fault(region="eu-west-1")
    buckets.put("us-east-1", "scan")
    assert buckets.head("us-east-1")["ReplicationStatus"] == "PENDING"
    assert buckets.head("us-west-2")["ReplicationStatus"] == "REPLICA"
    healed.heal()
    assert eventually(lambda: buckets.head("us-east-1")["ReplicationStatus"] == "COMPLETED")
    assert [buckets.read(region) for region in regions] == ["scan"] * 3
    assert [buckets.head(region)["SSEKMSKeyId"] for region in regions] == [buckets.keys[r] for r in regions]
    healed.client("s3", "eu-west-1").delete_object(Bucket=buckets.names["eu-west-1"], Key="a/b")
    assert [len(buckets.versions(region).get("DeleteMarkers", [])) for region in regions] == [1, 1, 1]


def test_an_earlier_delete_does_not_hide_a_later_object(healed: EmbeddedAws) -> None:
    buckets = Buckets(healed)
    buckets.put("us-east-1", "old")
    healed.delay_replication(source="us-west-2", target="us-east-1", seconds=None)
    healed.client("s3", "us-west-2").delete_object(Bucket=buckets.names["us-west-2"], Key="a/b")
    buckets.put("us-east-1", "new")
    healed.delay_replication(source="us-west-2", target="us-east-1", seconds=0)
    assert eventually(lambda: "DeleteMarkers" in buckets.versions("us-east-1"))
    assert [buckets.read(region) for region in REGIONS] == ["new", "new"]


def test_a_copy_that_fails_does_not_stop_the_others() -> None:
    replication = Replication(Faults())
    done: list[bool] = []

    def fail(_: bool) -> None:
        raise KeyError("no such table")

    place = Place("dynamodb", "us-west-2", "table", "key")
    replication.submit("us-east-1", place, replication.wrote(place._replace(region="us-east-1")), fail)
    replication.submit("us-east-1", place, replication.wrote(place._replace(region="us-east-1")), done.append)
    assert done == [False]
    assert replication.state()["failed"] == 1


def test_stamps_are_forgotten_when_nothing_is_on_its_way() -> None:
    faults = Faults()
    replication = Replication(faults)
    place = Place("dynamodb", "us-west-2", "table", "key")
    faults.add(Fault("us-west-2"))
    replication.submit("us-east-1", place, replication.wrote(place._replace(region="us-east-1")), lambda _: None)
    replication._forget()
    assert replication._stamps
    faults.clear()
    replication._drain(("us-east-1", "us-west-2", "dynamodb"))
    replication._forget()
    assert not replication._stamps
