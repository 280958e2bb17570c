"""Audit rows are chained by hash, one chain for each entity and region, and a chain that was tampered with shows it.

Each row carries its number, the hash of the row before it and its own. The last number and hash, the chain's head, are
kept in another table and change in the transaction that adds a row, so rows missing at the end are found as well.
"""

import hashlib
import json
import re
from collections.abc import Mapping

from functions.shared.table import Values

from attrs import define, field, frozen


@frozen
class Link:
    """Where a chain stands: the number and hash of its last row."""

    sequence: int = 0
    hash: str = "0" * 64


# Where a chain stands whose head nobody can read: no row follows it, so the next one shows as changed for ever.
DAMAGED = Link(0, "damaged")
_HASH = re.compile("[0-9a-f]{64}")


@frozen
class Fault:
    """What is wrong with a chain at one row.

    It is ``changed`` (or forged), or rows are ``missing`` from there on, or ``unconfirmed``: no head tells of them.
    """

    region: str
    sequence: int
    kind: str


def digest(row: Values) -> str:
    """Returns the hash of everything in a row but the hash itself."""
    content = {name: value for name, value in row.items() if name != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def link_of(values: Values) -> Link:
    """Returns where the chain stands after this row, or at this head: ``DAMAGED`` if it does not say."""
    sequence, stated = values.get("sequence"), values.get("hash")
    if isinstance(sequence, int) and sequence > 0 and isinstance(stated, str) and _HASH.fullmatch(stated):
        return Link(sequence, stated)
    return DAMAGED


def linked(row: Values, last: Link) -> Values:
    """Returns ``row`` as the one that follows ``last``."""
    row = {**row, "sequence": last.sequence + 1, "previous": last.hash}
    return {**row, "hash": digest(row)}


@define
class Verifier:
    """Follows the chains of one entity, row by row in the order of time; it never raises, whatever a row holds.

    Rows and heads of another region are copied here in no order: what has not come is no proof of a removal.
    """

    reader: str
    """The region in which they are read."""
    heads: dict[str, Link]
    """Where the chains stood before the first row was read: what was added since in this region is left out."""
    regions: frozenset[str] = frozenset()
    """All that there are; of none that is not among them a head can be still to come. Empty: nobody knows."""
    links: dict[str, Link] = field(factory=dict)
    faults: list[Fault] = field(factory=list)
    _beyond: int = 0

    def within(self, row: Values) -> bool:
        """Returns whether the row is one of the trail as the heads have it."""
        sequence, head = row.get("sequence"), self.heads.get(self.reader)
        if row.get("region") != self.reader or head in (None, DAMAGED) or not isinstance(sequence, int):
            return True
        self._beyond = max(self._beyond, sequence)
        return sequence <= head.sequence

    def follow(self, row: Values) -> None:
        """Takes the next row."""
        region, sequence, stated = str(row.get("region")), row.get("sequence"), str(row.get("hash"))
        last, head = self.links.get(region, Link()), self.heads.get(region)
        if not isinstance(sequence, int):
            self.faults.append(Fault(region, last.sequence + 1, "changed"))
            return
        if sequence > last.sequence + 1:
            self.faults.append(Fault(region, last.sequence + 1, "missing"))
        elif sequence <= last.sequence or row.get("previous") != last.hash:
            self.faults.append(Fault(region, sequence, "changed"))
        if stated != digest(row) or (head and sequence == head.sequence and stated != head.hash):
            self.faults.append(Fault(region, sequence, "changed"))
        self.links[region] = Link(sequence, stated)

    def close(self, latest: Mapping[str, Link]) -> None:
        """Compares the ends with the heads, and with those that were read after the last row."""
        for region in sorted({*self.links, *self.heads}):
            end, head = self.links.get(region, Link()), self.heads.get(region, Link())
            known = latest.get(region, Link())
            if end.sequence < head.sequence:
                self.faults.append(Fault(region, end.sequence + 1, "missing"))
            if DAMAGED in (head, known):
                self.faults.append(Fault(region, end.sequence + 1, "changed"))
            elif max(end.sequence, self._beyond if region == self.reader else 0) > known.sequence:
                late = region != self.reader and (not self.regions or region in self.regions)
                self.faults.append(Fault(region, known.sequence + 1, "unconfirmed" if late else "changed"))

    def verdicts(self) -> dict[str, str]:
        """Returns for each region's chain ``intact``, ``broken``, or ``incomplete`` if it may just not be here yet."""
        found = dict.fromkeys(sorted(self.links), "intact")
        for fault in self.faults:
            if found.get(fault.region) != "broken":
                late = fault.kind != "changed" and fault.region != self.reader
                found[fault.region] = "incomplete" if late else "broken"
        return found
