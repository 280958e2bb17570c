"""What was seen of one scenario; all times are of `time.monotonic()`, in seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from drill.holdings import Holdings
from drill.route53 import Kept

import attrs


@attrs.frozen(kw_only=True)
class Acknowledgement:
    """A write that the API took.

    Attributes:
        mark: What it is known by, and its idempotency key: different for each write of a drill.
        patient: Whose data.
        region: Which region took it.
        at: When the client knew.
        version: The id of the version, from the entity tag.
        correlation: By what its audit row is found.
        replication: What a document's answer says of its copy; None for a record.
    """

    mark: str
    patient: str
    region: str
    at: float
    version: str
    correlation: str
    replication: str | None = None


@attrs.frozen(kw_only=True)
class Request:
    """One attempt of a client, as it saw it; times are of `time.monotonic()`.

    Attributes:
        client: Who.
        began: When it began to resolve the name.
        ended: When the answer was there, or the client gave up.
        region: Which region the name led to; None if it led nowhere.
        kind: `record`, `correction`, `document`, or the reading of one: `read record`, `read document`.
        outcome: `served`, `failed` (no answer, or the server's fault), `stale` (not yet copied to where it was read, or
            to be corrected from what is there by now) or `wrong`.
        text: What came, for people, where it was not served.
        written: What is read back or corrected.
    """

    client: str
    began: float
    ended: float
    region: str | None
    kind: str
    outcome: str
    text: str = ""
    written: Acknowledgement | None = None


def lines(rows: Iterable[Acknowledgement | Request]) -> Iterator[str]:
    """Each as a line of JSON that says which of the two it is; times are Unix times, and `written` is a mark."""
    unix = time.time() - time.monotonic()
    for row in rows:
        content = attrs.asdict(row, recurse=False)
        content |= {name: round(content[name] + unix, 3) for name in ("at", "began", "ended") if name in content}
        if content.get("written"):
            content["written"] = content["written"].mark
        yield json.dumps({"row": type(row).__name__.lower(), **content}) + "\n"


@attrs.frozen
class Sample:
    """What was seen at one time: health, what waits to be copied, and how often DNS answered with which region."""

    at: float
    healthy: Mapping[str, bool]
    lags: Mapping[str, float]
    answered: Mapping[str, int]


@attrs.frozen
class Notice:
    """A message that the operations team got, and when."""

    at: float
    subject: str


@attrs.frozen(kw_only=True)
class Log:
    """All of it.

    Attributes:
        requests: Every attempt of every client.
        acknowledgements: Every write that was taken.
        samples: What was seen every interval.
        answers: What each client's resolver was answered, and when.
        patients: The clients, by their patients' names.
        keeping: Those that keep TTLs.
        notices: What the operations team was told.
        survivor: What the surviving region had at the takeover; None if nobody could tell.
        takeover: When it took over.
        final: What every region has in the end.
        began: When the clients began.
        broken: When the first thing broke.
        healed: When the last one was mended.
        ended: When the clients ended.
    """

    requests: Sequence[Request]
    acknowledgements: Sequence[Acknowledgement]
    samples: Sequence[Sample]
    answers: Sequence[Sequence[Kept]]
    patients: Sequence[str]
    keeping: frozenset[str]
    notices: Sequence[Notice]
    survivor: Holdings | None
    takeover: float
    final: Sequence[Holdings]
    began: float
    broken: float
    healed: float
    ended: float
