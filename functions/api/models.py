"""What callers may send: frozen values, structured from JSON with every broken rule reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NewType, NoReturn, TypeVar

from functions.shared.problems import ProblemError, invalid
from functions.shared.table import instant

from attrs import frozen
from cattrs import AttributeValidationNote, ClassValidationError, Converter, ForbiddenExtraKeysError

# No '#': it separates the parts of a key. A first letter or digit keeps '-' free as "no patient".
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
IDENTIFIER_RULE = "must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A clinical record is a note or a coded resource; anything larger is a document.
CONTENT_BYTES = 65_536
# Deeper than any clinical resource, and far from where JSON libraries give up.
CONTENT_DEPTH = 32
RECORD_BYTES = CONTENT_BYTES + 1_024
# Requests that hold nothing of a patient's.
REQUEST_BYTES = 4_096
CONTENT_TYPES = ("application/dicom", "application/pdf", "image/jpeg", "image/png", "text/plain")
# What S3 takes in one PUT.
UPLOAD_BYTES = 5 * 1024**3
_YEARS = range(1900, 2200)

FacilityId = NewType("FacilityId", str)
Moment = NewType("Moment", datetime)
Content = NewType("Content", str)
"""A JSON text: stored as it came, so no number loses digits on the way."""
DocumentType = NewType("DocumentType", str)
DocumentSize = NewType("DocumentSize", int)
Sha256 = NewType("Sha256", str)
Token = NewType("Token", str)

_Model = TypeVar("_Model")


class RecordType(StrEnum):
    """Kinds of clinical record."""

    ALLERGY = "allergy"
    CONDITION = "condition"
    ENCOUNTER = "encounter"
    IMMUNIZATION = "immunization"
    MEDICATION = "medication"
    NOTE = "note"
    OBSERVATION = "observation"
    PROCEDURE = "procedure"


@frozen(kw_only=True)
class NewRecord:
    """A clinical record as a caller sends it."""

    record_type: RecordType
    facility_id: FacilityId
    recorded_at: Moment
    content: Content


@frozen(kw_only=True)
class NewUpload:
    """A document that is to be uploaded by a URL."""

    content_type: DocumentType
    size: DocumentSize
    sha256: Sha256


@frozen(kw_only=True)
class Completion:
    """What the beginning of an upload returned."""

    upload: Token


class Retraction(StrEnum):
    """Why a record is taken back; a fixed list, for it stands in the query."""

    DUPLICATE = "duplicate"
    ENTERED_IN_ERROR = "entered-in-error"
    PATIENT_REQUEST = "patient-request"
    WRONG_PATIENT = "wrong-patient"


class _BrokenRuleError(ValueError):
    """A field's value breaks its rule; the message is the rule, never the value: it may identify a patient."""


def parse(body: bytes, model: type[_Model]) -> _Model:
    """Returns ``body`` structured as ``model``.

    Raises:
        ProblemError: it is not JSON, or breaks rules of the model; all of them are named.
    """
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "malformed-json", "The body must be a JSON object.")
    try:
        return _converter.structure(document, model)
    except ClassValidationError as error:
        raise invalid(*_faults(error)) from error


def identifier(name: str, value: str) -> str:
    """Returns ``value`` if it is an identifier; ``name`` is the field of the message.

    Raises:
        ProblemError: it is none.
    """
    if not IDENTIFIER.fullmatch(value):
        raise invalid(f"'{name}' {IDENTIFIER_RULE}")
    return value


def moment(name: str, value: str) -> str:
    """Returns a moment of the query as the table holds it.

    Raises:
        ProblemError: it is none.
    """
    try:
        return instant(_moment(value, None))
    except _BrokenRuleError as error:
        raise invalid(f"'{name}' {error}") from error


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and infinities are not JSON")


def _faults(error: ClassValidationError) -> Iterator[str]:
    for fault in error.exceptions:
        note = next((n for n in getattr(fault, "__notes__", ()) if isinstance(n, AttributeValidationNote)), None)
        if isinstance(fault, ForbiddenExtraKeysError):
            yield "fields other than those described are refused"
        elif isinstance(fault, KeyError):
            yield f"'{fault.args[0]}' is required"
        elif isinstance(fault, _BrokenRuleError) and note is not None:
            yield f"'{note.name}' {fault}"


def _moment(value: Any, _: Any) -> datetime:
    rule = f"must be an RFC 3339 date-time with an offset, in the years {_YEARS.start} to {_YEARS.stop - 1}"
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _BrokenRuleError(rule) from error
    if found.tzinfo is None or found.year not in _YEARS:
        raise _BrokenRuleError(rule)
    return found


def _content(value: Any, __: Any) -> str:
    if not isinstance(value, (str, dict)) or not value:
        raise _BrokenRuleError("must be a text or an object, and not empty")
    level = [value]
    for _ in range(CONTENT_DEPTH):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))]
        level = [item for items in inner for item in items]
    if level:
        raise _BrokenRuleError(f"must not nest deeper than {CONTENT_DEPTH} levels")
    text = json.dumps(value, separators=(",", ":"))
    if len(text) > CONTENT_BYTES:
        raise _BrokenRuleError(f"must not exceed {CONTENT_BYTES} bytes as JSON")
    return text


def _hook(rule: str, holds: Callable[[Any], bool], make: Callable[[Any], Any] = lambda value: value) -> Any:
    """Returns a structure hook that takes the values for which a rule holds."""

    def structure(value: Any, _: Any) -> Any:
        if not holds(value):
            raise _BrokenRuleError(rule)
        return make(value)

    return structure


def _one_of(kinds: Iterable[str], make: Callable[[Any], Any]) -> Any:
    known = list(kinds)
    return _hook(f"must be one of: {', '.join(known)}", known.__contains__, make)


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_converter = Converter(forbid_extra_keys=True)
for _type, _structure in {
    Content: _content,
    DocumentSize: _hook(
        f"must be a whole number from 1 to {UPLOAD_BYTES}",
        # 87.0 is a whole number in JSON.
        lambda value: type(value) in (int, float) and 1 <= value <= UPLOAD_BYTES and value == int(value),
        int,
    ),
    DocumentType: _one_of(CONTENT_TYPES, str),
    FacilityId: _hook(IDENTIFIER_RULE, _matches(IDENTIFIER)),
    Moment: _moment,
    RecordType: _one_of(RecordType, RecordType),
    Sha256: _hook("must be 64 hexadecimal digits in lower case", _matches(re.compile("[0-9a-f]{64}"))),
    Token: _hook("must be a text", lambda value: isinstance(value, str)),
}.items():
    _converter.register_structure_hook(_type, _structure)
