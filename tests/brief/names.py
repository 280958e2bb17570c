"""Names, tags and regions: what every resource has in common."""

import re
from collections.abc import Iterator, Mapping

from tests.brief.reading import PRIMARY, SECONDARY, api_functions, at, is_private, of_the_api, region_of, suffix_of
from tests.brief.rules import BRIEF, changed, dropped, emptied, of, provider, removed
from tests.synthesis import LINKS, Resource, Stacks, regions_of, resources

TAGS = {"Environment": "Production", "DisasterRecovery": "Enabled"}
ACCOUNT = "-${data.aws_caller_identity.account.account_id}"
# Where a resource's own name is; those that have none have a tag `Name`.
NAMED: Mapping[str, str] = {
    "aws_apigatewayv2_api": "name",
    "aws_backup_plan": "name",
    "aws_backup_selection": "name",
    "aws_backup_vault": "name",
    "aws_cloudtrail": "name",
    "aws_cloudwatch_composite_alarm": "alarm_name",
    "aws_cloudwatch_dashboard": "dashboard_name",
    "aws_cloudwatch_event_rule": "name",
    "aws_cloudwatch_log_group": "name",
    "aws_cloudwatch_log_metric_filter": "name",
    "aws_cloudwatch_log_resource_policy": "policy_name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
    "aws_dynamodb_table": "name",
    "aws_iam_policy": "name",
    "aws_iam_role": "name",
    "aws_kms_alias": "name",
    "aws_lambda_function": "function_name",
    "aws_s3_bucket": "bucket",
    "aws_security_group": "name",
    "aws_sns_topic": "name",
    "aws_sqs_queue": "name",
}
TAGGED = (
    *(
        "aws_acm_certificate",
        "aws_default_security_group",
        "aws_flow_log",
        "aws_route53_health_check",
        "aws_route53_zone",
    ),
    *("aws_route_table", "aws_subnet", "aws_vpc", "aws_vpc_endpoint", "aws_vpc_peering_connection"),
    *(
        "aws_vpc_peering_connection_accepter",
        "aws_vpc_security_group_egress_rule",
        "aws_vpc_security_group_ingress_rule",
    ),
)
# The resource type that a name begins with. Tables have the brief's own names, buckets that of what they hold, and the
# query log's group that of the zone, as Route 53 asks.
KIND: Mapping[str, str] = {
    "aws_acm_certificate": "certificate-",
    "aws_apigatewayv2_api": "api-",
    "aws_backup_plan": "backup-plan-",
    "aws_backup_selection": "backup-selection-",
    "aws_backup_vault": "backup-vault-",
    "aws_cloudtrail": "trail-",
    "aws_cloudwatch_composite_alarm": "alarm-",
    "aws_cloudwatch_dashboard": "dashboard-",
    "aws_cloudwatch_event_rule": "rule-",
    "aws_cloudwatch_log_group": "/aws/",
    "aws_cloudwatch_log_metric_filter": "filter-",
    "aws_cloudwatch_log_resource_policy": "log-policy-",
    "aws_cloudwatch_metric_alarm": "alarm-",
    "aws_default_security_group": "security-group-",
    "aws_dynamodb_table": "",
    "aws_flow_log": "flow-log-",
    "aws_iam_policy": "policy-",
    "aws_iam_role": "role-",
    "aws_kms_alias": "alias/kms-",
    "aws_lambda_function": "lambda-",
    "aws_route53_health_check": "health-check-",
    "aws_route53_zone": "hosted-zone-",
    "aws_route_table": "route-table-",
    "aws_s3_bucket": "",
    "aws_security_group": "security-group-",
    "aws_sns_topic": "topic-",
    "aws_sqs_queue": "queue-",
    "aws_subnet": "subnet-",
    "aws_vpc": "vpc-",
    "aws_vpc_endpoint": "vpc-endpoint-",
    "aws_vpc_peering_connection": "vpc-peering-",
    "aws_vpc_peering_connection_accepter": "vpc-peering-",
    "aws_vpc_security_group_egress_rule": "",
    "aws_vpc_security_group_ingress_rule": "",
}
# They have no name of their own, or one that only counts inside the resource that they are a part of.
PARTS = {
    *("aws_acm_certificate_validation", "aws_apigatewayv2_api_mapping", "aws_apigatewayv2_authorizer"),
    "aws_backup_vault_notifications",
    *("aws_apigatewayv2_domain_name", "aws_apigatewayv2_integration", "aws_apigatewayv2_route"),
    *("aws_apigatewayv2_stage", "aws_iam_role_policy_attachment", "aws_kms_key", "aws_lambda_alias"),
    *("aws_cloudwatch_event_target", "aws_lambda_function_event_invoke_config"),
    *("aws_route53_query_log", "aws_s3_bucket_notification", "aws_sqs_queue_policy"),
    *("aws_lambda_permission", "aws_route", "aws_route53_record", "aws_route_table_association"),
    *("aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_ownership_controls", "aws_s3_bucket_policy"),
    *("aws_s3_bucket_public_access_block", "aws_s3_bucket_replication_configuration"),
    *("aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_versioning", "aws_sns_topic_policy"),
    *("aws_sns_topic_subscription", "aws_vpc_peering_connection_options", "terraform_data"),
}
# Without a single one of these the rules would look at nothing.
NEEDED = tuple(sorted({*NAMED, *TAGGED} - {"aws_acm_certificate"}))


def _names(stacks: Stacks) -> Iterator[tuple[Resource, str]]:
    """Every resource that has a name, with it; empty where it lacks one."""
    for kind, argument in NAMED.items():
        yield from ((each, str(each.arguments.get(argument, ""))) for each in resources(stacks, kind))
    yield from ((each, str(at(each.arguments, "tags.Name") or "")) for each in resources(stacks, *TAGGED))


@BRIEF.rule(
    "T.11",
    "S.5",
    needs=NEEDED,
    breaks=[
        *(changed(kind, path, to="fixed-name") for kind, path in NAMED.items() if kind in NEEDED),
        *(dropped(kind, "tags") for kind in TAGGED if kind in NEEDED),
        changed("aws_vpc", "tags.Name", to="vpc"),
        changed("aws_vpc", "tags.Name", to="vpc-developer"),
        changed("aws_iam_role", "name", to="role-dev-us-east-1"),
        changed(of("aws_route53_zone", where=lambda each: each.stack == "dns"), "name", to="healthcare-dr-other.com"),
    ],
)
def every_name_ends_in_the_suffix(stacks: Stacks) -> Iterator[str]:
    """The suffix ends every name; in a bucket's the account follows, for buckets are named all over the world."""
    suffix = suffix_of(stacks)
    for resource, name in _names(stacks):
        if not name.removesuffix(ACCOUNT).removesuffix(".com").endswith(f"-{suffix}"):
            yield f"{resource.address}: is named {name!r}"
    for record in resources(stacks, "aws_route53_record"):
        name = str(record.arguments["name"])
        given = is_private(stacks, record) or "domain_validation_options" in name  # by AWS
        if not given and not name.endswith(f"-{suffix}.com"):
            yield f"{record.address}: is named {name!r}"


@BRIEF.rule(
    "T.12",
    needs=NEEDED,
    breaks=[
        *(
            changed(kind, path, to="thing-dev")
            for kind, path in {**NAMED, **dict.fromkeys(TAGGED, "tags.Name")}.items()
            if KIND[kind] and kind in NEEDED
        ),
        changed("aws_iam_role", "name", to="Role_API-dev"),
        changed("aws_vpc", "tags.Name", to="dev-vpc"),
    ],
)
def names_are_the_resource_type_then_the_suffix(stacks: Stacks) -> Iterator[str]:
    """`resource-type-environmentSuffix`, with what tells two of a type apart in between."""
    form = re.compile(rf"(alias/|/aws/[a-z0-9/]+/)?[a-z][a-z0-9_]*(-[a-z0-9_]+)*-{re.escape(suffix_of(stacks))}")
    for resource, name in _names(stacks):
        if not form.fullmatch(name.removesuffix(ACCOUNT).removesuffix(".com")) or not name.startswith(
            KIND[resource.kind]
        ):
            yield f"{resource.address}: is named {name!r}"


@BRIEF.rule(
    "T.11",
    needs=("aws_vpc",),
    breaks=[lambda stacks: stacks["us-east-1"]["resource"].update(aws_new_thing={"new": {"name": "new"}})],
)
def the_rules_on_names_know_every_kind_of_resource(stacks: Stacks) -> Iterator[str]:
    """A kind that is new here has a name that these rules look at, or is known to be a part of another."""
    known = {*NAMED, *TAGGED, *PARTS}
    yield from sorted({f"{each.kind}: has no rule on its name" for each in resources(stacks) if each.kind not in known})


@BRIEF.rule(
    "9.1",
    breaks=[
        dropped(provider, "default_tags"),
        changed(provider, "default_tags", to=[]),
        dropped(provider, "default_tags.0.tags.Environment"),
        dropped(provider, "default_tags.0.tags.DisasterRecovery"),
        changed(provider, "default_tags.0.tags.Environment", to="Development"),
        changed("aws_vpc", "tags.Environment", to="Development"),
        changed("aws_dynamodb_table", "replica.0.propagate_tags", to=False),
        dropped("aws_dynamodb_table", "replica.0.propagate_tags"),
        changed("aws_s3_bucket", "provider", to="other"),
        emptied("aws_dynamodb_table"),
    ],
)
def every_resource_is_tagged_by_its_provider(stacks: Stacks) -> Iterator[str]:
    """Both tags by the provider's default_tags, overridden by no resource, propagated to every replica."""
    for stack, content in stacks.items():
        for place, each in enumerate(content["provider"]["aws"]):
            if at(each, "default_tags.0.tags") != TAGS:
                yield f"{stack}: provider {place} tags with {each.get('default_tags')}"
    for resource in resources(stacks):
        given = resource.arguments.get("tags") or {}
        yield from (f"{resource.address}: overrides the tag {tag}" for tag in TAGS if tag in given)
        if resource.kind.startswith("aws_") and str(resource.arguments.get("provider", "aws")).split(".")[0] != "aws":
            yield f"{resource.address}: is made by another provider"
    replicas = [replica for table in resources(stacks, "aws_dynamodb_table") for replica in table.arguments["replica"]]
    if not replicas or not all(replica.get("propagate_tags") is True for replica in replicas):
        yield "not all replicas of tables are tagged"


@BRIEF.rule(
    "T.13",
    "C.1",
    breaks=[
        lambda stacks: stacks.pop("us-west-2"),  # type: ignore[attr-defined]  # the copy is a dict
        lambda stacks: stacks.pop("us-east-1"),  # type: ignore[attr-defined]  # the copy is a dict
        changed(lambda stacks: iter(stacks["us-east-1"]["provider"]["aws"]), "region", to="us-east-2"),
        changed(lambda stacks: iter(stacks["us-west-2"]["provider"]["aws"]), "region", to="us-east-1"),
        changed(lambda stacks: iter(stacks["replication"]["provider"]["aws"][:1]), "region", to="us-west-2"),
        removed("aws_lambda_function", of_the_api),
    ],
)
def us_east_1_leads_and_us_west_2_follows_each_in_a_stack_of_its_own(stacks: Stacks) -> Iterator[str]:
    """Both regions have a stack with all that they need to serve; the tables' home is the primary."""
    for region in (PRIMARY, SECONDARY):
        if region not in stacks:
            yield f"there is no stack {region}"
    for region in regions_of(stacks):
        if [each["region"] for each in stacks[region]["provider"]["aws"]] != [region]:
            yield f"{region}: is deployed elsewhere"
        if not api_functions(stacks, region):
            yield f"{region}: serves nothing"
    for table in resources(stacks, "aws_dynamodb_table"):
        if region_of(stacks, table) != PRIMARY:
            yield f"{table.address}: has its home in {region_of(stacks, table)}"
    yield from (f"there is no stack {link}" for link in LINKS if link not in stacks)
