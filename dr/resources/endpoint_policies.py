"""What passes a network's endpoints: the project's resources and the account's keys, for the account's identities."""

from collections.abc import Sequence

from dr.resources.naming import ALERT_TOPIC, Names, bucket_arn, document_bucket, table_arns, topic_arn
from dr.resources.policy import Condition, Principals, Statement

# Calls that name no resource: AWS knows none for them (Service Authorization Reference).
WITHOUT_RESOURCE = {
    "dynamodb": ("dynamodb:DescribeEndpoints",),
    "monitoring": ("cloudwatch:PutMetricData",),
    "sts": ("sts:GetCallerIdentity",),
}


def endpoint_statements(service: str, names: Names, region: str, account: str) -> list[Statement]:
    """The policy of one service's endpoint, gateway or interface.

    What an identity may do there its own policies say; this one keeps its credentials from being used on anybody
    else's resources, and anybody else's credentials from passing.

    Raises:
        KeyError: When the project has nothing at the service.
    """
    resources, unnamed = _resources(service, names, region, account), WITHOUT_RESOURCE.get(service, ())
    statements = []
    if resources:
        statements.append(_let_through("OwnResources", (f"{service}:*",), resources, account))
    if unnamed:
        statements.append(_let_through("CallsWithoutResource", unnamed, ("*",), account))  # there is no other
    return statements


def _let_through(sid: str, actions: tuple[str, ...], resources: Sequence[str], account: str) -> Statement:
    return Statement(
        sid=sid,
        principals=Principals.anybody(),
        actions=actions,
        resources=tuple(resources),
        conditions=(Condition("StringEquals", "aws:PrincipalAccount", (account,)),),
    )


def _resources(service: str, names: Names, region: str, account: str) -> Sequence[str]:
    tables, bucket = table_arns(names, region, account), bucket_arn(document_bucket(names, region, account))
    return {
        "dynamodb": [*tables, *(f"{table}/index/*" for table in tables)],
        # A key's id is AWS's own; the account's other keys are kept by their policies.
        "kms": [f"arn:aws:kms:{region}:{account}:key/*"],
        "logs": [f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{names.regional('lambda-*')}:*"],
        "monitoring": [],
        "s3": [bucket, f"{bucket}/*"],
        "sns": [topic_arn(names, ALERT_TOPIC, region, account)],
        "sts": [f"arn:aws:iam::{account}:role/{names.regional('role-peer-*')}"],
    }[service]
