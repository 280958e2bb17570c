"""Everything can be destroyed: nothing is protected, nothing is retained."""

from collections.abc import Iterator
from typing import Any

from tests.brief.reading import arguments, missing
from tests.brief.rules import BRIEF, added, changed, dropped, emptied, removed
from tests.synthesis import Stacks, resources

TABLE = "aws_dynamodb_table"
ZONE = "aws_route53_zone"
KEY = "aws_kms_key"
# Arguments of any resource that keep it from being destroyed, or make Terraform leave it behind.
PROTECTIONS = (
    *("deletion_protection", "deletion_protection_enabled", "disable_api_stop", "disable_api_termination"),
    *("enable_deletion_protection", "termination_protection", "prevent_destroy", "object_lock_enabled"),
    *("retain_on_delete", "skip_destroy", "bypass_policy_lockout_safety_check"),
)
FORCED = ("aws_s3_bucket", ZONE, "aws_backup_vault", "aws_ecr_repository")


@BRIEF.rule(
    "D.6.2",
    "C.7",
    breaks=[
        emptied(TABLE),
        changed(TABLE, "deletion_protection_enabled", to=True),
        dropped(TABLE, "deletion_protection_enabled"),
        changed("aws_s3_bucket", "object_lock_enabled", to=True),
        added("us-east-1", "aws_lb", enable_deletion_protection=True),
    ],
)
def nothing_is_protected_from_deletion(stacks: Stacks) -> Iterator[str]:
    """No resource has a deletion protection; the tables say so themselves."""
    tables = list(resources(stacks, TABLE))
    if not tables or not all(table.arguments.get("deletion_protection_enabled") is False for table in tables):
        yield "the tables do not say that they are unprotected"
    yield from _protected(stacks)


def _protected(stacks: Stacks) -> Iterator[str]:
    for resource in resources(stacks):
        for name, value in arguments(resource.arguments):
            if name in PROTECTIONS and value not in (False, None, "false"):
                yield f"{resource.address}: has {name}={value}"


def _taken_out(stacks: Stacks) -> None:
    stacks["replication"]["removed"] = [{"from": "aws_dynamodb_table.old", "lifecycle": [{"destroy": False}]}]


@BRIEF.rule(
    "D.6.3",
    "C.7",
    breaks=[
        changed(TABLE, "lifecycle.prevent_destroy", to=True),
        changed(KEY, "lifecycle", to={"prevent_destroy": True}),
        changed("aws_cloudwatch_log_group", "skip_destroy", to=True),
        changed("aws_lambda_function", "skip_destroy", to=True),
        changed(ZONE, "force_destroy", to=False),
        dropped(ZONE, "force_destroy"),
        emptied(ZONE),
        changed("aws_s3_bucket", "force_destroy", to=False),
        changed(KEY, "deletion_window_in_days", to=31),
        removed(KEY),
        _taken_out,
    ],
)
def nothing_is_retained_and_what_holds_data_goes_with_it(stacks: Stacks) -> Iterator[str]:
    """No prevent_destroy, no retaining, no `removed` block that keeps; buckets and zones go with what they hold."""
    yield from missing(stacks, "aws_s3_bucket", KEY)
    if not list(resources(stacks, ZONE)):
        yield "there is no hosted zone"
    yield from _protected(stacks)
    for resource in resources(stacks, *FORCED):
        if resource.arguments.get("force_destroy") is not True:
            yield f"{resource.address}: stays while it holds something"
    for key in resources(stacks, KEY):
        window: Any = key.arguments.get("deletion_window_in_days", 30)
        if not 7 <= window <= 30:
            yield f"{key.address}: is deleted after {window} days"
    for stack, content in stacks.items():
        if content.get("removed"):
            yield f"{stack}: leaves something behind"
