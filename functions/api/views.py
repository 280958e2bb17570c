"""What callers are shown: without keys, organisation and digests. The API's description is made from these."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypedDict


class Replication(StrEnum):
    """What is known of the copies of a document's bytes in other regions."""

    FAILED = "failed"
    NONE = "none"
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
    """A page of records, and in ``next`` what to pass as ``after`` for the following one, within a day."""

    records: tuple[Record, ...]
    next: str | None


class Versions(TypedDict):
    """A page of a record's versions, the newest first."""

    versions: tuple[Record, ...]
    next: str | None


class DocumentVersion(TypedDict):
    """One version of a document; ``superseded`` ones have another that is based on them."""

    version: int
    version_id: str
    content_type: str
    size: int
    sha256: str
    uploaded_at: str
    uploaded_by: str
    region: str
    superseded: bool


class Document(DocumentVersion):
    """The current version of a document.

    Where regions were cut off from each other it may be one of several: ``diverged``. Each of the ``versions`` is read
    with its ``version_id`` as the query's ``version``, and the next upload merges them. What ``replication`` says:
    ``replicated``, the bytes are in the other regions; ``pending``, they are on their way or nobody knows; ``failed``,
    S3 gave up; ``none``, they came before replication was set up. After the last two only the version's region has
    them: upload them again. ``versions``, the newest first, is None but in the status, and ``replication`` in lists.
    """

    name: str
    etag: str
    diverged: bool
    replication: Replication | None
    versions: tuple[DocumentVersion, ...] | None


class Documents(TypedDict):
    """A page of documents."""

    documents: tuple[Document, ...]
    next: str | None


class Upload(TypedDict):
    """Where and with which headers to upload, and in ``upload`` what completes it.

    The bytes are sent to the ``url`` with just these ``headers``, before ``expires_at``; then ``upload`` is posted to
    the document's 'versions', within six hours. If the region is lost meanwhile, begin again in another one.
    """

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
    """One access: who did what to which entity's data, when, from which region, and what came of it.

    Of a row that was tampered with, what is left: values may be missing or be texts.
    """

    event_id: str
    occurred_at: str | None
    actor_id: str | None
    action: str | None
    resource: str | None
    region: str | None
    result: str | None
    status: int | str | None
    correlation_id: str | None
    sequence: int | str | None
    previous: str | None
    hash: str | None


class AuditFault(TypedDict):
    """A row that was ``changed``, or from which on rows are ``missing``, or ``unconfirmed``: no head tells of them."""

    region: str
    sequence: int
    kind: str


class AuditTrail(TypedDict):
    """A page of a trail; ``chains`` says of each region's chain ``intact``, ``incomplete`` or ``broken``."""

    events: tuple[AuditEvent, ...]
    chains: dict[str, str]
    faults: tuple[AuditFault, ...]
    next: str | None
