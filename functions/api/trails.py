"""The audit trail of one patient, for auditors."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from functions.api import views
from functions.api.access import Access
from functions.api.answers import Answer, answer
from functions.api.seals import Seals
from functions.api.versions import ROW_BYTES, bounded
from functions.shared.audit import Trail
from functions.shared.chain import Fault, Link, Verifier
from functions.shared.table import Values

from attrs import astuple, frozen


@frozen
class Trails:
    """The trails in one region's replica of the table."""

    trail: Trail
    seals: Seals
    regions: frozenset[str]
    """All that there are."""

    def read(self, access: Access) -> Answer:
        """Returns a page of the trail, oldest first, and how the chains stand up to the page's end.

        The token of the next page carries the heads as the first page found them (to read a trail adds to it), where
        each chain stood, and what was wrong: the last page's verdict is that of the whole trail.
        """
        limit, state = access.paging(self.seals)
        after, heads, links, faults = state or ("", _plain(self.trail.ends(access.partition)), {}, [])
        seen = [Fault(*fault) for fault in faults]
        verifier = Verifier(self.trail.region, _links(heads), self.regions, _links(links), seen)
        rows = filter(verifier.within, self.trail.rows.items(access.partition, after=after))
        found, more = bounded(rows, limit, lambda _: ROW_BYTES)
        for row in found:
            verifier.follow(row)
        if not more:
            verifier.close(self.trail.ends(access.partition))
        # One fault of a kind tells all that the verdict needs.
        worst = {(fault.region, fault.kind): astuple(fault) for fault in verifier.faults}
        state = [found[-1]["event_id"], heads, _plain(verifier.links), list(worst.values())] if more else None
        page = views.AuditTrail(
            events=tuple(map(_event, found)),
            chains=verifier.verdicts(),
            faults=tuple(
                views.AuditFault(region=fault.region, sequence=fault.sequence, kind=fault.kind)
                for fault in verifier.faults
            ),
            next=access.following(self.seals, state),
        )
        return answer(HTTPStatus.OK, page)


def _event(row: Values) -> views.AuditEvent:
    """Returns a row as auditors see it; of one that was damaged, what is left."""
    return cast(views.AuditEvent, {name: row.get(name) for name in views.AuditEvent.__annotations__})


def _plain(links: Mapping[str, Link]) -> dict[str, Any]:
    return {region: astuple(link) for region, link in links.items()}


def _links(plain: Mapping[str, Any]) -> dict[str, Link]:
    return {region: Link(*values) for region, values in plain.items()}
