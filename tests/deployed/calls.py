"""Calls of AWS, and where a role is that makes them."""

import json
from typing import Any

import attrs

SUFFIX = "test"
RECORDS, AUDIT, STATE = f"patient_records-{SUFFIX}", f"audit_logs-{SUFFIX}", f"failover_state-{SUFFIX}"
OTHERS = f"others-{SUFFIX}"
"""The name of what is not the platform's: a table, a topic, and a bucket that exists."""
KEY = f"alias/kms-{SUFFIX}"
RECORD = {"patient_id": {"S": "tried"}, "record_id": {"S": "tried"}}
ROW = {"entity_id": {"S": "tried"}, "event_id": {"S": "tried"}}
FORGED = [{"timestamp": 0, "message": "forged"}]
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
Arguments = dict[str, Any]
# Where a call wants the ARN of the region's key, it is known at deployment only.
ENCRYPTED: Arguments = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}
ANYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@attrs.frozen
class Call:
    """A call of AWS: of a service and an operation as boto3 names them, and the IAM action that it needs."""

    service: str
    operation: str
    action: str
    arguments: Arguments
    region: str

    def __str__(self) -> str:
        told = str(next(iter(self.arguments.values()), ""))
        return f"{self.action} {told.rpartition(':')[2] if told.startswith('arn:') else told[:70]}".strip()


@attrs.frozen(kw_only=True)
class Powers:
    """The calls that a role makes with success, and those that it is denied."""

    allowed: list[Call]
    denied: list[Call]


@attrs.frozen(kw_only=True)
class Place:
    """Where a role is: its region, another region, and the account."""

    region: str
    peer: str
    account: str

    def __call__(self, operation: str, action: str = "", *, region: str = "", **arguments: Any) -> Call:
        """A call of `service.operation`, in the role's region and by the action of the same name if not told others."""
        service, _, name = operation.partition(".")
        named = action or f"{service}:{''.join(word.capitalize() for word in name.split('_'))}"
        return Call(service, name, named, arguments, region or self.region)

    def bucket(self, region: str) -> str:
        """The document bucket of a region."""
        return f"documents-{region}-{SUFFIX}-{self.account}"

    @property
    def restored(self) -> str:
        """The bucket that a restore of the region's documents makes."""
        return f"restored-{self.bucket(self.region)}"

    def role(self, kind: str, region: str) -> str:
        """The ARN of a role of a region."""
        return f"arn:aws:iam::{self.account}:role/role-{kind}-{region}-{SUFFIX}"

    def topic(self, name: str) -> str:
        """The ARN of a topic in the role's region."""
        return f"arn:aws:sns:{self.region}:{self.account}:{name}"


def said_of(region: str) -> Arguments:
    """A row of the failover's state that is about a region."""
    return {"region": {"S": region}, "item": {"S": "tried"}}


def trail_log(region: str) -> str:
    """The log group of a region's trail."""
    return f"/aws/cloudtrail/trail-{region}-{SUFFIX}"
