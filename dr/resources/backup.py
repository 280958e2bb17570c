"""Daily backups of a region's data, and copies of them in every other region."""

from collections.abc import Mapping, Sequence

from dr.resources.data_class import DataClass
from dr.resources.encryption import EncryptionKey
from dr.resources.messaging import Topic
from dr.resources.monitoring import Alarm, Metric, Threshold
from dr.resources.naming import Names
from dr.resources.restore import RestoreRole
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
from cdktf_cdktf_provider_aws.backup_vault_notifications import BackupVaultNotifications
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
# What a vault tells by itself: trouble, and every restore, for somebody gets at the data by it. Of a backup it can tell
# only that it ended, well or not (BACKUP_JOB_COMPLETED, three a day): BACKUP_JOB_FAILED is deprecated and tells nothing
# any more (AWS Backup guide, "Notification options"). Alarms tell of those that failed.
EVENTS = ("COPY_JOB_FAILED", "RESTORE_JOB_COMPLETED", "S3_BACKUP_OBJECT_FAILED", "S3_RESTORE_OBJECT_FAILED")
# By what went wrong: the metric that counts it, and what it means.
TROUBLE: Mapping[str, tuple[str, str]] = {
    "backups-failed": ("NumberOfBackupJobsFailed", "A backup failed: its resource has none of today."),
    "backups-expired": (
        "NumberOfBackupJobsExpired",
        f"A backup did not start within {START_WITHIN_MINUTES} minutes: its resource has none of today.",
    ),
    "copies-failed": ("NumberOfCopyJobsFailed", "A backup was not copied to another region: it is lost with this one."),
}


def vault_arn(names: Names, region: str, account: str) -> str:
    """The ARN of a region's vault, whether it exists yet or not."""
    return f"arn:aws:backup:{region}:{account}:backup-vault:{names.regional('backup-vault')}"


class Backups(Construct):
    """A vault under the region's key, and a plan that backs up its data daily and copies them to the other regions.

    The operations team is told of what fails, and of every restore.

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
        topic: Topic,
        resources: Sequence[str],
    ) -> None:
        """Make vault, plan and the roles to back up and to restore with.

        Args:
            scope: The region's stack.
            id_: Its id there.
            names: The naming rule.
            region: Whose data.
            peers: The regions whose vaults get copies.
            account: The id of the account.
            key: Encrypts the vault.
            topic: Is told.
            resources: ARNs of the tables and buckets, which may come later.
        """
        super().__init__(scope, id_)
        name, plan_name = names.regional("backup-vault"), names.regional("backup-plan")
        tags = {"Name": name, **DataClass.PHI.tag}
        vault = BackupVault(self, "vault", name=name, kms_key_arn=key.arn, force_destroy=True, tags=tags)
        BackupVaultNotifications(
            self,
            "notifications",
            backup_vault_name=vault.name,
            sns_topic_arn=topic.arn,
            backup_vault_events=list(EVENTS),
            # Until the policy lets it publish it tells nobody.
            depends_on=[topic.policy],
        )
        for kind, (metric, meaning) in TROUBLE.items():
            Alarm(
                self,
                f"alarm-{kind}",
                name=names.regional(f"alarm-{kind}"),
                threshold=Threshold(
                    metric=Metric(namespace="AWS/Backup", name=metric, dimensions={"BackupVaultName": name}),
                    limit=0,
                    meaning=meaning,
                ),
                topic_arns=[topic.arn],
            )
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
        RestoreRole(self, "restore-role", names=names, region=region, account=account, key=key)
        BackupSelection(
            self,
            "selection",
            name=names.regional("backup-selection"),
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=list(resources),
            depends_on=role.attachments,
        )
