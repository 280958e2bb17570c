"""One request for patients' data, and what every endpoint asks of it: body, headers, query."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from functions.api.answers import JSON, Answer, ProblemError, invalid
from functions.api.models import checked
from functions.api.seals import Seals
from functions.shared.audit import Entry
from functions.shared.callers import Role

from attrs import evolve, frozen

Event = Mapping[str, Any]
PAGE_LIMIT = 100
PAGE_DEFAULT = 50
# A page is a day old at most when the next is asked for.
PAGE_SECONDS = 86_400
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,128}")
_ENTITY_TAG = re.compile(r'"[!#-~]*"')


@frozen
class Route:
    """What is served under a method and a path, to whom, and how the API's description tells of it."""

    method: str
    path: str
    action: str
    """What the audit row calls it."""
    endpoint: Callable[..., Answer]
    """A method of a service; it gets the access, which knows the entity, and what else the path names."""
    roles: frozenset[Role] = frozenset({Role.CLINICIAN})
    audits: bool = False
    """Whether the endpoint's own transaction holds the audit row. If not, an answer without its row is withheld."""
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    takes: type | tuple[str, ...] = ()
    """The model of the body, or the media types of its bytes."""
    gives: type | tuple[str, ...] = ()
    status: HTTPStatus = HTTPStatus.OK
    refusals: tuple[HTTPStatus, ...] = ()


@frozen(kw_only=True)
class Access:
    """One caller's request for one patient's data, or one facility's."""

    event: Event
    entry: Entry
    """What the audit row will say, but for status and resource."""
    route: Route

    @property
    def partition(self) -> str:
        """Partition value of the patient's items: no key reaches another organisation's."""
        return self.entry.caller.scoped(self.entry.entity)

    def audited(self, status: HTTPStatus, resource: str) -> Entry:
        """Returns the audit entry of an access that ended with ``status``."""
        return evolve(self.entry, status=status.value, resource=resource)

    def body(self, limit: int, *accepted: str) -> tuple[bytes, str]:
        """Returns the request's body, and its media type: of a text with its charset, which is UTF-8.

        Raises:
            ProblemError: it is longer than ``limit`` bytes, not of the ``accepted`` types (without any: JSON), or not
                what the gateway says it is.
        """
        media_type, *parameters = [part.strip() for part in self._header("content-type").lower().split(";")]
        if media_type not in (accepted or (JSON,)):
            detail = f"The content type must be one of: {', '.join(accepted or (JSON,))}."
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
        text, encoded = self.event.get("body") or "", self.event.get("isBase64Encoded")
        charsets = {part.partition("=")[2].strip(' "') for part in parameters if part.startswith("charset")}
        if not encoded and ("\ufffd" in text or charsets - {"utf-8"}):
            # The gateway decodes text by itself and puts U+FFFD for what is not UTF-8: the bytes that came are lost.
            detail = "Text must be UTF-8 without U+FFFD; any other document is uploaded by the URL of its 'uploads'."
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-charset", detail)
        try:
            body = base64.b64decode(text, validate=True) if encoded else text.encode(errors="surrogatepass")
        except (binascii.Error, ValueError) as error:
            raise invalid("the body must be base64") from error
        if len(body) > limit:
            detail = f"The body must not exceed {limit} bytes."
            raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)
        return body, f"{media_type}; charset=utf-8" if media_type.startswith("text/") and not encoded else media_type

    @property
    def idempotency_key(self) -> str | None:
        """The key under which a retry of this request is known; ProblemError if it breaks its rule."""
        if "idempotency-key" not in self.event["headers"]:
            return None
        key = self._header("idempotency-key")
        return checked("Idempotency-Key", key, _IDEMPOTENCY_KEY, "must be 1 to 128 visible ASCII characters")

    @property
    def if_match(self) -> list[str]:
        """The entity tags of which one must be the current one; a weak one, or ``*``, never is.

        Raises:
            ProblemError: there is none.
        """
        if not (stated := self._header("if-match")):
            detail = "A change needs If-Match with the ETag of what it is based on."
            raise ProblemError(HTTPStatus.PRECONDITION_REQUIRED, "precondition-required", detail)
        return [tag for part in stated.split(",") if _ENTITY_TAG.fullmatch(tag := part.strip())]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return self.event.get("queryStringParameters") or {}

    def refuse_unknown_parameters(self) -> None:
        """Raises ProblemError if the query has others than the route knows."""
        if set(self.query) - set(self.route.query):
            known = " and ".join(f"'{name}'" for name in self.route.query) or "none"
            raise invalid(f"the query takes these parameters and no others: {known}")

    def paging(self, seals: Seals, **purpose: str) -> tuple[int, Any]:
        """Returns how many items a page is to have, and what :meth:`following` put into the token of the query."""
        parameters = self.query
        limit, after = parameters.get("limit", str(PAGE_DEFAULT)), parameters.get("after", "")
        if not re.fullmatch(r"[0-9]{1,3}", limit, re.ASCII) or not 1 <= int(limit) <= PAGE_LIMIT:
            raise invalid(f"'limit' must be a number from 1 to {PAGE_LIMIT}")
        content = seals.open(self._purpose(purpose), after) if after else None
        if after and content is None:
            raise invalid("'after' must be the 'next' of an earlier page of the same list")
        return int(limit), content

    def following(self, seals: Seals, content: object, **purpose: str) -> str | None:
        """Returns the token of the next page, for this list only; None where nothing follows."""
        return seals.seal(self._purpose(purpose), content, PAGE_SECONDS) if content else None

    def _purpose(self, purpose: dict[str, str]) -> str:
        return json.dumps([self.route.action, self.partition, purpose], sort_keys=True)

    def _header(self, name: str) -> str:
        value: str = self.event["headers"].get(name) or ""
        return value
