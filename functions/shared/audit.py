"""The audit trail: one row for every access to a patient's data, served or refused."""

from __future__ import annotations

import uuid
from typing import Any

from functions.shared.callers import Caller
from functions.shared.table import Values, addition, now

from attrs import frozen
from botocore.exceptions import ClientError


@frozen(kw_only=True)
class Entry:
    """Who did what to which patient's data, and what came of it."""

    caller: Caller
    action: str
    patient_id: str
    """``-``, which is no patient's id, where the request names none."""
    resource: str
    status: int
    correlation_id: str

    @property
    def result(self) -> str:
        """``allowed``, ``refused`` (the caller's fault) or ``failed`` (ours)."""
        if self.status < 400:
            return "allowed"
        return "refused" if self.status < 500 else "failed"


@frozen
class Trail:
    """The audit table of one region: rows are added, never changed."""

    _client: Any
    _table: str
    _region: str

    def addition(self, entry: Entry) -> dict[str, Any]:
        """Returns the put of a row for ``entry``, for the transaction that does what the row says."""
        occurred_at = now()
        row: Values = {
            "entity_id": entry.caller.scoped(entry.patient_id),
            "event_id": f"{occurred_at}#{uuid.uuid4()}",
            "actor_id": entry.caller.scoped(entry.caller.actor),
            "action": entry.action,
            "resource": entry.resource,
            "occurred_at": occurred_at,
            "region": self._region,
            "result": entry.result,
            "status": entry.status,
            "correlation_id": entry.correlation_id,
        }
        return addition(self._table, row, "event_id")

    def add(self, entry: Entry) -> None:
        """Adds a row by itself, for an access that writes nothing else.

        Raises:
            ClientError, BotoCoreError: the row is not there, so the access must not be served.
        """
        try:
            self._client.put_item(**self.addition(entry))
        except ClientError as error:
            # The id is random: a row with it is this one, added by an attempt whose answer was lost.
            if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
                raise
