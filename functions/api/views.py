"""What callers are shown: without keys, organisation and digests. The API's description is made from these."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import frozen


class Replication(StrEnum):
    """Where a document's bytes are known to be."""

    PENDING = "pending"
    REPLICATED = "replicated"


@frozen(kw_only=True)
class Divergence:
    """Versions of one record that were written while the regions could not see each other's."""

    heads: tuple[Record, ...]
    merge: str


@frozen(kw_only=True)
class Record:
    """One version of a record; only retracted ones have a ``retraction`` and lack the clinical fields."""

    patient_id: str
    record_id: str
    version: int
    etag: str
    region: str
    created_at: str
    created_by: str
    record_type: str | None
    facility_id: str | None
    recorded_at: str | None
    content: Any
    retraction: str | None
    divergence: Divergence | None


@frozen(kw_only=True)
class Records:
    """A page of records, and in ``next`` what to pass as ``after`` for the following one."""

    records: tuple[Record, ...]
    next: str | None


@frozen(kw_only=True)
class Versions:
    """A page of a record's versions, the newest first."""

    versions: tuple[Record, ...]
    next: str | None


@frozen(kw_only=True)
class Document:
    """The current version of a document; ``replication`` is None in lists, where it is not asked for."""

    name: str
    version: int
    etag: str
    content_type: str
    size: int
    sha256: str
    uploaded_at: str
    uploaded_by: str
    region: str
    diverged: bool
    replication: Replication | None
