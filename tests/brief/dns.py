"""Route 53: weighted names in a hosted zone, health checks that decide, alarms that tell."""

from collections.abc import Iterator

from tests.brief.reading import (
    PRIMARY,
    SECONDARY,
    at,
    refer,
    references,
    referred,
    region_of,
)
from tests.brief.rules import BRIEF, DESIGN, changed, dropped, of, removed, replaced
from tests.synthesis import Resource, Stacks, regions_of, resources

ZONE = "aws_route53_zone"
RECORD = "aws_route53_record"
CHECK = "aws_route53_health_check"
ALARM = "aws_cloudwatch_metric_alarm"
WEIGHTS = {PRIMARY: 70, SECONDARY: 30}
# DNS over an alias of AWS's own: Route 53 answers with this TTL and takes no other.
ALIAS_TTL_S = 60
# Connecting, status and body of a check's last request (Route 53 developer guide, determining health).
CHECK_TIMEOUT_S = 4 + 2 + 2


def weighted(record: Resource) -> bool:
    """Whether a record is one of several that share the answers."""
    return "weighted_routing_policy" in record.arguments


WEIGHTED = of(RECORD, where=weighted)


def public(dns: Resource) -> bool:
    """Whether a zone or a record is one that the world sees."""
    return dns.stack == "dns"


def _weighted(stacks: Stacks) -> Iterator[Resource]:
    yield from (record for record in resources(stacks, RECORD) if weighted(record))


def _leads_to(stacks: Stacks, record: Resource) -> set[str]:
    """The regions whose API a record answers with."""
    regions = set()
    for value in [*record.arguments.get("records", []), at(record.arguments, "alias.name")]:
        for reference in references(stacks, record.stack, value):
            if reference.kind in ("aws_apigatewayv2_api", "aws_apigatewayv2_domain_name"):
                found = stacks[reference.stack]["resource"].get(reference.kind, {}).get(reference.name)
                if found is not None:
                    regions.add(region_of(stacks, Resource(reference.stack, reference.kind, reference.name, found)))
    return regions


def asks(check: Resource) -> bool:
    """Whether a check asks an endpoint itself."""
    return "fqdn" in check.arguments


ENDPOINT = of(CHECK, where=asks)


def _endpoint_checks(stacks: Stacks, stack: str, check: object) -> Iterator[Resource]:
    """The checks that ask an endpoint, behind a check that may be calculated from others."""
    found = referred(stacks, stack, check, CHECK)
    if found:
        children = found.arguments.get("child_healthchecks", [])
        yield from (each for child in children for each in _endpoint_checks(stacks, stack, child))
        if "fqdn" in found.arguments:
            yield found


def _checks(stacks: Stacks) -> Iterator[tuple[str, Resource, list[Resource]]]:
    """Every weighted record with its region and the checks of endpoints that decide about it."""
    for record in _weighted(stacks):
        checks = list(_endpoint_checks(stacks, record.stack, record.arguments.get("health_check_id")))
        yield str(record.arguments.get("set_identifier")), record, checks


def _without_weighted_records(stacks: Stacks) -> Iterator[str]:
    served = {region for record in _weighted(stacks) for region in _leads_to(stacks, record)}
    yield from (f"{region}: no weighted record leads there" for region in regions_of(stacks) if region not in served)


@BRIEF.rule(
    "4.1",
    "T.5",
    "W.5",
    breaks=[
        removed(ZONE, public),
        removed(RECORD, weighted),
        dropped(WEIGHTED, "set_identifier"),
        changed(WEIGHTED, "set_identifier", to="us-west-2"),
        changed(WEIGHTED, "zone_id", to="Z0000000000000"),
        replaced(WEIGHTED, "name", "failover-test.", "other."),
        replaced(WEIGHTED, "records", "us-west-2", "us-east-1"),
        replaced(WEIGHTED, "records", "us-east-1", "us-west-2"),
    ],
)
def one_name_of_the_zone_is_weighted_between_all_regions(stacks: Stacks) -> Iterator[str]:
    """The hosted zone has one name with a weighted record a region, each of which answers with its own region."""
    yield from _without_weighted_records(stacks)
    records = list(_weighted(stacks))
    if len({record.arguments["name"] for record in records}) != 1 or len(records) != len(regions_of(stacks)):
        yield f"{len(records)} weighted records do not share one name"
    for record in records:
        if not referred(stacks, record.stack, record.arguments["zone_id"], ZONE):
            yield f"{record.address}: is not in the hosted zone"
        if _leads_to(stacks, record) != {record.arguments.get("set_identifier")}:
            yield f"{record.address}: leads to {_leads_to(stacks, record)}"


@BRIEF.rule(
    "4.2",
    "C.1",
    breaks=[
        removed(RECORD, weighted),
        changed(WEIGHTED, "weighted_routing_policy.weight", to=50),
        dropped(WEIGHTED, "weighted_routing_policy.weight"),
    ],
)
def seventy_percent_go_to_the_primary_and_thirty_to_the_secondary(stacks: Stacks) -> Iterator[str]:
    """us-east-1 has 70, us-west-2 has 30; further regions have 0, which serve when both fail."""
    weights = {
        record.arguments.get("set_identifier"): at(record.arguments, "weighted_routing_policy.weight")
        for record in _weighted(stacks)
    }
    if weights != {**dict.fromkeys(regions_of(stacks), 0), **WEIGHTS}:
        yield f"the weights are {weights}"


@BRIEF.rule(
    "4.3",
    "C.1",
    "C.5",
    "T.5",
    "W.5",
    breaks=[
        removed(CHECK, asks),
        removed(RECORD, weighted),
        dropped(WEIGHTED, "health_check_id"),
        changed(WEIGHTED, "health_check_id", to="${aws_route53_health_check.other.id}"),
        changed(ENDPOINT, "failure_threshold", to=5),
        changed(ENDPOINT, "type", to="TCP"),
        changed(ENDPOINT, "disabled", to=True),
        changed(ENDPOINT, "invert_healthcheck", to=True),
        changed(ENDPOINT, "resource_path", to="/"),
        replaced(ENDPOINT, "fqdn", "us-west-2", "us-east-1"),
        replaced(ENDPOINT, "fqdn", "us-east-1", "us-west-2"),
    ],
)
def every_weighted_record_is_withdrawn_after_three_failed_checks_of_its_own_region(stacks: Stacks) -> Iterator[str]:
    """Each record has a health check of its own region's API; after 3 failures in a row DNS fails over."""
    yield from _without_weighted_records(stacks)
    for region, record, checks in _checks(stacks):
        if not checks:
            yield f"{record.address}: is served whatever happens"
        for check in checks:
            given = check.arguments
            asked = {reference.stack for reference in references(stacks, check.stack, given["fqdn"])}
            if asked != {region} or f".{region}." not in given["fqdn"]:
                yield f"{check.address}: asks {given['fqdn']} and decides about {region}"
            if given.get("failure_threshold") != 3:
                yield f"{check.address}: fails after {given.get('failure_threshold')}"
            if not given["type"].startswith("HTTPS") or given.get("resource_path") != "/healthz":
                yield f"{check.address}: does not ask /healthz by HTTPS"
            if given.get("disabled") or given.get("invert_healthcheck"):
                yield f"{check.address}: is disabled or inverted"


def _on_health(alarm: Resource) -> bool:
    return bool(alarm.arguments.get("metric_name") == "HealthCheckStatus")


ON_HEALTH = of(ALARM, where=_on_health)


@BRIEF.rule(
    "4.3",
    "7.1",
    "T.7",
    breaks=[
        removed(ALARM, _on_health),
        changed(ON_HEALTH, "alarm_actions", to=[]),
        dropped(ON_HEALTH, "alarm_actions"),
        changed(ON_HEALTH, "alarm_actions", to=["arn:aws:sns:us-east-1:other"]),
        changed(ON_HEALTH, "actions_enabled", to=False),
        changed(ON_HEALTH, "dimensions.HealthCheckId", to="other"),
        changed(ON_HEALTH, "namespace", to="AWS/Other"),
        changed(ON_HEALTH, "comparison_operator", to="GreaterThanThreshold"),
        changed(ON_HEALTH, "threshold", to=0),
        changed(ON_HEALTH, "provider", to="aws.us-west-2"),
        changed(ON_HEALTH, "evaluation_periods", to=15),
    ],
)
def an_alarm_on_every_health_check_tells_the_operations_team(stacks: Stacks) -> Iterator[str]:
    """An alarm on each check that decides, in us-east-1 where Route 53's metrics are, publishes to a topic there."""
    told = set()
    for alarm in filter(_on_health, resources(stacks, ALARM)):
        given = alarm.arguments
        check = refer(stacks, alarm.stack, at(given, "dimensions.HealthCheckId"))
        goes_off = (given["namespace"], given["comparison_operator"], given["threshold"]) == (
            "AWS/Route53",
            "LessThanThreshold",
            1,
        )
        topics = [referred(stacks, alarm.stack, each, "aws_sns_topic") for each in given.get("alarm_actions", [])]
        where = {region_of(stacks, alarm), *(region_of(stacks, topic) for topic in topics if topic)}
        prompt = given["evaluation_periods"] * given["period"] <= 60
        tells = bool(topics) and all(topics) and where == {PRIMARY} and given.get("actions_enabled", True)
        if check and goes_off and prompt and tells:
            told.add(check.name)
    yield from _without_weighted_records(stacks)
    for record in _weighted(stacks):
        check = refer(stacks, record.stack, record.arguments.get("health_check_id"))
        if check is None or check.name not in told:
            yield f"{record.address}: nobody is told when it is withdrawn"


@BRIEF.rule(
    "C.2",
    "S.2",
    breaks=[
        removed(RECORD, weighted),
        changed(WEIGHTED, "ttl", to=300),
        dropped(WEIGHTED, "ttl"),
        dropped(WEIGHTED, "health_check_id"),
        changed(ENDPOINT, "request_interval", to=80),
        changed(ENDPOINT, "failure_threshold", to=24),
    ],
)
def clients_leave_a_lost_region_within_five_minutes(stacks: Stacks) -> Iterator[str]:
    """Interval x failures + the time of the last request + TTL: under 300 s for every weighted record."""
    yield from _without_weighted_records(stacks)
    for _, record, checks in _checks(stacks):
        ttl = ALIAS_TTL_S if "alias" in record.arguments else record.arguments.get("ttl", 300)
        times = [
            check.arguments.get("request_interval", 30) * check.arguments["failure_threshold"] + CHECK_TIMEOUT_S + ttl
            for check in checks
        ]
        if not times or min(times) >= 300:
            yield f"{record.address}: is left after {times} s"


@DESIGN.rule(
    "DESIGN, Failover",
    needs=(CHECK, RECORD),
    breaks=[
        changed(ENDPOINT, "request_interval", to=60),
        dropped(ENDPOINT, "request_interval"),
        changed(WEIGHTED, "ttl", to=61),
        changed(ENDPOINT, "type", to="HTTPS"),
        dropped(ENDPOINT, "search_string"),
        changed(ENDPOINT, "enable_sni", to=False),
    ],
)
def checks_ask_every_10_or_30_seconds_for_a_word_and_answers_live_a_minute(stacks: Stacks) -> Iterator[str]:
    """Route 53 has two intervals; the check matches the answer's word; DNS answers live for 60 s at the most."""
    for check in resources(stacks, CHECK):
        given = check.arguments
        if "fqdn" in given and given.get("request_interval") not in (10, 30):
            yield f"{check.address}: asks every {given.get('request_interval')} s"
        if "fqdn" in given and not (given["type"] == "HTTPS_STR_MATCH" and given.get("search_string")):
            yield f"{check.address}: does not look at the answer"
        if "fqdn" in given and given.get("enable_sni") is not True:
            yield f"{check.address}: does not name the host"
    for record in _weighted(stacks):
        if record.arguments.get("ttl", 60) > 60:
            yield f"{record.address}: its answers live {record.arguments['ttl']} s"
