"""A region leaves DNS by an alarm in another region, with nothing changed in Route 53."""

from collections.abc import Iterator

from tests.brief.dns import CHECK, RECORD, weighted
from tests.brief.reading import at, peers_of, referred, region_of
from tests.brief.rules import DESIGN, changed, dropped, of, removed
from tests.synthesis import Resource, Stacks, regions_of, resources

ALARM = "aws_cloudwatch_metric_alarm"
FOLLOWS_ALARM = of(CHECK, where=lambda each: each.arguments["type"] == "CLOUDWATCH_METRIC")
CALCULATED = of(CHECK, where=lambda each: each.arguments["type"] == "CALCULATED")


def _of_evacuation(alarm: Resource) -> bool:
    return bool(alarm.arguments.get("metric_name") == "Evacuated")


EVACUATION = of(ALARM, where=_of_evacuation)


@DESIGN.rule(
    "DESIGN, Failover",
    breaks=[
        removed(RECORD, weighted),
        changed(CALCULATED, "child_health_threshold", to=1),
        changed(CALCULATED, "child_health_threshold", to=0),
        changed(CALCULATED, "child_healthchecks", to=[]),
        removed(CHECK, lambda each: each.arguments["type"] == "CLOUDWATCH_METRIC"),
        changed(CALCULATED, "invert_healthcheck", to=True),
        changed(CALCULATED, "type", to="HTTPS"),
        changed(of(RECORD, where=weighted), "health_check_id", to="${aws_route53_health_check.other.id}"),
    ],
)
def a_record_is_served_while_its_endpoint_is_healthy_and_its_region_not_evacuated(stacks: Stacks) -> Iterator[str]:
    """The check that a record carries is calculated from both, and both must be healthy."""
    served = set()
    for record in (each for each in resources(stacks, RECORD) if weighted(each)):
        served.add(record.arguments.get("set_identifier"))
        check = referred(stacks, record.stack, record.arguments.get("health_check_id"), CHECK)
        children = _children(stacks, check) if check else []
        if check is None or check.arguments["type"] != "CALCULATED" or check.arguments.get("invert_healthcheck"):
            yield f"{record.address}: is not served by a calculated check"
        elif check.arguments.get("child_health_threshold") != len(children):
            yield f"{check.address}: is healthy with {check.arguments.get('child_health_threshold')} of its checks"
        followed = ["CLOUDWATCH_METRIC"] * (len(regions_of(stacks)) - 1)
        if sorted(child.arguments["type"] for child in children) != [*followed, "HTTPS_STR_MATCH"]:
            yield f"{record.address}: is not decided by endpoint and evacuation"
    yield from (f"{region}: is never served" for region in regions_of(stacks) if region not in served)


def _children(stacks: Stacks, check: Resource) -> list[Resource]:
    found = (referred(stacks, check.stack, each, CHECK) for each in check.arguments.get("child_healthchecks", []))
    return [child for child in found if child]


@DESIGN.rule(
    "DESIGN, Failover",
    "FACTS, Route 53",
    needs=(CHECK,),
    breaks=[
        removed(ALARM, _of_evacuation),
        changed(EVACUATION, "dimensions.Region", to="elsewhere"),
        changed(EVACUATION, "treat_missing_data", to="breaching"),
        changed(EVACUATION, "evaluation_periods", to=2),
        changed(EVACUATION, "datapoints_to_alarm", to=1),
        changed(EVACUATION, "period", to=10),
        changed(EVACUATION, "metric_query", to=[{"id": "m"}]),
        changed(EVACUATION, "extended_statistic", to="p99"),
        changed(EVACUATION, "alarm_actions", to=[]),
        dropped(FOLLOWS_ALARM, "triggers"),
        changed(FOLLOWS_ALARM, "insufficient_data_health_status", to="LastKnownStatus"),
        changed(FOLLOWS_ALARM, "cloudwatch_alarm_region", to="elsewhere"),
        changed(FOLLOWS_ALARM, "cloudwatch_alarm_name", to="other"),
        changed(FOLLOWS_ALARM, "invert_healthcheck", to=True),
    ],
)
def a_region_is_evacuated_by_an_alarm_of_another_region_that_route_53_can_follow(stacks: Stacks) -> Iterator[str]:
    """One period of a minute, no M of N, no metric math; without data nothing is evacuated; operations are told."""
    evacuated: set[tuple[object, str]] = set()
    for check in (each for each in resources(stacks, CHECK) if each.arguments["type"] == "CLOUDWATCH_METRIC"):
        given = check.arguments
        alarm = referred(stacks, check.stack, given["cloudwatch_alarm_name"], ALARM)
        if alarm is None or given.get("invert_healthcheck") or not given.get("triggers"):
            yield f"{check.address}: follows no alarm, or not its changes"
            continue
        region, where = at(alarm.arguments, "dimensions.Region"), region_of(stacks, alarm)
        if given["cloudwatch_alarm_region"] != where or where == region:
            yield f"{check.address}: {region} is evacuated from {given['cloudwatch_alarm_region']}"
        if given.get("insufficient_data_health_status") != "Healthy":
            yield f"{check.address}: decides without data"
        yield from _cannot_be_followed(alarm)
        topics = [referred(stacks, alarm.stack, each, "aws_sns_topic") for each in alarm.arguments["alarm_actions"]]
        if [topic and region_of(stacks, topic) for topic in topics] != [where]:
            yield f"{alarm.address}: nobody is told in {where}"
        evacuated.add((region, where))
    for region in regions_of(stacks):
        unable = [peer for peer in peers_of(stacks, region) if (region, peer) not in evacuated]
        yield from (f"{region}: cannot be evacuated from {peer}" for peer in unable)


def _cannot_be_followed(alarm: Resource) -> Iterator[str]:
    given = alarm.arguments
    refused = [name for name in ("datapoints_to_alarm", "metric_query", "extended_statistic") if given.get(name)]
    if refused or given["period"] != 60 or given["evaluation_periods"] != 1:
        yield f"{alarm.address}: Route 53 cannot follow it: {refused}"
    if given["treat_missing_data"] != "notBreaching":
        yield f"{alarm.address}: evacuates without data"
