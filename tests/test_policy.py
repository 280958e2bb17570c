"""Policies: nothing that a statement says is lost on its way into a stack, and the rules read all that are there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dr.resources.policy import Condition, Principals, Statement, document
from tests.brief.policies import opened
from tests.brief.reading import arguments, texts
from tests.synthesis import Stacks, read, resources

import attrs
import pytest
from cdktf import App, Fn, TerraformStack
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from hypothesis import given
from hypothesis import strategies as st

# Where the resources of the stacks take a policy.
PLACES = {
    *(("aws_iam_role", "assume_role_policy"), ("aws_iam_policy", "policy"), ("aws_kms_key", "policy")),
    *(("aws_s3_bucket_policy", "policy"), ("aws_sns_topic_policy", "policy"), ("aws_sqs_queue_policy", "policy")),
    *(("aws_vpc_endpoint", "policy"), ("aws_cloudwatch_log_resource_policy", "policy_document")),
}
# Arguments that are called so and hold something else.
OTHERS = {"block_public_policy", "redrive_policy", "retry_policy", "security_policy", "weighted_routing_policy"}
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\#'), min_size=1, max_size=20)
SEVERAL = st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
CONDITIONS = st.lists(
    st.builds(Condition, TEXTS, TEXTS, SEVERAL), max_size=4, unique_by=lambda each: (each.test, each.variable)
).map(tuple)
WHO = st.builds(Principals, st.sampled_from(["AWS", "Federated", "Service"]), SEVERAL) | st.just(Principals.anybody())
STATEMENTS = st.builds(
    Statement,
    sid=TEXTS,
    actions=SEVERAL,
    resources=SEVERAL | st.just(()),
    effect=st.sampled_from(["Allow", "Deny"]),
    principals=st.none() | WHO,
    conditions=CONDITIONS,
)
ONE = Statement(
    sid="ReadDocuments",
    principals=Principals.service("s3"),
    actions=("s3:GetObject", "s3:ListBucket"),
    resources=("${aws_s3_bucket.documents.arn}",),
    conditions=(
        Condition("StringEquals", "aws:SourceAccount", ("111111111111",)),
        Condition("ArnLike", "aws:SourceArn", ("arn:aws:s3:::a", "arn:aws:s3:::b")),
    ),
)


def as_read(statement: Statement) -> dict[str, Any]:
    """The statement as the rules are to read it."""
    wanted: dict[str, Any] = {"sid": statement.sid, "effect": statement.effect, "actions": list(statement.actions)}
    if statement.resources:
        wanted["resources"] = list(statement.resources)
    if statement.principals:
        wanted["principals"] = [{"type": statement.principals.kind, "identifiers": list(statement.principals.ids)}]
    if statement.conditions:
        tests = sorted(statement.conditions, key=lambda each: (each.test, each.variable))
        wanted["condition"] = [
            {"test": each.test, "variable": each.variable, "values": list(each.values)} for each in tests
        ]
    return wanted


def test_a_policy_is_json_with_sorted_keys_and_single_values_outside_of_lists() -> None:
    assert document([ONE]) == (
        '{"Statement":[{"Action":["s3:GetObject","s3:ListBucket"],'
        '"Condition":{"ArnLike":{"aws:SourceArn":["arn:aws:s3:::a","arn:aws:s3:::b"]},'
        '"StringEquals":{"aws:SourceAccount":"111111111111"}},'
        '"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Resource":"${aws_s3_bucket.documents.arn}",'
        '"Sid":"ReadDocuments"}],"Version":"2012-10-17"}'
    )


@given(st.lists(STATEMENTS, min_size=1, max_size=3))
def test_nothing_that_a_statement_says_is_lost(statements: list[Statement]) -> None:
    assert opened(document(statements)) == {"statement": [as_read(each) for each in statements]}


@pytest.mark.parametrize("text", ['${join(",", [])}', "a\\b", "a\nb", "Zürich", "#{TfToken[TOKEN.0]}"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: attrs.evolve(ONE, sid=text),
        lambda text: attrs.evolve(ONE, actions=(text,)),
        lambda text: attrs.evolve(ONE, resources=("*", text)),
        lambda text: attrs.evolve(ONE, principals=Principals("AWS", (text,))),
        lambda text: attrs.evolve(ONE, conditions=(Condition("StringEquals", "aws:SourceArn", ("a", text)),)),
    ],
)
def test_rejects_what_terraform_would_read_otherwise(text: str, change: Callable[[str], Statement]) -> None:
    with pytest.raises(ValueError, match="a policy must hold ASCII without quotes and backslashes"):
        document([change(text)])


def test_rejects_a_second_condition_of_the_same_test_and_variable() -> None:
    twice = (Condition("ArnLike", "aws:SourceArn", ("a",)), Condition("ArnLike", "aws:SourceArn", ("b",)))
    with pytest.raises(ValueError, match="'conditions' must hold each test of a variable once"):
        attrs.evolve(ONE, conditions=twice)


def test_references_and_functions_reach_terraform_as_they_are(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack = TerraformStack(app, "stack")
    AwsProvider(stack, "aws")
    bucket = S3Bucket(stack, "bucket")
    both = (f"{bucket.arn}/*", f"arn:aws:s3:::{Fn.join('-', ['documents', bucket.id])}")
    IamPolicy(stack, "policy", policy=document([attrs.evolve(ONE, resources=both)]))
    app.synth()
    (policy,) = resources(read(tmp_path), "aws_iam_policy")
    joined = '${join("-", ["documents", aws_s3_bucket.bucket.id])}'
    assert f'"Resource":["${{aws_s3_bucket.bucket.arn}}/*","arn:aws:s3:::{joined}"]' in policy.arguments["policy"]


@pytest.mark.parametrize("app", ["stacks", "three_regions", "delegated"])
def test_no_policy_escapes_the_rules(app: str, request: pytest.FixtureRequest) -> None:
    stacks: Stacks = request.getfixturevalue(app)
    found = set()
    for resource in resources(stacks):
        for name, value in arguments(opened(resource.arguments)):
            if isinstance(value, dict) and "statement" in value:
                found.add((resource.kind, name))
            elif name.endswith(("policy", "policy_document")) and name not in OTHERS:
                pytest.fail(f"{resource.address}: '{name}' is no policy that the rules read")
        unread = [text for _, text in texts(opened(resource.arguments)) if "Statement" in text or "jsonencode" in text]
        assert unread == []
    assert found == PLACES
    assert not any("aws_iam_policy_document" in content.get("data", {}) for content in stacks.values())


def say(**changes: object) -> Callable[[dict[str, Any]], None]:
    """Put this into a policy's first statement."""
    return lambda policy: policy["Statement"][0].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        say(NotAction="s3:GetObject"),
        say(NotResource="*"),
        say(NotPrincipal="*"),
        lambda policy: policy["Statement"][0].pop("Effect"),
        lambda policy: policy.update(Version="2008-10-17"),
        lambda policy: policy.update(Id="policy"),
    ],
)
def test_rejects_a_policy_with_something_that_no_rule_reads(change: Callable[[dict[str, Any]], None]) -> None:
    policy = json.loads(document([ONE]))
    change(policy)
    with pytest.raises(ValueError, match=r"must (hold|have)"):
        opened(json.dumps(policy))
