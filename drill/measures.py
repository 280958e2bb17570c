"""What a drill's log says: pure functions from requests, acknowledgements and holdings to figures.

Times are of one clock, in seconds. The report divides them by the time scale.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from drill.holdings import Holdings
from drill.outages import CLASSES
from drill.traffic import Acknowledgement, Request

RECORDS, AUDIT, REPLICATED, PENDING = CLASSES


def recovery_time(requests: Iterable[Request], since: float, clients: Collection[str] | None = None) -> float:
    """From the beginning of a client's first failed request to the end of its last, of the client that waited longest.

    Args:
        requests: The log.
        since: When the outage began: a request that was on its way by then counts from there, one that had ended not.
        clients: Whose; None for all.
    """
    failed: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        if request.outcome == "failed" and request.ended >= since and (clients is None or request.client in clients):
            failed[request.client].append(request)
    spans = (max(r.ended for r in rows) - max(since, min(r.began for r in rows)) for rows in failed.values())
    return max(spans, default=0.0)


def last_failure(requests: Iterable[Request]) -> float | None:
    """When the last request began that failed."""
    return max((request.began for request in requests if request.outcome == "failed"), default=None)


def served_share(requests: Sequence[Request], start: float, end: float) -> float:
    """Of the requests that ended in that time, the part that did not fail; 1 where there were none."""
    outcomes = [request.outcome != "failed" for request in requests if start <= request.ended < end]
    return sum(outcomes) / len(outcomes) if outcomes else 1.0


def moment_of_loss(acknowledgements: Iterable[Acknowledgement], lost: str, began: float, takeover: float) -> float:
    """What age is counted back from: when the lost region took its last write, or the outage began if it took none.

    A dead region takes none after that; one that is merely not asked any more takes writes until the takeover.
    """
    taken = [each.at for each in acknowledgements if each.region == lost and each.at <= takeover]
    return max([began, *taken])


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
        if each.version not in survivor.versions:
            found[RECORDS].append(each)
        if each.correlation not in survivor.audited:
            found[AUDIT].append(each)
        if each.replication and objects.get(each.version) not in survivor.stored:
            found[REPLICATED if each.replication == "replicated" else PENDING].append(each)
    return found


def recovery_points(lacking: Mapping[str, Sequence[Acknowledgement]], loss: float) -> dict[str, float]:
    """By class of data, how long before the loss the oldest write was acknowledged that is missing; 0 if none is."""
    return {name: max([0.0, *(loss - each.at for each in rows)]) for name, rows in lacking.items()}


def lost_for_good(acknowledgements: Sequence[Acknowledgement], final: Sequence[Holdings]) -> int:
    """How many acknowledged writes some region lacks in the end, in whatever part: data, audit row or bytes."""
    objects = known_objects(final)
    lacking = {
        each.mark
        for held in final
        for rows in missing(acknowledgements, held, objects, float("inf")).values()
        for each in rows
    }
    return len(lacking)


def known_objects(holdings: Iterable[Holdings]) -> dict[str, str]:
    """By document version the key of its object, as far as anybody has the row."""
    return {version: key for held in holdings for version, key in held.objects.items()}


def duplicates(final: Iterable[Holdings]) -> int:
    """How many versions there are beyond one for each write; the same version in both regions is one."""
    versions = {version: mark for held in final for version, mark in held.versions.items()}
    return sum(times - 1 for times in Counter(versions.values()).values())


def failback_time(requests: Iterable[Request], region: str, healed: float, healthy_again: float | None) -> float | None:
    """From the end of the outage to the first request that the region serves once it is healthy; None if none was."""
    if healthy_again is None:
        return None
    served = [
        request.ended
        for request in requests
        if request.region == region and request.outcome == "served" and request.began >= healthy_again
    ]
    return max(0.0, min(served) - healed) if served else None
