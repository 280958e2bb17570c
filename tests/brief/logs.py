"""The trail of calls, the alarms on it, and the log of DNS queries."""

from collections.abc import Iterator
from typing import Any

from functions.api.guard import MISSING_ROW
from tests.brief.reading import (
    at,
    granting,
    key_region,
    missing,
    of_documents,
    of_region,
    principals_of,
    referred,
    region_of,
    statements,
    values_of,
)
from tests.brief.rules import DESIGN, Where, changed, dropped, emptied, of, removed, replaced, statement, unstated
from tests.synthesis import Resource, Stacks, regions_of, resources

TRAIL = "aws_cloudtrail"
FILTER = "aws_cloudwatch_log_metric_filter"
ALARM = "aws_cloudwatch_metric_alarm"
QUERY_LOG = "aws_route53_query_log"
GROUP = "aws_cloudwatch_log_group"
FLAGS = ("is_multi_region_trail", "include_global_service_events", "enable_log_file_validation")
# What must be looked for, by a word of its pattern.
LOOKED_FOR = (
    *("UnauthorizedOperation", "KMSInvalidState", "Root", "ScheduleKeyDeletion", "StopLogging"),
    *('$.status = "401"', f'$.message = "{MISSING_ROW}"'),
)
# In whose log group what is looked for stands, the trail's but for these.
LOGS = {"$.status": "/vendedlogs/apigateway/", "$.message": "/aws/lambda/lambda-api-"}

TRAILS = "${aws_cloudwatch_log_group.trail_log-group_2BDB0A37.name}"

# What has Powertools log events, or print what it does with them.
TALKATIVE = ("POWERTOOLS_DEBUG", "POWERTOOLS_DEV", "POWERTOOLS_LOGGER_LOG_EVENT")


def _looks_for(word: str) -> Where:
    return lambda each: word in each.arguments["pattern"]


def _security_alarm(each: Resource) -> bool:
    return each.arguments.get("namespace") == "HealthcareDr/Security"


@DESIGN.rule(
    "SECURITY",
    breaks=[
        removed(TRAIL),
        *(changed(TRAIL, flag, to=False) for flag in FLAGS),
        dropped(TRAIL, "kms_key_id"),
        changed(TRAIL, "kms_key_id", to="${aws_kms_key.other.arn}"),
        changed(TRAIL, "event_selector.0.read_write_type", to="WriteOnly"),
        changed(TRAIL, "event_selector.0.include_management_events", to=False),
        changed(TRAIL, "event_selector.0.data_resource.0.values", to=[]),
        replaced(TRAIL, "event_selector.0.data_resource.0.values.0", "patient_records", "other"),
        replaced(TRAIL, "event_selector.0.data_resource.0.values.1", "audit_logs", "other"),
        replaced(TRAIL, "event_selector.0.data_resource.0.values.2", "failover_state", "other"),
        changed(TRAIL, "event_selector.0.data_resource.1.values", to=["arn:aws:s3:::other/"]),
        dropped(TRAIL, "cloud_watch_logs_group_arn"),
        dropped(TRAIL, "cloud_watch_logs_role_arn"),
        replaced(TRAIL, "cloud_watch_logs_role_arn", "trail_role", "other"),
        changed(TRAIL, "enable_logging", to=False),
    ],
)
def every_region_keeps_a_validated_trail_of_all_calls_and_of_every_access_to_its_data(stacks: Stacks) -> Iterator[str]:
    """The management events of all regions, and reads and writes of the region's tables and documents."""
    yield from missing(stacks, TRAIL)
    for trail in resources(stacks, TRAIL):
        region, given = trail.stack, trail.arguments
        yield from (f"{trail.address}: {flag} is not set" for flag in FLAGS if given.get(flag) is not True)
        if given.get("enable_logging", True) is not True:
            yield f"{trail.address}: records nothing"
        if key_region(stacks, region, given.get("kms_key_id")) != region:
            yield f"{trail.address}: is not encrypted by its region's key"
        group = str(given.get("cloud_watch_logs_group_arn")).removesuffix(":*")
        writer = referred(stacks, region, given.get("cloud_watch_logs_role_arn"), "aws_iam_role")
        if not referred(stacks, region, group, GROUP) or writer is None:
            yield f"{trail.address}: no filter sees it"
        selector = at(given, "event_selector.0")
        if selector["read_write_type"] != "All" or selector["include_management_events"] is not True:
            yield f"{trail.address}: leaves out events"
        watched = [value for each in selector["data_resource"] for value in each["values"]]
        for table in resources(stacks, "aws_dynamodb_table"):
            if not any(f":{region}:" in value and value.endswith(f"/{table.arguments['name']}") for value in watched):
                yield f"{trail.address}: does not see {table.arguments['name']}"
        buckets = [referred(stacks, region, value.removesuffix("/"), "aws_s3_bucket") for value in watched]
        if not any(map(of_documents, filter(None, buckets))):
            yield f"{trail.address}: does not see the documents"


@DESIGN.rule(
    "SECURITY",
    "AWS",
    breaks=[
        emptied(TRAIL),
        changed(TRAIL, "s3_bucket_name", to="other"),
        changed(TRAIL, "depends_on", to=[]),
        unstated("WriteTrailFiles"),
        unstated("ReadAccessList"),
        unstated("EncryptTrail"),
        unstated("ReadTrail"),
        changed(statement("ReadTrail"), "condition", to=[]),
        changed(statement("WriteTrailFiles"), "condition", to=[]),
        changed(statement("EncryptTrail"), "condition", to=[]),
        changed(statement("EncryptTrail"), "actions", to=["kms:DescribeKey"]),
    ],
)
def trails_may_write_to_their_bucket_under_their_key_and_no_other_trail_may(stacks: Stacks) -> Iterator[str]:
    """Bucket and key let in CloudTrail on behalf of that trail alone; the trail waits for the bucket's policy."""
    yield from missing(stacks, TRAIL)
    for trail in resources(stacks, TRAIL):
        region, name = trail.stack, trail.arguments["name"]
        bucket = referred(stacks, region, trail.arguments["s3_bucket_name"], "aws_s3_bucket")
        if bucket is None:
            yield f"{trail.address}: has no bucket"
            continue
        if not any(each.startswith("aws_s3_bucket_policy.") for each in trail.arguments["depends_on"]):
            yield f"{trail.address}: does not wait for the policy of its bucket"
        policies = [*of_region(stacks, region, "aws_s3_bucket_policy"), *of_region(stacks, region, "aws_kms_key")]
        given = [each for policy in policies for each in statements(policy.arguments["policy"])]
        for action in ("s3:PutObject", "s3:GetBucketAcl", "kms:GenerateDataKey*"):
            allowed = [each for each in granting(given, action) if "cloudtrail.amazonaws.com" in principals_of(each)]
            sources = [value for each in allowed for value in values_of(each, "aws:SourceArn")]
            if len(sources) != 1 or not sources[0].endswith(f":trail/{name}"):
                yield f"{trail.address}: {action} is for {sources}"
        readers = [each for each in granting(given, "kms:Decrypt") if _of_trails(each)]
        if not readers:
            yield f"{trail.address}: nobody can read its files"


def _of_trails(given: dict[str, Any]) -> bool:
    """Whether a statement is about what CloudTrail encrypted, and nothing else."""
    tests = {(each["test"], each["variable"]): each["values"] for each in given.get("condition", [])}
    return tests.get(("Null", "kms:EncryptionContext:aws:cloudtrail:arn")) == ["false"]


@DESIGN.rule(
    "SECURITY",
    breaks=[
        emptied(FILTER),
        *(removed(FILTER, _looks_for(word)) for word in LOOKED_FOR),
        changed(FILTER, "log_group_name", to="other"),
        *(changed(of(FILTER, where=_looks_for(word)), "log_group_name", to=TRAILS) for word in LOGS),
        changed(FILTER, "metric_transformation.name", to="other"),
        changed(FILTER, "metric_transformation.namespace", to="other"),
        changed(of(ALARM, where=_security_alarm), "threshold", to=1000),
        changed(of(ALARM, where=_security_alarm), "comparison_operator", to="LessThanThreshold"),
        removed(ALARM, _security_alarm),
        changed(of(ALARM, where=_security_alarm), "alarm_actions", to=[]),
    ],
)
def what_nobody_should_do_sets_off_an_alarm(stacks: Stacks) -> Iterator[str]:
    """In each region's trail denied calls, the root user, a key's end and the trail's own; and the API's two logs.

    In that of its gateway tokens that are refused, in that of its function calls without an audit row.
    """
    for region in regions_of(stacks):
        alarms = {
            each.arguments.get("metric_name"): each
            for each in of_region(stacks, region, ALARM)
            if _security_alarm(each) and each.arguments["alarm_actions"] and each.arguments["threshold"] <= 50
            if each.arguments["comparison_operator"] == "GreaterThanThreshold"
        }
        found = ""
        for each in of_region(stacks, region, FILTER):
            group = referred(stacks, region, each.arguments["log_group_name"], GROUP)
            pattern = each.arguments["pattern"]
            where = next((log for word, log in LOGS.items() if word in pattern), "/aws/cloudtrail/")
            if group is None or where not in group.arguments["name"]:
                yield f"{each.address}: looks elsewhere than in {where}"
            alarm = alarms.get(at(each.arguments, "metric_transformation.name"))
            if not alarm or alarm.arguments["namespace"] != at(each.arguments, "metric_transformation.namespace"):
                yield f"{each.address}: sets off no alarm"
            found += pattern
        yield from (f"{region}: nobody looks for {word}" for word in LOOKED_FOR if word not in found)


@DESIGN.rule(
    "SECURITY",
    "AWS",
    breaks=[
        removed(QUERY_LOG),
        changed(QUERY_LOG, "zone_id", to="Z1"),
        dropped(QUERY_LOG, "depends_on"),
        changed(QUERY_LOG, "cloudwatch_log_group_arn", to="other"),
        unstated("WriteQueryLog"),
        changed(statement("WriteQueryLog"), "condition", to=[]),
    ],
)
def queries_for_the_zone_are_logged(stacks: Stacks) -> Iterator[str]:
    """Route 53 writes them to us-east-1 only, once a policy there lets it, on behalf of this account's zone."""
    logged: set[str] = set()
    for log in resources(stacks, QUERY_LOG):
        zone = referred(stacks, log.stack, log.arguments["zone_id"], "aws_route53_zone")
        group = referred(stacks, log.stack, log.arguments["cloudwatch_log_group_arn"], GROUP)
        waits = {each.partition(".")[0] for each in log.arguments.get("depends_on", [])}
        if zone and group and region_of(stacks, group) == "us-east-1" and _lets_in(stacks, log.stack):
            logged.update({zone.name} if "aws_cloudwatch_log_resource_policy" in waits else ())
    zones = [each for each in resources(stacks, "aws_route53_zone") if "vpc" not in each.arguments]
    yield from (f"{zone.address}: its queries are not logged" for zone in zones if zone.name not in logged)
    if not zones:
        yield "there is no hosted zone"


def _lets_in(stacks: Stacks, stack: str) -> bool:
    return any(
        principals_of(each) == ["route53.amazonaws.com"] and values_of(each, "aws:SourceAccount")
        for policy in of_region(stacks, stack, "aws_cloudwatch_log_resource_policy")
        for each in granting(statements(policy.arguments["policy_document"]), "logs:PutLogEvents")
    )


@DESIGN.rule(
    "SECURITY",
    breaks=[
        changed("aws_lambda_function", "tracing_config", to={"mode": "Active"}),
        *(changed("aws_lambda_function", f"environment.variables.{name}", to="true") for name in TALKATIVE),
        emptied("aws_lambda_function"),
    ],
)
def no_function_traces_or_logs_whole_requests(stacks: Stacks) -> Iterator[str]:
    """A trace holds the paths of requests, Powertools' debugging all of them."""
    yield from missing(stacks, "aws_lambda_function")
    for function in resources(stacks, "aws_lambda_function"):
        names = set(at(function.arguments, "environment.variables"))
        if "tracing_config" in function.arguments:
            yield f"{function.address}: traces requests"
        if found := names.intersection(TALKATIVE):
            yield f"{function.address}: has {', '.join(sorted(found))}"
