"""Settings: where they come from, and what is refused before anything is made."""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from dr.checks import SettingsError
from dr.formats import protocol_of
from dr.objectives import RECOVERY_TIME_OBJECTIVE_S, recovery_time_s
from dr.regions.settings import ZONE_CODES, RegionSettings
from dr.settings import RETENTION_DAYS, Settings, variable_of
from tests.synthesis import REGIONS

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

EAST, WEST = (region.settings for region in REGIONS)
# Every fault: the field, the rule, the value (STYLE.md).
MESSAGE = re.compile(r"(region '[^']*': )?'[a-zA-Z_.]+' .*(must|may) .+, got: .+", re.DOTALL)


def load(environment: Mapping[str, str] | None = None, **context: Any) -> Settings:
    """Settings of the two regions, from environment variables and from cdktf.json's context."""
    return Settings.load(environment or {}, context, [EAST, WEST])


def refused(environment: Mapping[str, str] | None = None, **context: Any) -> tuple[str, ...]:
    """The faults for which settings are refused."""
    with pytest.raises(SettingsError) as caught:
        load(environment, **context)
    for fault in caught.value.faults:
        assert MESSAGE.fullmatch(fault), fault
    return caught.value.faults


def faults(**fields: Any) -> tuple[str, ...]:
    """The faults of these fields, none when they are taken."""
    try:
        Settings(**{"regions": (EAST, WEST), **fields})
    except SettingsError as error:
        return error.faults
    return ()


def placed(**overrides: Any) -> str:
    """DR_REGIONS with parts of the primary overridden."""
    return json.dumps({"us-east-1": overrides})


def test_settings_have_defaults() -> None:
    settings = load()
    assert attrs.asdict(settings, filter=lambda field, _: field.name != "regions") == {
        "environment_suffix": "dev",
        "domain": "healthcare-dr-dev.com",
        "domain_delegated": False,
        "parent_zone_id": None,
        "oidc_issuer": None,
        "oidc_audience": None,
        "alert_subscriptions": (),
        "interface_endpoints": ("kms", "logs", "monitoring", "s3", "sns", "sts"),
        "state_bucket": None,
        "log_retention_days": 2192,
        "lambda_memory_mb": 3072,
        "health_check_interval_s": 10,
        "health_check_failures": 3,
        "record_ttl_s": 60,
        "replication_lag_alarm_s": 30,
        "automatic_evacuation": True,
        "release_after_s": 600,
        "runbook_url": "docs/runbook.md",
        "lambda_concurrency": 1000,
        "lambda_reserved_concurrency": None,
    }
    assert settings.regions == (EAST, WEST)


def test_the_primary_has_70_and_the_secondary_30_percent() -> None:
    assert [(region.name, region.weight) for region in (EAST, WEST)] == [("us-east-1", 70), ("us-west-2", 30)]


def test_the_context_sets_what_the_environment_does_not() -> None:
    settings = load(environmentSuffix="staging", domainDelegated=True, recordTtlS=30, alertSubscriptions=["a@b.org"])
    assert (settings.environment_suffix, settings.domain_delegated, settings.record_ttl_s) == ("staging", True, 30)
    assert settings.alert_subscriptions == ("a@b.org",)


def test_the_environment_wins_over_the_context() -> None:
    environment = {"ENVIRONMENT_SUFFIX": "prod", "DR_LOG_RETENTION_DAYS": "30", "DR_DOMAIN_DELEGATED": "FALSE"}
    settings = load(environment, environmentSuffix="staging", logRetentionDays=90, domainDelegated=True)
    assert (settings.environment_suffix, settings.log_retention_days) == ("prod", 30)
    assert settings.domain_delegated is False


def test_an_empty_variable_leaves_the_context_in_force() -> None:
    assert load({"ENVIRONMENT_SUFFIX": ""}, environmentSuffix="prod").environment_suffix == "prod"


def test_every_field_has_a_variable() -> None:
    variables = {variable_of(field.name) for field in attrs.fields(Settings)}
    assert len(variables) == len(attrs.fields(Settings))
    assert {"ENVIRONMENT_SUFFIX", "DR_REGIONS", "DR_OIDC_ISSUER"} <= variables


def test_the_domain_follows_the_suffix_unless_it_is_given() -> None:
    assert load({"ENVIRONMENT_SUFFIX": "qa"}).domain == "healthcare-dr-qa.com"
    assert load({"DR_DOMAIN": "records.hospital.org"}).domain == "records.hospital.org"


def test_a_region_is_moved_by_an_override_and_the_rest_of_it_stays() -> None:
    settings = load({"DR_REGIONS": placed(cidr="10.50.0.0/18", zones=["use1-az4", "use1-az5", "use1-az6"])})
    assert settings.region("us-east-1") == attrs.evolve(
        EAST, cidr="10.50.0.0/18", zones=("use1-az4", "use1-az5", "use1-az6")
    )
    assert settings.region("us-west-2") == WEST


def test_a_region_knows_its_peers() -> None:
    assert load().peers_of("us-east-1") == (WEST,)
    with pytest.raises(SettingsError, match="'regions' must hold 'eu-west-1'"):
        load().region("eu-west-1")


@pytest.mark.parametrize(
    ("endpoint", "protocol"),
    [
        ("oncall@hospital.org", "email"),
        ("https://pager.hospital.org/sns?team=1", "https"),
        ("arn:aws:sqs:us-east-1:111111111111:ops", "sqs"),
        ("arn:aws:sqs:us-east-1:111111111111:ops.fifo", "sqs"),
        ("http://pager.hospital.org", None),
        ("arn:aws:sns:us-east-1:111111111111:ops", None),
        ("hospital.org", None),
        ("two@at@hospital.org", None),
        ("+15555550100", None),
        ("", None),
    ],
)
def test_an_endpoint_has_a_protocol(endpoint: str, protocol: str | None) -> None:
    assert protocol_of(endpoint) == protocol


def test_subnets_are_eighths_of_the_network_in_the_order_of_the_zones() -> None:
    assert EAST.subnets == ("10.10.0.0/19", "10.10.32.0/19")


# What is refused: the variable, its value, and the beginning of the fault that names it.
REFUSED = [
    *(("ENVIRONMENT_SUFFIX", value, "'environment_suffix' must be 1 to 20") for value in ("Prod", "a_b", "-a", "a-")),
    *(("ENVIRONMENT_SUFFIX", value, "'environment_suffix' must be 1 to 20") for value in ("a" * 21, "ü", "a b", "a\n")),
    *(
        ("DR_DOMAIN", value, "'domain' must not be a reserved domain")
        for value in (
            *("example.com", "dr.example.org", "example.net", "hospital.example", "hospital.test", "a.invalid"),
            *("a.localhost", "a.local", "a.internal", "s3.amazonaws.com"),
        )
    ),
    *(
        ("DR_DOMAIN", value, "'domain' must be a domain name")
        for value in ("com", "a..com", "-a.com", "a_b.com", "A.com")
    ),
    ("DR_DOMAIN", "a.com.", "'domain' must be a domain name"),
    ("DR_DOMAIN", f"{'a' * 57}.com", "'domain' must have 60 characters"),
    ("DR_DOMAIN_DELEGATED", "yes", "'domain_delegated' must be true or false"),
    ("DR_OIDC_ISSUER", "http://login.hospital.org/", "'oidc_issuer' must be an https URL"),
    ("DR_OIDC_ISSUER", "https://login.hospital.org/?a=b", "'oidc_issuer' must be an https URL"),
    ("DR_OIDC_ISSUER", "login.hospital.org", "'oidc_issuer' must be an https URL"),
    ("DR_OIDC_ISSUER", "https://login.hospital.org/", "'oidc_issuer' and 'oidc_audience' must be given together"),
    ("DR_OIDC_AUDIENCE", "patients-api", "'oidc_issuer' and 'oidc_audience' must be given together"),
    ("DR_OIDC_AUDIENCE", "with space", "'oidc_audience' must be 1 to 256"),
    ("DR_PARENT_ZONE_ID", "Z0123456789ABC", "'parent_zone_id' must come with 'domain_delegated' true"),
    ("DR_PARENT_ZONE_ID", "hospital.org", "'parent_zone_id' must be the id of a hosted zone"),
    *(
        ("DR_ALERT_SUBSCRIPTIONS", value, "'alert_subscriptions' must hold email addresses")
        for value in ("nobody", "a@b", "http://hospital.org", "+15555550100", "oncall@hospital.org,nobody")
    ),
    *(("DR_STATE_BUCKET", value, "'state_bucket' must be 2 to 47") for value in ("a", "-ab", "A-b", "a.b", "a" * 48)),
    *(("DR_LOG_RETENTION_DAYS", value, "'log_retention_days' must be one of 1, 3") for value in ("0", "31", "-1")),
    *(("DR_LAMBDA_MEMORY_MB", value, "'lambda_memory_mb' must be a whole number from") for value in ("127", "10241")),
    *(
        ("DR_LAMBDA_MEMORY_MB", value, "'lambda_memory_mb' must be a whole number")
        for value in ("3 GB", "1e3", "3072.0")
    ),
    *(
        ("DR_HEALTH_CHECK_INTERVAL_S", value, "'health_check_interval_s' must be one of 10, 30")
        for value in ("20", "0")
    ),
    *(
        ("DR_HEALTH_CHECK_FAILURES", value, "'health_check_failures' must be a whole number from")
        for value in ("0", "11")
    ),
    *(("DR_RECORD_TTL_S", value, "'record_ttl_s' must be a whole number from 1 to 60") for value in ("0", "61", "-5")),
    *(
        ("DR_REGIONS", value, "'regions' must be JSON such as")
        for value in ("[]", '"us-east-1"', '{"us-east-1": "10.0.0.0/16"}', '{"us-east-1": null}')
    ),
    ("DR_REGIONS", '{"mars-1": {"weight": 1}}', "'regions' must name some of us-east-1, us-west-2"),
    ("DR_REGIONS", placed(color="red"), "region 'us-east-1': 'regions' may set cidr, zones, weight"),
    *(
        ("DR_REGIONS", placed(cidr=value), "region 'us-east-1': 'cidr' must be a private block of /16 to /24")
        for value in (
            *("8.8.0.0/16", "172.15.0.0/16", "172.32.0.0/16", "100.64.0.0/16", "192.169.0.0/16", "0.0.0.0/0"),
            *("10.0.0.0/15", "10.0.0.0/8", "10.10.0.1/16", "fd00::/16", "10.10.0.0", "ten", "", None, 10),
        )
    ),
    (
        "DR_REGIONS",
        placed(cidr="10.10.0.0/25"),
        "region 'us-east-1': 'cidr' must be a private block of /16 to /24, for",
    ),
    *(("DR_REGIONS", placed(cidr=value), "'cidr' must not overlap") for value in ("10.20.0.0/16", "10.20.128.0/17")),
    *(
        ("DR_REGIONS", placed(zones=value), "region 'us-east-1': 'zones' must name 2 to 6 different zones")
        for value in ([], ["use1-az1"], ["use1-az1", "use1-az1"], [f"use1-az{n}" for n in range(7)], "use1-az1", 1)
    ),
    ("DR_REGIONS", placed(zones=["us-east-1a", "us-east-1b"]), "region 'us-east-1': 'zones' must be zone ids"),
    ("DR_REGIONS", placed(zones=["usw2-az1", "usw2-az2"]), "region 'us-east-1': 'zones' must begin with 'use1-az'"),
    *(
        ("DR_REGIONS", placed(weight=value), "region 'us-east-1': 'weight' must be a whole number from 0 to 255")
        for value in (-1, 256, 0.5, "70", True, None)
    ),
    (
        "DR_REGIONS",
        '{"us-east-1": {"weight": 0}, "us-west-2": {"weight": 0}}',
        "'weight' must be more than 0 in one region at least",
    ),
    ("DR_REGIONS", "{", "'regions' must be JSON such as"),
    ("DR_REGIONS", placed(zones=[["use1-az1"], ["use1-az2"]]), "region 'us-east-1': 'zones' must"),
    ("DR_REGIONS", placed(cidr="10.10.0.0/255.255.0.0"), "region 'us-east-1': 'cidr' must be a private block"),
    ("DR_ALERT_SUBSCRIPTIONS", "https://[::1", "'alert_subscriptions' must hold"),
    ("DR_ALERT_SUBSCRIPTIONS", "a@b.org,a@b.org", "'alert_subscriptions' must"),
    ("DR_INTERFACE_ENDPOINTS", "s3, dynamodb", "'interface_endpoints' must hold some of kms, logs"),
    ("DR_INTERFACE_ENDPOINTS", "s3, s3", "'interface_endpoints' must hold some of kms, logs"),
    ("DR_OIDC_ISSUER", "https://[", "'oidc_issuer' must be an https URL"),
    ("DR_OIDC_ISSUER", "https://login hospital.org/", "'oidc_issuer' must be an https URL"),
    ("DR_DOMAIN", "dr.aws.amazon.com", "'domain' must not be a reserved domain"),
    ("DR_DOMAIN", "10.0.0.1", "'domain' must be a domain name"),
    ("DR_STATE_BUCKET", "xn--state", "'state_bucket' must"),
    ("DR_AUTOMATIC_EVACUATION", "sometimes", "'automatic_evacuation' must be true or false"),
    *(("DR_RELEASE_AFTER_S", value, "'release_after_s' must be a whole number from 60") for value in ("59", "86401")),
    *(("DR_LAMBDA_CONCURRENCY", value, "'lambda_concurrency' must be a whole number from 10") for value in ("9", "0")),
    ("DR_LAMBDA_RESERVED_CONCURRENCY", "0", "'lambda_reserved_concurrency' must be a whole number from 1 to"),
    ("DR_LAMBDA_RESERVED_CONCURRENCY", "901", "'lambda_reserved_concurrency' must leave 100 of 'lambda_concurrency'"),
    *(
        ("DR_RUNBOOK_URL", value, "'runbook_url' must be an https URL without fragment")
        for value in ("http://wiki.hospital.org/dr", "https://wiki.hospital.org/dr#top", "runbook.md", "https://[")
    ),
]


@pytest.mark.parametrize(("variable", "value", "fault"), REFUSED)
def test_rejects_a_bad_value(variable: str, value: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in refused({variable: value}))


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("suffix", "dev", "'healthcareDr' in cdktf.json must hold only environmentSuffix, regions, domain"),
        ("environment_suffix", "dev", "'healthcareDr' in cdktf.json must hold only"),
        ("environmentSuffix", 5, "'environment_suffix' must be a text"),
        ("lambdaMemoryMb", True, "'lambda_memory_mb' must be a whole number"),
        ("recordTtlS", "soon", "'record_ttl_s' must be a whole number"),
        ("alertSubscriptions", {"email": "a@b.org"}, "'alert_subscriptions' must be a list"),
        ("alertSubscriptions", [5], "'alert_subscriptions' must hold"),
        ("domainDelegated", 1, "'domain_delegated' must be true or false"),
        ("regions", [], "'regions' must be JSON such as"),
    ],
)
def test_rejects_a_bad_key_or_value_of_the_context(key: str, value: object, fault: str) -> None:
    assert any(found.startswith(fault) for found in refused({}, **{key: value}))


@pytest.mark.parametrize("context", [[], "dev", 5])
def test_rejects_a_context_that_is_no_object(context: Any) -> None:
    with pytest.raises(SettingsError, match=r"'healthcareDr' in cdktf\.json must"):
        Settings.load({}, context, [EAST, WEST])


def test_rejects_a_region_that_is_unknown() -> None:
    mars = RegionSettings(name="mars-1", cidr="10.0.0.0/16", zones=("use1-az1", "use1-az2"), weight=1)
    with pytest.raises(SettingsError, match=r"region 'mars-1': 'name' must be one of .*, got: 'mars-1'"):
        Settings.load({}, {}, [EAST, mars])


@pytest.mark.parametrize("regions", [[], [EAST], [EAST, EAST], [EAST, WEST, EAST]])
def test_rejects_fewer_than_two_regions_and_a_region_twice(regions: list[RegionSettings]) -> None:
    with pytest.raises(SettingsError, match="'regions' must be two or more different ones, got: "):
        Settings.load({}, {}, regions)


def test_rejects_another_primary() -> None:
    with pytest.raises(SettingsError, match="'regions' must begin with the primary 'us-east-1', got: "):
        Settings.load({}, {}, [WEST, EAST])


@pytest.mark.parametrize(("interval", "failures", "ttl"), [(30, 9, 60), (30, 8, 60), (30, 10, 1)])
def test_rejects_timing_that_breaks_the_recovery_time_objective(interval: int, failures: int, ttl: int) -> None:
    environment = {
        "DR_HEALTH_CHECK_INTERVAL_S": str(interval),
        "DR_HEALTH_CHECK_FAILURES": str(failures),
        "DR_RECORD_TTL_S": str(ttl),
    }
    (fault,) = refused(environment)
    recovery = recovery_time_s(interval_s=interval, failure_threshold=failures, ttl_s=ttl)
    figure = f"{recovery} s of {(interval, failures, ttl)!r}"
    assert fault.endswith(f"must let the recovery time when a region dies be under 300 s, got: {figure}")


def test_timing_that_breaks_availability_as_well_is_told_of_both() -> None:
    timing = {"DR_HEALTH_CHECK_INTERVAL_S": "30", "DR_HEALTH_CHECK_FAILURES": "10", "DR_RECORD_TTL_S": "60"}
    recovery, availability = refused(timing)
    assert recovery.endswith("must let the recovery time when a region dies be under 300 s, got: 368 s of (30, 10, 60)")
    assert "must let the availability with one failover a month be at least 99.9900 %, got: 99.98" in availability


@given(st.sampled_from((10, 30)), st.integers(1, 10), st.integers(1, 60))
def test_timing_is_taken_just_when_it_meets_the_objective(interval: int, failures: int, ttl: int) -> None:
    recovery = recovery_time_s(interval_s=interval, failure_threshold=failures, ttl_s=ttl)
    found = faults(health_check_interval_s=interval, health_check_failures=failures, record_ttl_s=ttl)
    assert bool(found) is (recovery >= RECOVERY_TIME_OBJECTIVE_S)


def test_rejects_timing_that_an_alias_makes_too_slow() -> None:
    refused(
        {
            "DR_DOMAIN_DELEGATED": "true",
            "DR_HEALTH_CHECK_INTERVAL_S": "30",
            "DR_HEALTH_CHECK_FAILURES": "9",
            "DR_RECORD_TTL_S": "1",
        }
    )


def test_all_faults_are_reported_at_once() -> None:
    found = refused(
        {
            "ENVIRONMENT_SUFFIX": "Prod",
            "DR_DOMAIN": "example.com",
            "DR_RECORD_TTL_S": "soon",
            "DR_PARENT_ZONE_ID": "Z0123456789ABC",
            "DR_OIDC_AUDIENCE": "patients-api",
            "DR_ALERT_SUBSCRIPTIONS": "nobody, neither",
            "DR_REGIONS": json.dumps({"us-east-1": {"cidr": "8.8.0.0/16", "weight": -1}, "us-west-2": {"zones": []}}),
        },
        suffix="dev",
    )
    named = [
        *("'healthcareDr'", "'record_ttl_s'", "region 'us-east-1': 'cidr'", "region 'us-east-1': 'weight'"),
        *("region 'us-west-2': 'zones'", "'environment_suffix'", "'domain'", "'alert_subscriptions'"),
        *("'alert_subscriptions'", "'oidc_issuer'", "'parent_zone_id'"),
    ]
    assert len(found) == len(named)
    assert all(fault.startswith(name) for fault, name in zip(found, named, strict=True))


def test_a_refused_region_is_not_blamed_for_addresses_that_nobody_gave() -> None:
    regions = {"us-east-1": {"cidr": "8.8.0.0/16"}, "us-west-2": {"cidr": "10.10.0.0/24"}}
    assert len(refused({"DR_REGIONS": json.dumps(regions)})) == 1


def test_the_message_lists_one_fault_a_line() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"ENVIRONMENT_SUFFIX": "Prod", "DR_DOMAIN": "example.com"})
    assert str(caught.value).splitlines() == [
        "the settings have faults:",
        "  - 'environment_suffix' must be 1 to 20 of a-z, 0-9 and '-', a letter or digit at both ends, got: 'Prod'",
        "  - 'domain' must not be a reserved domain, use healthcare-dr-<suffix>.com or one of your own, "
        "got: 'example.com'",
    ]


@pytest.mark.parametrize("days", RETENTION_DAYS)
def test_every_retention_of_cloudwatch_logs_is_taken(days: int) -> None:
    assert load({"DR_LOG_RETENTION_DAYS": str(days)}).log_retention_days == days


def test_loopback_is_taken_as_an_issuer_beside_the_embedded_aws() -> None:
    issuer = "http://127.0.0.1:4600/"
    assert load({"DR_OIDC_ISSUER": issuer, "DR_OIDC_AUDIENCE": "api"}).oidc_issuer == issuer


def test_evacuation_by_itself_is_switched_off_and_leads_to_a_runbook_elsewhere() -> None:
    settings = load(
        {
            "DR_AUTOMATIC_EVACUATION": "false",
            "DR_RELEASE_AFTER_S": "60",
            "DR_RUNBOOK_URL": "https://wiki.hospital.org/dr?page=runbook",
        }
    )
    assert (settings.automatic_evacuation, settings.release_after_s) == (False, 60)
    assert settings.runbook_url == "https://wiki.hospital.org/dr?page=runbook"


@given(st.text(st.sampled_from("ab9-_A."), max_size=22))
@example("a" * 20)
@example("a" * 21)
def test_a_suffix_is_taken_just_when_it_is_1_to_20_letters_digits_and_inner_hyphens(suffix: str) -> None:
    legal = 0 < len(suffix) <= 20 and set(suffix) <= set("ab9-") and "-" not in (suffix[0], suffix[-1])
    found = faults(environment_suffix=suffix)
    assert any(fault.startswith("'environment_suffix'") for fault in found) is not legal


BLOCKS = st.builds(
    lambda second, third, length: ipaddress.IPv4Network(f"10.{second}.{third}.0/{length}", strict=False),
    st.integers(0, 3),
    st.integers(0, 255),
    st.integers(16, 24),
)


@given(BLOCKS, BLOCKS)
def test_networks_are_taken_just_when_they_share_no_address(one: Any, other: Any) -> None:
    shared = not (one.broadcast_address < other.network_address or other.broadcast_address < one.network_address)
    found = faults(regions=(attrs.evolve(EAST, cidr=str(one)), attrs.evolve(WEST, cidr=str(other))))
    assert [fault[:24] for fault in found] == ["'cidr' must not overlap "] * shared


@given(BLOCKS, st.integers(2, 6))
def test_subnets_lie_apart_inside_their_network_and_are_large_enough(block: Any, zones: int) -> None:
    names = tuple(f"use1-az{number}" for number in range(1, zones + 1))
    subnets = [ipaddress.IPv4Network(each) for each in attrs.evolve(EAST, cidr=str(block), zones=names).subnets]
    assert len(subnets) == zones
    assert all(subnet.subnet_of(block) and subnet.num_addresses >= 32 for subnet in subnets)
    assert len({address for subnet in subnets for address in (subnet[0], subnet[-1])}) == 2 * zones


def test_every_known_region_can_be_placed() -> None:
    for place, (name, code) in enumerate(ZONE_CODES.items()):
        zones = (f"{code}-az1", f"{code}-az2")
        assert list(RegionSettings(name=name, cidr=f"10.{place}.0.0/16", zones=zones, weight=0).faults()) == []
