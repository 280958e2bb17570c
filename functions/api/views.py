"""What callers are shown: without keys, organisation and digests. The API's description is made from these."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from functions.shared.table import Values

from attrs import fields, frozen


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


@frozen(kw_only=True)
class Documents:
    """A page of documents."""

    documents: tuple[Document, ...]
    next: str | None


@frozen(kw_only=True)
class Upload:
    """Where and with which headers to upload, and in ``upload`` what completes it."""

    upload: str
    method: str
    url: str
    headers: dict[str, str]
    expires_at: str


@frozen(kw_only=True)
class Download:
    """Where to fetch a document, and what to compare it with."""

    url: str
    expires_at: str
    content_type: str
    size: int
    sha256: str


@frozen(kw_only=True)
class AuditEvent:
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

    @classmethod
    def of(cls, row: Values) -> AuditEvent:
        """Returns a row as auditors see it; of one that was damaged, what is left."""
        return cls(**{field.name: row.get(field.name) for field in fields(cls)})  # type: ignore[arg-type]


@frozen(kw_only=True)
class AuditFault:
    """A row that was ``changed``, or from which on rows are ``missing``."""

    region: str
    sequence: int
    kind: str


@frozen(kw_only=True)
class AuditTrail:
    """A page of a trail; ``chains`` says of each region's chain ``intact``, ``incomplete`` or ``broken``."""

    events: tuple[AuditEvent, ...]
    chains: dict[str, str]
    faults: tuple[AuditFault, ...]
    next: str | None
