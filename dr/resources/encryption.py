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
FOR_AWS_RESOURCES = Condition("Bool", "kms:GrantIsForAWSResource", ("true",))


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
        own, ours = Principals.account(account), Condition("StringEquals", "kms:CallerAccount", (account,))
        logs = f"arn:aws:logs:{region}:{account}:log-group:*"
        # DynamoDB with a wildcard: a global table's replicas are encrypted on behalf of other regions.
        services = ("dynamodb.*", *(f"{service}.{region}" for service in ("backup", "lambda", "sns", "sqs")))
        statements = [
            _allow("AdministerByTheAccount", own, ADMINISTER),
            _allow("UseThroughServices", own, USE, _via(*services, test="StringLike"), ours),
            _allow(
                "GrantToServices",
                own,
                ("kms:CreateGrant",),
                FOR_AWS_RESOURCES,
                ours,
            ),
            _allow(
                "EncryptLogs",
                Principals.service(f"logs.{region}"),
                USE,
                Condition("ArnLike", "kms:EncryptionContext:aws:logs:arn", (logs,)),
            ),
            # Without it an alarm that publishes to the encrypted topic fails without a word.
            _allow(
                "PublishToTopics",
                Principals.service("backup", "cloudwatch", "s3"),
                ENCRYPT_AND_DECRYPT,
                from_account(account),
            ),
            # As silently a topic would lose what it could not deliver.
            _allow("DeliverDeadLetters", Principals.service("sns"), ENCRYPT_AND_DECRYPT, from_account(account)),
            _allow(
                "EncryptTrail",
                Principals.service("cloudtrail"),
                (*ENCRYPT_AND_DECRYPT, "kms:DescribeKey"),
                Condition("StringEquals", "aws:SourceArn", (access.trail,)),
            ),
            # Who reads the trail's files is then a matter of IAM (CloudTrail guide, "Granting decrypt permissions").
            _allow(
                "ReadTrail",
                own,
                ("kms:Decrypt",),
                Condition("Null", "kms:EncryptionContext:aws:cloudtrail:arn", ("false",)),
                ours,
            ),
            # Whoever makes a vault retires the grant made for it (AWS Backup guide, "Creating a backup vault").
            _allow("RetireGrantsOfVaults", own, ("kms:RetireGrant",), _via(f"backup.{region}"), ours),
            _allow(
                "UseForDocuments",
                own,
                USE,
                Condition("ArnEquals", "aws:PrincipalArn", tuple(access.document_roles)),
                _via(f"s3.{region}"),
            ),
        ]
        key = KmsKey(
            self,
            "key",
            description=f"Patient data at rest, {region}",
            enable_key_rotation=True,
            deletion_window_in_days=deletion_window_days,
            policy=document(statements),
        )
        KmsAlias(self, "alias", name=f"alias/{name}", target_key_id=key.key_id)
        self.arn, self._region = key.arn, region

    def usage(self, *services: str) -> Statement:
        """What an identity needs to read and write data through these services of the key's region."""
        return Statement(
            sid="UseKey",
            actions=USE,
            resources=(self.arn,),
            conditions=(_via(*(f"{service}.{self._region}" for service in services)),),
        )

    def grants(self) -> Statement:
        """What an identity needs to have an AWS service go on using the key for what the identity makes there."""
        return Statement(
            sid="GrantKey", actions=("kms:CreateGrant",), resources=(self.arn,), conditions=(FOR_AWS_RESOURCES,)
        )


def _allow(sid: str, principals: Principals, actions: Sequence[str], *conditions: Condition) -> Statement:
    """A statement of a key's policy, in which ``*`` is the key itself."""
    return Statement(sid=sid, principals=principals, actions=tuple(actions), resources=("*",), conditions=conditions)


def _via(*services: str, test: str = "StringEquals") -> Condition:
    """Only through one of these services, named as ``service.region``."""
    return Condition(test, "kms:ViaService", tuple(f"{service}.amazonaws.com" for service in services))
