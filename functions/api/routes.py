"""The table of routes: what is served, by whom, to whom. The handler and the API's description are made from it."""

from __future__ import annotations

from http import HTTPStatus

from functions.api import views
from functions.api.access import Route
from functions.api.documents import Documents
from functions.api.models import CONTENT_TYPES, Completion, NewRecord, NewUpload
from functions.api.records import Records
from functions.api.trails import Trails
from functions.api.transfers import Transfers
from functions.shared.callers import Role

_PATIENT = "/patients/{patient_id}"
_PAGE = ("after", "limit")

ROUTES: dict[type, tuple[Route, ...]] = {
    Records: (
        Route(
            method="POST",
            path=f"{_PATIENT}/records",
            action="record.create",
            endpoint=Records.create,
            audits=True,
            headers=("Idempotency-Key",),
            takes=NewRecord,
            gives=views.Record,
            status=HTTPStatus.CREATED,
        ),
        Route(
            method="GET",
            path=f"{_PATIENT}/records",
            action="record.list",
            endpoint=Records.list,
            query=(*_PAGE, "retracted"),
            gives=views.Records,
        ),
        Route(
            method="GET",
            path=f"{_PATIENT}/records/{{record_id}}",
            action="record.read",
            endpoint=Records.read,
            gives=views.Record,
            refusals=(HTTPStatus.GONE,),
        ),
        Route(
            method="PUT",
            path=f"{_PATIENT}/records/{{record_id}}",
            action="record.update",
            endpoint=Records.update,
            audits=True,
            headers=("If-Match", "Idempotency-Key"),
            takes=NewRecord,
            gives=views.Record,
        ),
        Route(
            method="DELETE",
            path=f"{_PATIENT}/records/{{record_id}}",
            action="record.retract",
            endpoint=Records.retract,
            audits=True,
            query=("reason",),
            headers=("If-Match",),
            gives=views.Record,
        ),
        Route(
            method="GET",
            path=f"{_PATIENT}/records/{{record_id}}/history",
            action="record.history",
            endpoint=Records.history,
            query=_PAGE,
            gives=views.Versions,
        ),
        Route(
            method="GET",
            path="/facilities/{facility_id}/records",
            action="facility.list",
            endpoint=Records.at_facility,
            query=(*_PAGE, "from", "to"),
            gives=views.Records,
        ),
    ),
    Documents: (
        Route(
            method="PUT",
            path=f"{_PATIENT}/documents/{{name}}",
            action="document.put",
            endpoint=Documents.put,
            audits=True,
            headers=("Idempotency-Key",),
            takes=CONTENT_TYPES,
            gives=views.Document,
            status=HTTPStatus.CREATED,
        ),
        Route(
            method="GET",
            path=f"{_PATIENT}/documents/{{name}}",
            action="document.get",
            endpoint=Documents.get,
            gives=CONTENT_TYPES,
            refusals=(HTTPStatus.CONFLICT,),
        ),
        Route(
            method="GET",
            path=f"{_PATIENT}/documents",
            action="document.list",
            endpoint=Documents.list,
            query=_PAGE,
            gives=views.Documents,
        ),
        Route(
            method="GET",
            path=f"{_PATIENT}/documents/{{name}}/status",
            action="document.status",
            endpoint=Documents.status,
            roles=frozenset({Role.CLINICIAN, Role.OPERATOR}),
            gives=views.Document,
        ),
    ),
    Transfers: (
        Route(
            method="POST",
            path=f"{_PATIENT}/documents/{{name}}/uploads",
            action="document.upload",
            endpoint=Transfers.begin,
            takes=NewUpload,
            gives=views.Upload,
            status=HTTPStatus.CREATED,
        ),
        Route(
            method="POST",
            path=f"{_PATIENT}/documents/{{name}}/versions",
            action="document.complete",
            endpoint=Transfers.complete,
            audits=True,
            refusals=(HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
            takes=Completion,
            gives=views.Document,
            status=HTTPStatus.CREATED,
        ),
        Route(
            method="GET",
            path=f"{_PATIENT}/documents/{{name}}/download",
            action="document.download",
            endpoint=Transfers.download,
            gives=views.Download,
        ),
    ),
    Trails: (
        Route(
            method="GET",
            path=f"{_PATIENT}/audit",
            action="audit.read",
            endpoint=Trails.read,
            roles=frozenset({Role.AUDITOR}),
            query=_PAGE,
            gives=views.AuditTrail,
        ),
    ),
}
