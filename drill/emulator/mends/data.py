"""DynamoDB and S3: the replicas' own keys, and recovery."""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id
from ministack.services import dynamodb, s3

KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
LONGEST_RECOVERY = 35
"""Days to which a table can be restored, unless a shorter period is asked for."""


def keep_keys_of_table_replicas() -> None:
    """A replica of a global table shows the primary's key instead of its own, so it is replaced by every apply."""
    update, describe = dynamodb._apply_replica_updates, dynamodb._table_description

    def apply_replica_updates(name: str, table: dict[str, Any], updates: list[dict[str, Any]]) -> Any:
        if error := update(name, table, updates):
            return error
        for change in updates:
            for settings in (change.get("Create"), change.get("Update")):
                replica = settings and dynamodb._tables.get_scoped(get_account_id(), settings["RegionName"], name)
                if settings and replica and (key := settings.get("KMSMasterKeyId")):
                    replica["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
        return None

    def table_description(*arguments: Any, **options: Any) -> Any:
        description = describe(*arguments, **options)
        for shown in description.get("Replicas", []):
            name = description["TableName"]
            replica = dynamodb._tables.get_scoped(get_account_id(), shown["RegionName"], name) or {}
            key = (replica.get("SSEDescription") or {}).get("KMSMasterKeyArn", "")
            if key and not key.endswith("alias/aws/dynamodb"):
                shown["KMSMasterKeyId"] = key
        return description

    dynamodb._apply_replica_updates, dynamodb._table_description = apply_replica_updates, table_description


def encrypt_object_replicas_by_their_rule() -> None:
    """A replicated object names the source's key, whatever key its replication rule says."""
    original = s3._maybe_replicate

    def maybe_replicate(bucket: str, key: str, obj: dict[str, Any], data: Any, tags: Any = None) -> Any:
        rule, _ = s3._replication_rule_for(bucket, key, tags)
        settings = ((rule or {}).get("Destination") or {}).get("EncryptionConfiguration") or {}
        headers = obj.get("preserved_headers") or {}
        if not settings.get("ReplicaKmsKeyID") or KEY_HEADER not in headers:
            return original(bucket, key, obj, data, tags)
        own = headers[KEY_HEADER]
        headers[KEY_HEADER] = settings["ReplicaKmsKeyID"]  # the replica is a copy of the object, headers and all
        try:
            return original(bucket, key, obj, data, tags)
        finally:
            headers[KEY_HEADER] = own

    s3._maybe_replicate = maybe_replicate


def keep_recovery_periods() -> None:
    """A table's period of point-in-time recovery reads back as none: `recovery_period_in_days` differs for ever."""
    update, describe = dynamodb._update_continuous_backups, dynamodb._describe_continuous_backups

    def update_continuous_backups(request: dict[str, Any]) -> Any:
        answer = update(request)
        table = dynamodb._tables.get(dynamodb._normalize_table_name(request.get("TableName")))
        if table is not None:
            settings = request.get("PointInTimeRecoverySpecification", {})
            table["_recovery_days"] = settings.get("RecoveryPeriodInDays") or LONGEST_RECOVERY
        return answer

    def describe_continuous_backups(request: dict[str, Any]) -> Any:
        status, headers, body = describe(request)
        content = json.loads(body)
        shown = content.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
        if shown.get("PointInTimeRecoveryStatus") == "ENABLED":
            table = dynamodb._tables[dynamodb._normalize_table_name(request["TableName"])]
            shown["RecoveryPeriodInDays"] = table.get("_recovery_days", LONGEST_RECOVERY)
        return status, headers, json.dumps(content).encode()

    dynamodb._update_continuous_backups = update_continuous_backups
    dynamodb._describe_continuous_backups = describe_continuous_backups


def tell_policies_the_key_of_an_upload() -> None:
    """A policy that refuses uploads under other keys refuses every upload: it never learns the key."""
    original = iam_actions._s3_object_context

    def s3_object_context(action: str, query: dict[str, Any], path: str, headers: dict[str, str]) -> Any:
        context = original(action, query, path, headers)
        if action == "s3:PutObject" and KEY_HEADER in headers:
            context[f"s3:{KEY_HEADER}"] = headers[KEY_HEADER]
        return context

    iam_actions._s3_object_context = s3_object_context
