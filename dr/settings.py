"""The settings: one frozen value, read from the environment and cdktf.json, checked before anything is made."""

import ipaddress
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dr.checks import CHECK, SettingsError, between, faults, matches, one_of, some_of
from dr.context import CONTEXT
from dr.formats import RUNBOOK, check_domain, check_issuer, check_runbook, check_subscriptions
from dr.objectives import ALIAS_TTL_S, RECOVERY_POINT_OBJECTIVE_S, Plan, broken
from dr.parsers import flag, listing, number, overrides, text
from dr.regions.settings import RegionSettings

import attrs

# Alarms on Route 53's metrics can only be made there (Route 53 developer guide, "Monitoring health checks").
PRIMARY_REGION = "us-east-1"
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
# What functions reach besides DynamoDB and S3, which have gateways; S3's own is for the other regions' functions.
INTERFACE_ENDPOINTS = ("kms", "logs", "monitoring", "s3", "sns", "sts")
# Lambda reserves nothing of an account's last so many executions at once (Lambda quotas).
UNRESERVED = 100


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
        metadata={
            CHECK: matches(
                r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?",
                "must be 1 to 20 of a-z, 0-9 and '-', a letter or digit at both ends",
                optional=False,
            )
        },
    )
    regions: tuple[RegionSettings, ...] = ()
    domain: str = attrs.field(
        default=attrs.Factory(_default_domain, takes_self=True),
        metadata={CHECK: check_domain},
    )
    domain_delegated: bool = attrs.field(default=False, metadata={CHECK: one_of(True, False)})
    parent_zone_id: str | None = attrs.field(
        default=None,
        metadata={CHECK: matches(r"Z[A-Z0-9]{1,31}", "must be the id of a hosted zone, such as Z0123456789ABC")},
    )
    oidc_issuer: str | None = attrs.field(default=None, metadata={CHECK: check_issuer})
    oidc_audience: str | None = attrs.field(
        default=None,
        metadata={CHECK: matches(r"[\x21-\x7e]{1,256}", "must be 1 to 256 printable characters without spaces")},
    )
    alert_subscriptions: tuple[str, ...] = attrs.field(default=(), metadata={CHECK: check_subscriptions})
    interface_endpoints: tuple[str, ...] = attrs.field(
        default=INTERFACE_ENDPOINTS, metadata={CHECK: some_of(*INTERFACE_ENDPOINTS)}
    )
    state_bucket: str | None = attrs.field(
        default=None,
        metadata={
            CHECK: matches(
                r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]{1,46}",
                "must be 2 to 47 of a-z, 0-9 and '-', without a prefix of S3's own, for '-<region>' follows it",
            )
        },
    )
    log_retention_days: int = attrs.field(default=2192, metadata={CHECK: one_of(*RETENTION_DAYS)})
    lambda_memory_mb: int = attrs.field(default=3072, metadata={CHECK: between(128, 10240)})
    health_check_interval_s: int = attrs.field(default=10, metadata={CHECK: one_of(10, 30)})
    health_check_failures: int = attrs.field(default=3, metadata={CHECK: between(1, 10)})
    record_ttl_s: int = attrs.field(default=60, metadata={CHECK: between(1, 60)})
    replication_lag_alarm_s: int = attrs.field(
        default=RECOVERY_POINT_OBJECTIVE_S // 2, metadata={CHECK: between(1, 900)}
    )
    automatic_evacuation: bool = attrs.field(default=True, metadata={CHECK: one_of(True, False)})
    release_after_s: int = attrs.field(default=600, metadata={CHECK: between(60, 86_400)})
    runbook_url: str = attrs.field(default=RUNBOOK, metadata={CHECK: check_runbook})
    # Lambda's own default; a new account may have as little as 10 (Lambda quotas).
    lambda_concurrency: int = attrs.field(default=1000, metadata={CHECK: between(10, 1_000_000)})
    # None by default: a cap would throttle the region that takes the other's traffic over.
    lambda_reserved_concurrency: int | None = attrs.field(
        default=None, metadata={CHECK: between(1, 1_000_000, optional=True)}
    )

    def __attrs_post_init__(self) -> None:
        of_regions = [fault for region in self.regions for fault in region.faults()]
        # What lies between regions is compared only where each of them is well in itself.
        between_regions = () if of_regions else _faults_between_regions(self.regions)
        found = [*of_regions, *faults(self), *self._faults_between_fields(), *between_regions]
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
        reserved, allowed = self.lambda_reserved_concurrency, self.lambda_concurrency
        if isinstance(reserved, int) and isinstance(allowed, int) and reserved > allowed - UNRESERVED:
            yield (
                f"'lambda_reserved_concurrency' must leave {UNRESERVED} of 'lambda_concurrency' to all other "
                f"functions, got: {reserved!r} of {allowed!r}"
            )
        plan = self.plan
        figures = (plan.interval_s, plan.failures, plan.ttl_s, plan.lag_alarm_s, *plan.weights)
        if len(plan.weights) > 1 and all(isinstance(figure, int) for figure in figures):
            yield from broken(plan)

    @property
    def plan(self) -> Plan:
        """What the recovery objectives are computed from."""
        return Plan(
            interval_s=self.health_check_interval_s,
            failures=self.health_check_failures,
            ttl_s=ALIAS_TTL_S if self.domain_delegated is True else self.record_ttl_s,
            lag_alarm_s=self.replication_lag_alarm_s,
            weights=tuple(region.weight for region in self.regions),
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
        if not isinstance(context, Mapping):
            found.append(f"'{CONTEXT}' in cdktf.json must be an object with settings, got: {context!r}")
            context = {}
        known = {camel(field.name): field for field in attrs.fields(cls)}
        found += [
            f"'{CONTEXT}' in cdktf.json must hold only {', '.join(known)}, got: {key!r}"
            for key in sorted(context.keys() - known.keys())
        ]
        given: dict[str, Any] = {}
        for key, field in known.items():
            value = environment.get(variable_of(field.name)) or context.get(key)
            if value is not None and value != "":
                try:
                    parse: Callable[[Any], Any] = _PARSERS.get(field.name, text)
                    given[field.name] = parse(value)
                except ValueError as error:
                    found.append(f"{field.name!r} {error}, got: {value!r}")
        placed, refused = _place(regions, given.pop("regions", {}))
        found += refused
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


def camel(field: str) -> str:
    """The key of cdktf.json that a field is read from."""
    first, *others = field.split("_")
    return first + "".join(other.capitalize() for other in others)


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "regions": overrides,
    "domain_delegated": flag,
    "alert_subscriptions": listing,
    "interface_endpoints": listing,
    "log_retention_days": number,
    "lambda_memory_mb": number,
    "health_check_interval_s": number,
    "health_check_failures": number,
    "record_ttl_s": number,
    "replication_lag_alarm_s": number,
    "automatic_evacuation": flag,
    "release_after_s": number,
    "lambda_concurrency": number,
    "lambda_reserved_concurrency": number,
}
_OVERRIDDEN = ("cidr", "zones", "weight")


def _place(
    regions: Sequence[RegionSettings], overrides: Mapping[str, Mapping[str, Any]]
) -> tuple[list[RegionSettings], list[str]]:
    """The regions with what the overrides change, and what these may not set."""
    placed: list[RegionSettings] = []
    found: list[str] = []
    for region in regions:
        override = {**overrides.get(region.name, {})}
        if unknown := sorted(override.keys() - set(_OVERRIDDEN)):
            allowed = ", ".join(_OVERRIDDEN)
            found.append(f"region {region.name!r}: 'regions' may set {allowed}, got: {unknown!r}")
        if isinstance(zones := override.get("zones"), list):
            override["zones"] = tuple(zones)
        placed.append(attrs.evolve(region, **{key: override[key] for key in _OVERRIDDEN if key in override}))
    names = [region.name for region in regions]
    unknown = [name for name in overrides if name not in names]
    found += [f"'regions' must name some of {', '.join(names)}, got: {name!r}" for name in unknown]
    return placed, found


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
