"""Lambda: a function behind the API of every region."""

from collections.abc import Iterator

from tests.brief.reading import (
    api_functions,
    at,
    key_region,
    missing,
    of_region,
    of_the_api,
    referred,
    region_of,
    role_statements,
    texts,
    without_functions,
)
from tests.brief.rules import (
    BRIEF,
    DESIGN,
    changed,
    dropped,
    emptied,
    of,
    removed,
    replaced,
    statement,
    unstated,
)
from tests.synthesis import Resource, Stacks, regions_of, resources

FUNCTION = "aws_lambda_function"
ROLE = "aws_iam_role"
ATTACHMENT = "aws_iam_role_policy_attachment"
LOG_GROUP = "aws_cloudwatch_log_group"
ALARM = "aws_cloudwatch_metric_alarm"
API_FUNCTION = of(FUNCTION, where=of_the_api)
# Lambda sets these itself and refuses a function that brings its own (Lambda developer guide, environment variables).
RESERVED_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


def every_api_function(stacks: Stacks) -> Iterator[tuple[str, Resource]]:
    for region in regions_of(stacks):
        for function in api_functions(stacks, region):
            yield region, function


def without_api_functions(stacks: Stacks) -> Iterator[str]:
    for region in regions_of(stacks):
        if not api_functions(stacks, region):
            yield f"{region}: has no function behind its API"


@BRIEF.rule(
    "2.1",
    "T.3",
    breaks=[
        removed(FUNCTION, of_the_api),
        removed("aws_apigatewayv2_integration"),
        removed("aws_lambda_alias", of_the_api),
        emptied("aws_apigatewayv2_route"),
        changed("aws_apigatewayv2_route", "target", to="integrations/other"),
        changed("aws_apigatewayv2_integration", "integration_uri", to="arn:aws:lambda:us-east-1::function:other"),
        changed(API_FUNCTION, "provider", to="aws.elsewhere"),
    ],
)
def a_function_answers_the_api_of_every_region(stacks: Stacks) -> Iterator[str]:
    """Every region has an API of its own, whose routes all lead to a function in the same region."""
    yield from without_api_functions(stacks)
    yield from missing(stacks, "aws_apigatewayv2_api", "aws_apigatewayv2_route")
    for region, function in every_api_function(stacks):
        if region_of(stacks, function) != region:
            yield f"{function.address}: is not in {region}"
    for route in resources(stacks, "aws_apigatewayv2_route"):
        target = str(route.arguments["target"]).removeprefix("integrations/")
        if not referred(stacks, route.stack, target, "aws_apigatewayv2_integration"):
            yield f"{route.address}: leads to {target!r}"


@BRIEF.rule(
    "2.2",
    breaks=[
        removed(FUNCTION, of_the_api),
        changed(API_FUNCTION, "memory_size", to=3008),
        dropped(API_FUNCTION, "memory_size"),
        changed(API_FUNCTION, "timeout", to=3),
        dropped(API_FUNCTION, "timeout"),
    ],
)
def api_functions_have_3_gb_and_30_seconds(stacks: Stacks) -> Iterator[str]:
    """3 GB are 3,072 MB, the timeout is 30 s."""
    yield from without_api_functions(stacks)
    for _, function in every_api_function(stacks):
        got = (function.arguments.get("memory_size"), function.arguments.get("timeout"))
        if got != (3072, 30):
            yield f"{function.address}: has {got[0]} MB and {got[1]} s"


@BRIEF.rule(
    "2.4",
    "D.2.1",
    "D.2.2",
    "D.2.3",
    "W.3",
    breaks=[
        removed(FUNCTION),
        changed(FUNCTION, "environment.variables.AWS_REGION", to="us-east-1"),
        changed(FUNCTION, "environment.variables.AWS_DEFAULT_REGION", to="us-east-1"),
        dropped(FUNCTION, "environment"),
    ],
)
def no_function_sets_aws_region(stacks: Stacks) -> Iterator[str]:
    """AWS_REGION is nowhere in the stacks, and the functions do have an environment that it could be in."""
    yield from without_functions(stacks)
    for function in resources(stacks, FUNCTION):
        variables = at(function.arguments, "environment.variables") or {}
        if not variables:
            yield f"{function.address}: is told nothing"
        yield from (f"{function.address}: sets {name}" for name in RESERVED_VARIABLES if name in variables)
    for name, content in stacks.items():
        yield from (f"{name}{path}: names {text}" for path, text in texts(content) if text in RESERVED_VARIABLES)


@BRIEF.rule(
    "C.8",
    breaks=[
        emptied(LOG_GROUP),
        removed(FUNCTION),
        dropped(FUNCTION, "logging_config"),
        changed(FUNCTION, "logging_config.log_format", to="Text"),
        changed(FUNCTION, "logging_config.log_group", to="/aws/lambda/other"),
        dropped(FUNCTION, "environment.variables.LOG_LEVEL"),
        dropped("aws_apigatewayv2_stage", "access_log_settings"),
        removed("aws_apigatewayv2_stage"),
        removed("aws_flow_log"),
        dropped(LOG_GROUP, "retention_in_days"),
        changed(LOG_GROUP, "retention_in_days", to=0),
    ],
)
def functions_apis_and_networks_write_logs_that_are_kept(stacks: Stacks) -> Iterator[str]:
    """Functions log structured lines, APIs their accesses, networks their flows: to groups with a retention."""
    yield from without_functions(stacks)
    yield from missing(stacks, "aws_apigatewayv2_stage", "aws_flow_log")
    for function in resources(stacks, FUNCTION):
        group = referred(stacks, function.stack, at(function.arguments, "logging_config.log_group"), LOG_GROUP)
        if group is None or at(function.arguments, "logging_config.log_format") != "JSON":
            yield f"{function.address}: does not log JSON to a group of its own"
        if not at(function.arguments, "environment.variables.LOG_LEVEL"):
            yield f"{function.address}: is not told what to log"
    for kind, path in (
        ("aws_apigatewayv2_stage", "access_log_settings.destination_arn"),
        ("aws_flow_log", "log_destination"),
    ):
        for each in resources(stacks, kind):
            if not referred(stacks, each.stack, at(each.arguments, path), LOG_GROUP):
                yield f"{each.address}: logs nowhere"
    for group in resources(stacks, LOG_GROUP):
        if not group.arguments.get("retention_in_days"):
            yield f"{group.address}: keeps its lines for no given time"


@BRIEF.rule(
    "C.4",
    breaks=[
        removed(FUNCTION),
        dropped(FUNCTION, "kms_key_arn"),
        changed(FUNCTION, "kms_key_arn", to="alias/aws/lambda"),
    ],
)
def every_functions_environment_has_its_regions_key(stacks: Stacks) -> Iterator[str]:
    """What a function is told is encrypted by the region's customer key."""
    yield from without_functions(stacks)
    for function in resources(stacks, FUNCTION):
        if key_region(stacks, function.stack, function.arguments.get("kms_key_arn")) != region_of(stacks, function):
            yield f"{function.address}: its environment is not encrypted by its region's key"


@DESIGN.rule(
    "AWS, Lambda and API",
    needs=(FUNCTION,),
    breaks=[
        dropped(FUNCTION, "depends_on"),
        changed(FUNCTION, "depends_on.0", to="aws_kms_key.other"),
        changed(FUNCTION, "depends_on.1", to="aws_kms_key.other"),
        changed(API_FUNCTION, "depends_on.2", to="aws_kms_key.other"),
    ],
)
def a_function_waits_for_its_roles_attachments_and_its_log_group(stacks: Stacks) -> Iterator[str]:
    """Without them it is refused, or its log group is made by Lambda, without key and retention."""
    for function in resources(stacks, FUNCTION):
        role = referred(stacks, function.stack, function.arguments["role"], ROLE)
        group = referred(stacks, function.stack, at(function.arguments, "logging_config.log_group"), LOG_GROUP)
        wanted = {f"{ATTACHMENT}.{each.name}" for each in _attachments(stacks, role)}
        wanted |= {f"{LOG_GROUP}.{group.name}"} if group else {"its log group"}
        for each in sorted(wanted - set(function.arguments.get("depends_on", []))):
            yield f"{function.address}: does not wait for {each}"


def _attachments(stacks: Stacks, role: Resource | None) -> Iterator[Resource]:
    for attachment in resources(stacks, ATTACHMENT):
        if role and attachment.stack == role.stack and f".{role.name}." in str(attachment.arguments["role"]):
            yield attachment


@DESIGN.rule(
    "AWS, Lambda and API",
    needs=(FUNCTION,),
    breaks=[dropped(FUNCTION, "lifecycle"), changed(of(FUNCTION), "lifecycle.replace_triggered_by", to=[])],
)
def a_function_is_replaced_with_its_role(stacks: Stacks) -> Iterator[str]:
    """The grant that decrypts the environment names the role's identity, not its name (TPA#9703)."""
    for function in resources(stacks, FUNCTION):
        role = referred(stacks, function.stack, function.arguments["role"], ROLE)
        if f"{ROLE}.{role and role.name}.unique_id" not in (
            at(function.arguments, "lifecycle.replace_triggered_by") or ()
        ):
            yield f"{function.address}: outlives its role"


@DESIGN.rule(
    "SECURITY",
    breaks=[
        unstated("WriteNoOtherLog"),
        replaced(statement("WriteNoOtherLog"), "not_resources", "lambda-api", "*"),
        changed(statement("WriteNoOtherLog"), "actions", to=["logs:PutLogEvents"]),
        changed(statement("WriteNoOtherLog"), "effect", to="Allow"),
    ],
)
def a_function_in_the_network_writes_to_no_other_log(stacks: Stacks) -> Iterator[str]:
    """AWS's own policy for the network lets its role write to all, the trail's too."""
    yield from without_functions(stacks)
    for function in resources(stacks, FUNCTION):
        role = referred(stacks, function.stack, function.arguments["role"], ROLE)
        given = role_statements(stacks, role) if role and "vpc_config" in function.arguments else []
        denied = [
            (action, each.get("not_resources"))
            for each in given
            if each["effect"] == "Deny"
            for action in each["actions"]
        ]
        own = f":log-group:/aws/lambda/{function.arguments['function_name']}:*"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents") if given else ():
            if not any(name == action and left and all(map(str.endswith, left, [own])) for name, left in denied):
                yield f"{function.address}: {action} is not denied elsewhere"


@DESIGN.rule("AWS, destroy order", breaks=[unstated("KeepLogGroup"), removed(FUNCTION)])
def late_logs_bring_no_log_group_back(stacks: Stacks) -> Iterator[str]:
    """A group reborn by a late log has no key and no retention, and stays: roles are denied to make one."""
    yield from without_functions(stacks)
    for function in resources(stacks, FUNCTION):
        role = referred(stacks, function.stack, function.arguments["role"], ROLE)
        given = role_statements(stacks, role) if role else []
        if not any(each["effect"] == "Deny" and "logs:CreateLogGroup" in each["actions"] for each in given):
            yield f"{function.address}: may make log groups"


@DESIGN.rule(
    "AWS, 8",
    needs=(FUNCTION,),
    breaks=[
        dropped(FUNCTION, "environment.variables.AWS_STS_REGIONAL_ENDPOINTS"),
        changed(FUNCTION, "environment.variables.AWS_ACCOUNT_ID_ENDPOINT_MODE", to="preferred"),
        dropped(FUNCTION, "environment.variables.AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"),
    ],
)
def functions_ask_only_names_of_their_own_region(stacks: Stacks) -> Iterator[str]:
    """The SDK would call global STS and S3 names, and DynamoDB's by account: no way leads there, or to us-east-1."""
    wanted = {
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional",
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
    }
    for function in resources(stacks, FUNCTION):
        variables = at(function.arguments, "environment.variables") or {}
        if not wanted.items() <= variables.items():
            yield f"{function.address}: is not told to use regional names"


@DESIGN.rule(
    "SECURITY",
    "DESIGN, API",
    breaks=[
        emptied(FUNCTION),
        changed(FUNCTION, "runtime", to="python3.9"),
        changed(FUNCTION, "architectures", to=["x86_64"]),
        dropped(FUNCTION, "dead_letter_config"),
        changed(FUNCTION, "dead_letter_config.target_arn", to="arn:aws:sqs:us-east-1:111111111111:other"),
        dropped("aws_sqs_queue", "kms_master_key_id"),
        removed(ALARM, lambda each: each.arguments.get("namespace") == "AWS/SQS"),
    ],
)
def functions_run_a_current_python_and_leave_what_they_cannot_handle_in_a_watched_queue(
    stacks: Stacks,
) -> Iterator[str]:
    """Python 3.13 on arm64; the dead-letter queue is the region's, under its key, with an alarm on its length."""
    yield from missing(stacks, FUNCTION)
    for function in resources(stacks, FUNCTION):
        given, region = function.arguments, function.stack
        if (given["runtime"], given["architectures"]) != ("python3.13", ["arm64"]):
            yield f"{function.address}: runs {given['runtime']} on {given['architectures']}"
        queue = referred(stacks, region, at(given, "dead_letter_config.target_arn"), "aws_sqs_queue")
        if queue is None or key_region(stacks, region, queue.arguments.get("kms_master_key_id")) != region:
            yield f"{function.address}: loses what it cannot handle"
        elif not any(
            at(alarm.arguments, "dimensions.QueueName") == queue.arguments["name"]
            for alarm in of_region(stacks, region, ALARM)
        ):
            yield f"{queue.address}: nobody watches it"
