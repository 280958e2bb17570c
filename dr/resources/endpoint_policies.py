"""What passes a network's endpoints: the project's resources and the account's keys, for the account's identities."""

from collections.abc import Sequence

from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS, Names
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
    own = Condition("StringEquals", "aws:PrincipalAccount", (account,))
    rest = WITHOUT_RESOURCE.get(service, ())
    statements = [
        Statement(
            sid="OwnResources",
            principals=Principals.anybody(),
            actions=(f"{service}:*",),
            resources=tuple(resources),
            conditions=(own,),
        )
        for resources in [_resources(service, names, region, account)]
        if resources
    ]
    if rest:
        statements.append(
            Statement(
                sid="CallsWithoutResource",
                principals=Principals.anybody(),
                actions=rest,
                resources=("*",),  # there is no other
                conditions=(own,),
            )
        )
    return statements


def _resources(service: str, names: Names, region: str, account: str) -> Sequence[str]:
    tables = [
        f"arn:aws:dynamodb:{region}:{account}:table/{names.regional(table)}" for table in (PATIENT_RECORDS, AUDIT_LOGS)
    ]
    bucket = f"arn:aws:s3:::{names.bucket('documents', region, account)}"
    return {
        "dynamodb": [*tables, *(f"{table}/index/*" for table in tables)],
        # A key's id is AWS's own; the account's other keys are kept by their policies.
        "kms": [f"arn:aws:kms:{region}:{account}:key/*"],
        "logs": [f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{names.regional('lambda-*')}:*"],
        "monitoring": [],
        "s3": [bucket, f"{bucket}/*"],
        "sns": [f"arn:aws:sns:{region}:{account}:{names.regional('topic-alerts')}"],
        "sts": [f"arn:aws:iam::{account}:role/{names.regional('role-peer-*')}"],
    }[service]
