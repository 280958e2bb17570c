"""What each role may do: all that its work takes, and nothing wider than that."""

from collections.abc import Iterator, Mapping

from tests.brief.functions import ATTACHMENT, ROLE
from tests.brief.reading import missing, of_region, peers_of, role_statements, statements, values_of
from tests.brief.roles import roles_of
from tests.brief.rules import DESIGN, Where, changed, emptied, removed, replaced, statement, unstated
from tests.synthesis import Stacks, regions_of, resources

RECORDS, AUDIT, DOCUMENTS = "table/patient_records-", "table/audit_logs-", "aws_s3_bucket.documents_"
STATE, ALERTS, DEAD_LETTERS, METRICS = "table/failover_state-", "aws_sns_topic.topic_", "${aws_sqs_queue.", "*"
KEY = "aws_kms_key."
# By kind of role: the actions, each with a part of what it is needed on.
NEEDED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "api": (
        *(("dynamodb:GetItem", RECORDS), ("dynamodb:PutItem", RECORDS), ("dynamodb:Query", RECORDS)),
        *(("dynamodb:PutItem", AUDIT), ("dynamodb:Query", AUDIT)),
        *(("s3:GetObject", DOCUMENTS), ("s3:PutObject", DOCUMENTS), ("s3:ListBucket", DOCUMENTS)),
        *(("kms:Decrypt", KEY), ("kms:GenerateDataKey*", KEY), ("sqs:SendMessage", DEAD_LETTERS)),
        ("sts:AssumeRole", "role/role-peer-"),
    ),
    "peer": (*(("s3:GetObject", DOCUMENTS), ("s3:ListBucket", DOCUMENTS), ("kms:Decrypt", KEY)),),
    "probe": (
        *(("dynamodb:GetItem", STATE), ("dynamodb:PutItem", STATE), ("dynamodb:Query", STATE)),
        *(("dynamodb:GetItem", ":PEER:"), ("kms:Decrypt", ":PEER:"), ("sts:AssumeRole", "role/role-watch-")),
        *(("s3:PutObject", "/probe/*"), ("cloudwatch:PutMetricData", METRICS)),
        *(("kms:Decrypt", KEY), ("kms:GenerateDataKey*", KEY), ("sqs:SendMessage", DEAD_LETTERS)),
        *(("logs:CreateLogStream", "lambda-probe-"), ("logs:PutLogEvents", "lambda-probe-")),
    ),
    "failover": (
        *(("dynamodb:GetItem", STATE), ("dynamodb:PutItem", STATE), ("dynamodb:Query", STATE)),
        *(("dynamodb:PutItem", AUDIT), ("sts:AssumeRole", "role/role-tell-"), ("sns:Publish", ALERTS)),
        ("cloudwatch:PutMetricData", METRICS),
        *(("kms:Decrypt", KEY), ("kms:GenerateDataKey*", KEY), ("sqs:SendMessage", DEAD_LETTERS)),
        *(("logs:CreateLogStream", "lambda-failover-"), ("logs:PutLogEvents", "lambda-failover-")),
    ),
    "watch": (("s3:GetObject", "/probe/*"), ("s3:ListBucket", DOCUMENTS), ("kms:Decrypt", KEY)),
    "tell": (("sns:Publish", ALERTS), ("kms:GenerateDataKey*", KEY)),
    "trail": (("logs:CreateLogStream", ":log-stream:"), ("logs:PutLogEvents", ":log-stream:")),
    "backup": (("kms:Decrypt", KEY), ("kms:GenerateDataKey*", KEY)),
    "restore": (
        *(("dynamodb:RestoreTableFromAwsBackup", "table/restored-patient_records-"), ("dynamodb:PutItem", ":table/")),
        *(("dynamodb:RestoreTableFromAwsBackup", "table/restored-audit_logs-"), ("dynamodb:BatchWriteItem", ":table/")),
        *(("dynamodb:RestoreTableFromBackup", RECORDS), ("dynamodb:RestoreTableFromBackup", AUDIT)),
        *(("s3:CreateBucket", ":::restored-documents-"), ("s3:PutObject", ":::restored-documents-")),
        *(("kms:Decrypt", KEY), ("kms:GenerateDataKey*", KEY), ("kms:CreateGrant", KEY)),
    ),
    "flow-log": (("logs:CreateLogStream", "aws_cloudwatch_log_group."), ("logs:PutLogEvents", ":*")),
}
# What AWS Backup does and how Lambda joins a network AWS's own policies say.
ATTACHED: Mapping[str, tuple[str, ...]] = {
    "api": ("AWSLambdaVPCAccessExecutionRole",),
    "backup": ("AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForS3Backup"),
}
STATEMENTS = ("ReadAndAppendRecords", "AppendAuditRows", "ListDocuments", "ReadAndWriteDocuments", "UseKey")
OTHERS = (
    *("SendDeadLetters", "AssumePeerAccess", "ReadDocuments", "NotifyOperations", "WriteTrail", "WriteFlowLogs"),
    *("ReadAndAppendState", "ReadReplicasOfState", "ReadUnderTheirKeys", "AssumePeerRoles", "PutProbe", "SeeProbes"),
    *("ReadState", "WriteOwnState"),
    *("FillRestoredTables", "ReadTableBackups", "MakeRestoredBucket", "FillRestoredBucket", "GrantKey"),
    "WriteLog",
)
# Calls that name no resource: AWS knows none for them (service authorization reference, CloudWatch).
ON_METRICS = ("PublishMeasurements",)
WITHOUT_RESOURCE = {"cloudwatch:PutMetricData"}
SERVICES = ("backup", "dynamodb", "lambda", "sns", "sqs")
# Whose roles use a key through S3, besides those that replicate.
USERS = ("api", "backup", "peer", "probe", "restore", "watch")
GRANTS = ("kms:CreateGrant", "kms:RetireGrant")
# Families of actions that differ in what they return, not in what they do.
FAMILIES = {"kms:GenerateDataKey*", "kms:ReEncrypt*"}


def _of(policy: str) -> Where:
    return lambda each: str(each.arguments["policy_arn"]).endswith(f"/{policy}")


@DESIGN.rule(
    "SECURITY",
    breaks=[
        emptied(ROLE),
        *(unstated(sid) for sid in (*STATEMENTS, *OTHERS, *ON_METRICS)),
        *(changed(statement(sid), "effect", to="Deny") for sid in (*STATEMENTS, *OTHERS, *ON_METRICS)),
        *(changed(statement(sid), "resources", to=["arn:aws:other"]) for sid in (*STATEMENTS, *OTHERS)),
        *(removed(ATTACHMENT, _of(arn)) for arns in ATTACHED.values() for arn in arns),
    ],
)
def roles_may_do_what_their_work_takes(stacks: Stacks) -> Iterator[str]:
    """Each kind of role is there in each region, with every action that it needs on what it needs it for."""
    for region in regions_of(stacks):
        for kind, needed in NEEDED.items():
            roles = roles_of(stacks, region, kind)
            if not roles:
                yield f"{region}: has no role {kind}"
            for role in roles:
                given = [each for each in role_statements(stacks, role) if each["effect"] == "Allow"]
                wanted = [
                    (action, on.replace("PEER", peer)) for action, on in needed for peer in peers_of(stacks, region)
                ]
                for action, on in wanted:
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
        changed(statement("PublishMeasurements"), "actions.0", to="cloudwatch:PutMetricAlarm"),
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
                if "*" in each["resources"] and not set(each["actions"]) <= WITHOUT_RESOURCE:
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
        given = [each for each in statements(key.arguments.get("policy")) if each["effect"] == "Allow"]
        use = [each for each in given if "kms:GenerateDataKey*" in each["actions"]]
        through = {value.partition(".")[0] for each in use for value in values_of(each, "kms:ViaService")}
        named = str([values_of(each, "aws:PrincipalArn") for each in given])
        yield from (f"{key.address}: is closed to {each}" for each in SERVICES if each not in through)
        for role in USERS:
            if f":role/role-{role}-{key.stack}-" not in named:
                yield f"{key.address}: is closed to the {role} role"
        actions = {action for each in given for action in each["actions"]}
        yield from (f"{key.address}: nobody may {each}" for each in GRANTS if each not in actions)
