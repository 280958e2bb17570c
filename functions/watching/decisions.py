"""What is decided about regions: each decision is a row of the state table and one of the audit trail, or neither."""

from http import HTTPStatus
from typing import Any

from functions.shared.audit import Entry, Trail
from functions.shared.callers import Caller
from functions.shared.table import Table, Values, unpack
from functions.watching.state import EVACUATED, FAILOVER, PLATFORM, RELEASED, State, state_of

from attrs import frozen


@frozen
class Decisions:
    """Decisions made in one region."""

    state: State
    trail: Trail

    def add(
        self, region: str, state: str, *, at: str, by: str, reason: str, correlation_id: str, **more: str
    ) -> Values:
        """Decides about a region, and returns the row.

        Raises:
            ConflictError: that is decided here about that moment already, or others add audit rows all the time, or
                DynamoDB is too busy.
            ClientError, BotoCoreError: it may not be decided.
        """
        entry = Entry(
            caller=Caller(actor=by, organisation=PLATFORM),
            action=f"region.{state}",
            entity=f"{FAILOVER}:{region}",
            resource=region,
            status=HTTPStatus.OK if state in (EVACUATED, RELEASED) else HTTPStatus.CONFLICT,
            correlation_id=correlation_id,
        )
        put = self.state.addition(region, state, at=at, by=by, reason=reason, correlation_id=correlation_id, **more)
        self.trail.append(entry, put)
        return unpack(put["Item"])


def decisions_of(client: Any, state_table: str, audit_table: str, region: str) -> Decisions:
    """Returns the decisions of a client's region."""
    state = state_of(client, state_table, region)
    return Decisions(state, Trail(Table(client, audit_table, "entity_id", "event_id"), state.table, region))
