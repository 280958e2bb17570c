"""Audit rows are chained by hash, one chain for each entity and region, and a chain that was tampered with shows it.

Each row carries its number, the hash of the row before it and its own. The last number and hash, the chain's head, are
kept in another table and change in the transaction that adds a row, so rows missing at the end are found as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from functions.shared.table import Values

from attrs import define, field, frozen


@frozen
class Link:
    """Where a chain stands: the number and hash of its last row."""

    sequence: int = 0
    hash: str = "0" * 64


@frozen
class Fault:
    """What is wrong at one row of a chain: ``changed`` (or forged), or ``missing`` from there on."""

    region: str
    sequence: int
    kind: str


def digest(row: Values) -> str:
    """Returns the hash of everything in a row but the hash itself."""
    content = {name: value for name, value in row.items() if name != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
    links: dict[str, Link] = field(factory=dict)
    faults: list[Fault] = field(factory=list)

    def follow(self, row: Values) -> None:
        """Takes the next row."""
        region, sequence, stated = str(row.get("region")), row.get("sequence"), str(row.get("hash"))
        last = self.links.get(region, Link())
        if not isinstance(sequence, int):
            self.faults.append(Fault(region, last.sequence + 1, "changed"))
            return
        if sequence > last.sequence + 1:
            self.faults.append(Fault(region, last.sequence + 1, "missing"))
        elif sequence <= last.sequence or row.get("previous") != last.hash:
            self.faults.append(Fault(region, sequence, "changed"))
        if stated != digest(row):
            self.faults.append(Fault(region, sequence, "changed"))
        self.links[region] = Link(sequence, stated)

    def close(self, before: Mapping[str, Link], after: Mapping[str, Link]) -> None:
        """Compares the ends with the heads that were read before the first of the last rows and after the last."""
        for region in sorted({*self.links, *before, *after}):
            end, earliest, latest = (links.get(region, Link()) for links in (self.links, before, after))
            if end.sequence < earliest.sequence:
                self.faults.append(Fault(region, end.sequence + 1, "missing"))
            elif end.sequence == latest.sequence and end.hash != latest.hash:
                self.faults.append(Fault(region, end.sequence, "changed"))
            elif end.sequence > latest.sequence and region == self.reader:
                self.faults.append(Fault(region, latest.sequence + 1, "changed"))

    def verdicts(self) -> dict[str, str]:
        """Returns for each region's chain ``intact``, ``broken``, or ``incomplete`` if it may just not be here yet."""
        found = dict.fromkeys(sorted(self.links), "intact")
        for fault in self.faults:
            if found.get(fault.region) != "broken":
                late = fault.kind == "missing" and fault.region != self.reader
                found[fault.region] = "incomplete" if late else "broken"
        return found
