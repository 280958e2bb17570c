"""What each role may do: all that its work takes, and nothing wider than that."""

from collections.abc import Iterator, Mapping

from tests.brief.functions import ATTACHMENT, ROLE
from tests.brief.reading import missing, of_region, role_statements, statements, values_of
from tests.brief.rules import DESIGN, Where, changed, emptied, removed, replaced, statement, unstated
from tests.synthesis import Resource, Stacks, regions_of, resources

RECORDS, AUDIT, DOCUMENTS = "table/patient_records-", "table/audit_logs-", "aws_s3_bucket.documents_"
KEY = "aws_kms_key."
# By kind of role: the actions, each with a part of what it is needed on.
NEEDED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "role-api": (
        *(("dynamodb:GetItem", RECORDS), ("dynamodb:PutItem", RECORDS), ("dynamodb:Query", RECORDS)),
        *(("dynamodb:PutItem", AUDIT), ("dynamodb:Query", AUDIT)),
        *(("s3:GetObject", DOCUMENTS), ("s3:PutObject", DOCUMENTS), ("s3:ListBucket", DOCUMENTS)),
        *(("kms:Decrypt", KEY), ("kms:GenerateDataKey*", KEY), ("sqs:SendMessage", "aws_sqs_queue.")),
        ("sts:AssumeRole", "role/role-peer-"),
    ),
    "role-peer": (
        *(("s3:GetObject", DOCUMENTS), ("s3:ListBucket", DOCUMENTS), ("kms:Decrypt", KEY)),
        ("sns:Publish", "aws_sns_topic."),
    ),
    "role-trail": (("logs:CreateLogStream", ":log-stream:"), ("logs:PutLogEvents", ":log-stream:")),
    "role-backup": (("kms:Decrypt", KEY), ("kms:GenerateDataKey*", KEY)),
    "role-restore": (
        *(("dynamodb:RestoreTableFromAwsBackup", "table/restored-patient_records-"), ("dynamodb:PutItem", ":table/")),
        *(("dynamodb:RestoreTableFromAwsBackup", "table/restored-audit_logs-"), ("dynamodb:BatchWriteItem", ":table/")),
        *(("dynamodb:RestoreTableFromBackup", RECORDS), ("dynamodb:RestoreTableFromBackup", AUDIT)),
        *(("s3:CreateBucket", ":::restored-documents-"), ("s3:PutObject", ":::restored-documents-")),
        *(("kms:Decrypt", KEY), ("kms:GenerateDataKey*", KEY), ("kms:CreateGrant", KEY)),
    ),
    "role-flow-log": (("logs:CreateLogStream", "aws_cloudwatch_log_group."), ("logs:PutLogEvents", ":*")),
}
# What AWS Backup does and how Lambda joins a network AWS's own policies say.
ATTACHED: Mapping[str, tuple[str, ...]] = {
    "role-api": ("AWSLambdaVPCAccessExecutionRole",),
    "role-backup": ("AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForS3Backup"),
}
STATEMENTS = ("ReadAndAppendRecords", "AppendAuditRows", "ListDocuments", "ReadAndWriteDocuments", "UseKey")
OTHERS = (
    *("SendDeadLetters", "AssumePeerAccess", "ReadDocuments", "NotifyOperations", "WriteTrail", "WriteFlowLogs"),
    *("FillRestoredTables", "ReadTableBackups", "MakeRestoredBucket", "FillRestoredBucket", "GrantKey"),
)
SERVICES = ("backup", "dynamodb", "lambda", "sns", "sqs")
USERS = ("api", "backup", "peer", "restore")
GRANTS = ("kms:CreateGrant", "kms:RetireGrant")
# Families of actions that differ in what they return, not in what they do.
FAMILIES = {"kms:GenerateDataKey*", "kms:ReEncrypt*"}


def _roles(stacks: Stacks, region: str, kind: str) -> list[Resource]:
    return [role for role in of_region(stacks, region, ROLE) if role.arguments["name"].startswith(f"{kind}-{region}")]


def _of(policy: str) -> Where:
    return lambda each: str(each.arguments["policy_arn"]).endswith(f"/{policy}")


@DESIGN.rule(
    "SECURITY",
    breaks=[
        emptied(ROLE),
        *(unstated(sid) for sid in (*STATEMENTS, *OTHERS)),
        *(changed(statement(sid), "effect", to="Deny") for sid in (*STATEMENTS, *OTHERS)),
        *(changed(statement(sid), "resources", to=["arn:aws:other"]) for sid in (*STATEMENTS, *OTHERS)),
        *(removed(ATTACHMENT, _of(arn)) for arns in ATTACHED.values() for arn in arns),
    ],
)
def roles_may_do_what_their_work_takes(stacks: Stacks) -> Iterator[str]:
    """Each kind of role is there in each region, with every action that it needs on what it needs it for."""
    for region in regions_of(stacks):
        for kind, needed in NEEDED.items():
            roles = _roles(stacks, region, kind)
            if not roles:
                yield f"{region}: has no {kind}"
            for role in roles:
                given = [each for each in role_statements(stacks, role) if each["effect"] == "Allow"]
                for action, on in needed:
                    if not any(action in each["actions"] and on in str(each["resources"]) for each in given):
                        yield f"{role.address}: may not {action} on {on}"
                attached = {
                    str(each.arguments["policy_arn"]).rpartition("/")[2]
                    for each in of_region(stacks, region, ATTACHMENT)
                    if each.arguments["role"] == f"${{aws_iam_role.{role.name}.name}}"
                }
                yield from (f"{role.address}: lacks {arn}" for arn in ATTACHED.get(kind, ()) if arn not in attached)


@DESIGN.rule(
    "SECURITY",
    needs=(ROLE, "aws_iam_policy"),
    breaks=[
        *(changed(statement(sid), "actions", to=["*"]) for sid in STATEMENTS),
        *(changed(statement(sid), "resources", to=["*"]) for sid in (*STATEMENTS, *OTHERS)),
        changed(statement("ReadAndAppendRecords"), "actions", to=["dynamodb:*"]),
        changed(statement("ReadAndWriteDocuments"), "actions", to=["s3:*"]),
        replaced(statement("ReadAndWriteDocuments"), "actions", "s3:PutObject", "s3:Delete*"),
        changed(ROLE, "max_session_duration", to=43_200),
    ],
)
def no_role_may_do_anything_wider_than_one_action_on_what_is_named(stacks: Stacks) -> Iterator[str]:
    """No wildcard for an action but within a family, none for a resource; sessions end within the hour."""
    for role in resources(stacks, ROLE):
        if role.arguments.get("max_session_duration", 3600) > 3600:
            yield f"{role.address}: its sessions last {role.arguments['max_session_duration']} s"
        for each in role_statements(stacks, role):
            if each["effect"] == "Allow":
                wide = [action for action in each["actions"] if "*" in action and action not in FAMILIES]
                yield from (f"{role.address}: may {action}" for action in wide)
                if "*" in each["resources"]:
                    yield f"{role.address}: may {each['actions']} on anything"


@DESIGN.rule(
    "SECURITY",
    breaks=[
        emptied("aws_kms_key"),
        *(replaced(statement("UseThroughServices"), "condition", f"{service}.", "other.") for service in SERVICES),
        *(
            replaced(statement("UseForDocuments"), "condition.0.values", f"role-{role}-", "role-other-")
            for role in USERS
        ),
        unstated("RetireGrantsOfVaults"),
        unstated("GrantToServices"),
    ],
)
def every_key_lets_in_the_services_and_roles_that_hold_its_data(stacks: Stacks) -> Iterator[str]:
    """A service or role that the key's policy leaves out fails late, and AWS Backup without a word."""
    yield from missing(stacks, "aws_kms_key")
    for key in resources(stacks, "aws_kms_key"):
        given = [
            each for each in statements(stacks, key.stack, key.arguments.get("policy")) if each["effect"] == "Allow"
        ]
        use = [each for each in given if "kms:GenerateDataKey*" in each["actions"]]
        through = {value.partition(".")[0] for each in use for value in values_of(each, "kms:ViaService")}
        named = str([values_of(each, "aws:PrincipalArn") for each in given])
        yield from (f"{key.address}: is closed to {each}" for each in SERVICES if each not in through)
        for role in USERS:
            if f":role/role-{role}-{key.stack}-" not in named:
                yield f"{key.address}: is closed to the {role} role"
        actions = {action for each in given for action in each["actions"]}
        yield from (f"{key.address}: nobody may {each}" for each in GRANTS if each not in actions)
