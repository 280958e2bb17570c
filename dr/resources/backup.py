"""Daily backups of a region's data, and copies of them in every other region."""

from collections.abc import Sequence

from dr.resources.encryption import EncryptionKey
from dr.resources.naming import Names
from dr.resources.role import Role

from cdktf_cdktf_provider_aws.backup_plan import (
    BackupPlan,
    BackupPlanRule,
    BackupPlanRuleCopyAction,
    BackupPlanRuleCopyActionLifecycle,
    BackupPlanRuleLifecycle,
)
from cdktf_cdktf_provider_aws.backup_selection import BackupSelection
from cdktf_cdktf_provider_aws.backup_vault import BackupVault
from constructs import Construct

# AWS's own policies for what AWS Backup does with a role: they name no resource, for they are made for any.
AWS_POLICIES = {
    "backup": "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
    "backup-s3": "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
}
# Point-in-time recovery covers the same 35 days in the region itself: the copies are for when it is gone.
KEPT_DAYS = 35
DAILY = "cron(0 5 * * ? *)"
START_WITHIN_MINUTES, END_WITHIN_MINUTES = 60, 480


def vault_arn(names: Names, region: str, account: str) -> str:
    """The ARN of a region's vault, whether it exists yet or not."""
    return f"arn:aws:backup:{region}:{account}:backup-vault:{names.regional('backup-vault')}"


class Backups(Construct):
    """A vault under the region's key, and a plan that backs up its data daily and copies them to the other regions.

    Nothing locks the vault: everything must be destroyable. Backups are for what replication copies faithfully, such as
    a mistaken or malicious change; they are no part of a failover.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        region: str,
        peers: Sequence[str],
        account: str,
        key: EncryptionKey,
        resources: Sequence[str],
    ) -> None:
        """Make vault and plan.

        Args:
            scope: The region's stack.
            id_: Its id there.
            names: The naming rule.
            region: Whose data.
            peers: The regions whose vaults get copies.
            account: The id of the account.
            key: Encrypts the vault.
            resources: ARNs of the tables and buckets, which may come later.
        """
        super().__init__(scope, id_)
        name, plan_name = names.regional("backup-vault"), names.regional("backup-plan")
        vault = BackupVault(self, "vault", name=name, kms_key_arn=key.arn, force_destroy=True, tags={"Name": name})
        plan = BackupPlan(
            self,
            "plan",
            name=plan_name,
            rule=[
                BackupPlanRule(
                    rule_name="daily",
                    target_vault_name=vault.name,
                    schedule=DAILY,
                    start_window=START_WITHIN_MINUTES,
                    completion_window=END_WITHIN_MINUTES,
                    lifecycle=BackupPlanRuleLifecycle(delete_after=KEPT_DAYS),
                    copy_action=[
                        BackupPlanRuleCopyAction(
                            destination_vault_arn=vault_arn(names, peer, account),
                            lifecycle=BackupPlanRuleCopyActionLifecycle(delete_after=KEPT_DAYS),
                        )
                        for peer in peers
                    ],
                )
            ],
            tags={"Name": plan_name},
        )
        role = Role(
            self,
            "role",
            name=names.worldwide("role-backup", region),
            account=account,
            service="backup",
            statements=[key.usage("backup", "dynamodb", "s3")],
            aws_managed=AWS_POLICIES,
        )
        BackupSelection(
            self,
            "selection",
            name=names.regional("backup-selection"),
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=list(resources),
            depends_on=role.attachments,
        )
