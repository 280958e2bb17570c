"""The policies of the endpoints by which the private network reaches AWS."""

from collections.abc import Iterator

from tests.brief.reading import of_region, statements, values_of
from tests.brief.rules import DESIGN, changed, dropped, emptied, replaced, statement, unstated
from tests.synthesis import Stacks, regions_of

ENDPOINT = "aws_vpc_endpoint"
ACCOUNT = "${data.aws_caller_identity.account.account_id}"


@DESIGN.rule(
    "SECURITY",
    "AWS",
    breaks=[
        emptied(ENDPOINT),
        dropped(ENDPOINT, "policy"),
        changed(statement("OwnResources"), "resources", to=["*"]),
        changed(statement("OwnResources"), "resources.0", to="arn:aws:s3:::*"),
        replaced(statement("OwnResources"), "resources.0", "table/patient_records-dev", "table/*"),
        changed(statement("OwnResources"), "condition", to=[]),
        changed(statement("OwnResources"), "actions", to=["*"]),
        unstated("OwnResources"),
        changed(statement("CallsWithoutResource"), "actions", to=["s3:GetObject"]),
        changed(statement("CallsWithoutResource"), "condition", to=[]),
        unstated("CallsWithoutResource"),
    ],
)
def endpoints_let_through_this_accounts_identities_to_this_projects_resources(stacks: Stacks) -> Iterator[str]:
    """Each endpoint's policy names its own service's ARNs in this account, and the calls that name no resource."""
    free = {"dynamodb:DescribeEndpoints", "cloudwatch:PutMetricData", "sts:GetCallerIdentity"}
    for region in regions_of(stacks):
        freed: set[str] = set()
        for endpoint in of_region(stacks, region, ENDPOINT):
            service = endpoint.arguments["service_name"].rpartition(".")[2]
            given = statements(endpoint.arguments.get("policy"))
            named = [each for each in given if each["resources"] != ["*"]]
            freed.update(action for each in given if each["resources"] == ["*"] for action in each["actions"])
            if not given or not all(values_of(each, "aws:PrincipalAccount") for each in given):
                yield f"{endpoint.address}: lets through other accounts' identities"
            if bool(named) is (service == "monitoring") or any(
                each["actions"] != [f"{service}:*"] or not all(map(_own, each["resources"])) for each in named
            ):
                yield f"{endpoint.address}: reaches other resources"
        if freed != free:
            yield f"{region}: endpoints let through {sorted(freed ^ free)}"


def _own(arn: str) -> bool:
    """Whether an ARN names the account, in its place or, for a bucket, at the end of its name."""
    return ACCOUNT in arn.removeprefix("arn:aws:s3:::documents-") and "table/*" not in arn
