"""Names: the rule, and what comes of it for the longest suffix and a region with a long name."""

import re
from collections.abc import Iterator, Mapping

from dr.regions.region import Region
from dr.regions.settings import RegionSettings
from dr.resources.naming import LONGEST, Names
from tests.brief.every import RULES
from tests.brief.rules import DELEGATED, Rule
from tests.synthesis import REGIONS, Resource, Stacks, resources, synthesize

import pytest
from hypothesis import given
from hypothesis import strategies as st

LONG_SUFFIX = "a1234567890123456789"
ACCOUNT = "123456789012"
# What AWS takes, by the argument that holds the name: the API references of the services.
LIMITS: Mapping[tuple[str, str], str] = {
    ("aws_s3_bucket", "bucket"): r"(?!xn--|sthree-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9](?<!-s3alias)",
    ("aws_iam_role", "name"): r"[\w+=,.@-]{1,64}",
    ("aws_iam_policy", "name"): r"[\w+=,.@-]{1,128}",
    ("aws_lambda_function", "function_name"): r"[a-zA-Z0-9_-]{1,64}",
    ("aws_cloudwatch_log_group", "name"): r"(?!aws/)[\w./#-]{1,512}",
    ("aws_sns_topic", "name"): r"[\w-]{1,256}",
    ("aws_cloudwatch_metric_alarm", "alarm_name"): r"[ -~]{1,255}",
    ("aws_cloudwatch_composite_alarm", "alarm_name"): r"[ -~]{1,255}",
    ("aws_cloudwatch_metric_alarm", "metric_name"): r"[ -~]{1,255}",
    ("aws_cloudwatch_log_metric_filter", "name"): r"[^:*]{1,512}",
    ("aws_cloudwatch_event_rule", "name"): r"[\w.-]{1,64}",
    ("aws_cloudtrail", "name"): r"(?!.*[._-]{2})(?=.{3,128}$)[a-zA-Z0-9][a-zA-Z0-9._-]+[a-zA-Z0-9]",
    ("aws_backup_vault", "name"): r"[\w-]{2,50}",
    ("aws_backup_plan", "name"): r"[\w.-]{1,50}",
    ("aws_backup_selection", "name"): r"[\w.-]{1,50}",
    ("aws_sqs_queue", "name"): r"[\w-]{1,80}",
    ("aws_cloudwatch_dashboard", "dashboard_name"): r"[\w-]{1,255}",
    ("aws_dynamodb_table", "name"): r"[\w.-]{3,255}",
    ("aws_security_group", "name"): r"(?!sg-)[\w .:/()#,@\[\]+=&;{}!$*-]{1,255}",
    ("aws_kms_alias", "name"): r"alias/(?!aws/)[\w/-]{1,250}",
    ("aws_apigatewayv2_api", "name"): r"[ -~]{1,128}",
    ("aws_route53_health_check", "fqdn"): r".{1,255}",
    ("aws_route53_record", "set_identifier"): r"[ -~]{1,128}",
    ("aws_route53_record", "name"): r"(\*\.)?([a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,63}",
    ("aws_route53_zone", "name"): r"([a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,63}",
    ("aws_route53_zone", "comment"): r".{1,256}",
}
SUFFIXES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True)
KINDS = st.from_regex(r"[a-z][a-z0-9-]{0,80}[a-z0-9]", fullmatch=True)


class ApSoutheast2(Region):
    """Sydney: among the longest names that a region has."""

    settings = RegionSettings(name="ap-southeast-2", cidr="10.40.0.0/16", zones=("apse2-az1", "apse2-az3"), weight=0)


@pytest.fixture(scope="module")
def longest(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """Three regions, one of them with a long name, under the longest suffix."""
    folder = tmp_path_factory.mktemp("longest")
    return synthesize(folder, *REGIONS, ApSoutheast2, ENVIRONMENT_SUFFIX=LONG_SUFFIX)


def named(stacks: Stacks) -> Iterator[tuple[Resource, str, str]]:
    """Every name that AWS limits, with the account's id where a deployment puts it, and the limit."""
    for (kind, argument), limit in LIMITS.items():
        for resource in resources(stacks, kind):
            if argument in resource.arguments:
                name = re.sub(r"\$\{[^}]*account_id\}", ACCOUNT, str(resource.arguments[argument]))
                yield resource, name, limit


def test_regional_names_are_kind_and_suffix() -> None:
    assert Names("dev").regional("vpc") == "vpc-dev"


def test_names_that_count_in_all_regions_name_theirs() -> None:
    assert Names("dev").worldwide("role-api", "us-east-1") == "role-api-us-east-1-dev"


def test_bucket_names_end_in_the_account() -> None:
    assert Names("dev").bucket("documents", "us-east-1", ACCOUNT) == f"documents-us-east-1-dev-{ACCOUNT}"


def test_a_bucket_name_counts_the_account_before_it_is_known() -> None:
    name = Names(LONG_SUFFIX).bucket("d" * 60, "ap-southeast-2", "${data.aws_caller_identity.account.account_id}")
    assert len(re.sub(r"\$\{.*\}", ACCOUNT, name)) == LONGEST


def test_a_name_that_is_too_long_ends_in_a_hash_of_the_whole() -> None:
    name = Names("dev").regional("a" * 100)
    assert re.fullmatch(r"a{54}-[0-9a-f]{8}", name)
    assert name != Names("dev").regional("a" * 101)


@given(kind=KINDS, suffix=SUFFIXES)
def test_names_fit_and_keep_the_suffix_unless_they_are_cut(kind: str, suffix: str) -> None:
    name = Names(suffix).regional(kind)
    assert len(name) <= LONGEST
    assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name)
    assert name == f"{kind}-{suffix}" or re.search(r"-[0-9a-f]{8}$", name)


@given(one=SUFFIXES, other=SUFFIXES)
def test_two_suffixes_never_share_a_bucket(one: str, other: str) -> None:
    names = {Names(suffix).bucket("documents", "ap-southeast-2", ACCOUNT) for suffix in (one, other)}
    assert len(names) == len({one, other})
    assert all(len(name) <= 63 for name in names)


def test_every_name_is_legal_under_the_longest_suffix(longest: Stacks) -> None:
    assert [
        f"{resource.address}: {name}" for resource, name, limit in named(longest) if not re.fullmatch(limit, name)
    ] == []


def test_every_limit_has_names_to_look_at(longest: Stacks) -> None:
    assert {resource.kind for resource, *_ in named(longest)} == {kind for kind, _ in LIMITS}


def test_every_name_with_the_suffix_has_a_limit(longest: Stacks) -> None:
    with_suffix = {
        (each.kind, argument)
        for each in resources(longest)
        for argument, value in each.arguments.items()
        if re.fullmatch(r"(.*_)?name|bucket", argument) and str(value).endswith((f"-{LONG_SUFFIX}", f"-{ACCOUNT}"))
    }
    # For its name no limit is documented.
    assert with_suffix - LIMITS.keys() == {("aws_cloudwatch_log_resource_policy", "policy_name")}


def test_no_name_is_cut_under_the_longest_suffix(longest: Stacks) -> None:
    cut = [name for _, name, _ in named(longest) if re.search(r"-[0-9a-f]{8}(-\d{12})?$", name)]
    assert cut == []


def test_tags_are_legal_under_the_longest_suffix(longest: Stacks) -> None:
    values = [str(value) for each in resources(longest) for value in (each.arguments.get("tags") or {}).values()]
    assert values
    assert max(map(len, values)) <= 256


def test_names_differ_within_their_namespace(longest: Stacks) -> None:
    for kind, argument in (("aws_iam_role", "name"), ("aws_iam_policy", "name"), ("aws_s3_bucket", "bucket")):
        names = [each.arguments[argument] for each in resources(longest, kind)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in RULES if rule.apps[0] != DELEGATED])
def test_every_rule_holds_under_the_longest_suffix(rule: Rule, longest: Stacks) -> None:
    assert list(rule.faults(longest)) == []
