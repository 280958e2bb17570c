"""A hosted zone and its health checks, as they are read once by the API: Route 53's data plane keeps copies too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from drill.route53.rules import COMPARISONS, Alarm

import attrs

PROBED = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")


class Route53Error(Exception):
    """The zone or one of its checks is not there, or is of a kind that is not simulated; the message says which."""


class Aws(Protocol):
    """What an AWS must offer here: clients, and for hosts of its APIs where it listens."""

    port: int

    @property
    def addresses(self) -> Mapping[str, Any]:
        """Each region's own address, with a `host`."""

    def client(self, service: str, region: str) -> Any:
        """A boto3 client."""


@attrs.frozen(kw_only=True)
class Record:
    """One record set.

    Attributes:
        name: Lower case, with a dot at the end.
        type: A, CNAME and so on.
        ttl: Seconds; an alias has none.
        values: As a zone file has them.
        id: What tells it from others of its name and type; empty for a record that stands alone.
        weight: From 0 to 255; 1 for a record that stands alone.
        check: Its health check's id, if it has one.
        alias: The name that an alias leads to, with a dot at the end.
        evaluates: Whether an alias is as healthy as what it leads to.
    """

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    id: str
    weight: int
    check: str | None
    alias: str | None
    evaluates: bool


@attrs.frozen(kw_only=True)
class Endpoint:
    """What is probed, and how.

    Attributes:
        host: The Host header, and the name that is looked up where there is no address.
        address: An IP address, or None.
        port: TCP.
        path: Of the request.
        search: What must be in the body, or None.
        tcp_only: Whether a connection is all that is asked for.
        interval_s: Between two probes of one location.
        threshold: How many in a row turn a location's report.
    """

    host: str
    address: str | None
    port: int
    path: str
    search: bytes | None
    tcp_only: bool
    interval_s: int
    threshold: int


@attrs.frozen(kw_only=True)
class Metric:
    """What of CloudWatch a check goes by."""

    region: str
    query: Mapping[str, Any]
    statistic: str
    period_s: int
    alarm: Alarm
    without_data: str


@attrs.frozen(kw_only=True)
class Check:
    """One health check: of an endpoint, of a metric, or calculated from others."""

    id: str
    name: str
    inverted: bool
    disabled: bool
    endpoint: Endpoint | None = None
    metric: Metric | None = None
    children: tuple[str, ...] = ()
    healthy_children: int = 0


@attrs.frozen
class Zone:
    """A hosted zone.

    Attributes:
        name: With a dot at the end.
        records: All of them.
        checks: Those that the records need, by id, children before those that are calculated from them.
    """

    name: str
    records: tuple[Record, ...]
    checks: Mapping[str, Check]


def read_zone(client: Callable[[str, str], Any], name: str) -> Zone:
    """Read a zone, its records, and the checks that they and their children name.

    Args:
        client: Makes a boto3 client of a service in a region.
        name: The zone's name.

    Raises:
        Route53Error: There is no such zone, or one of its checks is missing or cannot be simulated.
    """
    route53 = client("route53", "us-east-1")
    wanted = dotted(name)
    zones = route53.list_hosted_zones_by_name(DNSName=wanted)["HostedZones"]
    found = [zone for zone in zones if zone["Name"] == wanted and not zone["Config"].get("PrivateZone")]
    if len(found) != 1:
        names = sorted(zone["Name"] for zone in zones)
        raise Route53Error(
            f"there must be one public hosted zone {wanted!r}, got {len(found)} among {names}: deploy it"
        )
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=found[0]["Id"])
    records = tuple(_record(each) for page in pages for each in page["ResourceRecordSets"])
    pages = route53.get_paginator("list_health_checks").paginate()
    configured = {each["Id"]: each["HealthCheckConfig"] for page in pages for each in page["HealthChecks"]}
    named = sorted({record.check for record in records if record.check})
    children = [child for id_ in named for child in configured.get(id_, {}).get("ChildHealthChecks", ())]
    checks = {id_: _check(client, id_, configured) for id_ in dict.fromkeys((*children, *named))}
    if nested := [child for child in children if checks[child].children]:
        raise Route53Error(f"a calculated check must not be the child of another, got as children: {nested}")
    return Zone(wanted, records, checks)


def dotted(name: str) -> str:
    """A DNS name as it is compared here."""
    return name.lower().rstrip(".") + "."


def _record(config: Mapping[str, Any]) -> Record:
    alias = config.get("AliasTarget", {})
    return Record(
        name=dotted(config["Name"].replace("\\052", "*")),
        type=config["Type"],
        ttl=config.get("TTL", 0),
        values=tuple(each["Value"] for each in config.get("ResourceRecords", ())),
        id=config.get("SetIdentifier", ""),
        weight=config.get("Weight", 1),
        check=config.get("HealthCheckId"),
        alias=dotted(alias["DNSName"]) if alias else None,
        evaluates=alias.get("EvaluateTargetHealth", False),
    )


def _check(client: Callable[[str, str], Any], id_: str, configured: Mapping[str, Mapping[str, Any]]) -> Check:
    if id_ not in configured:
        raise Route53Error(f"a record or a check names the health check {id_}, which is not there: deploy it again")
    config = configured[id_]
    tags = client("route53", "us-east-1").list_tags_for_resource(ResourceType="healthcheck", ResourceId=id_)
    names = [tag["Value"] for tag in tags["ResourceTagSet"]["Tags"] if tag["Key"] == "Name"]
    kind = config["Type"]
    if kind not in (*PROBED, "CALCULATED", "CLOUDWATCH_METRIC"):
        raise Route53Error(f"a check of type {kind} cannot be simulated: {id_}")
    return Check(
        id=id_,
        name=names[0] if names else id_,
        inverted=config.get("Inverted", False),
        disabled=config.get("Disabled", False),
        endpoint=_endpoint(config) if kind in PROBED else None,
        metric=_metric(client, id_, config) if kind == "CLOUDWATCH_METRIC" else None,
        children=tuple(config.get("ChildHealthChecks", ())),
        healthy_children=config.get("HealthThreshold", 0),
    )


def _endpoint(config: Mapping[str, Any]) -> Endpoint:
    kind = config["Type"]
    return Endpoint(
        host=config.get("FullyQualifiedDomainName", "") or config["IPAddress"],
        address=config.get("IPAddress"),
        port=config.get("Port") or (443 if kind.startswith("HTTPS") else 80),
        path="/" + config.get("ResourcePath", "").lstrip("/"),
        search=config["SearchString"].encode() if kind.endswith("STR_MATCH") else None,
        tcp_only=kind == "TCP",
        interval_s=config.get("RequestInterval", 30),
        threshold=config.get("FailureThreshold", 3),
    )


def _metric(client: Callable[[str, str], Any], id_: str, config: Mapping[str, Any]) -> Metric:
    name, region = config["AlarmIdentifier"]["Name"], config["AlarmIdentifier"]["Region"]
    alarms: Sequence[Mapping[str, Any]] = client("cloudwatch", region).describe_alarms(AlarmNames=[name])[
        "MetricAlarms"
    ]
    if not alarms:
        raise Route53Error(f"the check {id_} goes by the alarm {name!r} of {region}, which is not there: deploy it")
    alarm = alarms[0]
    several = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    if (
        alarm.get("ComparisonOperator") not in COMPARISONS
        or not alarm.get("Statistic")
        or several != alarm["EvaluationPeriods"]
    ):
        raise Route53Error(
            f"Route 53 takes no M of N, metric math or extended statistic, got them in the alarm {name!r}"
        )
    return Metric(
        region=region,
        query={each: alarm[each] for each in ("Namespace", "MetricName", "Dimensions")},
        statistic=alarm["Statistic"],
        period_s=alarm["Period"],
        alarm=Alarm(
            comparison=alarm["ComparisonOperator"],
            threshold=alarm["Threshold"],
            periods=alarm["EvaluationPeriods"],
            missing=alarm.get("TreatMissingData", "missing"),
        ),
        without_data=config.get("InsufficientDataHealthStatus", "LastKnownStatus"),
    )
