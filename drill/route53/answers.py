"""What the zone answers to a query, given what is healthy."""

from collections.abc import Callable, Mapping
from random import Random

from dr.objectives import ALIAS_TTL_S
from drill.route53.rules import eligible
from drill.route53.zone import Record, Zone, dotted

import attrs
from dns import rcode, rdatatype, rrset
from dns.name import root

# Longer chains of aliases and CNAMEs within a zone are cut: they lead in a circle.
LONGEST_CHAIN = 8
ALIAS_NOTE = "simulated-alias-target="


@attrs.frozen
class Answer:
    """An answer's code and sections.

    Attributes:
        code: The DNS response code.
        answers: What was asked for.
        authority: The SOA record, where there is nothing to answer with.
        notes: For alias records a TXT record with the target's name, in the additional section: clients of the drill
            need the host, which no address tells. Route 53 itself sends no such record.
        chosen: The id of the record set that was chosen, or empty.
    """

    code: rcode.Rcode
    answers: tuple[rrset.RRset, ...] = ()
    authority: tuple[rrset.RRset, ...] = ()
    notes: tuple[rrset.RRset, ...] = ()
    chosen: str = ""


def answer(
    zone: Zone,
    name: str,
    kind: str,
    *,
    status: Mapping[str, bool],
    random: Random,
    address: Callable[[str], str | None],
) -> Answer:
    """The answer to one query: one record of each name on the way, never a mix.

    Args:
        zone: The zone.
        name: The name that is asked for.
        kind: The record type that is asked for.
        status: Each health check's, by id.
        random: Draws by weight.
        address: The address of an alias's target outside the zone, or None if there is none.
    """
    owner = source = dotted(name)
    if not _within(zone, owner):
        return Answer(rcode.REFUSED)
    answers: list[rrset.RRset] = []
    notes: list[rrset.RRset] = []
    chosen = ""
    for _ in range(LONGEST_CHAIN):
        found = [record for record in zone.records if record.name == source and record.type in (kind, "CNAME")]
        if not found:
            break
        record = _draw(zone, found, status, random)
        chosen = chosen or record.id
        if record.alias and _within(zone, record.alias):
            source = record.alias
            continue
        if record.alias:
            target = address(record.alias.rstrip(".")) if kind == "A" else None
            if target:
                answers.append(_set(owner, ALIAS_TTL_S, kind, target))
                notes.append(_set(owner, 0, "TXT", f'"{ALIAS_NOTE}{record.alias.rstrip(".")}"'))
            break
        answers.append(_set(owner, record.ttl, record.type, *record.values))
        if record.type == kind:
            break
        owner = source = dotted(record.values[0])
        if not _within(zone, owner):
            break
    known = not _within(zone, owner) or any(
        each.name == owner or each.name.endswith(f".{owner}") for each in zone.records
    )
    code = rcode.NOERROR if known else rcode.NXDOMAIN
    complete = answers and (answers[-1].rdtype == rdatatype.from_text(kind) or not _within(zone, owner))
    return Answer(code, tuple(answers), () if complete else (_negative(zone),), tuple(notes), chosen)


def healthy(zone: Zone, record: Record, status: Mapping[str, bool]) -> bool:
    """Whether a record is: by its check, if it has one, and an alias that evaluates its target also by the target."""
    if record.check and not status[record.check]:
        return False
    targets = [each for each in zone.records if (each.name, each.type) == (record.alias, record.type)]
    return not (record.evaluates and targets) or any(healthy(zone, each, status) for each in targets)


def _draw(zone: Zone, records: list[Record], status: Mapping[str, bool], random: Random) -> Record:
    shares = eligible(records, lambda record: healthy(zone, record, status))
    return random.choices([record for record, _ in shares], [share for _, share in shares])[0]


def _within(zone: Zone, name: str) -> bool:
    return name == zone.name or name.endswith(f".{zone.name}")


def _negative(zone: Zone) -> rrset.RRset:
    """The SOA record, with the time for which resolvers may remember that there is nothing (RFC 2308)."""
    soa = next(record for record in zone.records if (record.name, record.type) == (zone.name, "SOA"))
    return _set(zone.name, min(soa.ttl, int(soa.values[0].split()[-1])), "SOA", *soa.values)


def _set(owner: str, ttl: int, kind: str, *values: str) -> rrset.RRset:
    """Records of one name and type; names in values are absolute, as in Route 53, also without a dot at the end."""
    return rrset.from_text_list(owner, ttl, "IN", kind, values, origin=root, relativize=False)
