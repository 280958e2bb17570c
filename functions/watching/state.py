"""The state table: what each region says of itself and sees of the others, and which region is evacuated.

It is a small global table without anything of a patient. Its rows, by region and item:

- ``heartbeat``, ``sight``: written by that region's probe alone, so one may replace the last.
- ``evacuation#<instant>#<writer>``: added and never changed. The latest tells whether the region is evacuated.
- ``refrained#<instant>#<writer>#<why>``: added when the region should have been evacuated and was not.
- ``told#<item>``: added when people were told of that row, which carries their notice.
- ``audit#<region>``: where the chain of the audit rows stands, under the audited entity's name.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.shared.table import Put, Table, Values, instant, now

from attrs import astuple, frozen

# In each document bucket, the probes' own objects: no document is called so.
PROBE_OBJECTS = "probe/"
EVACUATED, RELEASED = "evacuated", "released"
# Why a region was not evacuated: no other one can take its traffic, it says itself that it is well, or by the setting.
ALONE, DISPUTED, SWITCHED_OFF = "alone", "disputed", "switched-off"
# Who decides where no operator does, and the organisation that its audit rows belong to.
FAILOVER, PLATFORM = "failover", "platform"
_EVACUATION, _REFRAINED, _TOLD = "evacuation#", "refrained#", "told#"
HEARTBEAT, _SIGHT = "heartbeat", "sight"
# A probe that runs every minute and is late once.
_FRESH_SECONDS = 150.0
# What a region says of itself is true until its probe should have said so again.
_CURRENT_SECONDS = 90.0
# People are told late of what was decided in the last hour, about a failure that may have begun long before.
_TELLABLE_SECONDS, _REMEMBERED = 3_600.0, timedelta(days=30)


def age_s(moment: str, at: str = "") -> float:
    """Returns the seconds from one moment to another, or until now."""
    return (datetime.fromisoformat(at or now()) - datetime.fromisoformat(moment)).total_seconds()


@frozen
class Sight:
    """What a region's probe last saw of a region, its own too."""

    healthy_since: str = ""
    """Empty while it is not healthy."""
    lag_s: float | None = None
    """How late the other region gets what is written in the probe's own; None where that cannot be seen."""
    ill_since: str = ""
    """Empty while it is healthy."""
    unsteady_since: str = ""
    """When it first fell ill; empty once it has been healthy for a while since, and not only between two times."""


@frozen
class State:
    """One region's replica of the state table."""

    table: Table
    region: str

    def beat(self, at: str, api_url: str) -> Values:
        """Says that this region lives and where its API is; returns the heartbeat before, this one if it is the first.

        Each carries since when there are any.
        """
        last = self.heartbeat(self.region)
        row = {"region": self.region, "item": HEARTBEAT, "written_at": at, "api_url": api_url}
        row["began_at"] = last["began_at"] if last else at
        self.table.put(row)
        return last or row

    def heartbeat(self, region: str) -> Values | None:
        """Returns the newest heartbeat of a region that has come here."""
        return self.table.get(region, HEARTBEAT)

    def look(self, seen: dict[str, Sight], at: str) -> None:
        """Keeps what this region's probe saw of all regions at that moment."""
        sights = {region: astuple(sight) for region, sight in seen.items()}
        row = {"region": self.region, "item": _SIGHT, "written_at": at, "sights": json.dumps(sights)}
        self.table.put(row)

    def sights(self, region: str) -> dict[str, Sight]:
        """Returns what a region's probe sees of all regions: nothing, if it is not from the last minutes."""
        row = self.table.get(region, _SIGHT)
        if row is None or age_s(row["written_at"]) > _FRESH_SECONDS:
            return {}
        return _sights_of(row)

    def says_well(self, region: str, after: str) -> bool:
        """Returns whether after that moment a region's own probe found it well, and could say so here."""
        row = self.table.get(region, _SIGHT)
        if row is None or row["written_at"] <= after or age_s(row["written_at"]) > _CURRENT_SECONDS:
            return False
        own = _sights_of(row).get(region, Sight())
        return bool(own.healthy_since) and not own.unsteady_since

    def decision(self, region: str) -> Values | None:
        """Returns the latest row of a region's evacuation or release."""
        return next(self.table.items(region, _EVACUATION, ScanIndexForward=False, Limit=1), None)

    def evacuation(self, region: str) -> Values | None:
        """Returns the row by which a region is evacuated, None while it is not."""
        row = self.decision(region)
        return row if row and row["state"] == EVACUATED else None

    def untold(self, region: str, older_s: float) -> list[Values]:
        """Returns the rows that were decided here in the last hour, are so old, and nobody was told of."""
        rows = []
        for kind in (_EVACUATION, _REFRAINED):
            since = f"{kind}{instant(datetime.now(UTC) - _REMEMBERED)}"
            rows += [row for row in self.table.items(region, kind, after=since) if row["writer"] == self.region]
        old = (row for row in rows if "notice" in row and older_s < age_s(row["decided_at"]) < _TELLABLE_SECONDS)
        return [row for row in old if self.table.get(region, _TOLD + row["item"]) is None]

    def told(self, row: Values) -> None:
        """Keeps that people were told of a row."""
        self.table.put({"region": row["region"], "item": _TOLD + row["item"], "written_at": now()})

    def addition(self, region: str, state: str, *, at: str, by: str, reason: str, **more: str) -> Put:
        """Returns the put of a row that was decided here; the same moment makes the same row, which is added once."""
        row = {"region": region, "item": self._item(state, at), "state": state, "occurred_at": at}
        row["writer"] = self.region
        row["decided_at"] = now()
        return self.table.addition({**row, "by": by, "reason": reason, **more})

    def added(self, region: str, state: str, at: str) -> Values | None:
        """Returns the row that was decided here about that moment, if there is one."""
        return self.table.get(region, self._item(state, at))

    def _item(self, state: str, at: str) -> str:
        if state in (EVACUATED, RELEASED):
            return f"{_EVACUATION}{at}#{self.region}"
        return f"{_REFRAINED}{at}#{self.region}#{state}"


def _sights_of(row: Values) -> dict[str, Sight]:
    return {region: Sight(*sight) for region, sight in json.loads(row["sights"]).items()}


def state_of(client: Any, table: str, region: str) -> State:
    """Returns the state as a client's region has it."""
    return State(Table(client, table, "region", "item"), region)


def moment(text: str) -> str:
    """Returns a moment in any ISO notation as the table has it."""
    return instant(datetime.fromisoformat(text))
