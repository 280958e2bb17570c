"""What callers are shown: without keys, organisation and digests. The API's description is made from these."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypedDict


class Replication(StrEnum):
    """Where a document's bytes are known to be."""

    PENDING = "pending"
    REPLICATED = "replicated"


class Divergence(TypedDict):
    """Versions of one record that were written while the regions could not see each other's."""

    heads: tuple[Record, ...]
    merge: str


class Record(TypedDict):
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


class Records(TypedDict):
    """A page of records, and in ``next`` what to pass as ``after`` for the following one."""

    records: tuple[Record, ...]
    next: str | None


class Versions(TypedDict):
    """A page of a record's versions, the newest first."""

    versions: tuple[Record, ...]
    next: str | None


class Document(TypedDict):
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


class Documents(TypedDict):
    """A page of documents."""

    documents: tuple[Document, ...]
    next: str | None


class Upload(TypedDict):
    """Where and with which headers to upload, and in ``upload`` what completes it."""

    upload: str
    method: str
    url: str
    headers: dict[str, str]
    expires_at: str


class Download(TypedDict):
    """Where to fetch a document, and what to compare it with."""

    url: str
    expires_at: str
    content_type: str
    size: int
    sha256: str


class AuditEvent(TypedDict):
    """One access: who did what to which entity's data, when, from which region, and what came of it."""

    event_id: str
    occurred_at: str
    actor_id: str
    action: str
    resource: str
    region: str
    result: str
    status: int
    correlation_id: str
    sequence: int
    previous: str
    hash: str


class AuditFault(TypedDict):
    """A row that was ``changed``, or from which on rows are ``missing``."""

    region: str
    sequence: int
    kind: str


class AuditTrail(TypedDict):
    """A page of a trail; ``chains`` says of each region's chain ``intact``, ``incomplete`` or ``broken``."""

    events: tuple[AuditEvent, ...]
    chains: dict[str, str]
    faults: tuple[AuditFault, ...]
    next: str | None
