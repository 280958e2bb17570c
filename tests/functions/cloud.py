"""What the functions need of AWS: global tables, buckets that replicate both ways, APIs, topics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from drill.emulator import EmbeddedAws
from tests.functions.watched import alarm, api_url, topic

from attrs import field, frozen

ROOT = Path(__file__).resolve().parents[2]
HOME, OTHER = REGIONS = ("us-east-1", "us-west-2")
RECORDS, AUDIT, STATE = "patient_records-test", "audit_logs-test", "failover_state-test"
ALERTS = "topic-alerts-test"
RUNBOOK = "https://runbook.example.test/failover"


def bucket(region: str) -> str:
    """The region's bucket."""
    return f"documents-{region}-test"


def peer_role(region: str) -> str:
    """The role by which the other region's function reads the region's bucket."""
    return f"peer-{region}"


@frozen
class Cloud:
    """The embedded AWS with tables, keys and buckets in both regions."""

    aws: EmbeddedAws
    keys: dict[str, str]
    api_urls: dict[str, str] = field(factory=dict)
    alerts: dict[str, str] = field(factory=dict)
    """Each region's topic."""

    def client(self, service: str, region: str = HOME) -> Any:
        """A client of the account's root user."""
        return self.aws.client(service, region)

    def environment(self, region: str) -> dict[str, str]:
        """The environment of the region's function."""
        return {
            "AWS_REGION": region,
            "PATIENT_RECORDS_TABLE": RECORDS,
            "AUDIT_LOGS_TABLE": AUDIT,
            "DOCUMENTS_BUCKET": bucket(region),
            "DOCUMENTS_KEY_ARN": self.keys[region],
            "POWERTOOLS_SERVICE_NAME": "api",
            "LOG_LEVEL": "INFO",
            "PEERS": json.dumps({peer: self._peer(peer) for peer in REGIONS if peer != region}),
            "STATE_TABLE": STATE,
            "API_URL": self.api_urls[region],
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "ALERT_TOPIC_ARN": self.alerts[region],
            "AUTOMATIC_EVACUATION": "true",
            "ARRIVAL_S": "10",
            "EVACUATE_AFTER_S": "120",
            "RELEASE_AFTER_S": "600",
            "LAG_OBJECTIVE_S": "60",
            "RUNBOOK_URL": RUNBOOK,
        }

    def printed(self, kind: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """What a process of a function prints that takes these events, line by line: all that its log would hold."""
        imports = f"from functions.{kind}.handler import handler\nfrom tests.functions.gateway import Context\n"
        done = subprocess.run(
            [sys.executable, "-c", f"{imports}for event in {events!r}: handler(event, Context())"],
            cwd=ROOT,
            env={**os.environ, **self.environment(HOME)},
            capture_output=True,
            text=True,
            check=False,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def _peer(self, region: str) -> dict[str, str]:
        """What another region's function is told of this one."""
        role_arn = f"arn:aws:iam::{self.aws.account}:role/{peer_role(region)}"
        return {"bucket": bucket(region), "role_arn": role_arn, "topic_arn": self.alerts[region]}

    def audit(self, entity: str, table: str = AUDIT) -> list[dict[str, Any]]:
        """Audit rows of an entity, oldest first."""
        return self._rows(table, "entity_id", entity)

    def rows(self, patient: str) -> list[dict[str, Any]]:
        """All versions of a patient's records and documents."""
        rows = self._rows(RECORDS, "patient_id", patient)
        return [row for row in rows if not row["record_id"].startswith("audit#")]

    def objects(self, patient: str, table: str = RECORDS) -> list[str]:
        """The object keys of a patient's documents."""
        return [
            row["object_key"] for row in self._rows(table, "patient_id", f"clinic-a#{patient}") if "object_key" in row
        ]

    def _rows(self, table: str, key: str, value: str) -> list[dict[str, Any]]:
        page = self.client("dynamodb").query(
            TableName=table,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues={":value": {"S": value}},
        )
        return [{name: next(iter(typed.values())) for name, typed in item.items()} for item in page["Items"]]


@frozen
class Link:
    """What the regions see of each other's writes."""

    cloud: Cloud

    def cut(self) -> None:
        """Nothing is copied until the link is restored."""
        self._delay(None)

    def restore(self) -> None:
        """Everything is copied."""
        self._delay(0)
        ends = time.monotonic() + 10
        while any(way["queued"] for way in self.cloud.aws.replication()["ways"]):
            assert time.monotonic() < ends
            time.sleep(0.02)

    def _delay(self, seconds: float | None) -> None:
        for source, target in ((HOME, OTHER), (OTHER, HOME)):
            self.cloud.aws.delay_replication(source=source, target=target, seconds=seconds)


def furnish(aws: EmbeddedAws) -> Cloud:
    """Makes the tables, keys and buckets."""
    cloud = Cloud(aws, {region: _key(aws, region) for region in REGIONS})
    tables(aws, "test")
    for region in REGIONS:
        _bucket(aws, region, cloud.keys[region])
        role_of(aws, peer_role(region), trusts={"AWS": f"arn:aws:iam::{aws.account}:root"})
        cloud.alerts[region], failover = topic(aws, region, ALERTS), topic(aws, region, "failover")
        for about in REGIONS:
            alarm(aws, region, failover, about=about)
            alarm(aws, region, failover, metric="HeartbeatAge", about=about)
        let(
            aws,
            peer_role(region),
            ("s3:GetObject", f"arn:aws:s3:::{bucket(region)}/*"),
            ("s3:ListBucket", f"arn:aws:s3:::{bucket(region)}"),
            ("sns:Publish", cloud.alerts[region]),
        )
    role = role_of(aws, "replication", trusts={"Service": "s3.amazonaws.com"})
    _replicate(cloud, HOME, OTHER, role)
    _replicate(cloud, OTHER, HOME, role)
    role = role_of(aws, "api", trusts={"Service": "lambda.amazonaws.com"})
    let(aws, "api", ("dynamodb:GetItem", "*"))
    for region in REGIONS:
        cloud.api_urls[region] = "https://to-come"
    for region in REGIONS:
        cloud.api_urls[region] = api_url(aws, region, role, cloud.environment(region))
    return cloud


def tables(aws: EmbeddedAws, suffix: str) -> None:
    """Makes the tables of an environment."""
    index = {"facility-time-index": ("facility_id", "recorded_at")}
    _table(aws, f"patient_records-{suffix}", ("patient_id", "record_id"), index)
    _table(aws, f"audit_logs-{suffix}", ("entity_id", "event_id"), {"actor-time-index": ("actor_id", "event_id")})
    _table(aws, f"failover_state-{suffix}", ("region", "item"), {})


def _key(aws: EmbeddedAws, region: str) -> str:
    arn: str = aws.client("kms", region).create_key()["KeyMetadata"]["Arn"]
    return arn


def _table(aws: EmbeddedAws, name: str, key: tuple[str, str], indexes: dict[str, tuple[str, str]]) -> None:
    client = aws.client("dynamodb", HOME)
    found = [
        {"IndexName": index, "KeySchema": _schema(pair), "Projection": {"ProjectionType": "ALL"}}
        for index, pair in indexes.items()
    ]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": a, "AttributeType": "S"} for a in {*key, *(a for pair in indexes.values() for a in pair)}
        ],
        KeySchema=_schema(key),
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        **({"GlobalSecondaryIndexes": found} if found else {}),
    )
    client.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": OTHER}}])


def _schema(key: tuple[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": a, "KeyType": kind} for a, kind in zip(key, ("HASH", "RANGE"), strict=True)]


def _bucket(aws: EmbeddedAws, region: str, key: str) -> None:
    client, name = aws.client("s3", region), bucket(region)
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client.create_bucket(Bucket=name, **place)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def role_of(aws: EmbeddedAws, name: str, trusts: dict[str, str]) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"}],
    }
    role = aws.client("iam", HOME).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    arn: str = role["Role"]["Arn"]
    return arn


def let(aws: EmbeddedAws, role: str, *allowed: tuple[str, str]) -> None:
    statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    aws.client("iam", HOME).put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=policy)


def _replicate(cloud: Cloud, source: str, target: str, role: str) -> None:
    rule = {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{bucket(target)}",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": cloud.keys[target]},
        },
    }
    cloud.client("s3", source).put_bucket_replication(
        Bucket=bucket(source), ReplicationConfiguration={"Role": role, "Rules": [rule]}
    )
