"""CloudWatch: dashboards and alarms."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.brief.documents import REPLICATION
from tests.brief.reading import (
    PRIMARY,
    TABLES,
    at,
    missing,
    of_region,
    peers_of,
    refer,
    referred,
    region_of,
    suffix_of,
)
from tests.brief.rules import (
    BRIEF,
    DESIGN,
    Where,
    changed,
    dropped,
    emptied,
    of,
    removed,
    replaced,
)
from tests.synthesis import Resource, Stacks, regions_of, resources

DASHBOARD = "aws_cloudwatch_dashboard"
# What the probe of each region publishes there.
PROBED = "HealthcareDr/Failover"
ALARM = "aws_cloudwatch_metric_alarm"
COMPOSITE = "aws_cloudwatch_composite_alarm"
TOPIC = "aws_sns_topic"
# What a region must not suffer unnoticed, by namespace and metric; replication is looked at apart.
CRITICAL = (
    ("AWS/ApiGateway", "5xx"),
    ("AWS/ApiGateway", "Latency"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
)


def _lines(stacks: Stacks, region: str) -> list[Any]:
    """All metrics and expressions that a region's dashboards show."""
    lines = []
    for dashboard in of_region(stacks, region, DASHBOARD):
        body = json.loads(dashboard.arguments["dashboard_body"])
        lines += [line for widget in body["widgets"] for line in widget["properties"].get("metrics", [])]
    return lines


def _metrics(lines: Sequence[Any], namespace: str, name: str) -> Iterator[dict[str, str]]:
    """The dimensions of each line that shows a metric."""
    for line in lines:
        if line[:2] == [namespace, name]:
            parts = [part for part in line[2:] if isinstance(part, str)]
            yield dict(zip(parts[::2], parts[1::2], strict=True))


@BRIEF.rule(
    "6.1",
    "T.7",
    "W.8",
    breaks=[
        removed(DASHBOARD),
        replaced(DASHBOARD, "dashboard_body", "ReplicationLatency", "Other"),
        replaced(DASHBOARD, "dashboard_body", "patient_records-", "other-"),
        replaced(DASHBOARD, "dashboard_body", "audit_logs-", "other-"),
        replaced(DASHBOARD, "dashboard_body", "ReceivingRegion", "Region"),
        replaced(DASHBOARD, "dashboard_body", "OperationsPendingReplication", "Other"),
        replaced(DASHBOARD, "dashboard_body", "DestinationBucket", "Bucket"),
        changed(DASHBOARD, "dashboard_body", to='{"widgets": []}'),
    ],
)
def every_dashboard_shows_the_lag_of_both_tables_and_of_documents_to_every_region(stacks: Stacks) -> Iterator[str]:
    """Replication lag: of each table to each other region, and what S3 has still to copy from there to here.

    The latter S3 publishes in the region of the receiver.
    """
    yield from missing(stacks, DASHBOARD)
    for region in regions_of(stacks):
        lines = _lines(stacks, region)
        tables = list(_metrics(lines, "AWS/DynamoDB", "ReplicationLatency"))
        documents = {
            name: [
                (each["SourceBucket"], each.get("DestinationBucket", "")) for each in _metrics(lines, "AWS/S3", name)
            ]
            for name in ("ReplicationLatency", "OperationsPendingReplication")
        }
        for peer in peers_of(stacks, region):
            for table in TABLES:
                wanted = {"TableName": f"{table}-{suffix_of(stacks)}", "ReceivingRegion": peer}
                if wanted not in tables:
                    yield f"{region}: shows no lag of {table} to {peer}"
            for name, buckets in documents.items():
                if not any(f"-{peer}-" in source and f"-{region}-" in receiver for source, receiver in buckets):
                    yield f"{region}: shows no {name} of documents from {peer}"


@BRIEF.rule(
    "6.1",
    breaks=[
        removed(DASHBOARD),
        replaced(DASHBOARD, "dashboard_body", "HealthCheckStatus", "Other"),
        replaced(DASHBOARD, "dashboard_body", '"Count"', '"Other"'),
        replaced(DASHBOARD, "dashboard_body", 'MetricName=\\"Count\\"', 'MetricName=\\"Other\\"'),
    ],
)
def every_dashboard_shows_failover_by_health_checks_and_by_each_regions_traffic(stacks: Stacks) -> Iterator[str]:
    """Failover: what the health checks say, and where the requests go."""
    yield from missing(stacks, DASHBOARD)
    for region in regions_of(stacks):
        shown: dict[str, str] = {}
        for dashboard in of_region(stacks, region, DASHBOARD):
            for widget in json.loads(dashboard.arguments["dashboard_body"])["widgets"]:
                for line in widget["properties"].get("metrics", []):
                    place = line[-1].get("region", widget["properties"]["region"])
                    shown[place] = shown.get(place, "") + json.dumps(line)
        # Route 53's metrics are in us-east-1 only.
        if "HealthCheckStatus" not in shown.get(PRIMARY, ""):
            yield f"{region}: does not show the health checks"
        for other in regions_of(stacks):
            requests = shown.get(other, "")
            if "AWS/ApiGateway" not in requests or not ('"Count"' in requests or 'MetricName=\\"Count\\"' in requests):
                yield f"{region}: does not show the requests of {other}"


def _in_force(stacks: Stacks, alarm: Resource) -> bool:
    """Whether an alarm tells a topic of its own region, and tells it to somebody."""
    topics = [referred(stacks, alarm.stack, each, TOPIC) for each in alarm.arguments.get("alarm_actions", [])]
    own = [topic for topic in topics if topic and region_of(stacks, topic) == region_of(stacks, alarm)]
    return bool(own) and len(own) == len(topics) and alarm.arguments.get("actions_enabled", True) is True


@BRIEF.rule(
    "6.2",
    "7.1",
    breaks=[
        emptied(ALARM),
        emptied(COMPOSITE),
        *(
            broken
            for kind in (ALARM, COMPOSITE)
            for broken in (
                changed(kind, "alarm_actions", to=[]),
                dropped(kind, "alarm_actions"),
                changed(kind, "alarm_actions.0", to="arn:aws:sns:us-east-1:111111111111:other"),
                changed(kind, "actions_enabled", to=False),
            )
        ),
        changed(of(ALARM, where=lambda each: each.stack == "dns"), "provider", to="aws.us-west-2"),
    ],
)
def every_alarm_tells_the_topic_of_its_own_region(stacks: Stacks) -> Iterator[str]:
    """An alarm can only publish in its own region, and one without an action tells nobody."""
    yield from missing(stacks, ALARM, COMPOSITE)
    for alarm in resources(stacks, ALARM, COMPOSITE):
        if not _in_force(stacks, alarm):
            yield f"{alarm.address}: does not tell its region's topic"


def _watched(given: Mapping[str, Any]) -> Iterator[Any]:
    """The metrics that an alarm watches, by its arguments: its own, or those that its expression adds up."""
    if "metric_name" in given:
        yield given
    queries = given.get("metric_query", [])
    added = "".join(each.get("expression", "") for each in queries if each.get("return_data"))
    yield from (each["metric"] for each in queries if f"FILL({each['id']}, 0)" in added)


def _critical(metric: str) -> Any:
    return lambda alarm: metric in (each["metric_name"] for each in _watched(alarm.arguments)) and alarm.stack != "dns"


@BRIEF.rule(
    "6.2",
    "T.7",
    "W.8",
    breaks=[
        emptied(ALARM),
        *(removed(ALARM, _critical(metric)) for _, metric in CRITICAL),
        *(changed(of(ALARM, where=_critical(metric)), "threshold", to=10**6) for _, metric in CRITICAL),
        changed(of(ALARM, where=_critical("Errors")), "comparison_operator", to="LessThanThreshold"),
        changed(of(ALARM, where=_critical("Errors")), "evaluation_periods", to=30),
        changed(of(ALARM, where=_critical("Throttles")), "dimensions.FunctionName", to="other"),
        changed(of(ALARM, where=_critical("5xx")), "dimensions.ApiId", to="other"),
        replaced(of(ALARM, where=_critical("Errors")), "metric_query", "Failures", "Errors"),
        replaced(of(ALARM, where=_critical("Errors")), "metric_query", "probe", "other"),
        replaced(of(ALARM, where=_critical("Errors")), "metric_query", "FILL(m1, 0)", "FILL(m2, 0)"),
    ],
)
def every_region_watches_its_api_and_its_functions(stacks: Stacks) -> Iterator[str]:
    """Errors and latency of the API, errors and throttles of each function: noticed within five minutes.

    What a scheduled run fails in is no error to Lambda; its function counts it.
    """
    watched = {
        "AWS/ApiGateway": ("ApiId", "aws_apigatewayv2_api"),
        "AWS/Lambda": ("FunctionName", "aws_lambda_function"),
    }
    for region in regions_of(stacks):
        found = set()
        alarms = [each.arguments for each in of_region(stacks, region, ALARM)]
        for given, metric in ((alarm, metric) for alarm in alarms for metric in _watched(alarm)):
            dimension, kind = watched.get(str(metric.get("namespace")), ("service", ""))
            limit = 8000 if metric["metric_name"] == "Latency" else 10
            prompt = metric["period"] * given["evaluation_periods"] <= 300
            about = at(metric, f"dimensions.{dimension}")
            source = referred(stacks, region, about, kind) if kind else None
            if given["comparison_operator"].startswith("GreaterThan") and given["threshold"] <= limit and prompt:
                found.add((metric["metric_name"], source.name if source else about))
        yield from (
            f"{region}: does not watch what fails in runs of {service}"
            for service in ("failover", "probe")
            if ("Failures", service) not in found
        )
        for namespace, metric in CRITICAL:
            kind = watched[namespace][1]
            yield from missing(stacks, kind)
            for each in of_region(stacks, region, kind):
                if (metric, each.name) not in found:
                    yield f"{region}: does not watch {metric} of {each.name}"


def _on_lag(alarm: Resource) -> bool:
    return alarm.arguments.get("metric_name") == "ReplicationLag" and _store(alarm) == "tables"


def _store(alarm: Resource) -> str:
    return str(at(alarm.arguments, "dimensions.Store"))


LAG = of(ALARM, where=_on_lag)


@BRIEF.rule(
    "C.3",
    "6.2",
    "S.2",
    breaks=[
        removed(ALARM, _on_lag),
        changed(LAG, "threshold", to=60),
        changed(LAG, "period", to=300),
        changed(LAG, "evaluation_periods", to=3),
        changed(LAG, "namespace", to="AWS/DynamoDB"),
        changed(LAG, "dimensions.Target", to="eu-central-1"),
        changed(LAG, "dimensions.Source", to="eu-central-1"),
        changed(LAG, "statistic", to="Average"),
        changed(LAG, "comparison_operator", to="LessThanThreshold"),
        changed(LAG, "alarm_actions", to=[]),
    ],
)
def a_lag_that_endangers_the_recovery_point_is_told_within_a_minute(stacks: Stacks) -> Iterator[str]:
    """For every ordered pair of regions, as the source's probe measures it, before a minute of writes is in danger."""
    for region in regions_of(stacks):
        watched = [
            (alarm.arguments["dimensions"].get("Source"), alarm.arguments["dimensions"].get("Target"))
            for alarm in filter(_on_lag, of_region(stacks, region, ALARM))
            if alarm.arguments["threshold"] < 60
            and alarm.arguments["namespace"] == PROBED
            and alarm.arguments["period"] * alarm.arguments["evaluation_periods"] <= 60
            and (alarm.arguments["statistic"], alarm.arguments["comparison_operator"])
            == ("Maximum", "GreaterThanThreshold")
            and _in_force(stacks, alarm)
        ]
        for peer in peers_of(stacks, region):
            if (region, peer) not in watched:
                yield f"{region}: nobody is told in time when tables lag towards {peer}"


def _in(namespace: str) -> Where:
    return lambda alarm: bool(alarm.arguments.get("namespace") == namespace)


@DESIGN.rule(
    "DESIGN, Data",
    needs=(REPLICATION, ALARM),
    breaks=[
        dropped(REPLICATION, "rule.0.destination.metrics"),
        changed(REPLICATION, "rule.0.destination.replication_time.status", to="Disabled"),
        removed(ALARM, _in("AWS/S3")),
        changed(
            of(ALARM, where=lambda each: each.arguments.get("namespace") == "AWS/S3"), "dimensions.RuleId", to="other"
        ),
    ],
)
def the_replication_of_documents_is_measured_and_watched(stacks: Stacks) -> Iterator[str]:
    """S3 promises 15 minutes, and publishes its lag, only with replication time control and metrics.

    What failed it counts in the source's region, what waits in the receiver's (user guide, replication metrics).
    """
    rules = set()
    for replication in resources(stacks, REPLICATION):
        for rule in replication.arguments["rule"]:
            times = (at(rule, "destination.replication_time.status"), at(rule, "destination.metrics.status"))
            if times != ("Enabled", "Enabled"):
                yield f"{replication.address}: is not measured towards {rule['id']}"
            source = region_of(stacks, replication)
            rules |= {
                (source, rule["id"], "OperationsFailedReplication"),
                (rule["id"].removeprefix("to-"), rule["id"], "OperationsPendingReplication"),
            }
    watched = {
        (region_of(stacks, alarm), alarm.arguments["dimensions"]["RuleId"], alarm.arguments["metric_name"])
        for alarm in filter(_in("AWS/S3"), resources(stacks, ALARM))
    }
    yield from (
        f"{region}: nobody watches {metric} of the rule {rule}" for region, rule, metric in sorted(rules - watched)
    )


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        changed(of(ALARM, where=_in("AWS/Route53")), "provider", to="aws.us-west-2"),
        emptied(ALARM),
    ],
)
def alarms_on_route_53_are_in_us_east_1(stacks: Stacks) -> Iterator[str]:
    """Route 53's metrics exist there only: an alarm elsewhere never has data."""
    alarms = [each for each in resources(stacks, ALARM) if each.arguments.get("namespace") == "AWS/Route53"]
    for alarm in alarms:
        if region_of(stacks, alarm) != PRIMARY:
            yield f"{alarm.address}: is in {region_of(stacks, alarm)}"
        if not refer(stacks, alarm.stack, at(alarm.arguments, "dimensions.HealthCheckId")):
            yield f"{alarm.address}: is on no health check"
    if not alarms:
        yield "there is no alarm on a health check"
