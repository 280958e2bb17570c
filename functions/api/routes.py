"""The table of routes: what is served, by whom, to whom. The handler and the API's description are made from it."""

from http import HTTPStatus
from typing import Any

from functions.api import views
from functions.api.access import Route
from functions.api.documents import Documents
from functions.api.models import CONTENT_TYPES, Completion, NewRecord, NewUpload
from functions.api.records import Records
from functions.api.trails import Trails
from functions.api.transfers import Transfers
from functions.shared.callers import Role

_RECORDS = "/patients/{patient_id}/records"
_RECORD = f"{_RECORDS}/{{record_id}}"
_DOCUMENTS = "/patients/{patient_id}/documents"
_DOCUMENT = f"{_DOCUMENTS}/{{name}}"
_KEYED = ("Idempotency-Key",)
_PAGE = ("after", "limit")
_WRITE: dict[str, Any] = {"audits": True, "headers": _KEYED, "takes": NewRecord, "gives": views.Record}
_CONDITIONAL = ("If-Match", "Idempotency-Key")
_UPDATE: dict[str, Any] = {
    **_WRITE,
    "headers": _CONDITIONAL,
    "refusals": (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_REQUIRED),
}
_RETRACT: dict[str, Any] = {
    **_WRITE,
    "headers": ("If-Match",),
    "takes": (),
    "query": ("reason",),
    "refusals": (HTTPStatus.GONE, HTTPStatus.PRECONDITION_REQUIRED),
}
_ADD: dict[str, Any] = {
    "audits": True,
    "gives": views.Document,
    "status": HTTPStatus.CREATED,
    "refusals": (HTTPStatus.CONFLICT,),
}
_BEGIN: dict[str, Any] = {**_ADD, "headers": _KEYED, "takes": NewUpload, "gives": views.Upload, "refusals": ()}
_COMPLETE: dict[str, Any] = {
    **_ADD,
    "headers": ("If-Match",),
    "takes": Completion,
    "refusals": (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
}
_GET: dict[str, Any] = {"query": ("version",), "gives": CONTENT_TYPES, "refusals": (HTTPStatus.CONFLICT,)}
_DOWNLOAD: dict[str, Any] = {"query": ("version",), "gives": views.Download}
_STATUS: dict[str, Any] = {"roles": frozenset({Role.CLINICIAN, Role.OPERATOR}), "gives": views.Document}
_AUDIT: dict[str, Any] = {"roles": frozenset({Role.AUDITOR}), "gives": views.AuditTrail, "query": _PAGE}
_AT: dict[str, Any] = {"query": (*_PAGE, "from", "to"), "gives": views.Records}

ROUTES: dict[type, tuple[Route, ...]] = {
    Records: (
        Route("POST", _RECORDS, "record.create", Records.create, **_WRITE, status=HTTPStatus.CREATED),
        Route("GET", _RECORDS, "record.list", Records.list, query=(*_PAGE, "retracted"), gives=views.Records),
        Route("GET", _RECORD, "record.read", Records.read, gives=views.Record, refusals=(HTTPStatus.GONE,)),
        Route("PUT", _RECORD, "record.update", Records.update, **_UPDATE),
        Route("DELETE", _RECORD, "record.retract", Records.retract, **_RETRACT),
        Route("GET", f"{_RECORD}/history", "record.history", Records.history, query=_PAGE, gives=views.Versions),
        Route("GET", "/facilities/{facility_id}/records", "facility.list", Records.at_facility, **_AT),
    ),
    Documents: (
        Route("GET", _DOCUMENTS, "document.list", Documents.list, query=_PAGE, gives=views.Documents),
        Route("PUT", _DOCUMENT, "document.put", Documents.put, **_ADD, headers=_CONDITIONAL, takes=CONTENT_TYPES),
        Route("GET", _DOCUMENT, "document.get", Documents.get, **_GET),
        Route("GET", f"{_DOCUMENT}/status", "document.status", Documents.status, **_STATUS),
    ),
    Transfers: (
        Route("POST", f"{_DOCUMENT}/uploads", "document.upload", Transfers.begin, **_BEGIN),
        Route("POST", f"{_DOCUMENT}/versions", "document.complete", Transfers.complete, **_COMPLETE),
        Route("GET", f"{_DOCUMENT}/download", "document.download", Transfers.download, **_DOWNLOAD),
    ),
    Trails: (Route("GET", "/patients/{patient_id}/audit", "audit.read", Trails.read, **_AUDIT),),
}
