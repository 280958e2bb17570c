"""Immutable versions of records and documents, and what becomes of them when two regions write at once.

A version names those that it is based on. The heads are the versions on which no other is based: one, as long as the
regions see each other's writes. Versions that were written while the regions were cut off are all kept and all heads,
until a version that is based on all of them merges them.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from itertools import groupby
from typing import TypeVar

from functions.api.access import Access
from functions.api.answers import ProblemError
from functions.api.seals import Seals
from functions.shared.audit import Trail
from functions.shared.table import ConflictError, Table, Values, now, pause

from attrs import define, frozen

# A write reads all versions up to six times (_ROUNDS, and a document's before that), and has 19 s until another attempt
# could outlast the budget.
# So many of the largest are 33 MB: 2.7 s at the 12 MB/s that a partition of DynamoDB gives (3,000 units of 4 KB a
# second: "Best practices for designing and using partition keys" in its Developer Guide).
LIMIT = 500
# Two writers of one thing race for a version; each round has one winner.
_ROUNDS = 5
_NAMESPACE = uuid.UUID("5d0c1d5e-6f0b-5c3e-9a55-2a3c4b1f7d10")
# Lambda answers with 6 MB at most; one more item than fits in this still does, and so do records that diverged, whose
# current version is shown twice. As much is read for a page of a list.
PAGE_BYTES = 3 * 1024 * 1024
ROW_BYTES = 1_024
# Sorts after every version of the same thing.
_LAST = "~"

_Item = TypeVar("_Item")


def derived(*parts: str) -> str:
    """Returns the id that these parts always have, in every region."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))


def digest(*parts: str | bytes) -> str:
    """Returns what a request is compared by with one that came before under the same key."""
    hashed = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
        hashed.update(hashlib.sha256(data).digest())
    return hashed.hexdigest()


@define(slots=False)
class History:
    """All versions of one thing, as far as this region has them, in the order of their numbers."""

    rows: tuple[Values, ...]

    @cached_property
    def heads(self) -> list[Values]:
        """The versions on which no other is based, the current one first.

        A live version goes before a retracted one, then the higher number. Rows of one version id are one write that
        was made in two regions under one idempotency key.
        """
        parents, superseded = dict[str, set[str]](), set[str]()
        for row in self.rows:
            version_id, named = row["version_id"], row["parents"].split()
            if version_id in superseded:
                # A retry where the first attempt had not come yet, but what is based on it had: that stays on top.
                named = [parent for parent in named if version_id not in _ancestors(parent, parents)]
            parents.setdefault(version_id, set()).update(named)
            superseded.update(named)
        heads = {row["version_id"]: row for row in reversed(self.rows) if row["version_id"] not in superseded}
        order = sorted(heads.values(), key=lambda row: ("retraction" not in row, row["version"], row["version_id"]))
        return order[::-1]

    @property
    def current(self) -> Values:
        """The version that is read."""
        return self.heads[0]

    @property
    def retracted(self) -> bool:
        """Whether it was retracted, and no region knows better."""
        return "retraction" in self.current

    @property
    def etag(self) -> str:
        """The entity tag: it names all heads, so an update under it is based on all of them."""
        return etag(self.heads)


def etag(rows: Iterable[Values]) -> str:
    """Returns the entity tag of these versions together."""
    return '"' + ".".join(sorted(row["version_id"] for row in rows)) + '"'


def _ancestors(version_id: str, parents: Mapping[str, set[str]]) -> set[str]:
    """Returns all that a version is based on."""
    found, following = set[str](), [version_id]
    while following:
        new = parents.get(following.pop(), set()) - found
        found |= new
        following += new
    return found


@frozen(kw_only=True)
class Change:
    """A version to be added."""

    kind: str
    identity: str
    fields: Values
    request: str
    """Digest of the request, to tell a retry from another request under the same idempotency key."""
    resource: str
    """What the audit row calls it."""
    key: str | None = None
    """The idempotency key."""
    status: HTTPStatus = HTTPStatus.OK
    check: Callable[[History], object] = lambda _: None
    """Raises ProblemError where the change must not follow upon what is there."""


@frozen
class Versions:
    """The versions in one region's table of records."""

    table: Table
    trail: Trail
    seals: Seals
    region: str

    def history(self, partition: str, kind: str, identity: str) -> History:
        """Returns all versions of one thing, none if there is no such thing."""
        return History(tuple(self.table.items(partition, f"{kind}#{identity}#")))

    def retried(self, access: Access, change: Change, history: History) -> Values | None:
        """Returns the version that an earlier attempt of the same request added, if any.

        Raises:
            ProblemError: the idempotency key came with another request before, or there are as many versions as may be.
        """
        retry = _retry(access, change)
        same = [row for row in history.rows if row["retry"] == retry]
        first = min(same, key=lambda row: row["region"] != self.region, default=None)
        if first and first["request"] != change.request:
            detail = "The Idempotency-Key was used for another request."
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
        # A retraction holds no content, and must always be possible; so must a merge, which leaves one head of several.
        full = len(history.rows) >= LIMIT and len(history.heads) == 1
        if not first and full and "retraction" not in change.fields:
            detail = f"There are {LIMIT} versions, which is the limit: go on with a new record, or under another name."
            raise ProblemError(HTTPStatus.CONFLICT, "too-many-versions", detail)
        return first

    def write(self, access: Access, change: Change) -> tuple[Values, bool]:
        """Adds a version and its audit row, both or none; of a request made before, the audit row only.

        Returns:
            The version, and whether an earlier attempt had added it.
        """
        entry, retry = access.audited(change.status, change.resource), _retry(access, change)
        # The same write, made in two regions under one key, has one id: it is no divergence.
        version_id = derived(retry, change.request) if retry else str(uuid.uuid4())
        for attempt in range(_ROUNDS):
            history = self.history(access.partition, change.kind, change.identity)
            if first := self.retried(access, change, history):
                self.trail.append(entry)
                return first, True
            change.check(history)
            # Not of the heads alone: rows of one version id, written in two regions, may have different numbers.
            version = max((row["version"] for row in history.rows), default=0) + 1
            row: Values = {
                "patient_id": access.partition,
                # Text order is version order, and versions of two regions are two items.
                "record_id": f"{change.kind}#{change.identity}#{version:06d}#{self.region}",
                "version": version,
                "version_id": version_id,
                "retry": retry or version_id,
                "parents": " ".join(head["version_id"] for head in history.heads),
                "request": change.request,
                "region": self.region,
                "created_at": now(),
                "created_by": access.entry.caller.actor,
                **change.fields,
            }
            try:
                self.trail.append(entry, self.table.addition(row))
            except ConflictError as error:
                if not error.failed:
                    raise
                pause(attempt)  # another version has come in between
                continue
            return row, False
        raise ConflictError

    def page(
        self, access: Access, kind: str, shown: Callable[[History], bool], **purpose: str
    ) -> tuple[list[History], str | None]:
        """Returns a page of the patient's things of a kind, and the token of the next page if there is any."""
        limit, after = access.paging(self.seals, **purpose)
        histories = grouped(self.table.items(access.partition, f"{kind}#", after=after or ""))
        seen, more = bounded(histories, limit, lambda history: sum(map(size, history.rows)), shown)
        last = more and seen[-1].current["record_id"].rsplit("#", 2)[0] + f"#{_LAST}"
        return list(filter(shown, seen)), access.following(self.seals, last, **purpose)


def _retry(access: Access, change: Change) -> str | None:
    """Returns by what a retry of the request is known in every region, None without a key."""
    if change.key is None:
        return None
    return derived(access.partition, access.route.action, change.kind, change.identity, change.key)


def unchanged(tags: Sequence[str], history: History) -> None:
    """Raises ProblemError where what is there has none of these entity tags, or nothing is there."""
    if not history.rows or history.etag not in tags:
        detail = "What is there is not what If-Match names: read it, and change that."
        raise ProblemError(HTTPStatus.PRECONDITION_FAILED, "precondition-failed", detail)


def replay(replayed: bool) -> dict[str, str]:
    """Returns the header of an answer that an earlier attempt of the same request was given."""
    return {"Idempotency_Replayed": "true"} if replayed else {}


def grouped(rows: Iterator[Values]) -> Iterator[History]:
    """Yields the histories that consecutive rows make up."""
    for _, group in groupby(rows, key=lambda row: row["record_id"].rsplit("#", 2)[0]):
        yield History(tuple(group))


def bounded(
    items: Iterable[_Item],
    limit: int,
    size_of: Callable[[_Item], int],
    counts: Callable[[_Item], bool] = lambda _: True,
) -> tuple[list[_Item], bool]:
    """Returns the first items, those that count towards the limit and others, and whether there are more."""
    found, counted, total = list[_Item](), 0, 0
    for item in items:
        if counted == limit or total > PAGE_BYTES:
            return found, True
        found.append(item)
        counted += counts(item)
        total += size_of(item)
    return found, False


def size(row: Values) -> int:
    """Returns about how many bytes a version takes in an answer, which is JSON as text within JSON."""
    return ROW_BYTES + len(json.dumps(row.get("content", "")))
