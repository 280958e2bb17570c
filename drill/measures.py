"""What a drill's log says: pure functions from requests, acknowledgements and holdings to figures.

Times are of one clock, in seconds. The report divides them by the time scale.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from statistics import quantiles

from drill.holdings import Holdings
from drill.log import Acknowledgement, Request, Sample
from drill.outages import CLASSES
from drill.route53 import Kept, Observation

import attrs

RECORDS, AUDIT, REPLICATED, PENDING = CLASSES
# A region of 30 % of the weight that is healthy is left out so often in a row once in a million times.
ANSWERS_WITHOUT = 40
Departure = tuple[float, float | None, str]
"""When DNS stopped answering with a region, when it answered with it again, if it did, and which region that is."""


def recovery_time(
    requests: Iterable[Request], since: float, healed: float, clients: Collection[str] | None = None
) -> float:
    """From the beginning of a client's first failed request to the end of its last, of the client that waited longest.

    Args:
        requests: The log.
        since: When the outage began: a request that was on its way by then counts from there, one that had ended not.
        healed: When it ended: what begins later is none of it.
        clients: Whose; None for all.
    """
    failed: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        during = request.began < healed and request.ended >= since
        if request.outcome == "failed" and during and (clients is None or request.client in clients):
            failed[request.client].append(request)
    spans = (max(r.ended for r in rows) - max(since, min(r.began for r in rows)) for rows in failed.values())
    return max(spans, default=0.0)


@attrs.frozen
class Spell:
    """A time in which a client was not served: from the first failed request to the answer of the one that was not."""

    began: float
    ended: float


def spells(requests: Sequence[Request]) -> list[Spell]:
    """Of all clients; one that was not served in the end waits until the end of the log."""
    end = max((request.ended for request in requests), default=0.0)
    found, open_ = list[Spell](), dict[str, float]()
    for request in sorted(requests, key=lambda request: request.ended):
        if request.outcome == "failed":
            open_.setdefault(request.client, request.began)
        elif request.client in open_:
            found.append(Spell(open_.pop(request.client), request.ended))
    return found + [Spell(began, end) for began in open_.values()]


def served_share(waited: Iterable[Spell], clients: int, start: float, end: float) -> float:
    """Of the clients' time between two moments, the part in which they were served."""
    lost = sum(max(0.0, min(spell.ended, end) - max(spell.began, start)) for spell in waited)
    return 1 - lost / (clients * (end - start))


def latencies(
    requests: Iterable[Request], phases: Mapping[str, tuple[float, float]]
) -> dict[str, dict[str, list[float]]]:
    """By phase and region the median and the 99th percentile of how long those waited who were served."""
    found: dict[str, dict[str, list[float]]] = {phase: defaultdict(list) for phase in phases}
    for request in requests:
        for phase, (start, end) in phases.items():
            if request.outcome == "served" and request.region and start <= request.began < end:
                found[phase][request.region].append(request.ended - request.began)
    return {
        phase: {region: _percentiles(times) for region, times in sorted(regions.items())}
        for phase, regions in found.items()
    }


def _percentiles(times: list[float]) -> list[float]:
    hundredths = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return [hundredths[49], hundredths[98]]


def departures(samples: Sequence[Sample], region: str) -> list[tuple[float, float | None]]:
    """When DNS stopped answering with a region, and when it answered with it again, if it did.

    It has stopped when it is asked `ANSWERS_WITHOUT` times in a row and never answers with it: short of that it may be
    chance.
    """
    found, without, since = list[tuple[float, float | None]](), 0, 0.0
    for sample in samples:
        if sample.answered.get(region):
            if without >= ANSWERS_WITHOUT:
                found.append((since, sample.at))
            without = 0
        elif sample.answered:
            since = since if without else sample.at
            without += sum(sample.answered.values())
    return [*found, (since, None)] if without >= ANSWERS_WITHOUT else found


def all_departures(samples: Sequence[Sample], regions: Iterable[str]) -> list[Departure]:
    """Those from all regions, in their order."""
    found = [(left, back, region) for region in regions for left, back in departures(samples, region)]
    return sorted(found, key=lambda departure: departure[0])


def doubts(samples: Iterable[Sample], observations: Iterable[Observation]) -> int:
    """How often a region was seen, or a health check became, unhealthy: shorter than what `departures` can tell."""
    seen = sum(not all(sample.healthy.values()) for sample in samples)
    return seen + sum(each.kind == "check" and each.healthy is False for each in observations)


def first_move(requests: Iterable[Request], lost: str, since: float) -> float | None:
    """When, after that moment, a client of the lost region was first served by another one."""
    last: dict[str, str | None] = {}
    for request in sorted(requests, key=lambda request: request.began):
        if request.began < since:
            last[request.client] = request.region
        elif request.outcome == "served" and request.region != lost and last.get(request.client) == lost:
            return request.ended
    return None


def missing(
    acknowledgements: Iterable[Acknowledgement], survivor: Holdings, objects: Mapping[str, str], until: float
) -> dict[str, list[Acknowledgement]]:
    """The writes acknowledged until then of which the survivor lacks something, by class of data.

    Args:
        acknowledgements: The log.
        survivor: What it held.
        objects: By document version the key of its object, from whoever knows it: the row itself may be missing.
        until: The end of what counts.
    """
    found: dict[str, list[Acknowledgement]] = {each: [] for each in CLASSES}
    for each in acknowledgements:
        if each.at > until:
            continue
        if survivor.versions.get(each.version) != each.mark:
            found[RECORDS].append(each)
        if each.correlation not in survivor.audited:
            found[AUDIT].append(each)
        if each.replication and objects.get(each.version) not in survivor.stored:
            found[REPLICATED if each.replication == "replicated" else PENDING].append(each)
    return found


def recovery_points(lacking: Mapping[str, Sequence[Acknowledgement]], takeover: float) -> dict[str, float]:
    """By class of data, how old the oldest write that is missing was at the takeover; 0 if none is."""
    return {name: max([0.0, *(takeover - each.at for each in rows)]) for name, rows in lacking.items()}


def lost_for_good(acknowledgements: Sequence[Acknowledgement], final: Sequence[Holdings]) -> int:
    """How many acknowledged writes some region lacks in the end, in whatever part: data, audit row or bytes."""
    return len(_lost(acknowledgements, final))


def lost_writes(acknowledgements: Sequence[Acknowledgement], final: Sequence[Holdings]) -> list[str]:
    """The same by name, as sentences."""
    return [
        f"lost for good: {each.mark} of {each.patient}, acknowledged by {each.region} as version {each.version}"
        for each in _lost(acknowledgements, final)
    ]


def _lost(acknowledgements: Sequence[Acknowledgement], final: Sequence[Holdings]) -> list[Acknowledgement]:
    objects = known_objects(final)
    lacking = {
        each.mark
        for held in final
        for rows in missing(acknowledgements, held, objects, float("inf")).values()
        for each in rows
    }
    return [each for each in acknowledgements if each.mark in lacking]


def known_objects(holdings: Iterable[Holdings]) -> dict[str, str]:
    """By document version the key of its object, as far as anybody has the row."""
    return {version: key for held in holdings for version, key in held.objects.items()}


def duplicates(final: Iterable[Holdings]) -> int:
    """How many versions there are beyond one for each write; the same version in both regions is one.

    A damaged version has no mark: of which write it is, nobody knows.
    """
    versions = {version: mark for held in final for version, mark in held.versions.items()}
    return sum(times - 1 for times in Counter(filter(None, versions.values())).values())


def overdue(
    requests: Iterable[Request], regions: Collection[str], since: float, healed: float, within: float
) -> Iterator[Request]:
    """The stale reads of what should have been copied by then.

    Args:
        requests: The log.
        regions: What is copied to and from them may be late meanwhile.
        since: When the outage began.
        healed: When it ended.
        within: How long copying takes at most where nothing is broken.
    """
    for request in requests:
        if request.outcome != "stale" or request.written is None or request.began - request.written.at <= within:
            continue
        excused = request.region in regions or request.written.region in regions
        if not (excused and since <= request.began < healed + within):
            yield request


def failback_time(
    answers: Iterable[Sequence[Kept]], requests: Iterable[Request], last: Departure, healed: float
) -> float | None:
    """From the end of the outage until the region that was left last has its share again; None if it has not.

    That is when every client's resolver has a new answer since DNS answers with the region again, and the region has
    served somebody since.
    """
    _, back, region = last
    if back is None:
        return None
    since = [min((each.at for each in of_one if each.at >= back), default=None) for of_one in answers]
    served = [r.ended for r in requests if r.region == region and r.outcome == "served" and r.began >= back]
    moments = [*since, min(served, default=None)]
    known = [moment for moment in moments if moment is not None]
    return max(0.0, max(known) - healed) if len(known) == len(moments) else None
