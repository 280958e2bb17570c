"""The audit trail: one row for every access to a patient's data, served or refused."""

import uuid

from functions.shared.callers import Caller
from functions.shared.chain import DAMAGED, Link, link_of, linked
from functions.shared.table import ConflictError, Put, Table, Values, after, now, pause

from attrs import field, frozen
from botocore.exceptions import ClientError

# Two accesses of one entity in one region race for its next row; each round has one winner.
ROUNDS = 10
# A patient's requests come in a row; each read of a head that can be spared is one call of AWS less.
KEPT_HEADS = 1_000
# In another table than the rows: who can change the trail cannot thereby change its end.
HEAD = "audit#"


@frozen(kw_only=True)
class Entry:
    """Who did what to which entity's data, and what came of it."""

    caller: Caller
    action: str
    entity: str
    """A patient's id, ``facility:`` and a facility's, ``failover:`` and a region, or ``-`` if a request names none."""
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
    """The audit rows that one region adds: chained, in one transaction with what they tell of, never changed."""

    rows: Table
    heads: Table
    region: str
    _left: dict[str, Values] = field(factory=dict, init=False)

    def append(self, entry: Entry, *puts: Put) -> None:
        """Adds the row of ``entry`` and makes ``puts``: all or none.

        A damaged head stops nobody: the chain goes on after its newest row without naming it, which shows for ever.

        Raises:
            ConflictError: a condition of ``puts`` did not hold; or, naming none, others added rows of the same entity
                all the time or DynamoDB was too busy.
            ClientError, BotoCoreError: the row may not be there, so the access must not be served.
        """
        entity, event = entry.caller.scoped(entry.entity), uuid.uuid4()
        for attempt in range(ROUNDS):
            # The head as this function left it will do: the transaction's condition tells if it has moved.
            head = self._left.pop(entity, None) or self.heads.get(entity, HEAD + self.region)
            row = self._row(entry, entity, str(event), head)
            advance: Values = {
                self.heads.partition: entity,
                self.heads.sort: HEAD + self.region,
                **{name: row[name] for name in ("sequence", "hash", "occurred_at")},
            }
            try:
                self.rows.transact(*puts, self.rows.addition(row), self._advance(head, advance))
            except ConflictError as error:
                if error.failed.intersection(range(len(puts))):
                    raise
            else:
                if len(self._left) >= KEPT_HEADS:
                    self._left.clear()
                self._left[entity] = advance
                return
            pause(attempt)
        raise ConflictError

    def ends(self, entity: str) -> dict[str, Link]:
        """Returns where each region's chain of the entity stands, as far as this region knows."""
        found = self.heads.items(entity, HEAD)
        return {head[self.heads.sort].removeprefix(HEAD): link_of(head) for head in found}

    def _advance(self, head: Values | None, advance: Values) -> Put:
        """Returns the put of the next head, which is made only while the one that was read is still there."""
        if head is None:
            return self.heads.addition(advance)
        if link_of(head) == DAMAGED:
            # No condition can name what it holds. Should two calls meet here, the chain has one more fault.
            return self.heads.overwriting(advance)
        return self.heads.replacement(advance, "hash", head["hash"])

    def _row(self, entry: Entry, entity: str, event: str, head: Values | None) -> Values:
        occurred_at = _following(head or {})
        row: Values = {
            "entity_id": entity,
            "event_id": f"{occurred_at}#{event}",
            "actor_id": entry.caller.scoped(entry.caller.actor),
            "action": entry.action,
            "resource": entry.resource,
            "occurred_at": occurred_at,
            "region": self.region,
            "result": entry.result,
            "status": entry.status,
            "correlation_id": entry.correlation_id,
        }
        link = link_of(head) if head else Link()
        return linked(row, Link(self._newest(entity), link.hash) if link == DAMAGED else link)

    def _newest(self, entity: str) -> int:
        """Returns the number of this region's newest row; 0 where rows may only be added."""
        try:
            rows = self.rows.items(entity, ScanIndexForward=False)
            numbers = (row.get("sequence") for row in rows if row.get("region") == self.region)
            return next((number for number in numbers if isinstance(number, int)), 0)
        except ClientError:
            return 0


def _following(head: Values) -> str:
    """Returns the moment of the next row: later than the one before it whatever the clocks say.

    A chain's order is the order of its keys.
    """
    try:
        return after(head["occurred_at"])
    except (KeyError, OverflowError, TypeError, ValueError):  # there is none, or it was damaged
        return now()
