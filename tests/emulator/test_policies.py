"""What roles are refused: by their own policies, and by a bucket's."""

from __future__ import annotations

import json
from typing import Any

from drill.emulator import EmbeddedAws
from tests.emulator.test_process import TRUST

import pytest
from botocore.exceptions import ClientError


def assumed(aws: EmbeddedAws, name: str, *actions: str) -> Any:
    """Credentials of a new role that may do these actions."""
    iam = aws.client("iam", "us-east-1")
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"},
    }
    trust = json.dumps({**TRUST, "Statement": [statement]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.put_role_policy(
        RoleName=name, PolicyName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    return aws.client("sts", "us-east-1").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]


def test_a_role_without_permission_is_denied(embedded_aws: EmbeddedAws) -> None:
    reader = assumed(embedded_aws, "reader", "dynamodb:ListTables")
    as_role = embedded_aws.client("dynamodb", "us-east-1", credentials=reader)
    as_role.list_tables()
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:CreateTable"):
        as_role.create_table(
            TableName="denied",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )


def test_a_bucket_that_wants_its_own_key_takes_no_upload_under_another(embedded_aws: EmbeddedAws) -> None:
    own, other = (embedded_aws.client("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    name = "own-key-only"
    embedded_aws.client("s3", "us-east-1").create_bucket(Bucket=name)
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": own}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [refusal]})
    embedded_aws.client("s3", "us-east-1").put_bucket_policy(Bucket=name, Policy=policy)
    as_role = embedded_aws.client(
        "s3", "us-east-1", credentials=assumed(embedded_aws, "writer", "kms:GenerateDataKey", "s3:PutObject")
    )
    upload = {"Bucket": name, "Key": "scan", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    as_role.put_object(**upload, SSEKMSKeyId=own)
    for without in ({"SSEKMSKeyId": other}, {}):
        with pytest.raises(ClientError, match="AccessDenied"):
            as_role.put_object(**upload, **without)
