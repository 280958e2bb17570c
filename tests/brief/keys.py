"""KMS: a customer key in every region, and what it encrypts there besides data."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from tests.brief.documents import REPLICATION
from tests.brief.reading import (
    Statement,
    at,
    key_region,
    missing,
    of_region,
    peers_of,
    principals_of,
    referred,
    region_of,
    statements,
    suffix_of,
    values_of,
)
from tests.brief.rules import BRIEF, DESIGN, changed, dropped, emptied, removed, replaced, statement, unstated
from tests.synthesis import Resource, Stacks, regions_of, resources

KEY = "aws_kms_key"
ALIAS = "aws_kms_alias"
TOPICS = ("topic-alerts", "topic-failover")
# What the provider reads and writes of a key: without one of these an apply leaves it tainted.
ADMINISTER = {
    *("kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:Describe*", "kms:Disable*", "kms:Enable*"),
    *("kms:Get*", "kms:List*", "kms:Put*", "kms:Revoke*", "kms:ScheduleKeyDeletion", "kms:TagResource"),
    *("kms:UntagResource", "kms:Update*"),
}


USE = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"}


def _policy(key: Resource) -> Sequence[Statement]:
    return statements(key.arguments.get("policy"))


@BRIEF.rule(
    "5.1",
    "T.6",
    "W.7",
    breaks=[
        removed(KEY),
        removed(ALIAS),
        changed(KEY, "is_enabled", to=False),
        changed(KEY, "provider", to="aws.elsewhere"),
        changed(KEY, "key_usage", to="SIGN_VERIFY"),
        changed(ALIAS, "target_key_id", to="other"),
    ],
)
def every_region_has_a_customer_key(stacks: Stacks) -> Iterator[str]:
    """A key that encrypts, made in the region itself, with an alias."""
    yield from missing(stacks, KEY)
    named = {
        (key.stack, key.name)
        for alias in resources(stacks, ALIAS)
        if (key := referred(stacks, alias.stack, alias.arguments["target_key_id"], KEY))
    }
    for key in resources(stacks, KEY):
        if region_of(stacks, key) != key.stack:
            yield f"{key.address}: is not made in its region"
        if not key.arguments.get("is_enabled", True) or "key_usage" in key.arguments:
            yield f"{key.address}: does not encrypt"
        if (key.stack, key.name) not in named:
            yield f"{key.address}: has no alias"


@BRIEF.rule(
    "5.2",
    "T.6",
    "W.7",
    breaks=[removed(KEY), changed(KEY, "enable_key_rotation", to=False), dropped(KEY, "enable_key_rotation")],
)
def every_key_is_rotated(stacks: Stacks) -> Iterator[str]:
    """Rotation is on for every customer key."""
    yield from missing(stacks, KEY)
    for key in resources(stacks, KEY):
        if key.arguments.get("enable_key_rotation") is not True:
            yield f"{key.address}: is not rotated"


@BRIEF.rule(
    "5.3",
    breaks=[
        removed(KEY),
        dropped(KEY, "policy"),
        removed(REPLICATION),
        unstated("UseForDocuments"),
        changed(statement("UseForDocuments"), "effect", to="Deny"),
        replaced(statement("UseForDocuments"), "condition.0.values", "role-replication-us-east-1", "role-other"),
        replaced(statement("UseForDocuments"), "condition.0.values", "role-replication-us-west-2", "role-other"),
        changed(statement("UseForDocuments"), "actions", to=["kms:DescribeKey"]),
    ],
)
def every_key_lets_the_roles_of_all_regions_replicate_documents(stacks: Stacks) -> Iterator[str]:
    """Cross-region access: the roles that copy documents from and to a region may use its key, by name."""
    yield from missing(stacks, KEY)
    roles = {}
    for replication in resources(stacks, REPLICATION):
        role = referred(stacks, replication.stack, replication.arguments["role"], "aws_iam_role")
        if role:
            roles[region_of(stacks, replication)] = f":role/{role.arguments['name']}"
    yield from (f"{region}: has no role that replicates" for region in regions_of(stacks) if region not in roles)
    for key in resources(stacks, KEY):
        allowed = [
            who
            for each in _policy(key)
            if each["effect"] == "Allow"
            and {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"} <= set(each["actions"])
            for who in values_of(each, "aws:PrincipalArn")
        ]
        for region, arn in roles.items():
            if not any(who.endswith(arn) for who in allowed):
                yield f"{key.address}: is closed to the replication from {region}"


@BRIEF.rule(
    "5.3",
    breaks=[
        removed(KEY),
        unstated("UseThroughServices"),
        replaced(statement("UseThroughServices"), "condition", "dynamodb.*", "dynamodb.us-east-1"),
        changed(statement("UseThroughServices"), "condition.1.test", to="StringEquals"),
    ],
)
def every_key_lets_dynamodb_replicate_from_any_region(stacks: Stacks) -> Iterator[str]:
    """A replica is encrypted on behalf of DynamoDB in the other regions: `dynamodb.*.amazonaws.com`."""
    yield from missing(stacks, KEY)
    for key in resources(stacks, KEY):
        conditions = [
            condition
            for each in _policy(key)
            if each["effect"] == "Allow" and "kms:Decrypt" in each["actions"]
            for condition in each.get("condition", [])
            if condition["variable"] == "kms:ViaService" and condition["test"] == "StringLike"
        ]
        if not any("dynamodb.*.amazonaws.com" in condition["values"] for condition in conditions):
            yield f"{key.address}: is closed to DynamoDB in {peers_of(stacks, region_of(stacks, key))}"


@BRIEF.rule(
    "5.3",
    "S.4",
    breaks=[
        removed(KEY),
        dropped(KEY, "policy"),
        changed(statement("UseThroughServices"), "principals.0.identifiers", to=["*"]),
        dropped(statement("UseThroughServices"), "condition"),
        dropped(statement("EncryptLogs"), "condition"),
        dropped(statement("UseForDocuments"), "condition"),
        changed(statement("AdministerByTheAccount"), "actions", to=["kms:*"]),
    ],
)
def no_key_is_used_by_just_anybody(stacks: Stacks) -> Iterator[str]:
    """The account administers a key; whoever uses it for data does so on a condition, and nobody is `*`."""
    yield from missing(stacks, KEY)
    for key in resources(stacks, KEY):
        policy = _policy(key)
        if not policy:
            yield f"{key.address}: has no policy of its own"
        for each in policy:
            if "*" in principals_of(each):
                yield f"{key.address}: is open to everyone by {each['sid']}"
            uses = not set(each["actions"]) <= ADMINISTER
            if each["effect"] == "Allow" and uses and not each.get("condition"):
                yield f"{key.address}: is used without a condition by {each['sid']}"


@DESIGN.rule(
    "SECURITY, Key policy",
    needs=(KEY,),
    breaks=[
        changed(statement("AdministerByTheAccount"), "actions.1", to="kms:Create*"),
        changed(statement("AdministerByTheAccount"), "actions.1", to="kms:CreateGrant"),
        dropped(statement("GrantToServices"), "condition"),
    ],
)
def grants_are_made_for_aws_resources_only(stacks: Stacks) -> Iterator[str]:
    """Whoever could grant without that condition could grant himself the use of the key, past all other conditions."""
    for key in resources(stacks, KEY):
        for each in _policy(key):
            grants = any(fnmatchcase("kms:CreateGrant", action) for action in each["actions"])
            limited = "true" in values_of(each, "kms:GrantIsForAWSResource")
            if each["effect"] == "Allow" and grants and not limited:
                yield f"{key.address}: lets anybody of the account grant by {each['sid']}"


@DESIGN.rule(
    "AWS, 3",
    needs=(KEY,),
    breaks=[
        unstated("AdministerByTheAccount"),
        changed(statement("AdministerByTheAccount"), "actions.3", to="kms:Decrypt"),
        changed(statement("AdministerByTheAccount"), "actions.8", to="kms:Decrypt"),
    ],
)
def the_account_administers_every_key_completely(stacks: Stacks) -> Iterator[str]:
    """The administration list covers what the provider reads and writes of a key."""
    for key in resources(stacks, KEY):
        allowed = {
            action
            for each in _policy(key)
            if each["effect"] == "Allow" and any(who.endswith(":root") for who in principals_of(each))
            for action in each["actions"]
        }
        if not allowed >= ADMINISTER:
            yield f"{key.address}: may not be administered by {sorted(ADMINISTER - allowed)}"


@DESIGN.rule(
    "AWS, KMS and DynamoDB",
    needs=(KEY,),
    breaks=[
        unstated("EncryptLogs"),
        replaced(statement("EncryptLogs"), "condition.0.values", "log-group:", "other:"),
        changed(statement("EncryptLogs"), "condition.0.test", to="ArnEquals"),
        replaced(statement("EncryptLogs"), "principals.0.identifiers", "logs.", "s3."),
    ],
)
def every_key_encrypts_the_log_groups_of_its_region_and_no_others(stacks: Stacks) -> Iterator[str]:
    """CloudWatch Logs names the group in the context, which is compared by ArnLike (TPA#8042)."""
    for key in resources(stacks, KEY):
        region = region_of(stacks, key)
        conditions = [
            condition
            for each in _policy(key)
            if f"logs.{region}.amazonaws.com" in principals_of(each)
            for condition in each.get("condition", [])
            if (condition["test"], condition["variable"]) == ("ArnLike", "kms:EncryptionContext:aws:logs:arn")
        ]
        values = [value for condition in conditions for value in condition["values"]]
        if not values or not all(f":logs:{region}:" in value and value.endswith(":log-group:*") for value in values):
            yield f"{key.address}: encrypts logs of {values}"


@BRIEF.rule(
    "C.4",
    breaks=[
        emptied("aws_cloudwatch_log_group"),
        dropped("aws_cloudwatch_log_group", "kms_key_id"),
        changed("aws_cloudwatch_log_group", "kms_key_id", to="${aws_kms_key.other.arn}"),
    ],
)
def every_log_group_has_its_regions_key(stacks: Stacks) -> Iterator[str]:
    """Logs at rest are encrypted by the region's customer key."""
    yield from missing(stacks, "aws_cloudwatch_log_group")
    yield from _encrypted(stacks, "aws_cloudwatch_log_group", "kms_key_id")


@BRIEF.rule(
    "C.4",
    breaks=[
        removed("aws_sns_topic"),
        dropped("aws_sns_topic", "kms_master_key_id"),
        changed("aws_sns_topic", "kms_master_key_id", to="alias/aws/sns"),
    ],
)
def every_topic_has_its_regions_key(stacks: Stacks) -> Iterator[str]:
    """Messages at rest are encrypted by the region's customer key, in queues as well."""
    for region in regions_of(stacks):
        names = {each.arguments["name"] for each in of_region(stacks, region, "aws_sns_topic")}
        yield from (f"{region}: has no {kind}" for kind in TOPICS if f"{kind}-{suffix_of(stacks)}" not in names)
    yield from _encrypted(stacks, "aws_sns_topic", "kms_master_key_id")
    yield from _encrypted(stacks, "aws_sqs_queue", "kms_master_key_id")


def _encrypted(stacks: Stacks, kind: str, path: str) -> Iterator[str]:
    for each in resources(stacks, kind):
        if key_region(stacks, each.stack, at(each.arguments, path)) != region_of(stacks, each):
            yield f"{each.address}: is not encrypted by its region's key"
