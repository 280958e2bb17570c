"""AWS Backup: what its vaults tell."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import backup


def keep_notifications_of_vaults() -> None:
    """A vault's notifications can be neither made nor read nor deleted."""
    original = backup.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        parts = path.strip("/").split("/")
        if parts[::2] != ["backup-vaults", "notification-configuration"] or parts[1] not in backup._vaults:
            return await original(method, path, headers, body, query)
        vault = backup._vaults[parts[1]]
        if method == "PUT":
            vault["_notifications"] = json.loads(body)
            return backup._ok({})
        if "_notifications" not in vault:
            return backup._get_vault_notifications(parts[1])
        if method == "DELETE":
            del vault["_notifications"]
            return backup._no_content()
        names = {name: vault[name] for name in ("BackupVaultName", "BackupVaultArn")}
        return backup._ok({**names, **vault["_notifications"]})

    backup.handle_request = handle_request
