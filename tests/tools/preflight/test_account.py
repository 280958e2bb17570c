"""An account's quotas and its state buckets; answers.py says what the answers are."""

from functools import partial

from tests.tools.preflight.answers import Answer, Refusal, client
from tools.preflight.account import (
    backup_settings,
    dns_room,
    key_room,
    lambda_limits,
    state_bucket,
    trail_room,
    vpc_room,
)
from tools.preflight.finding import Finding, State, reported

import pytest


def limits(concurrency: int) -> Answer:
    counts = {"TotalCodeSize": 80530636800, "CodeSizeUnzipped": 262144000, "CodeSizeZipped": 52428800}
    executions = {"ConcurrentExecutions": concurrency, "UnreservedConcurrentExecutions": concurrency}
    return "get_account_settings", {"AccountLimit": counts | executions, "AccountUsage": {"FunctionCount": 0}}


@pytest.mark.parametrize(
    ("concurrency", "memory_mb", "states"),
    [
        (1000, 3072, [State.READY, State.READY]),
        (400, 3008, [State.NOTICE, State.READY]),
        (400, 3072, [State.NOTICE, State.BLOCKED]),
        (10, 3072, [State.BLOCKED, State.BLOCKED]),
    ],
)
def test_a_new_account_lacks_concurrency_and_memory(concurrency: int, memory_mb: int, states: list[State]) -> None:
    found = list(lambda_limits("us-east-1", client("lambda", [limits(concurrency)]), memory_mb))
    assert [each.state for each in found] == states
    assert all(bool(each.todo) is (each.state is not State.READY) for each in found)


def quota(value: float) -> Answer:
    return "get_service_quota", {"Quota": {"ServiceCode": "vpc", "Value": value, "Unit": "None", "Adjustable": True}}


@pytest.mark.parametrize(("vpcs", "state"), [(4, State.READY), (5, State.BLOCKED)])
def test_the_last_vpc_is_one_too_few(vpcs: int, state: State) -> None:
    described: Answer = ("describe_vpcs", {"Vpcs": [{"VpcId": f"vpc-{number}"} for number in range(vpcs)]})
    quotas = client("service-quotas", [quota(5.0), quota(50.0)])
    left, endpoints = vpc_room("us-west-2", client("ec2", [described]), quotas, 6)
    assert (left.state, endpoints.state) == (state, State.READY)
    assert left.found == f"{5 - vpcs}, wanted 1"


@pytest.mark.parametrize(("limit", "state"), [(4.0, State.READY), (3.0, State.BLOCKED)])
def test_the_last_key_is_one_too_few(limit: float, state: State) -> None:
    first: Answer = ("list_keys", {"Keys": [{"KeyId": "1"}, {"KeyId": "2"}], "Truncated": True, "NextMarker": "2"})
    last: Answer = ("list_keys", {"Keys": [{"KeyId": "3"}], "Truncated": False})
    (found,) = key_room("us-east-1", client("kms", [first, last]), client("service-quotas", [quota(limit)]))
    assert (found.state, found.found) == (state, f"{limit - 3:g}, wanted 1")


TRAILS = ("trail-us-east-1-dev", "trail-us-west-2-dev")


@pytest.mark.parametrize(
    ("others", "own", "state"),
    [
        (3, (), State.READY),
        (4, (), State.BLOCKED),
        (3, TRAILS, State.READY),
        (4, TRAILS[:1], State.BLOCKED),
    ],
)
def test_every_region_has_room_for_the_trails_of_all(others: int, own: tuple[str, ...], state: State) -> None:
    named = [*own, *(f"other-{number}" for number in range(others))]
    described: Answer = (
        "describe_trails",
        {"trailList": [{"Name": name, "IsMultiRegionTrail": True} for name in named]},
    )
    (found,) = trail_room("us-west-2", client("cloudtrail", [described]), TRAILS)
    assert (found.state, found.found) == (state, f"{5 - others}, wanted 2")
    assert bool(found.todo) is (state is State.BLOCKED)


@pytest.mark.parametrize(
    ("managed", "state"),
    [
        ({"DynamoDB": True, "EFS": True}, State.READY),
        ({"DynamoDB": False, "EFS": True}, State.NOTICE),
        ({}, State.NOTICE),
    ],
)
def test_tables_are_copied_by_the_advanced_features_alone(managed: dict[str, bool], state: State) -> None:
    settings = {"ResourceTypeOptInPreference": {"DynamoDB": True}, "ResourceTypeManagementPreference": managed}
    (found,) = backup_settings("us-east-1", client("backup", [("describe_region_settings", settings)]))
    assert (found.state, "us-east-1" in found.todo) == (state, state is State.NOTICE)


@pytest.mark.parametrize(("used", "state"), [(196, State.READY), (197, State.BLOCKED)])
def test_every_region_needs_two_health_checks(used: int, state: State) -> None:
    checks = {"Limit": {"Type": "MAX_HEALTH_CHECKS_BY_OWNER", "Value": 200}, "Count": used}
    zones = {"Limit": {"Type": "MAX_HOSTED_ZONES_BY_OWNER", "Value": 500}, "Count": 3}
    route53 = client("route53", [("get_account_limit", checks), ("get_account_limit", zones)])
    first, second = dns_room(route53, 4, 1)
    assert (first.state, second.state) == (state, State.READY)


HEAD: Answer = ("head_bucket", {"BucketRegion": "us-east-1"})
VERSIONS: Answer = ("get_bucket_versioning", {"Status": "Enabled"})
OPEN = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}
CLOSED: Answer = ("get_public_access_block", {"PublicAccessBlockConfiguration": OPEN | {"BlockPublicPolicy": True}})


def encryption(algorithm: str) -> Answer:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}, "BucketKeyEnabled": True}
    return "get_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


@pytest.mark.parametrize(
    ("answers", "blocked"),
    [
        ([HEAD, VERSIONS, encryption("aws:kms"), CLOSED], []),
        ([("head_bucket", "404")], ["HeadBucket: 404"]),
        ([("head_bucket", "403")], ["HeadBucket: 403"]),
        ([HEAD, ("get_bucket_versioning", {}), encryption("aws:kms"), CLOSED], ["versions: never enabled"]),
        ([HEAD, VERSIONS, encryption("AES256"), CLOSED], ["encryption: AES256"]),
        (
            [
                HEAD,
                VERSIONS,
                encryption("aws:kms"),
                ("get_public_access_block", {"PublicAccessBlockConfiguration": OPEN}),
            ],
            ["public access: open"],
        ),
        (
            [
                HEAD,
                VERSIONS,
                encryption("aws:kms"),
                ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
            ],
            ["public access: open"],
        ),
    ],
)
def test_a_state_bucket_is_there_versioned_encrypted_and_closed(
    answers: list[Answer | Refusal], blocked: list[str]
) -> None:
    found = list(state_bucket("state-us-east-1", client("s3", answers)))
    assert [each.found for each in found if each.state is State.BLOCKED] == blocked
    assert all(bool(each.todo) is (each.state is not State.READY) for each in found)


def test_what_may_not_be_looked_at_is_a_finding_that_says_what_to_allow() -> None:
    refused = client("lambda", [("get_account_settings", "AccessDeniedException")])
    (found,) = reported("us-east-1: Lambda", partial(lambda_limits, "us-east-1", refused, 3072))
    todo = "allow the caller GetAccountSettings, as docs/deployer does, and look again"
    assert found == Finding("us-east-1: Lambda", State.BLOCKED, "GetAccountSettings: AccessDeniedException", todo)
