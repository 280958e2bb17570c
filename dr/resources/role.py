"""A role, its own policy, and what is attached to it."""

from collections.abc import Mapping, Sequence

from dr.resources.policy import Condition, Principals, Statement, document, from_account

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

SESSION_S = 3600
# Services that say for whose account they assume a role. Lambda does not, and S3 is not documented to when it
# replicates: with the condition, replication could fail without a word.
TELL_THEIR_ACCOUNT = frozenset({"vpc-flow-logs"})


class Role(Construct):
    """A role for one purpose: who may assume it, one managed policy of its own, and AWS-managed ones where named.

    It is assumed by an AWS service, or by other roles of the account, named by ARNs that need not exist yet.

    Attributes:
        arn: The role's ARN.
        name: Its name.
        identity: Address of the id that no other role ever has, not even a later one of the same name.
        attachments: What must exist before the role can do its work.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        account: str,
        statements: Sequence[Statement],
        service: str | None = None,
        assumed_by: Sequence[str] = (),
        aws_managed: Mapping[str, str] | None = None,
    ) -> None:
        """Make the role.

        Args:
            scope: The construct it is for.
            id_: Its id there.
            name: Its name, unique over all regions.
            account: The id of the account.
            statements: What it may do.
            service: The AWS service that assumes it, without ``.amazonaws.com``.
            assumed_by: ARNs of the roles that assume it.
            aws_managed: ARNs of AWS-managed policies to attach, by the id of the attachment.
        """
        super().__init__(scope, id_)
        trust = _trust_service(service, account) if service else _trust_roles(assumed_by, account)
        role = IamRole(
            self,
            "role",
            name=name,
            assume_role_policy=document([trust]),
            max_session_duration=SESSION_S,
        )
        policy = IamPolicy(self, "policy", name=f"policy-{name}", policy=document(statements))
        policies = {"attachment": policy.arn, **(aws_managed or {})}
        self.arn, self.name = role.arn, role.name
        self.identity = f"aws_iam_role.{role.friendly_unique_id}.unique_id"
        self.attachments: Sequence[ITerraformDependable] = [
            IamRolePolicyAttachment(self, key, role=self.name, policy_arn=arn) for key, arn in policies.items()
        ]


def _trust_service(service: str, account: str) -> Statement:
    conditions = (from_account(account),) if service in TELL_THEIR_ACCOUNT else ()
    return Statement(
        sid="AssumedByService",
        principals=Principals.service(service),
        actions=("sts:AssumeRole",),
        resources=(),
        conditions=conditions,
    )


def _trust_roles(roles: Sequence[str], account: str) -> Statement:
    """Trust the account, limited to roles by ARN: so neither role has to exist before the other."""
    return Statement(
        sid="AssumedByRoles",
        principals=Principals.account(account),
        actions=("sts:AssumeRole",),
        resources=(),
        conditions=(Condition("ArnEquals", "aws:PrincipalArn", tuple(roles)),),
    )
