"""What watches the regions and evacuates a lost one: run every minute, and out of reach of any patient's data."""

from collections.abc import Iterator

from tests.brief.functions import FUNCTION, ROLE
from tests.brief.notifications import SUBSCRIPTION
from tests.brief.reading import (
    at,
    functions_named,
    granting,
    of_region,
    of_the_api,
    peers_of,
    principals_of,
    referred,
    role_statements,
    statements,
    suffix_of,
    values_of,
    without_functions,
)
from tests.brief.roles import may_assume, roles_of
from tests.brief.rules import DESIGN, changed, dropped, of, removed, replaced, statement, unstated
from tests.synthesis import Resource, Stacks, regions_of, resources

RULE = "aws_cloudwatch_event_rule"
TARGET = "aws_cloudwatch_event_target"
PERMISSION = "aws_lambda_permission"
EVENTS = "aws_lambda_function_event_invoke_config"
TOPIC = "aws_sns_topic"
OUTSIDE = ("failover", "probe")
# The role that each assumes in the other regions.
ASSUMED = {"failover": "tell", "probe": "watch"}
# Parts of the ARNs that each of the two, and the role that it assumes, may be about; metrics have none.
REACH = {
    "probe": (
        *("table/failover_state-", ":role/role-watch-", "/probe/*", "aws_sqs_queue.", "aws_kms_key.", ":key/*"),
        *("log-group:/aws/lambda/lambda-probe-", "*"),
    ),
    "failover": (
        *("table/failover_state-", "table/audit_logs-", ":role/role-tell-", "aws_sqs_queue.", "aws_kms_key."),
        *("log-group:/aws/lambda/lambda-failover-", "aws_sns_topic.topic_", "*"),
    ),
    "watch": ("/probe/*", "aws_kms_key."),
    "tell": ("aws_kms_key.", "aws_sns_topic.topic_"),
}
METRICS_ONLY = "cloudwatch:"
# Whatever hangs, and while the probe's write does not arrive.
TIMEOUTS_S = {"failover": 30, "probe": 100}
LAG_ALARM_S, RPO_S = 30, 60


def _outside(stacks: Stacks) -> Iterator[tuple[str, str, Resource]]:
    for region in regions_of(stacks):
        for kind in OUTSIDE:
            yield from ((region, kind, each) for each in functions_named(stacks, region, kind))


def _not_the_api(each: Resource) -> bool:
    return not of_the_api(each)


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        removed(FUNCTION, _not_the_api),
        changed(of(FUNCTION, where=_not_the_api), "vpc_config.subnet_ids", to=["subnet-1"]),
        replaced(of(FUNCTION, where=_not_the_api), "handler", "functions.", "other."),
        changed(of(FUNCTION, where=_not_the_api), "timeout", to=60),
        changed(of(FUNCTION, where=lambda each: "probe" in each.name), "environment.variables.ARRIVAL_S", to="20"),
        dropped(of(FUNCTION, where=_not_the_api), "environment.variables.STATE_TABLE"),
        dropped(of(FUNCTION, where=_not_the_api), "environment.variables.API_URL"),
        replaced(of(FUNCTION, where=_not_the_api), "environment.variables.PEERS", "role-watch", "role-peer"),
        replaced(of(FUNCTION, where=_not_the_api), "environment.variables.PEERS", "role-tell", "role-watch"),
        changed(of(FUNCTION, where=_not_the_api), "environment.variables.PEERS", to="{}"),
    ],
)
def probe_and_failover_run_outside_the_network_and_know_the_other_regions(stacks: Stacks) -> Iterator[str]:
    """They ask the regions as clients do; by the naming rule they know the state's table and the roles elsewhere."""
    yield from without_functions(stacks)
    for region, kind, function in _outside(stacks):
        given, told = function.arguments, at(function.arguments, "environment.variables") or {}
        if "vpc_config" in given or (given["handler"], given["timeout"]) != (
            f"functions.{kind}.handler.handler",
            TIMEOUTS_S[kind],
        ):
            yield f"{function.address}: is not the {kind} function outside of any network"
        if kind == "probe" and not LAG_ALARM_S < float(told.get("ARRIVAL_S", 0)) < RPO_S + 6:
            yield f"{function.address}: does not wait for longer than the lag that is told"
        if told.get("STATE_TABLE") != f"failover_state-{suffix_of(stacks)}" or not told.get("API_URL"):
            yield f"{function.address}: is told {sorted(told)}"
        for peer in peers_of(stacks, region):
            if f"role-{ASSUMED[kind]}-{peer}-" not in str(told.get("PEERS")):
                yield f"{function.address}: does not know {peer}"


@DESIGN.rule(
    "DESIGN, Failover",
    "SECURITY",
    breaks=[
        removed(ROLE, lambda each: each.arguments["name"].startswith(("role-probe", "role-failover", "role-watch"))),
        removed(ROLE, lambda each: each.arguments["name"].startswith("role-tell")),
        replaced(statement("AssumePeerRoles"), "resources", "role-tell", "role-watch"),
        replaced(statement("ReadAndAppendState"), "resources", "failover_state", "patient_records"),
        replaced(statement("ReadState"), "resources", "failover_state", "patient_records"),
        changed(statement("WriteOwnState"), "condition", to=[]),
        replaced(statement("WriteOwnState"), "condition.0.values.0", "us-", "eu-"),
        replaced(statement("ReadReplicasOfState"), "resources", "failover_state", "audit_logs"),
        replaced(statement("AssumePeerRoles"), "resources", "role-watch", "role-peer"),
        replaced(statement("PutProbe"), "resources", "/probe/*", "/documents/*"),
        replaced(statement("SeeProbes"), "resources", "/probe/*", "/*"),
        changed(statement("FindProbes"), "condition", to=[]),
        changed(statement("PublishMeasurements"), "condition", to=[]),
        changed(statement("ReadUnderTheirKeys"), "condition", to=[]),
    ],
)
def probe_and_failover_reach_no_data_of_patients(stacks: Stacks) -> Iterator[str]:
    """Their roles, and those that they assume elsewhere: no patient's table, no document, each by its exact ARN."""
    for region in regions_of(stacks):
        for kind, reach in REACH.items():
            roles = roles_of(stacks, region, kind)
            if len(roles) != 1:
                yield f"{region}: has {len(roles)} roles {kind}"
            for role in roles:
                yield from _beyond(stacks, role, reach)
                if kind == "probe":
                    yield from _speaking_for_others(stacks, role, region)


def _speaking_for_others(stacks: Stacks, role: Resource, region: str) -> Iterator[str]:
    """The probe writes its own region's heartbeat and sights: that another one is evacuated it does not decide."""
    for each in role_statements(stacks, role):
        if "dynamodb:PutItem" in each["actions"] and values_of(each, "dynamodb:LeadingKeys") != [region]:
            yield f"{role.address}: writes more of the state than what is said of {region}"


def _beyond(stacks: Stacks, role: Resource, reach: tuple[str, ...]) -> Iterator[str]:
    for each in role_statements(stacks, role):
        if each["effect"] != "Allow" or (
            each["actions"] == ["s3:ListBucket"] and values_of(each, "s3:prefix") == ["probe/*"]
        ):
            continue
        for resource in each["resources"]:
            named = any(part in resource for part in reach if part != "*")
            if not named and not ("*" in reach and all(a.startswith(METRICS_ONLY) for a in each["actions"])):
                yield f"{role.address}: reaches {resource}"
            if ":key/*" in resource and not values_of(each, "kms:ResourceAliases"):
                yield f"{role.address}: reads under any key"
        if "cloudwatch:PutMetricData" in each["actions"] and not values_of(each, "cloudwatch:namespace"):
            yield f"{role.address}: publishes in any namespace"


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        unstated("AssumePeerRoles"),
        changed(statement("AssumePeerRoles"), "actions", to=["sts:GetCallerIdentity"]),
        replaced(statement("AssumedByRoles"), "condition", "role-probe", "role-other"),
        replaced(statement("AssumedByRoles"), "condition", "role-failover", "role-other"),
        replaced(statement("AssumedByRoles"), "condition", "role-failover", "role-api"),
        replaced(statement("AssumedByRoles"), "condition", "role-failover", "role-probe"),
    ],
)
def probe_and_failover_assume_a_role_of_their_own_in_every_other_region(stacks: Stacks) -> Iterator[str]:
    """Both sides name each other, and nobody else: the API's function has a role of its own there."""
    yield from without_functions(stacks)
    for region, kind, function in _outside(stacks):
        caller = referred(stacks, region, function.arguments["role"], ROLE)
        if caller is None or not caller.arguments["name"].startswith(f"role-{kind}-{region}-"):
            yield f"{function.address}: has another role"
            continue
        for peer in peers_of(stacks, region):
            assumed = roles_of(stacks, peer, ASSUMED[kind])
            if not assumed:
                yield f"{peer}: has no role for {kind}"
            for trusted in assumed:
                yield from may_assume(stacks, caller, trusted)
                others = {"api", *OUTSIDE} - {kind}
                if any(
                    f"role-{other}-" in str(statements(trusted.arguments["assume_role_policy"])) for other in others
                ):
                    yield f"{trusted.address}: trusts another than {kind}"


def _scheduled(each: Resource) -> bool:
    return bool(each.arguments["principal"] == "events.amazonaws.com")


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        removed(RULE),
        changed(RULE, "schedule_expression", to="rate(5 minutes)"),
        changed(RULE, "state", to="DISABLED"),
        removed(TARGET),
        replaced(TARGET, "arn", "aws_lambda_alias", "aws_lambda_function"),
        changed(TARGET, "retry_policy.maximum_event_age_in_seconds", to=86_400),
        dropped(TARGET, "retry_policy"),
        removed(PERMISSION, _scheduled),
        changed(of(PERMISSION, where=_scheduled), "source_arn", to="arn:aws:events:us-east-1:111111111111:rule/*"),
        dropped(of(PERMISSION, where=_scheduled), "qualifier"),
    ],
)
def probe_and_failover_run_every_minute(stacks: Stacks) -> Iterator[str]:
    """One schedule with both as targets, by their aliases, each of which lets that very schedule in; no late runs."""
    for region in regions_of(stacks):
        run = set()
        for target in of_region(stacks, region, TARGET):
            rule = referred(stacks, region, target.arguments["rule"], RULE)
            alias = referred(stacks, region, target.arguments["arn"], "aws_lambda_alias")
            age = at(target.arguments, "retry_policy.maximum_event_age_in_seconds")
            on = rule and (rule.arguments["schedule_expression"], rule.arguments.get("state", "ENABLED"))
            if on == ("rate(1 minute)", "ENABLED") and alias and age == 60 and _lets(stacks, alias, RULE, rule):
                run.add(alias.name)
        if len(run) != len(OUTSIDE):
            yield f"{region}: every minute runs {sorted(run)}"


def _lets(stacks: Stacks, alias: Resource, kind: str, source: Resource | None) -> bool:
    """Whether the alias's function may be invoked by exactly that resource."""
    return any(
        referred(stacks, alias.stack, each.arguments.get("qualifier"), "aws_lambda_alias") == alias
        and source is not None
        and referred(stacks, alias.stack, each.arguments.get("source_arn"), kind) == source
        for each in of_region(stacks, alias.stack, PERMISSION)
    )


def _of_failover(each: Resource) -> bool:
    return bool(each.arguments["protocol"] == "lambda")


@DESIGN.rule(
    "DESIGN, Failover",
    "SECURITY",
    breaks=[
        removed(SUBSCRIPTION, _of_failover),
        replaced(of(SUBSCRIPTION, where=_of_failover), "topic_arn", "failover_topic", "topic_topic"),
        replaced(
            of(SUBSCRIPTION, where=_of_failover), "endpoint", "failover_alias_5191C446", "failover_probe_alias_3D4656DC"
        ),
        dropped(of(SUBSCRIPTION, where=_of_failover), "redrive_policy"),
        removed(PERMISSION, lambda each: each.arguments["principal"] == "sns.amazonaws.com"),
        unstated("SendByTopic"),
        replaced(statement("SendByTopic"), "condition.0.values", "topic-failover", "topic-other"),
        unstated("DeliverDeadLetters"),
        removed("aws_sqs_queue_policy"),
    ],
)
def an_alarm_invokes_the_failover_function_or_ends_as_a_dead_letter(stacks: Stacks) -> Iterator[str]:
    """By a topic of its own; what cannot be delivered goes to the queue, which with its key lets the topic in."""
    for region in regions_of(stacks):
        subscribed = [each for each in of_region(stacks, region, SUBSCRIPTION) if _of_failover(each)]
        if len(subscribed) != 1:
            yield f"{region}: has {len(subscribed)} subscriptions of functions"
        for each in subscribed:
            topic = referred(stacks, region, each.arguments["topic_arn"], TOPIC)
            alias = referred(stacks, region, each.arguments["endpoint"], "aws_lambda_alias")
            name = topic.arguments["name"] if topic else ""
            if not name.startswith("topic-failover-") or alias is None or alias.name not in _aliases(stacks, region):
                yield f"{each.address}: does not lead from the topic to the function"
            elif not _lets(stacks, alias, TOPIC, topic):
                yield f"{alias.address}: may not be invoked by the topic"
            if "aws_sqs_queue." not in str(each.arguments.get("redrive_policy")):
                yield f"{each.address}: loses what it cannot deliver"
            if not _takes_dead_letters(stacks, region, name):
                yield f"{region}: the queue is closed to {name!r}"


def _aliases(stacks: Stacks, region: str) -> set[str]:
    """The aliases of the failover function."""
    functions = functions_named(stacks, region, "failover")
    found = of_region(stacks, region, "aws_lambda_alias")
    return {
        each.name for each in found if referred(stacks, region, each.arguments["function_name"], FUNCTION) in functions
    }


def _takes_dead_letters(stacks: Stacks, region: str, topic: str) -> bool:
    wanted = ((("aws_sqs_queue_policy"), "sqs:SendMessage"), ("aws_kms_key", "kms:GenerateDataKey*"))
    given = [
        [
            each
            for holder in of_region(stacks, region, kind)
            for each in granting(statements(holder.arguments["policy"]), action)
            if "sns.amazonaws.com" in principals_of(each)
        ]
        for kind, action in wanted
    ]
    by_topic = [value for each in given[0] for value in values_of(each, "aws:SourceArn")]
    return bool(topic) and all(given) and any(value.endswith(f":{topic}") for value in by_topic)


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        removed(EVENTS),
        changed(EVENTS, "maximum_event_age_in_seconds", to=21_600),
        dropped(EVENTS, "maximum_event_age_in_seconds"),
        changed(EVENTS, "qualifier", to="$LATEST"),
        dropped(EVENTS, "maximum_retry_attempts"),
    ],
)
def what_is_invoked_by_events_gives_up_while_they_are_of_use(stacks: Stacks) -> Iterator[str]:
    """Lambda would try for six hours: an alarm is acted on within five minutes, or ends as a dead letter."""
    for region in regions_of(stacks):
        limited = set()
        for each in of_region(stacks, region, EVENTS):
            alias = referred(stacks, region, each.arguments.get("qualifier"), "aws_lambda_alias")
            age = each.arguments.get("maximum_event_age_in_seconds", 21_600)
            if alias and age <= 300 and each.arguments.get("maximum_retry_attempts") in (0, 1, 2):
                limited.add(alias.name)
        if len(limited) != len(OUTSIDE):
            yield f"{region}: limits the events of {sorted(limited)}"
    if not list(resources(stacks, EVENTS)):
        yield "no function's events are limited"
