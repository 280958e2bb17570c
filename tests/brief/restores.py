"""Restores: who makes them, and that they overwrite nothing."""

from collections.abc import Iterator

from tests.brief.backups import SERVICE, trust
from tests.brief.functions import ROLE
from tests.brief.reading import of_region, principals_of, role_statements, statements, values_of
from tests.brief.rules import DESIGN, Target, changed, dropped, removed, replaced, statement, unstated
from tests.synthesis import Resource, Stacks, regions_of, resources

FILLING = ("FillRestoredTables", "MakeRestoredBucket", "FillRestoredBucket")
# It reads backups of what is in use, and takes the key that encrypts them: neither changes a table or a bucket.
READING = {"dynamodb:RestoreTableFromBackup"}


def _roles(stacks: Stacks, region: str) -> list[Resource]:
    return [role for role in of_region(stacks, region, ROLE) if role.arguments["name"].startswith("role-restore-")]


def _of(sid: str) -> Target:
    """The statements of that id that the roles of restores have."""

    def find(stacks: Stacks) -> Iterator[dict[str, object]]:
        for region in regions_of(stacks):
            for role in _roles(stacks, region):
                yield from (each for each in role_statements(stacks, role) if each["sid"] == sid)

    return find


@DESIGN.rule(
    "SECURITY",
    breaks=[
        removed(ROLE, lambda each: each.arguments["name"].startswith("role-restore-")),
        *(replaced(statement(sid), "resources", "restored-", "") for sid in FILLING),
        *(replaced(statement(sid), "resources.0", "restored-", "*") for sid in FILLING),
        *(changed(statement(sid), "resources", to=["*"]) for sid in FILLING),
        changed(statement("ReadTableBackups"), "actions", to=["dynamodb:PutItem"]),
        changed(_of("UseKey"), "actions", to=["dynamodb:PutItem"]),
        dropped(statement("GrantKey"), "condition"),
        unstated("GrantKey"),
        changed(trust("role-restore-"), "principals.0.identifiers", to=["arn:aws:iam::111111111111:root"]),
        changed(trust("role-restore-"), "principals.0.identifiers", to=[SERVICE, "lambda.amazonaws.com"]),
    ],
)
def a_restore_makes_new_tables_and_buckets_and_overwrites_nothing(stacks: Stacks) -> Iterator[str]:
    """Each region has one role for AWS Backup alone, which writes to `restored-` names that no stack uses."""
    used = {str(each.arguments["name"]) for each in resources(stacks, "aws_dynamodb_table")}
    for region in regions_of(stacks):
        roles = _roles(stacks, region)
        if len(roles) != 1:
            yield f"{region}: has {len(roles)} roles to restore with"
        for role in roles:
            trust = statements(role.arguments["assume_role_policy"])
            if [principals_of(each) for each in trust] != [[SERVICE]]:
                yield f"{role.address}: is not for AWS Backup alone"
            granted = False
            for each in role_statements(stacks, role):
                if all(action.startswith("kms:") for action in each["actions"]):
                    granted |= values_of(each, "kms:GrantIsForAWSResource") == ["true"]
                elif set(each["actions"]) != READING:
                    names = [
                        resource.rpartition("/")[2] if "table/" in resource else resource.rpartition(":")[2]
                        for resource in each["resources"]
                    ]
                    yield from (
                        f"{role.address}: may write to {name}"
                        for name in names
                        if not name.startswith("restored-") or name in used
                    )
            if not granted:
                yield f"{role.address}: may not have the key used for what it makes"
