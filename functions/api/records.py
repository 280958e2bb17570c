"""Clinical records: immutable versions in the table, each written together with its audit row."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from http import HTTPStatus
from typing import Any

from functions.api.access import Access, Answer, answer
from functions.api.models import RECORD_BYTES, NewRecord, parse
from functions.shared.audit import Trail
from functions.shared.clients import Clients
from functions.shared.configuration import Configuration
from functions.shared.problems import invalid
from functions.shared.table import Values, addition, instant, now, pack, page, transact

from attrs import frozen

PAGE_LIMIT = 100
PAGE_DEFAULT = 50
_KEY = re.compile(r"record#[0-9a-f-]{36}#[0-9]{6}#[a-z0-9-]+")


def versioned(kind: str, identity: str, version: int, region: str) -> str:
    """Returns a sort key: text order is version order, and two regions' concurrent versions are two items."""
    return f"{kind}#{identity}#{version:06d}#{region}"


@frozen
class Records:
    """The records of all patients, in one region's replica of the table."""

    clients: Clients
    configuration: Configuration
    trail: Trail

    def create(self, access: Access) -> Answer:
        """Adds version 1 of a new record and the audit row of it: both or none."""
        access.content_type(("application/json",))
        record = parse(access.body(RECORD_BYTES), NewRecord)
        identity, region = str(uuid.uuid4()), self.configuration.aws_region
        values: Values = {
            "patient_id": access.partition,
            "record_id": versioned("record", identity, 1, region),
            "facility_id": access.entry.caller.scoped(record.facility_id),
            "recorded_at": instant(record.recorded_at),
            "record_type": record.record_type.value,
            "content": record.content,
            "version": 1,
            "region": region,
            "created_at": now(),
            "created_by": access.entry.caller.actor,
        }
        transact(
            self.clients.dynamodb,
            addition(self.configuration.patient_records_table, values, "record_id"),
            self.trail.addition(access.audited(HTTPStatus.CREATED, f"record/{identity}")),
        )
        location = f"/patients/{access.entry.patient_id}/records/{identity}"
        return answer(HTTPStatus.CREATED, _shown(values), Location=location)

    def list(self, access: Access) -> Answer:
        """Returns a page of the patient's records, and in ``next`` what to pass as ``after`` for the following one."""
        limit, after = _asked(access.event.query_string_parameters)
        start = pack({"patient_id": access.partition, "record_id": after})
        table, options = self.configuration.patient_records_table, {"ExclusiveStartKey": start} if after else {}
        rows, last = page(self.clients.dynamodb, table, access.partition, "record#", Limit=limit, **options)
        following = base64.urlsafe_b64encode(last.encode()).decode() if last else None
        return answer(HTTPStatus.OK, {"records": [_shown(row) for row in rows], "next": following})


def _shown(values: Values) -> dict[str, Any]:
    """Returns a record as callers see it: without keys and organisation."""
    return {
        "record_id": str(values["record_id"]).split("#")[1],
        "version": values["version"],
        "region": values["region"],
        "record_type": values["record_type"],
        "facility_id": str(values["facility_id"]).partition("#")[2],
        "recorded_at": values["recorded_at"],
        "created_at": values["created_at"],
        "created_by": values["created_by"],
        "content": json.loads(str(values["content"])),
    }


def _asked(parameters: dict[str, str]) -> tuple[int, str]:
    """Returns limit and starting key; a key of another partition cannot be expressed."""
    if set(parameters) - {"limit", "after"}:
        raise invalid("query parameters other than 'limit' and 'after' are refused")
    limit, after = parameters.get("limit", str(PAGE_DEFAULT)), parameters.get("after", "")
    if not re.fullmatch(r"[0-9]{1,3}", limit, re.ASCII) or not 1 <= int(limit) <= PAGE_LIMIT:
        raise invalid(f"'limit' must be a number from 1 to {PAGE_LIMIT}")
    if not after:
        return int(limit), ""
    try:
        key = base64.b64decode(after, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        key = ""
    if not _KEY.fullmatch(key):
        raise invalid("'after' must be the 'next' of an earlier page")
    return int(limit), key
