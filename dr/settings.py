"""The settings: one frozen value, read from the environment and cdktf.json, checked before anything is made."""

import ipaddress
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dr.checks import CHECK, SettingsError, between, faults, one_of
from dr.objectives import RECOVERY_TIME_OBJECTIVE_S, recovery_time_s
from dr.regions.settings import RegionSettings

import attrs

# The key of cdktf.json's context that holds the settings.
CONTEXT = "healthcareDr"
# Alarms on Route 53's metrics can only be made there (Route 53 developer guide, "Monitoring health checks").
PRIMARY_REGION = "us-east-1"
# RFC 2606 and RFC 6761, and the names that only mean something inside one network.
RESERVED_DOMAINS = ("example.com", "example.net", "example.org", "amazonaws.com", "aws.amazon.com")
RESERVED_TOP_LEVELS = ("arpa", "example", "internal", "invalid", "lan", "local", "localhost", "onion", "test")
# CloudWatch Logs, PutRetentionPolicy: the only values that it takes.
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)

_SUFFIX = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,.]+")
_QUEUE = re.compile(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?")


def _matches(pattern: str, rule: str, *, optional: bool = True) -> dict[str, Any]:
    def check(value: object) -> Iterator[str]:
        if not (value is None and optional) and not (isinstance(value, str) and re.fullmatch(pattern, value)):
            yield rule

    return {CHECK: check}


def _check_domain(value: object) -> Iterator[str]:
    labels = value.split(".") if isinstance(value, str) else []
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        yield "must be a domain name of two or more labels of a-z, 0-9 and '-'"
        return
    # A certificate's first name has 64 characters at the most (ACM, RequestCertificate), and "api." comes before.
    if len(".".join(labels)) > 60:
        yield "must have 60 characters at the most"
    if ".".join(labels[-2:]) in RESERVED_DOMAINS or labels[-1] in RESERVED_TOP_LEVELS:
        yield "must not be a reserved domain, use healthcare-dr-<suffix>.com or one of your own"


def _check_issuer(value: object) -> Iterator[str]:
    if value is None:
        return
    url = urlsplit(value) if isinstance(value, str) else urlsplit("")
    # Loopback is for an issuer beside the embedded AWS; AWS itself reaches public ones only.
    loopback = url.scheme == "http" and url.hostname == "127.0.0.1"
    if not (url.scheme == "https" or loopback) or not url.hostname or url.query or url.fragment:
        yield "must be an https URL without query, exactly as the tokens name it"


def _check_subscriptions(value: object) -> Iterator[str]:
    for endpoint in value if isinstance(value, tuple) else ():
        if not isinstance(endpoint, str) or protocol_of(endpoint) is None:
            yield f"must hold email addresses, https URLs and SQS queue ARNs only, not {endpoint!r}"


def protocol_of(endpoint: str) -> str | None:
    """The SNS protocol by which an endpoint is reached: email, https, sqs, or None where it is none of these."""
    if _EMAIL.fullmatch(endpoint):
        return "email"
    if _QUEUE.fullmatch(endpoint):
        return "sqs"
    url = urlsplit(endpoint)
    return "https" if url.scheme == "https" and url.hostname else None


def _default_domain(settings: "Settings") -> str:
    return f"healthcare-dr-{settings.environment_suffix}.com"


@attrs.frozen(kw_only=True)
class Settings:
    """What is deployed where, valid as a whole.

    Each field is read from the environment variable `DR_<FIELD>` (the suffix from `ENVIRONMENT_SUFFIX`), else from the
    context key `healthcareDr` of cdktf.json, else it has its default.

    Raises:
        SettingsError: With all faults of all fields, and those between them.
    """

    environment_suffix: str = attrs.field(
        default="dev",
        metadata=_matches(
            _SUFFIX.pattern, "must be 1 to 20 of a-z, 0-9 and '-', a letter or digit at both ends", optional=False
        ),
    )
    regions: tuple[RegionSettings, ...] = ()
    domain: str = attrs.field(
        default=attrs.Factory(_default_domain, takes_self=True),
        metadata={CHECK: _check_domain},
    )
    domain_delegated: bool = attrs.field(default=False, metadata={CHECK: one_of(True, False)})
    parent_zone_id: str | None = attrs.field(
        default=None, metadata=_matches(r"Z[A-Z0-9]{1,31}", "must be the id of a hosted zone, such as Z0123456789ABC")
    )
    oidc_issuer: str | None = attrs.field(default=None, metadata={CHECK: _check_issuer})
    oidc_audience: str | None = attrs.field(
        default=None, metadata=_matches(r"[\x21-\x7e]{1,256}", "must be 1 to 256 printable characters without spaces")
    )
    alert_subscriptions: tuple[str, ...] = attrs.field(default=(), metadata={CHECK: _check_subscriptions})
    state_bucket: str | None = attrs.field(
        default=None,
        metadata=_matches(
            r"[a-z0-9][a-z0-9-]{1,46}", "must be 2 to 47 of a-z, 0-9 and '-', for '-<region>' is put behind it"
        ),
    )
    log_retention_days: int = attrs.field(default=2192, metadata={CHECK: one_of(*RETENTION_DAYS)})
    lambda_memory_mb: int = attrs.field(default=3072, metadata={CHECK: between(128, 10240)})
    health_check_interval_s: int = attrs.field(default=10, metadata={CHECK: one_of(10, 30)})
    health_check_failures: int = attrs.field(default=3, metadata={CHECK: between(1, 10)})
    record_ttl_s: int = attrs.field(default=60, metadata={CHECK: between(1, 60)})

    def __attrs_post_init__(self) -> None:
        found = [*faults(self), *self._faults_between_fields(), *_faults_between_regions(self.regions)]
        if found:
            raise SettingsError(found)

    def _faults_between_fields(self) -> Iterator[str]:
        if (self.oidc_issuer is None) != (self.oidc_audience is None):
            yield (
                "'oidc_issuer' and 'oidc_audience' must be given together or not at all, "
                f"got: {self.oidc_issuer!r} and {self.oidc_audience!r}"
            )
        if self.parent_zone_id is not None and not self.domain_delegated:
            yield f"'parent_zone_id' must come with 'domain_delegated' true, got: {self.parent_zone_id!r} and False"
        timing = (self.health_check_interval_s, self.health_check_failures, self.record_ttl_s)
        if all(isinstance(figure, int) for figure in timing):
            recovery = recovery_time_s(interval_s=timing[0], failure_threshold=timing[1], ttl_s=timing[2])
            if recovery >= RECOVERY_TIME_OBJECTIVE_S:
                yield (
                    "'health_check_interval_s' x 'health_check_failures' + timeouts + 'record_ttl_s' must stay under "
                    f"the recovery time objective of {RECOVERY_TIME_OBJECTIVE_S} s, got: {recovery} s of {timing!r}"
                )

    def region(self, name: str) -> RegionSettings:
        """The settings of one region.

        Raises:
            SettingsError: When these settings are not for a region of that name.
        """
        for region in self.regions:
            if region.name == name:
                return region
        raise SettingsError([f"'regions' must hold {name!r}, got: {[region.name for region in self.regions]!r}"])

    def peers_of(self, name: str) -> tuple[RegionSettings, ...]:
        """All regions but the named one."""
        return tuple(region for region in self.regions if region.name != name)

    @classmethod
    def load(
        cls, environment: Mapping[str, str], context: Mapping[str, Any], regions: Sequence[RegionSettings]
    ) -> "Settings":
        """Read the settings of these regions, the primary first.

        Args:
            environment: The process's environment.
            context: The settings of cdktf.json's context.
            regions: The regions as their classes describe them; the field `regions` may override parts of each.

        Raises:
            SettingsError: With all faults, before anything was made.
        """
        found: list[str] = []
        known = {camel(field.name): field for field in attrs.fields(cls)}
        found += [
            f"'{CONTEXT}' in cdktf.json must hold only {', '.join(known)}, got: {key!r}"
            for key in sorted(context.keys() - known.keys())
        ]
        given: dict[str, Any] = {}
        for key, field in known.items():
            value = environment.get(variable_of(field.name), context.get(key))
            if value is not None and value != "":
                try:
                    parse: Callable[[Any], Any] = _PARSERS.get(field.name, _text)
                    given[field.name] = parse(value)
                except ValueError as error:
                    found.append(f"{field.name!r} {error}, got: {value!r}")
        placed: list[RegionSettings] = []
        overrides = given.pop("regions", {})
        for region in regions:
            try:
                placed.append(_override(region, overrides.pop(region.name, {})))
            except SettingsError as error:
                found += error.faults
                placed.append(region)
        names = [region.name for region in regions]
        found += [f"'regions' must name some of {', '.join(names)}, got: {name!r}" for name in overrides]
        try:
            settings = cls(regions=tuple(placed), **given)
        except SettingsError as error:
            found += error.faults
        if found:
            raise SettingsError(found)
        return settings


def variable_of(field: str) -> str:
    """The environment variable that a field is read from."""
    return "ENVIRONMENT_SUFFIX" if field == "environment_suffix" else f"DR_{field.upper()}"


def context_of(cdktf_json: Path) -> Mapping[str, Any]:
    """The settings that a cdktf.json holds."""
    context: Mapping[str, Any] = json.loads(cdktf_json.read_text(encoding="utf-8")).get("context", {}).get(CONTEXT, {})
    return context


def camel(field: str) -> str:
    """The key of cdktf.json that a field is read from."""
    first, *others = field.split("_")
    return first + "".join(other.capitalize() for other in others)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def _flag(value: Any) -> bool:
    flags = {"true": True, "false": False}
    if str(value).lower() not in flags:
        raise ValueError("must be true or false")
    return flags[str(value).lower()]


def _number(value: Any) -> int:
    if not re.fullmatch(r"-?\d{1,9}", str(value)):
        raise ValueError("must be a whole number")
    return int(value)


def _listing(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise ValueError("must be a list, or a text with commas")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def _overrides(value: Any) -> dict[str, Any]:
    parsed = json.loads(value) if isinstance(value, str) else value
    if not isinstance(parsed, dict) or not all(isinstance(override, dict) for override in parsed.values()):
        raise ValueError('must be JSON such as {"us-east-1": {"cidr": "10.10.0.0/16"}}')
    return dict(parsed)


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "regions": _overrides,
    "domain_delegated": _flag,
    "alert_subscriptions": _listing,
    "log_retention_days": _number,
    "lambda_memory_mb": _number,
    "health_check_interval_s": _number,
    "health_check_failures": _number,
    "record_ttl_s": _number,
}


def _override(region: RegionSettings, override: Mapping[str, Any]) -> RegionSettings:
    allowed = ("cidr", "zones", "weight")
    unknown = sorted(override.keys() - set(allowed))
    if unknown:
        raise SettingsError([f"region {region.name!r}: 'regions' may set {', '.join(allowed)}, got: {unknown!r}"])
    zones = override.get("zones")
    return attrs.evolve(region, **{**override, **({"zones": tuple(zones)} if isinstance(zones, list) else {})})


def _faults_between_regions(regions: Sequence[RegionSettings]) -> Iterator[str]:
    names = [region.name for region in regions]
    if len(names) < 2 or len(set(names)) != len(names):
        yield f"'regions' must be two or more different ones, got: {names!r}"
    if names and names[0] != PRIMARY_REGION:
        yield f"'regions' must begin with the primary {PRIMARY_REGION!r}, got: {names!r}"
    if regions and not any(region.weight for region in regions):
        yield f"'weight' must be more than 0 in one region at least, got: 0 in each of {names!r}"
    for one, other in itertools.combinations(regions, 2):
        if one.name != other.name and ipaddress.ip_network(one.cidr).overlaps(ipaddress.ip_network(other.cidr)):
            yield (
                "'cidr' must not overlap another region's, for such VPCs cannot peer, "
                f"got: {one.cidr!r} of {one.name!r} and {other.cidr!r} of {other.name!r}"
            )
