"""Who reaches buckets, topics and queues, and how."""

from collections.abc import Iterator
from typing import Any

from tests.brief.reading import (
    key_region,
    missing,
    of_documents,
    principals_of,
    refer,
    region_of,
    statements,
    values_of,
)
from tests.brief.rules import DESIGN, changed, dropped, emptied, removed, statement, unstated
from tests.synthesis import Stacks, resources

BUCKET = "aws_s3_bucket"
PUBLIC_ACCESS = "aws_s3_bucket_public_access_block"


@DESIGN.rule(
    "SECURITY",
    needs=(BUCKET, "aws_sns_topic", "aws_sqs_queue"),
    breaks=[
        removed(PUBLIC_ACCESS),
        *(changed(PUBLIC_ACCESS, flag, to=False) for flag in ("block_public_acls", "restrict_public_buckets")),
        *(dropped(PUBLIC_ACCESS, flag) for flag in ("block_public_policy", "ignore_public_acls")),
        unstated("DenyPlainHttp"),
        changed(statement("DenyPlainHttp"), "effect", to="Allow"),
        changed(statement("DenyPlainHttp"), "actions", to=["s3:GetObject"]),
        changed(statement("DenyPlainHttp"), "resources", to=["arn:aws:s3:::other"]),
    ],
)
def buckets_are_not_public_and_neither_they_nor_topics_nor_queues_are_reached_unencrypted(
    stacks: Stacks,
) -> Iterator[str]:
    """Every way to make a bucket public is blocked, and plain HTTP is denied to everyone."""
    closed = set()
    for block in resources(stacks, PUBLIC_ACCESS):
        flags = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
        reference = refer(stacks, block.stack, block.arguments["bucket"])
        if reference and all(block.arguments.get(flag) is True for flag in flags):
            closed.add((reference.stack, reference.name))
    encrypted = set()
    on = {"aws_s3_bucket_policy": "bucket", "aws_sns_topic_policy": "arn", "aws_sqs_queue_policy": "queue_url"}
    for policy in resources(stacks, *on):
        reference = refer(stacks, policy.stack, policy.arguments[on[policy.kind]])
        for given in statements(policy.arguments["policy"]):
            everyone = principals_of(given) == ["*"] and values_of(given, "aws:SecureTransport") == ["false"]
            if reference and given["effect"] == "Deny" and everyone and _whole(given, reference.name):
                encrypted.add((reference.stack, reference.name))
    for each in resources(stacks, BUCKET, "aws_sns_topic", "aws_sqs_queue"):
        if (each.stack, each.name) not in encrypted:
            yield f"{each.address}: is reached unencrypted"
        if each.kind == BUCKET and (each.stack, each.name) not in closed:
            yield f"{each.address}: may be made public"


def _whole(given: dict[str, Any], name: str) -> bool:
    """Whether a statement is about every call that reaches what is named."""
    return given["actions"] in (["s3:*"], ["sns:Publish"], ["sqs:*"]) and all(
        f".{name}." in resource for resource in given["resources"]
    )


@DESIGN.rule(
    "SECURITY",
    breaks=[
        emptied(BUCKET),
        unstated("DenyOtherKeys"),
        changed(statement("DenyOtherKeys"), "effect", to="Allow"),
        changed(statement("DenyOtherKeys"), "actions", to=["s3:GetObject"]),
        changed(statement("DenyOtherKeys"), "resources", to=["arn:aws:s3:::other/*"]),
        changed(statement("DenyOtherKeys"), "condition.0.test", to="StringEquals"),
        changed(statement("DenyOtherKeys"), "condition.0.values", to=["${aws_kms_key.other.arn}"]),
    ],
)
def documents_are_refused_that_name_no_key_or_another(stacks: Stacks) -> Iterator[str]:
    """An upload must name its region's key: the bucket's default would hide a client that names none."""
    yield from missing(stacks, BUCKET)
    for bucket in filter(of_documents, resources(stacks, BUCKET)):
        refused = [
            given
            for policy in resources({bucket.stack: stacks[bucket.stack]}, "aws_s3_bucket_policy")
            for given in statements(policy.arguments["policy"])
            if given["effect"] == "Deny" and given["actions"] == ["s3:PutObject"]
            if given["resources"] == [f"arn:aws:s3:::{bucket.arguments['bucket']}/*"]
            if [each["test"] for each in given["condition"]] == ["StringNotEquals"]
            for key in values_of(given, "s3:x-amz-server-side-encryption-aws-kms-key-id")
            if key_region(stacks, policy.stack, key) == region_of(stacks, bucket)
        ]
        if not refused:
            yield f"{bucket.address}: takes documents under any key"
