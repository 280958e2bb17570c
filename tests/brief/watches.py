"""What every region watches besides its API and its functions, as the runbook has it."""

import json
from collections.abc import Iterator, Mapping

from functions.api.documents import REPLICATION_SECONDS
from tests.brief.monitoring import ALARM, COMPOSITE, DASHBOARD, PROBED, TOPIC
from tests.brief.reading import TABLES, missing, of_region, peers_of, references, referred, suffix_of
from tests.brief.rules import DESIGN, changed, dropped, of, removed, replaced
from tests.synthesis import Resource, Stacks, regions_of, resources

# By alarm: the metric, its limit, how it is compared, and what its silence means. Of other regions, `PEER` names one.
MORE, LESS = "GreaterThanThreshold", "LessThanThreshold"
WATCHED: Mapping[str, tuple[str, float, str, str]] = {
    "peer-PEER": ("Healthy", 1, LESS, "ignore"),
    "silence-PEER": ("HeartbeatAge", 180, MORE, "notBreaching"),
    "lag-documents-PEER": ("ReplicationLag", 900, MORE, "ignore"),
    "latency-records-PEER": ("ReplicationLatency", 30_000, MORE, "notBreaching"),
    "latency-logs-PEER": ("ReplicationLatency", 30_000, MORE, "notBreaching"),
    "pending-documents-PEER": ("OperationsPendingReplication", 1000, MORE, "notBreaching"),
    "failed-documents-PEER": ("OperationsFailedReplication", 0, MORE, "notBreaching"),
    "probe": ("Healthy", 1, LESS, "breaching"),
    "concurrency": ("ConcurrentExecutions", 800, MORE, "notBreaching"),
    "dead-letters": ("ApproximateNumberOfMessagesVisible", 0, MORE, "notBreaching"),
}
# By alarm: the metrics that it adds up, and of which operations, where DynamoDB counts by operation.
SUMMED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "table-throttles": {"ReadThrottleEvents": ("",), "WriteThrottleEvents": ("",)},
    "table-errors": {"SystemErrors": ("GetItem", "Query", "PutItem", "TransactWriteItems")},
}
IMPAIRING = ("api-errors", "api-latency", "function-errors", "function-throttles", "table-errors", "table-throttles")


def alarm_of(stacks: Stacks, region: str, kind: str) -> Resource | None:
    """A region's alarm of that name."""
    name = f"alarm-{kind}-{suffix_of(stacks)}"
    found = [each for each in of_region(stacks, region, ALARM) if each.arguments["alarm_name"] == name]
    return found[0] if found else None


def _about(dimensions: Mapping[str, str], region: str) -> str:
    """The region that an alarm of this one is about: from there or to there something is copied."""
    if dimensions.get("RuleId") == f"to-{region}":
        return "-".join(dimensions["SourceBucket"].split("-")[1:4])
    named = ("Region", "Target", "ReceivingRegion", "RuleId")
    return next((dimensions[name].removeprefix("to-") for name in named if name in dimensions), "")


def _of_a_region(alarm: Resource) -> bool:
    kinds = ("peer", "silence", "lag-documents", "latency", "pending", "failed", "probe-d")
    return bool(alarm.arguments["alarm_name"].startswith(tuple(f"alarm-{kind}" for kind in kinds)))


PEER = of(ALARM, where=lambda each: each.arguments["alarm_name"].startswith("alarm-peer-"))
PROBE = of(ALARM, where=lambda each: each.arguments["alarm_name"].startswith(("alarm-probe-d", "alarm-silence")))
S3 = of(ALARM, where=lambda each: each.arguments["alarm_name"].startswith(("alarm-pending", "alarm-failed")))


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        removed(ALARM, _of_a_region),
        removed(ALARM, lambda each: each.arguments["alarm_name"].startswith("alarm-concurrency")),
        changed(PEER, "threshold", to=0),
        changed(PEER, "dimensions.Region", to="elsewhere"),
        changed(PEER, "namespace", to="other"),
        changed(PEER, "evaluation_periods", to=15),
        changed(PROBE, "treat_missing_data", to="ignore"),
        changed(PROBE, "metric_name", to="Other"),
        changed(S3, "dimensions.RuleId", to="to-elsewhere"),
        changed(S3, "comparison_operator", to="LessThanThreshold"),
    ],
)
def every_region_watches_the_others_and_its_own_probe(stacks: Stacks) -> Iterator[str]:
    """Health and heartbeats of each other region, copies of documents, its own probe's silence, room for more load."""
    for region in regions_of(stacks):
        for kind, wanted in WATCHED.items():
            for peer in peers_of(stacks, region) if "PEER" in kind else [region]:
                name = kind.replace("PEER", peer)
                alarm = alarm_of(stacks, region, name)
                given = alarm.arguments if alarm else {}
                got = tuple(
                    given.get(each)
                    for each in ("metric_name", "threshold", "comparison_operator", "treat_missing_data")
                )
                if got != wanted or given["period"] * given["evaluation_periods"] > 300:
                    yield f"{region}: {name} watches {got}"
                dimensions = given.get("dimensions", {})
                told_of = _about(dimensions, region)
                about_a_region = wanted[0] not in ("ConcurrentExecutions", "ApproximateNumberOfMessagesVisible")
                if about_a_region and told_of != peer:
                    yield f"{region}: {name} is about {told_of!r}"
                if wanted[0] in ("Healthy", "HeartbeatAge", "ReplicationLag") and given.get("namespace") != PROBED:
                    yield f"{region}: {name} looks in {given.get('namespace')}"


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        removed(ALARM, lambda each: each.arguments["alarm_name"].startswith("alarm-peer-")),
        replaced(PEER, "alarm_actions", "failover_topic", "topic_topic"),
        changed(PEER, "ok_actions", to=[]),
        changed(PEER, "alarm_actions.0", to="arn:aws:sns:us-east-1:111111111111:other"),
    ],
)
def an_alarm_on_another_region_tells_the_failover_function_alone(stacks: Stacks) -> Iterator[str]:
    """Both its beginning and its end, in its own region: the function confirms it, and tells the team once."""
    for region in regions_of(stacks):
        for peer in peers_of(stacks, region):
            alarm = alarm_of(stacks, region, f"peer-{peer}")
            for actions in ("alarm_actions", "ok_actions"):
                told = alarm.arguments.get(actions, []) if alarm else []
                topics = [referred(stacks, region, each, TOPIC) for each in told]
                names = [topic.arguments["name"] for topic in topics if topic]
                if len(told) != 1 or names != [f"topic-failover-{suffix_of(stacks)}"]:
                    yield f"{region}: {actions} of the alarm on {peer} tell {names}"


def _summed(each: Resource) -> bool:
    return bool(each.arguments["alarm_name"].startswith("alarm-table-"))


def _of_throttles(each: Resource) -> bool:
    return bool(each.arguments["alarm_name"].startswith("alarm-table-throttles"))


SUM = of(ALARM, where=_summed)
INDEXES = {"patient_records": ("facility-time-index",), "audit_logs": ("actor-time-index",)}


@DESIGN.rule(
    "DESIGN, Data",
    breaks=[
        removed(ALARM, _summed),
        changed(SUM, "threshold", to=100),
        dropped(SUM, "metric_query"),
        replaced(SUM, "metric_query", "patient_records-", "other-"),
        replaced(SUM, "metric_query", "audit_logs-", "other-"),
        replaced(SUM, "metric_query", "m2", "m1"),
        replaced(of(ALARM, where=_of_throttles), "metric_query", "facility-time-index", "other"),
        replaced(of(ALARM, where=_of_throttles), "metric_query", "actor-time-index", "other"),
        changed(SUM, "metric_query.1.metric.metric_name", to="Other"),
    ],
)
def every_region_watches_what_dynamodb_refuses_and_fails(stacks: Stacks) -> Iterator[str]:
    """Throttled reads and writes, and DynamoDB's own errors, of the tables of data: each added up, none left out.

    What an index refuses is not counted for its table.
    """
    for region in regions_of(stacks):
        for kind, metrics in SUMMED.items():
            alarm = alarm_of(stacks, region, kind)
            queries = alarm.arguments.get("metric_query", []) if alarm else []
            parts = {each["id"]: each["metric"] for each in queries if "metric" in each}
            added = "".join(each["expression"] for each in queries if each.get("return_data"))
            seen = {
                (
                    part["metric_name"],
                    part["dimensions"]["TableName"],
                    part["dimensions"].get("Operation") or part["dimensions"].get("GlobalSecondaryIndexName", ""),
                )
                for id_, part in parts.items()
                if f"FILL({id_}, 0)" in added
            }
            names = {table.arguments["name"] for table in resources(stacks, "aws_dynamodb_table")}
            known = all(part["dimensions"]["TableName"] in names for part in parts.values())
            wanted = {
                (metric, f"{table}-{suffix_of(stacks)}", operation)
                for metric, operations in metrics.items()
                for table in TABLES
                for operation in (*operations, *(INDEXES[table] if kind == "table-throttles" else ()))
            }
            counted = added.count("FILL(") == len(parts) == len(set(parts)) <= 10
            if not known or not counted or not seen >= wanted:
                yield f"{region}: {kind} watches {sorted(seen)}"
            elif alarm is None or alarm.arguments["threshold"] != 0:
                yield f"{region}: {kind} goes off late"


@DESIGN.rule(
    "AWS, S3, trail, backup, messages",
    breaks=[
        removed(COMPOSITE),
        *(replaced(COMPOSITE, "alarm_rule", f"alarm-{kind}", "alarm-other") for kind in IMPAIRING),
        changed(COMPOSITE, "alarm_rule", to='ALARM("alarm-api-errors-dev")'),
        replaced(COMPOSITE, "alarm_rule", " OR ", " AND "),
    ],
)
def one_alarm_sums_up_what_callers_feel_of_a_region(stacks: Stacks) -> Iterator[str]:
    """It reads the others' attributes, so that it is made after them and goes before (TPA#34807)."""
    for region in regions_of(stacks):
        rules = [each.arguments["alarm_rule"] for each in of_region(stacks, region, COMPOSITE)]
        read = {found.name for rule in rules for found in references(stacks, region, rule) if found.kind == ALARM}
        there = {each.name for each in of_region(stacks, region, ALARM)}
        if read != {f"alarm-{kind}" for kind in IMPAIRING} or not read <= there or " AND " in str(rules):
            yield f"{region}: is impaired when {sorted(read)}"


def _impairing(each: Resource) -> bool:
    return bool(each.name.removeprefix("alarm-") in IMPAIRING)


@DESIGN.rule(
    "AWS, S3, trail, backup, messages",
    breaks=[
        changed(of(ALARM, where=_impairing), "evaluation_periods", to=1),
        changed(of(ALARM, where=_impairing), "datapoints_to_alarm", to=1),
        changed(of(ALARM, where=lambda each: each.name == "alarm-api-latency"), "threshold", to=5000),
    ],
)
def a_region_is_impaired_by_what_goes_on_and_not_by_one_call(stacks: Stacks) -> Iterator[str]:
    """More than one bad minute; and an upload may wait for its copy without being slow."""
    yield from missing(stacks, ALARM)
    for alarm in filter(_impairing, resources(stacks, ALARM)):
        given = alarm.arguments
        bad = given.get("datapoints_to_alarm", given["evaluation_periods"])
        slow = given.get("metric_name") == "Latency" and given["threshold"] <= 1000 * REPLICATION_SECONDS
        if bad < 2 or given["evaluation_periods"] < 2 or slow:
            yield f"{alarm.address}: {bad} bad of {given['evaluation_periods']}, beyond {given['threshold']}"


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        removed(DASHBOARD),
        *(
            replaced(DASHBOARD, "dashboard_body", f'"{metric}"', '"Other"')
            for metric in ("Healthy", "Evacuated", "HeartbeatAge", "ReplicationLag", "ConcurrentExecutions", "Errors")
        ),
        replaced(DASHBOARD, "dashboard_body", '"stacked": true', '"stacked": false'),
        replaced(DASHBOARD, "dashboard_body", '"value": 1000', '"value": null'),
    ],
)
def a_dashboard_is_of_use_while_every_other_region_is_gone(stacks: Stacks) -> Iterator[str]:
    """Health, evacuation, heartbeats, lag, errors and load of all regions: from the dashboard's own region."""
    for region in regions_of(stacks):
        shown = _shown(stacks, region)
        peers = peers_of(stacks, region)
        wanted = {("Healthy", each) for each in (region, *peers)}
        wanted |= {(metric, peer) for metric in ("Evacuated", "HeartbeatAge", "ReplicationLag") for peer in peers}
        wanted |= {("ConcurrentExecutions", ""), ("Errors", "")}
        yield from (f"{region}: does not show {metric} {of_what}" for metric, of_what in sorted(wanted - shown))
        bodies = [each.arguments["dashboard_body"] for each in of_region(stacks, region, DASHBOARD)]
        if not any('"stacked": true' in body and '"value": 1000' in body for body in bodies):
            yield f"{region}: does not show all load against what one region may have"


def _shown(stacks: Stacks, region: str) -> set[tuple[str, str]]:
    """The metrics that a dashboard takes from its own region, each with the region that it is about."""
    found = set()
    for dashboard in of_region(stacks, region, DASHBOARD):
        for widget in json.loads(dashboard.arguments["dashboard_body"])["widgets"]:
            for line in widget["properties"]["metrics"]:
                if line[-1].get("region", widget["properties"]["region"]) == region and len(line) > 2:
                    dimensions = dict(zip(line[2:-1:2], line[3:-1:2], strict=True))
                    found.add((line[1], dimensions.get("Region") or dimensions.get("Target") or ""))
    return found
