"""The mends of IAM, by what a role is allowed: every test here fails without the mend it is for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from drill.emulator import EmbeddedAws

import pytest
from botocore.exceptions import ClientError

Statement = dict[str, Any]
ROOT = {"AWS": "arn:aws:iam::111111111111:root"}


def policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def create_role(aws: EmbeddedAws, name: str, *allowed: Statement, **trust: Any) -> str:
    """A role that the account's own identities may assume, and its ARN."""
    iam = aws.client("iam", "us-east-1")
    document = policy({"Action": "sts:AssumeRole", "Principal": ROOT, **trust})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if allowed:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*allowed))
    return arn


def create_table(east: Any, name: str) -> None:
    east("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )


def assume(aws: EmbeddedAws, role: str, sts: Any = None) -> Callable[[str], Any]:
    """Clients with a session of the role, for who has that client of STS."""
    asked = sts or aws.client("sts", "us-east-1")
    session = asked.assume_role(RoleArn=role, RoleSessionName="any")["Credentials"]
    return lambda service: aws.client(service, "us-east-1", credentials=session)


def test_a_role_is_trusted_by_its_own_arn_whatever_its_session(embedded_aws: EmbeddedAws) -> None:
    may = {"Action": "sts:AssumeRole", "Resource": "*"}
    caller, stranger = (create_role(embedded_aws, name, may) for name in ("mended-caller", "mended-stranger"))
    condition = {"ArnEquals": {"aws:PrincipalArn": caller}}
    trusting = create_role(embedded_aws, "mended-trusting", Condition=condition)
    assume(embedded_aws, trusting, assume(embedded_aws, caller)("sts"))
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        assume(embedded_aws, trusting, assume(embedded_aws, stranger)("sts"))


def test_partiql_is_allowed_by_its_verb_on_its_table(embedded_aws: EmbeddedAws, east: Any) -> None:
    table = "arn:aws:dynamodb:us-east-1:111111111111:table/partiql"
    may = {"Action": ["dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert"], "Resource": table}
    role = create_role(embedded_aws, "mended-partiql", may)
    create_table(east, "partiql")
    execute = assume(embedded_aws, role)("dynamodb").execute_statement
    execute(Statement="INSERT INTO \"partiql\" VALUE {'id': '1'}")
    assert execute(Statement='SELECT * FROM "partiql"')["Items"] == [{"id": {"S": "1"}}]
    for verb, statement in {
        "Update": "UPDATE \"partiql\" SET a = 1 WHERE id = '1'",
        "Delete": "DELETE FROM partiql WHERE id = '1'",
        "Select": 'SELECT * FROM "others"',
    }.items():
        with pytest.raises(ClientError, match=f"not authorized to perform: dynamodb:PartiQL{verb}"):
            execute(Statement=statement)


def test_log_groups_are_allowed_with_all_in_them(embedded_aws: EmbeddedAws, east: Any) -> None:
    groups = "arn:aws:logs:us-east-1:111111111111:log-group:"
    role = create_role(
        embedded_aws,
        "mended-logs",
        {"Action": "logs:CreateLogStream", "Resource": f"{groups}mended:*"},
        {"Action": "logs:DescribeLogGroups", "Resource": f"{groups}*"},
    )
    for name in ("mended", "mended-not"):
        east("logs").create_log_group(logGroupName=name)
    logs = assume(embedded_aws, role)("logs")
    logs.describe_log_groups()
    logs.create_log_stream(logGroupName="mended", logStreamName="one")
    with pytest.raises(ClientError, match="not authorized to perform: logs:CreateLogStream"):
        logs.create_log_stream(logGroupName="mended-not", logStreamName="one")


def test_metrics_are_allowed_by_their_namespace(embedded_aws: EmbeddedAws) -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": "Mended/Metrics"}}
    may = {"Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": condition}
    role = create_role(embedded_aws, "mended-metrics", may)
    put = assume(embedded_aws, role)("cloudwatch").put_metric_data
    data = [{"MetricName": "Namespace", "Value": 1.0}]
    put(Namespace="Mended/Metrics", MetricData=data)
    for other in ("Mended", "Mended/Metrics2", "Other/Metrics"):
        with pytest.raises(ClientError, match="not authorized to perform: cloudwatch:PutMetricData"):
            put(Namespace=other, MetricData=data)


def test_a_role_writes_the_partitions_that_its_condition_names(embedded_aws: EmbeddedAws, east: Any) -> None:
    may = {
        "Action": "dynamodb:PutItem",
        "Resource": "arn:aws:dynamodb:us-east-1:111111111111:table/partitions",
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "own"}},
    }
    role = create_role(embedded_aws, "mended-partitions", may)
    create_table(east, "partitions")
    table = assume(embedded_aws, role)("dynamodb")
    own, other = ({"TableName": "partitions", "Item": {"id": {"S": key}}} for key in ("own", "other"))
    table.put_item(**own)
    table.transact_write_items(TransactItems=[{"Put": own}])
    denied = "not authorized to perform: dynamodb:PutItem"
    with pytest.raises(ClientError, match=denied):
        table.put_item(**other)
    with pytest.raises(ClientError, match=denied):
        table.transact_write_items(TransactItems=[{"Put": other}])
