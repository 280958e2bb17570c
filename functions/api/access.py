"""One request for patients' data, and what every endpoint asks of it: body, headers, query."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from functions.shared import problems
from functions.shared.audit import Entry
from functions.shared.callers import Role
from functions.shared.problems import ProblemError, invalid
from functions.shared.seals import Seals

from attrs import AttrsInstance, asdict, evolve, frozen
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

Answer = Response[Any]
PAGE_LIMIT = 100
PAGE_DEFAULT = 50
# A page is a day old at most when the next is asked for.
PAGE_SECONDS = 86_400
JSON = "application/json"
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

    event: APIGatewayProxyEventV2
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

    def body(self, limit: int) -> bytes:
        """Returns the request's body.

        Raises:
            ProblemError: it is longer than ``limit`` bytes, or not what the gateway says it is.
        """
        text = self.event.body or ""
        if not self.event.is_base64_encoded:
            body = text.encode(errors="surrogatepass")
        else:
            try:
                body = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError) as error:
                raise problems.invalid("the body must be base64") from error
        if len(body) > limit:
            detail = f"The body must not exceed {limit} bytes."
            raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)
        return body

    def content_type(self, *accepted: str) -> str:
        """Returns the request's media type without parameters.

        Raises:
            ProblemError: it is not one of ``accepted``.
        """
        media_type = (self.event.headers.get("content-type") or "").split(";")[0].strip().lower()
        if media_type not in accepted:
            detail = f"The content type must be one of: {', '.join(accepted)}."
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
        return media_type

    @property
    def idempotency_key(self) -> str | None:
        """The key under which a retry of this request is known.

        Raises:
            ProblemError: it breaks its rule.
        """
        key = self.event.headers.get("idempotency-key")
        if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
            raise invalid("'Idempotency-Key' must be 1 to 128 visible ASCII characters")
        return key

    @property
    def if_match(self) -> list[str]:
        """The entity tags of which one must be the current one; a weak one, or ``*``, never is.

        Raises:
            ProblemError: there is none.
        """
        stated = self.event.headers.get("if-match")
        if not stated:
            detail = "A change needs If-Match with the ETag of what it is based on."
            raise ProblemError(HTTPStatus.PRECONDITION_REQUIRED, "precondition-required", detail)
        return [tag for part in stated.split(",") if _ENTITY_TAG.fullmatch(tag := part.strip())]

    def query(self) -> dict[str, str]:
        """Returns the query's parameters.

        Raises:
            ProblemError: there are others than the route knows.
        """
        parameters = self.event.query_string_parameters
        if set(parameters) - set(self.route.query):
            known = " and ".join(f"'{name}'" for name in self.route.query)
            raise invalid(f"query parameters other than {known} are refused")
        return parameters

    def paging(self, seals: Seals, **purpose: str) -> tuple[int, Any]:
        """Returns how many items a page is to have, and what :meth:`following` put into the token of the query."""
        parameters = self.query()
        limit, after = parameters.get("limit", str(PAGE_DEFAULT)), parameters.get("after", "")
        if not re.fullmatch(r"[0-9]{1,3}", limit, re.ASCII) or not 1 <= int(limit) <= PAGE_LIMIT:
            raise invalid(f"'limit' must be a number from 1 to {PAGE_LIMIT}")
        content = seals.open(self._purpose(purpose), after) if after else None
        if after and content is None:
            raise invalid("'after' must be the 'next' of an earlier page of the same list")
        return int(limit), content

    def following(self, seals: Seals, content: object, **purpose: str) -> str:
        """Returns the token of the next page: for this list only."""
        return seals.seal(self._purpose(purpose), content, PAGE_SECONDS)

    def _purpose(self, purpose: dict[str, str]) -> str:
        return json.dumps([self.route.action, self.partition, purpose], sort_keys=True)


def answer(status: HTTPStatus, body: AttrsInstance, **headers: str) -> Answer:
    """Returns an answer in JSON; an underscore in a header's name stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status.value, JSON, json.dumps(asdict(body)), named)
