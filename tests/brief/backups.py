"""AWS Backup: a vault in every region, filled daily, with copies in every other."""

import re
from collections.abc import Iterator
from typing import Any

from tests.brief.keys import KEY
from tests.brief.monitoring import ALARM, TOPIC
from tests.brief.reading import (
    at,
    granting,
    key_region,
    missing,
    of_region,
    peers_of,
    principals_of,
    referred,
    statements,
    values_of,
)
from tests.brief.rules import DESIGN, Target, changed, dropped, emptied, removed, replaced, statement
from tests.synthesis import Resource, Stacks, regions_of, resources

VAULT = "aws_backup_vault"
PLAN = "aws_backup_plan"
SELECTION = "aws_backup_selection"
NOTIFICATIONS = "aws_backup_vault_notifications"
# What a vault still tells; every other event of a failed job is deprecated (AWS Backup guide, "Notification options").
EVENTS = {"COPY_JOB_FAILED", "RESTORE_JOB_COMPLETED", "S3_BACKUP_OBJECT_FAILED", "S3_RESTORE_OBJECT_FAILED"}
METRICS = {"NumberOfBackupJobsExpired", "NumberOfBackupJobsFailed", "NumberOfCopyJobsFailed"}
SERVICE = "backup.amazonaws.com"


def trust(kind: str) -> Target:
    """The statements that say who may assume the roles of that kind."""

    def find(stacks: Stacks) -> Iterator[dict[str, Any]]:
        for role in resources(stacks, "aws_iam_role"):
            if role.arguments["name"].startswith(kind):
                yield from statements(role.arguments["assume_role_policy"])

    return find


def _of_backups(stacks: Stacks) -> Iterator[dict[str, Any]]:
    return (each.arguments for each in resources(stacks, ALARM) if each.arguments.get("namespace") == "AWS/Backup")


@DESIGN.rule(
    "SECURITY",
    breaks=[
        removed(VAULT),
        dropped(VAULT, "kms_key_arn"),
        changed(VAULT, "kms_key_arn", to="${aws_kms_key.other.arn}"),
        changed(VAULT, "force_destroy", to=False),
        removed(PLAN),
        changed(PLAN, "rule.0.target_vault_name", to="Default"),
        changed(PLAN, "rule.0.schedule", to="cron(0 5 1 * ? *)"),
        dropped(PLAN, "rule.0.schedule"),
        changed(PLAN, "rule.0.copy_action", to=[]),
        replaced(PLAN, "rule.0.copy_action.0.destination_vault_arn", "backup-vault-", "other-"),
        dropped(PLAN, "rule.0.lifecycle"),
        dropped(PLAN, "rule.0.copy_action.0.lifecycle"),
        lambda stacks: stacks["us-east-1"]["resource"].update(aws_backup_vault_lock_configuration={"lock": {}}),
    ],
)
def every_region_backs_up_daily_into_a_vault_of_its_own_and_copies_to_every_other(stacks: Stacks) -> Iterator[str]:
    """Vaults under their region's key, which nothing locks; the copies go to the vaults that the other regions make."""
    yield from missing(stacks, VAULT, PLAN)
    vaults = {each.stack: each for each in resources(stacks, VAULT)}
    for region, vault in vaults.items():
        if key_region(stacks, region, vault.arguments.get("kms_key_arn")) != region:
            yield f"{vault.address}: is not encrypted by its region's key"
        if vault.arguments.get("force_destroy") is not True:
            yield f"{vault.address}: stays while it holds something"
    for plan in resources(stacks, PLAN):
        rule = at(plan.arguments, "rule.0")
        if not referred(stacks, plan.stack, rule["target_vault_name"], VAULT) or not _daily(rule):
            yield f"{plan.address}: does not fill the region's vault daily"
        for peer in peers_of(stacks, plan.stack):
            name = vaults[peer].arguments["name"] if peer in vaults else "none"
            if not any(_leads_to(copy, peer, name) for copy in rule["copy_action"]):
                yield f"{plan.address}: copies nothing to {peer}"
        if not all("delete_after" in (each.get("lifecycle") or {}) for each in (rule, *rule["copy_action"])):
            yield f"{plan.address}: keeps backups for good"
    if any(resources(stacks, "aws_backup_vault_lock_configuration")):
        yield "a vault is locked: it could not be destroyed"


def _daily(rule: dict[str, str]) -> bool:
    """Whether the schedule is one hour of every day: cron(minute hour day month weekday year)."""
    return re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", rule.get("schedule", "")) is not None


def _leads_to(copy: dict[str, str], region: str, vault: str) -> bool:
    return copy["destination_vault_arn"].split(":")[3:4] == [region] and copy["destination_vault_arn"].endswith(
        f":backup-vault:{vault}"
    )


@DESIGN.rule(
    "SECURITY",
    breaks=[
        removed(SELECTION),
        changed(SELECTION, "plan_id", to="other"),
        changed(SELECTION, "resources", to=[]),
        replaced(SELECTION, "resources.0", "patient_records", "other"),
        replaced(SELECTION, "resources.1", "audit_logs", "other"),
        replaced(SELECTION, "resources.2", "failover_state", "other"),
        changed(SELECTION, "resources.3", to="arn:aws:s3:::other"),
        changed(SELECTION, "iam_role_arn", to="arn:aws:iam::111111111111:role/other"),
        replaced(trust("role-backup-"), "principals", "backup.amazonaws", "ec2.amazonaws"),
        emptied(VAULT),
    ],
)
def tables_and_documents_of_every_region_are_backed_up(stacks: Stacks) -> Iterator[str]:
    """Each region selects its replicas of the tables and its bucket, with a role that AWS Backup may assume."""
    yield from missing(stacks, VAULT)
    for region in regions_of(stacks):
        chosen = [each for each in of_region(stacks, region, SELECTION) if _works(stacks, each)]
        wanted = [value for each in chosen for value in each.arguments["resources"]]
        for table in resources(stacks, "aws_dynamodb_table"):
            if not any(f":{region}:" in value and value.endswith(f"/{table.arguments['name']}") for value in wanted):
                yield f"{region}: {table.arguments['name']} is not backed up"
        if not any(referred(stacks, region, value, "aws_s3_bucket") for value in wanted):
            yield f"{region}: documents are not backed up"


def _works(stacks: Stacks, selection: Resource) -> bool:
    role = referred(stacks, selection.stack, selection.arguments["iam_role_arn"], "aws_iam_role")
    trust = statements(role.arguments["assume_role_policy"]) if role else []
    trusted = [who for each in trust for who in principals_of(each)]
    return bool(referred(stacks, selection.stack, selection.arguments["plan_id"], PLAN)) and trusted == [SERVICE]


@DESIGN.rule(
    "SECURITY",
    breaks=[
        emptied(VAULT),
        removed(NOTIFICATIONS),
        changed(NOTIFICATIONS, "backup_vault_name", to="Default"),
        changed(NOTIFICATIONS, "sns_topic_arn", to="arn:aws:sns:us-east-1:111111111111:other"),
        *(replaced(NOTIFICATIONS, "backup_vault_events", event, "BACKUP_JOB_FAILED") for event in sorted(EVENTS)),
        dropped(NOTIFICATIONS, "depends_on"),
        *(
            mutant
            for sid in ("PublishByServices", "PublishToTopics")
            for mutant in (
                replaced(statement(sid), "principals", "backup.amazonaws", "ec2.amazonaws"),
                dropped(statement(sid), "condition"),
            )
        ),
    ],
)
def copies_that_fail_and_all_restores_are_told_to_operations(stacks: Stacks) -> Iterator[str]:
    """Each vault tells its region's topic, which AWS Backup may publish to for this account; so may it use the key."""
    yield from missing(stacks, VAULT)
    for region in regions_of(stacks):
        told = []
        for each in of_region(stacks, region, NOTIFICATIONS):
            vault = referred(stacks, region, each.arguments["backup_vault_name"], VAULT)
            topic = referred(stacks, region, each.arguments["sns_topic_arn"], TOPIC)
            waits = {address.partition(".")[0] for address in each.arguments.get("depends_on", [])}
            if vault and topic and set(each.arguments["backup_vault_events"]) == EVENTS:
                told += [vault] if "aws_sns_topic_policy" in waits and _publishes(stacks, region) else []
        if not told:
            yield f"{region}: failed copies are told to nobody"


def _publishes(stacks: Stacks, region: str) -> bool:
    """Whether AWS Backup may publish to the region's topic, and use the key for it, on behalf of the account only."""
    return all(
        any(
            SERVICE in principals_of(given) and values_of(given, "aws:SourceAccount")
            for policy in of_region(stacks, region, kind)
            for given in granting(statements(policy.arguments["policy"]), action)
        )
        for kind, action in (("aws_sns_topic_policy", "sns:Publish"), (KEY, "kms:GenerateDataKey*"))
    ) and all(
        values_of(given, "aws:SourceAccount")
        for policy in of_region(stacks, region, "aws_sns_topic_policy")
        for given in granting(statements(policy.arguments["policy"]), "sns:Publish")
    )


@DESIGN.rule(
    "SECURITY",
    breaks=[
        emptied(VAULT),
        *(replaced(ALARM, "metric_name", metric, "NumberOfBackupJobsCompleted") for metric in sorted(METRICS)),
        replaced(ALARM, "namespace", "AWS/Backup", "Backup"),
        replaced(ALARM, "dimensions.BackupVaultName", "backup-vault-", "other-"),
        changed(_of_backups, "threshold", to=1),
        changed(_of_backups, "alarm_actions", to=[]),
    ],
)
def backups_and_copies_that_fail_set_off_an_alarm(stacks: Stacks) -> Iterator[str]:
    """AWS Backup counts for each vault what failed and what never began: one is too many."""
    yield from missing(stacks, VAULT)
    for vault in resources(stacks, VAULT):
        watched = {
            alarm.arguments["metric_name"]
            for alarm in of_region(stacks, vault.stack, ALARM)
            if alarm.arguments.get("namespace") == "AWS/Backup"
            and alarm.arguments["dimensions"] == {"BackupVaultName": vault.arguments["name"]}
            and alarm.arguments["threshold"] == 0
            and alarm.arguments["alarm_actions"]
        }
        if watched != METRICS:
            yield f"{vault.address}: nobody is told by {sorted(METRICS - watched)}"
