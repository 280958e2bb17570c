"""What callers may send: frozen values, made from JSON with every broken rule reported at once."""

import math
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from functions.api import exact
from functions.api.answers import ProblemError, invalid
from functions.api.exact import Verbatim
from functions.shared.table import instant

from attrs import fields, frozen

# No '#': it separates the parts of a key. A first letter or digit keeps '-' free as "no patient".
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
IDENTIFIER_RULE = "must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UUID_RULE = "must be a UUID in lower case"
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
# RFC 3339 without leap seconds. What fromisoformat takes beyond it (weeks, no separators, anything for the T) is none.
_MOMENT = re.compile(
    r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)

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


class Retraction(StrEnum):
    """Why a record is taken back; a fixed list, for it stands in the query."""

    DUPLICATE = "duplicate"
    ENTERED_IN_ERROR = "entered-in-error"
    PATIENT_REQUEST = "patient-request"
    WRONG_PATIENT = "wrong-patient"


class _BrokenRuleError(ValueError):
    """A field's value breaks its rule; the message is the rule, never the value: it may identify a patient."""


def _moment(value: Any) -> datetime:
    rule = (
        f"must be an RFC 3339 date-time with an offset, in the years {_YEARS.start} to {_YEARS.stop - 1}, also in UTC"
    )
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise _BrokenRuleError(rule)
    try:
        found = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except ValueError as error:  # no such day
        raise _BrokenRuleError(rule) from error
    if found.year not in _YEARS:
        raise _BrokenRuleError(rule)
    return found


def _content(value: Any) -> str:
    if not isinstance(value, (str, dict)) or not value:
        raise _BrokenRuleError("must be a text or an object, and not empty")
    level = [value]
    for _ in range(CONTENT_DEPTH):
        # Most clients read a number as a double: what they would take for infinity is nobody's measurement.
        if any(isinstance(item, Verbatim) and math.isinf(float(item.text)) for item in level):
            raise _BrokenRuleError("must not hold a number beyond the range of a double (about 1.8e308)")
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))]
        level = [item for items in inner for item in items]
    if level:
        raise _BrokenRuleError(f"must not nest deeper than {CONTENT_DEPTH} levels")
    text = exact.written(value)
    if len(text) > CONTENT_BYTES:
        raise _BrokenRuleError(f"must not exceed {CONTENT_BYTES} bytes as JSON in ASCII")
    return text


def _size(value: Any) -> int:
    # 87.0 is a whole number in JSON.
    size = float(value.text) if isinstance(value, Verbatim) else 0.0
    if not 1 <= size <= UPLOAD_BYTES or not size.is_integer():
        raise _BrokenRuleError(f"must be a whole number from 1 to {UPLOAD_BYTES}")
    return int(size)


def _text(rule: str, holds: Callable[[str], object], made: Callable[[str], str] = str) -> Callable[[Any], str]:
    def checked_text(value: Any) -> str:
        if not isinstance(value, str) or not holds(value):
            raise _BrokenRuleError(rule)
        return made(value)

    return checked_text


def _one_of(known: Collection[str], made: Callable[[str], str] = str) -> Callable[[Any], str]:
    return _text(f"must be one of: {', '.join(known)}", set(known).__contains__, made)


FacilityId = Annotated[str, _text(IDENTIFIER_RULE, IDENTIFIER.fullmatch)]
Moment = Annotated[datetime, _moment]
Content = Annotated[str, _content]
"""A JSON text, whose numbers are as they came."""
DocumentType = Annotated[str, _one_of(CONTENT_TYPES)]
DocumentSize = Annotated[int, _size]
Sha256 = Annotated[str, _text("must be 64 hexadecimal digits in lower case", re.compile("[0-9a-f]{64}").fullmatch)]
Token = Annotated[str, _text("must be a text", lambda _: True)]


@frozen(kw_only=True)
class NewRecord:
    """A clinical record as a caller sends it."""

    record_type: Annotated[RecordType, _one_of(RecordType, RecordType)]
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


def parse(body: bytes, model: type[_Model]) -> _Model:
    """Returns ``body`` as a value of ``model``.

    Raises:
        ProblemError: it is not JSON, or breaks rules of the model; all of them are named.
    """
    try:
        document = exact.read(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        detail = "The body must be a JSON object, and no object in it may hold a name twice."
        raise ProblemError(HTTPStatus.BAD_REQUEST, "malformed-json", detail)
    rules = {field.name: field.type.__metadata__[0] for field in fields(model)}  # type: ignore[arg-type]  # all are attrs classes
    values, faults = dict[str, Any](), list[str]()
    for name, rule in rules.items():
        if name not in document:
            faults.append(f"'{name}' is required")
            continue
        try:
            values[name] = rule(document[name])
        except _BrokenRuleError as error:
            faults.append(f"'{name}' {error}")
    if document.keys() - rules.keys():
        faults.append("fields other than those described are refused")
    if faults:
        raise invalid(*faults)
    return model(**values)


def checked(name: str, value: str, pattern: re.Pattern[str] = IDENTIFIER, rule: str = IDENTIFIER_RULE) -> str:
    """Returns ``value`` if it matches, else raises ProblemError, whose message calls it ``name``."""
    if not pattern.fullmatch(value):
        raise invalid(f"'{name}' {rule}")
    return value


def moment(name: str, value: str) -> str:
    """Returns a moment of the query as the table holds it; ProblemError if it is none."""
    try:
        return instant(_moment(value))
    except _BrokenRuleError as error:
        raise invalid(f"'{name}' {error}") from error
