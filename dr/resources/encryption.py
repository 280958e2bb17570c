"""A region's customer-managed key."""

from collections.abc import Sequence

from dr.resources.policy import Condition, Principals, Statement, document, from_account

import attrs
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

# What the account's administrators may do with the key itself; no use of it for data. Terraform reads and writes it
# by these (kms:Get*, List* for the policy, rotation and tags), and would lose it to a narrower list.
ADMINISTER = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:Describe*",
    "kms:Disable*",
    "kms:Enable*",
    "kms:Get*",
    "kms:List*",
    "kms:Put*",
    "kms:Revoke*",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:Update*",
)
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")
ENCRYPT_AND_DECRYPT = ("kms:Decrypt", "kms:GenerateDataKey*")


@attrs.frozen(kw_only=True)
class KeyAccess:
    """Where a key is, and whom its policy lets in.

    Attributes:
        region: The key's region.
        account: The id of the account.
        document_roles: ARNs of the roles that use it through S3: the region's own, and those of the other regions that
            read its documents or copy them.
        trail: ARN of the region's trail.
    """

    region: str
    account: str
    document_roles: Sequence[str]
    trail: str


class EncryptionKey(Construct):
    """A symmetric key that AWS rotates every year, its alias, and a policy that keeps it to this account's services.

    The account's administrators manage it and have no use of it; data pass through it only by way of the AWS services
    that hold them, documents only for the roles that are named.

    Attributes:
        arn: The key's ARN.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        access: KeyAccess,
        deletion_window_days: int = 7,
    ) -> None:
        """Make the key.

        Args:
            scope: The stack.
            id_: Its id there.
            name: The alias, without ``alias/``.
            access: Its region, and whom its policy lets in.
            deletion_window_days: How long it can still be saved after a destroy, 7 to 30 days.
        """
        super().__init__(scope, id_)
        region, account = access.region, access.account
        statements = [
            Statement(
                sid="AdministerByTheAccount",
                principals=Principals.account(account),
                actions=ADMINISTER,
                resources=("*",),  # in a key's policy, the key itself
            ),
            Statement(
                sid="UseThroughServices",
                principals=Principals.account(account),
                actions=USE,
                resources=("*",),  # in a key's policy, the key itself
                conditions=(
                    # DynamoDB with a wildcard: a global table's replicas are encrypted on behalf of other regions.
                    Condition(
                        "StringLike",
                        "kms:ViaService",
                        (
                            "dynamodb.*.amazonaws.com",
                            *(f"{service}.{region}.amazonaws.com" for service in ("backup", "lambda", "sns", "sqs")),
                        ),
                    ),
                    Condition("StringEquals", "kms:CallerAccount", (account,)),
                ),
            ),
            Statement(
                sid="GrantToServices",
                principals=Principals.account(account),
                actions=("kms:CreateGrant",),
                resources=("*",),  # in a key's policy, the key itself
                conditions=(
                    Condition("Bool", "kms:GrantIsForAWSResource", ("true",)),
                    Condition("StringEquals", "kms:CallerAccount", (account,)),
                ),
            ),
            Statement(
                sid="EncryptLogs",
                principals=Principals.service(f"logs.{region}"),
                actions=USE,
                resources=("*",),  # in a key's policy, the key itself
                conditions=(
                    Condition(
                        "ArnLike",
                        "kms:EncryptionContext:aws:logs:arn",
                        (f"arn:aws:logs:{region}:{account}:log-group:*",),
                    ),
                ),
            ),
            # Without it an alarm that publishes to the encrypted topic fails without a word.
            Statement(
                sid="PublishToTopics",
                principals=Principals.service("cloudwatch", "s3"),
                actions=ENCRYPT_AND_DECRYPT,
                resources=("*",),  # in a key's policy, the key itself
                conditions=(from_account(account),),
            ),
            Statement(
                sid="EncryptTrail",
                principals=Principals.service("cloudtrail"),
                actions=(*ENCRYPT_AND_DECRYPT, "kms:DescribeKey"),
                resources=("*",),  # in a key's policy, the key itself
                conditions=(Condition("StringEquals", "aws:SourceArn", (access.trail,)),),
            ),
            # Who reads the trail's files is then a matter of IAM (CloudTrail guide, "Granting decrypt permissions").
            Statement(
                sid="ReadTrail",
                principals=Principals.account(account),
                actions=("kms:Decrypt",),
                resources=("*",),  # in a key's policy, the key itself
                conditions=(
                    Condition("Null", "kms:EncryptionContext:aws:cloudtrail:arn", ("false",)),
                    Condition("StringEquals", "kms:CallerAccount", (account,)),
                ),
            ),
            # Whoever makes a vault retires the grant made for it (AWS Backup guide, "Creating a backup vault").
            Statement(
                sid="RetireGrantsOfVaults",
                principals=Principals.account(account),
                actions=("kms:RetireGrant",),
                resources=("*",),  # in a key's policy, the key itself
                conditions=(
                    Condition("StringEquals", "kms:ViaService", (f"backup.{region}.amazonaws.com",)),
                    Condition("StringEquals", "kms:CallerAccount", (account,)),
                ),
            ),
            Statement(
                sid="UseForDocuments",
                principals=Principals.account(account),
                actions=USE,
                resources=("*",),  # in a key's policy, the key itself
                conditions=(
                    Condition("ArnEquals", "aws:PrincipalArn", tuple(access.document_roles)),
                    Condition("StringEquals", "kms:ViaService", (f"s3.{region}.amazonaws.com",)),
                ),
            ),
        ]
        key = KmsKey(
            self,
            "key",
            description=f"Patient data at rest, {region}",
            enable_key_rotation=True,
            deletion_window_in_days=deletion_window_days,
            policy=document(self, "policy", statements),
        )
        KmsAlias(self, "alias", name=f"alias/{name}", target_key_id=key.key_id)
        self.arn, self._region = key.arn, region

    def usage(self, *services: str) -> Statement:
        """What an identity needs to read and write data through these services of the key's region."""
        return Statement(
            sid="UseKey",
            actions=USE,
            resources=(self.arn,),
            conditions=(
                Condition(
                    "StringEquals", "kms:ViaService", tuple(f"{s}.{self._region}.amazonaws.com" for s in services)
                ),
            ),
        )
