"""Preflight against the embedded AWS, which answers part of what it asks: the whole command, and how it reports."""

import json
from typing import Any

from drill.emulator import EmbeddedAws
from tools.preflight.__main__ import main
from tools.preflight.deployer import Placeholders, permissions, policies
from tools.preflight.finding import State

import pytest


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"ENVIRONMENT_SUFFIX": "test", "DR_STATE_BUCKET": "preflight-state"}


@pytest.fixture
def report(embedded_aws: EmbeddedAws, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command, with what it ended with and what it printed."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
        code = main(arguments, embedded_aws.client)
        return code, capsys.readouterr().out

    return run


def test_a_state_bucket_that_is_missing_blocks_until_it_is_made(
    report: Any, embedded_aws: EmbeddedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = "state bucket preflight-state-us-west-2"
    code, before = report(capsys, "--json")
    assert code == 1
    assert [each["found"] for each in json.loads(before) if each["subject"] == subject] == ["HeadBucket: 404"]

    s3 = embedded_aws.client("s3", "us-west-2")
    placed = {"LocationConstraint": "us-west-2"}
    s3.create_bucket(Bucket="preflight-state-us-west-2", CreateBucketConfiguration=placed)
    s3.put_bucket_versioning(Bucket="preflight-state-us-west-2", VersioningConfiguration={"Status": "Enabled"})
    after = [each for each in json.loads(report(capsys, "--json")[1]) if each["subject"] == subject]
    assert {"versions: Enabled", "public access: closed"} <= {each["found"] for each in after}


def test_trails_of_others_leave_no_room_for_those_of_all_regions(
    report: Any, embedded_aws: EmbeddedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudtrail, subject = embedded_aws.client("cloudtrail", "us-west-2"), "us-west-2: CloudTrail trails left"
    embedded_aws.client("s3", "us-east-1").create_bucket(Bucket="trails-of-others")

    def stands() -> list[tuple[str, str]]:
        told = json.loads(report(capsys, "--json")[1])
        return [(each["state"], each["found"]) for each in told if each["subject"] == subject]

    names = [f"other-{number}" for number in range(4)]
    for name in names:
        cloudtrail.create_trail(Name=name, S3BucketName="trails-of-others")
    assert stands() == [("blocked", "1, wanted 2")]
    for name in names:
        cloudtrail.delete_trail(Name=name)
    assert stands()[0][0] == "ready"


def test_a_caller_without_one_of_the_deployers_policies_is_blocked(embedded_aws: EmbeddedAws) -> None:
    iam = embedded_aws.client("iam", "us-east-1")
    user = iam.create_user(UserName="deployer")["User"]["Arn"]
    values = Placeholders(account=embedded_aws.account, suffix="test", state_bucket="preflight-state")
    wanted = policies(values)
    for name, content in wanted.items():
        for statement in content["Statement"]:
            statement.pop("Condition", None)  # the simulator there knows nothing of contexts
        made = iam.create_policy(PolicyName=f"deployer-{name}", PolicyDocument=json.dumps(content))
        iam.attach_user_policy(UserName="deployer", PolicyArn=made["Policy"]["Arn"])
    assert [each for each in permissions(user, iam, wanted) if each.state is not State.READY] == []

    iam.detach_user_policy(UserName="deployer", PolicyArn=made["Policy"]["Arn"])
    (blocked,) = [each for each in permissions(user, iam, wanted) if each.state is State.BLOCKED]
    assert "acm:RequestCertificate" in blocked.found


def test_the_table_says_what_to_do_of_each_region(report: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, table = report(capsys)
    assert code == 1
    assert all(word in table for word in ("blocked", "us-east-1: Lambda", "us-west-2: Lambda", "to do"))


def test_rejects_settings_that_are_wrong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "Prod!")
    assert main([]) == 2
    assert "'environment_suffix'" in capsys.readouterr().err
