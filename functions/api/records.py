"""Clinical records: immutable versions in the table, each written together with its audit row."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus

from functions.api import views
from functions.api.access import Access
from functions.api.answers import Answer, ProblemError, answer, invalid
from functions.api.exact import Verbatim
from functions.api.models import RECORD_BYTES, UUID, UUID_RULE, NewRecord, Retraction, checked, moment, parse
from functions.api.versions import Change, History, Versions, bounded, derived, digest, etag, replay, size, unchanged
from functions.shared.table import Values, instant

from attrs import frozen

KIND = "record"
FACILITY_INDEX = "facility-time-index"
# The columns of the index's key, by which a page goes on.
_INDEX_KEY = ("facility_id", "recorded_at", "patient_id", "record_id")


@frozen
class Records:
    """The records of all patients, in one region's replica of the table."""

    versions: Versions

    def create(self, access: Access) -> Answer:
        """Adds version 1 of a new record and the audit row of it: both or none.

        Under an idempotency key the record's id is made of organisation, patient and key, so that a retry is known by
        it in every region.
        """
        key = access.idempotency_key
        identity = derived(access.partition, KIND, key) if key else str(uuid.uuid4())
        location = f"/patients/{access.entry.entity}/records/{identity}"
        return self._write(access, identity, HTTPStatus.CREATED, lambda _: None).including(Location=location)

    def list(self, access: Access) -> Answer:
        """Returns a page of the patient's current records; retracted ones are left out unless they are asked for."""
        retracted = access.query.get("retracted", "false")
        if retracted not in ("false", "true"):
            raise invalid("'retracted' must be true or false")
        found, following = self.versions.page(
            access, KIND, lambda history: retracted == "true" or not history.retracted, retracted=retracted
        )
        return answer(HTTPStatus.OK, views.Records(records=tuple(map(shown, found)), next=following))

    def read(self, access: Access, record_id: str) -> Answer:
        """Returns the record as it is now; where regions diverged, all of its heads and how to merge them."""
        history = self.versions.history(access.partition, KIND, _uuid(record_id))
        if not history.rows:
            raise _no_such_record()
        if history.retracted:
            raise _gone()
        return answer(HTTPStatus.OK, shown(history), ETag=history.etag)

    def history(self, access: Access, record_id: str) -> Answer:
        """Returns a page of the record's versions, the newest first."""
        limit, after = access.paging(self.versions.seals, record=_uuid(record_id))
        prefix = f"{KIND}#{record_id}#"
        rows = self.versions.table.items(access.partition, prefix, after=after or "", ScanIndexForward=False)
        found, more = bounded(rows, limit, size)
        if not found and not after:
            raise _no_such_record()
        following = access.following(self.versions.seals, more and found[-1]["record_id"], record=record_id)
        return answer(HTTPStatus.OK, views.Versions(versions=tuple(map(version, found)), next=following))

    def update(self, access: Access, record_id: str) -> Answer:
        """Adds a version that is based on what is there: where regions diverged, on all heads, which it merges."""
        return self._write(access, _uuid(record_id), HTTPStatus.OK, partial(_unchanged, access.if_match))

    def retract(self, access: Access, record_id: str) -> Answer:
        """Adds a version that tells why the record is taken back, once; nothing is deleted.

        A retry whose first answer was lost is told 410: the record is retracted.
        """
        reason = access.query.get("reason", "")
        if reason not in list(Retraction):
            raise invalid(f"'reason' must be one of: {', '.join(Retraction)}")
        change = Change(
            kind=KIND,
            identity=_uuid(record_id),
            fields={"retraction": reason},
            request=digest(reason),
            resource=record_id,
            check=partial(_retractable, access.if_match),
        )
        row, _ = self.versions.write(access, change)
        return answer(HTTPStatus.OK, version(row), ETag=etag([row]))

    def at_facility(self, access: Access) -> Answer:
        """Returns a page of a facility's current records in the order of their time.

        The index holds superseded versions as well, which are left out: a page may hold fewer records than its limit,
        or none, and yet have a next one. A record that regions, cut off from each other, moved to different facilities
        or times is listed at each.
        """
        parameters, facility = access.query, access.partition.replace("#facility:", "#", 1)
        start = moment("from", parameters.get("from", "1900-01-01T00:00:00Z"))
        end = moment("to", parameters.get("to", "2199-12-31T23:59:59.999999Z"))
        limit, after = access.paging(self.versions.seals, start=start, end=end)
        rows = self.versions.table.query(
            "#facility = :facility AND #time BETWEEN :start AND :end",
            {"#facility": "facility_id", "#time": "recorded_at"},
            {":facility": facility, ":start": start, ":end": end},
            after,
            IndexName=FACILITY_INDEX,
        )
        if start > end:  # DynamoDB refuses to look for that
            rows = iter(())
        # Each row costs a look at its record: is this version one of the current ones?
        looks = ((row, self._of(row)) for row in rows)
        seen, more = bounded(looks, limit, lambda look: sum(map(size, look[1].rows)))
        last = more and {name: seen[-1][0][name] for name in _INDEX_KEY}
        following = access.following(self.versions.seals, last, start=start, end=end)

        def listed(history: History) -> str | None:
            """The version as which the record is in this list, the first head that belongs here: it is there once."""
            heads = (head for head in history.heads if head.get("facility_id") == facility)
            return next((head["record_id"] for head in heads if start <= head["recorded_at"] <= end), None)

        found = [history for row, history in seen if listed(history) == row["record_id"]]
        return answer(HTTPStatus.OK, views.Records(records=tuple(map(shown, found)), next=following))

    def _of(self, row: Values) -> History:
        return self.versions.history(row["patient_id"], KIND, row["record_id"].split("#")[1])

    def _write(self, access: Access, identity: str, status: HTTPStatus, check: Callable[[History], object]) -> Answer:
        body, _ = access.body(RECORD_BYTES)
        key, record = access.idempotency_key, parse(body, NewRecord)
        change = Change(
            kind=KIND,
            identity=identity,
            fields={
                "facility_id": access.entry.caller.scoped(record.facility_id),
                "recorded_at": instant(record.recorded_at),
                "record_type": record.record_type.value,
                "content": record.content,
            },
            request=digest(body),
            resource=identity,
            key=key,
            status=status,
            check=check,
        )
        row, replayed = self.versions.write(access, change)
        return answer(status, version(row), ETag=etag([row]), **replay(replayed))


def version(row: Values) -> views.Record:
    """Returns one version as callers see it."""
    return views.Record(
        patient_id=row["patient_id"].partition("#")[2],
        record_id=row["record_id"].split("#")[1],
        version=row["version"],
        etag=etag([row]),
        region=row["region"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        record_type=row.get("record_type"),
        facility_id=row["facility_id"].partition("#")[2] if "facility_id" in row else None,
        recorded_at=row.get("recorded_at"),
        content=Verbatim(row.get("content", "null")),
        retraction=row.get("retraction"),
        divergence=None,
    )


def shown(history: History) -> views.Record:
    """Returns a record as it is now, as callers see it."""
    current = version(history.current)
    if len(history.heads) > 1:
        merge = f"PUT the merged record with If-Match: {history.etag}"
        current["etag"] = history.etag
        current["divergence"] = views.Divergence(heads=tuple(map(version, history.heads)), merge=merge)
    return current


def _uuid(record_id: str) -> str:
    return checked("record_id", record_id, UUID, UUID_RULE)


def _unchanged(tags: Sequence[str], history: History) -> None:
    if not history.rows:
        raise _no_such_record()
    unchanged(tags, history)


def _retractable(tags: Sequence[str], history: History) -> None:
    # Before If-Match, as RFC 9110 has it (13.2.1). Retractions of two regions are two heads, which one more merges.
    if history.rows and history.retracted and len(history.heads) == 1:
        raise _gone()
    _unchanged(tags, history)


def _gone() -> ProblemError:
    return ProblemError(HTTPStatus.GONE, "retracted", "The record was retracted; its history tells why.")


def _no_such_record() -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, "no-such-record", "The patient has no record of this id.")
