"""Writes docs/openapi.json, the API's description, from its table of routes: ``python -m tools.openapi``."""

import json
import types
import typing
from collections.abc import Callable
from enum import EnumMeta, StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any

import functions.api.models as m
from functions.api.access import PAGE_DEFAULT, PAGE_LIMIT, Route
from functions.api.answers import URN, Kind
from functions.api.documents import DOCUMENT_BYTES
from functions.api.documents import NAME_RULE as NAME
from functions.api.routes import ROUTES
from functions.api.versions import LIMIT
from functions.shared.callers import Role

import attrs

PATH = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"
Schema = dict[str, Any]

# A document's name, in the dialect of JSON Schema: there \w is ASCII only.
NAME_PATTERN = r"^[\p{L}\p{N}][\p{L}\p{N}_ .()+,=@'-]{0,127}$"
# What attrs types cannot say: the rules of the models' converters.
RULES: dict[Any, Schema] = {
    m.FacilityId: {"type": "string", "pattern": f"^{m.IDENTIFIER.pattern}$"},
    m.Moment: {
        "type": "string",
        "format": "date-time",
        "pattern": "^(19|20|21)[0-9]{2}-",
        "description": "With an offset; years 1900 to 2199, also in UTC.",
    },
    m.Content: {
        "anyOf": [{"type": "string", "minLength": 1}, {"type": "object", "minProperties": 1}],
        "description": f"At most {m.CONTENT_BYTES} bytes as JSON in ASCII, with other characters escaped, "
        f"nested {m.CONTENT_DEPTH} levels deep at most. "
        "Numbers come back digit by digit as they were sent; those beyond the range of a double are refused.",
    },
    m.DocumentType: {"type": "string", "enum": list(m.CONTENT_TYPES)},
    m.DocumentSize: {"type": "integer", "minimum": 1, "maximum": m.UPLOAD_BYTES},
    m.Sha256: {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    m.Token: {"type": "string"},
}
PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
    Any: {},
}
PARAMETERS: dict[str, tuple[str, Schema]] = {
    "patient_id": ("path", {"type": "string", "pattern": f"^{m.IDENTIFIER.pattern}$"}),
    "facility_id": ("path", {"type": "string", "pattern": f"^{m.IDENTIFIER.pattern}$"}),
    "record_id": ("path", {"type": "string", "pattern": f"^{m.UUID.pattern}$"}),
    "name": ("path", {"type": "string", "pattern": NAME_PATTERN, "description": NAME}),
    "limit": ("query", {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": PAGE_DEFAULT}),
    "after": ("query", {"type": "string", "description": "The 'next' of the page before."}),
    "retracted": ("query", {"type": "string", "enum": ["false", "true"], "default": "false"}),
    "reason": ("query", {"type": "string", "enum": list(m.Retraction)}),
    "from": ("query", RULES[m.Moment]),
    "to": ("query", RULES[m.Moment]),
    "version": ("query", {"type": "string", "pattern": f"^{m.UUID.pattern}$", "description": "A 'version_id'."}),
    "Idempotency-Key": (
        "header",
        {
            "type": "string",
            "pattern": "^[!-~]{1,128}$",
            "description": "A retry sends the same bytes under the same key, to any region, and gets the first result, "
            "whatever its If-Match says by then. Other bytes under the key are refused with 422.",
        },
    ),
    "If-Match": (
        "header",
        {
            "type": "string",
            "pattern": r"\S",
            "description": "The ETag of what the change is based on: where regions diverged, the one of all heads "
            "together, as a read shows it. Of several tags one must be current; `*` and weak ones never are.",
        },
    ),
}
UNTAGGED = {"audit.read", "document.list", "document.upload", "facility.list", "record.history", "record.list"}
LOCATED = {"document.complete", "document.put", "record.create"}
# What an answer tells beside its body where the request is served, and whether it always does: by the route.
HEADERS: dict[str, tuple[str, bool, Callable[[Route], bool]]] = {
    "Content-Disposition": ("The document's name.", True, lambda route: route.action == "document.get"),
    "ETag": ("Names what is there, for If-Match.", True, lambda route: route.action not in UNTAGGED),
    "Idempotency-Replayed": (
        "`true`: an earlier attempt of the request was served, whose result this is.",
        False,
        lambda route: "Idempotency-Key" in route.headers or route.action == "document.complete",
    ),
    "Location": ("Where it is.", True, lambda route: route.action in LOCATED),
    "X-Read-From": ("The region that the bytes were read in.", True, lambda route: route.action == "document.get"),
    "X-Correlation-Id": ("What the audit row and the log call the request.", False, lambda _: True),
}
RETRY = ("Seconds after which to try again.", False)
TEXT: Schema = {"pattern": "^[^\ufffd]*$", "description": "UTF-8; other text goes the way of 'uploads'."}
REQUIRED = {"reason"}
ALWAYS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
# Made by the gateway, before the function is asked or in its place, in a form of its own.
GATEWAYS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
GATEWAYS_TOO = (
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
INTRODUCTION = (
    "Records and documents of patients, served by every region alike. A token must hold a subject (sub), an "
    "organisation (org_id) and a role, as a word of scope or scp, or as a group of cognito:groups or groups: "
    f"{', '.join(Role)}, or with a prefix, healthcare-dr/ROLE. Of several groups only those with the prefix count: AWS "
    "hands a list over as a text, in which the group 'former auditor' looks like two. Without an issuer requests are "
    "signed for AWS_IAM; an IAM role called auditor or operator, or whose name ends in -auditor or -operator, is that, "
    "as is a role of IAM Identity Center whose permission set is named so; any other identity is a clinician, and the "
    "account is the organisation. A record or document has "
    f"at most {LIMIT} versions; a further one is refused with 409 (too-many-versions), a retraction never. Text that "
    "is not UTF-8, or holds U+FFFD, is refused with 415 (unsupported-charset): JSON can escape it, documents go the "
    "way of 'uploads'."
)
PROBLEM: Schema = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "correlation_id"],
    "properties": {
        "type": {"type": "string", "enum": [f"{URN}{kind}" for kind in sorted(typing.get_args(Kind))]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "string"}, "description": "The rules that are broken."},
        "correlation_id": {"type": "string"},
    },
}

MESSAGE: Schema = {
    "type": "object",
    "description": "What the gateway says by itself.",
    "required": ["message"],
    "properties": {"message": {"type": "string"}},
}


class Description:
    """The description under construction: schemas of models and views are collected as operations refer to them."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {"Message": MESSAGE, "Problem": PROBLEM}

    def made(self) -> Schema:
        """Returns the whole description."""
        paths: dict[str, Schema] = {"/healthz": {"get": _health()}}
        for route in (route for routes in ROUTES.values() for route in routes):
            paths.setdefault(route.path, {})[route.method.lower()] = self._operation(route)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Patient records",
                "version": "1.0.0",
                "description": INTRODUCTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "paths": dict(sorted(paths.items())),
            "components": {
                "headers": {
                    name: {"description": text, "required": always, "schema": {"type": "string"}}
                    for name, (text, always, *_) in sorted({**HEADERS, "Retry-After": RETRY}.items())
                },
                "schemas": dict(sorted(self.schemas.items())),
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                    "signature": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "Authorization",
                        "description": "AWS Signature Version 4 for the service execute-api of the region that is "
                        "asked; the identity needs execute-api:Invoke.",
                    },
                },
            },
        }

    def _operation(self, route: Route) -> Schema:
        roles = sorted(route.roles)
        summary, _, text = (route.endpoint.__doc__ or "").partition("\n")
        text = " ".join(text.split("Raises:")[0].split())
        named = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
        operation: Schema = {
            "operationId": route.action,
            "summary": summary.rstrip("."),
            "description": " ".join(filter(None, (text, f"For: {', '.join(roles)}."))),
            "security": [{"token": roles}, {"signature": roles}],
            "parameters": [_parameter(name, route) for name in (*named, *route.query, *route.headers)],
            "responses": self._responses(route),
        }
        if isinstance(route.takes, type):
            content = {"application/json": {"schema": self.schema(route.takes)}}
            operation["requestBody"] = {"required": True, "content": content}
        elif route.takes:
            binary: Schema = {"type": "string", "minLength": 1, "maxLength": DOCUMENT_BYTES}
            contents = {kind: {"schema": binary | (TEXT if kind.startswith("text/") else {})} for kind in route.takes}
            operation["requestBody"] = {"required": True, "content": contents}
        return operation

    def _responses(self, route: Route) -> Schema:
        if isinstance(route.gives, type):
            content: Schema = {"application/json": {"schema": self.schema(route.gives)}}
        else:
            content = {kind: {"schema": {"type": "string"}} for kind in route.gives}
        refusals = {*ALWAYS, *route.refusals}
        if route.takes:
            refusals |= {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
        if "Idempotency-Key" in route.headers:
            refusals.add(HTTPStatus.UNPROCESSABLE_ENTITY)
        if "If-Match" in route.headers:
            refusals.add(HTTPStatus.PRECONDITION_FAILED)
        problem = {"application/problem+json": {"schema": _reference("schemas", "Problem")}}
        message = {"application/json": {"schema": _reference("schemas", "Message")}}
        contents: dict[HTTPStatus, Schema] = {route.status: content}
        contents |= {refusal: {**problem, **(message if refusal in GATEWAYS_TOO else {})} for refusal in refusals}
        contents |= dict.fromkeys(GATEWAYS, message)
        headers = {status: ["X-Correlation-Id"] for status in refusals}
        headers[HTTPStatus.SERVICE_UNAVAILABLE].append("Retry-After")
        headers[route.status] = [name for name, (_, _, has) in HEADERS.items() if has(route)]
        return {
            str(status.value): {
                "description": status.phrase,
                "content": contents[status],
                "headers": {name: _reference("headers", name) for name in headers.get(status, [])},
            }
            for status in sorted(contents)
        }

    def schema(self, kind: Any) -> Schema:
        """Returns the schema of a type; of a model or a view, a reference to it."""
        if kind in RULES or kind in PLAIN:
            return RULES.get(kind) or PLAIN[kind]
        if isinstance(kind, EnumMeta):
            return {"type": "string", "enum": list(typing.cast(type[StrEnum], kind))}
        if attrs.has(kind) or typing.is_typeddict(kind):
            return self._object(kind)
        arguments = typing.get_args(kind)
        if typing.get_origin(kind) is typing.Annotated:
            return self.schema(arguments[0])
        if isinstance(kind, types.UnionType):
            return {"anyOf": [self.schema(one) for one in arguments]}
        if typing.get_origin(kind) is dict:
            return {"type": "object", "additionalProperties": self.schema(arguments[1])}
        return {"type": "array", "items": self.schema(arguments[0])}

    def _object(self, kind: type) -> Schema:
        if kind.__name__ not in self.schemas:
            self.schemas[kind.__name__] = {}  # a view may hold itself
            hints = typing.get_type_hints(kind, include_extras=True)
            self.schemas[kind.__name__] = {
                "type": "object",
                "description": " ".join((kind.__doc__ or "").split()),
                "required": list(hints),
                "properties": {name: self.schema(hint) for name, hint in hints.items()},
                "additionalProperties": False,
            }
        return _reference("schemas", kind.__name__)


def _parameter(name: str, route: Route) -> Schema:
    where, schema = PARAMETERS[name]
    demanded = name in REQUIRED or (name == "If-Match" and HTTPStatus.PRECONDITION_REQUIRED in route.refusals)
    return {"name": name, "in": where, "required": where == "path" or demanded, "schema": schema}


def _reference(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _health() -> Schema:
    message: Schema = {"application/json": {"schema": _reference("schemas", "Message")}}
    serving, impaired = ({"text/plain": {"schema": {"type": "string", "enum": [w]}}} for w in ("serving", "impaired"))
    answers: tuple[tuple[HTTPStatus, str, Schema], ...] = (
        (HTTPStatus.OK, "It can", serving),
        (HTTPStatus.TOO_MANY_REQUESTS, "Asked too often", message),
        (HTTPStatus.INTERNAL_SERVER_ERROR, "The function failed", message),
        (HTTPStatus.SERVICE_UNAVAILABLE, "It cannot", impaired | message),
    )
    return {
        "operationId": "health",
        "summary": "Whether the region can serve",
        "security": [],
        "responses": {str(status.value): {"description": text, "content": kinds} for status, text, kinds in answers},
    }


def render() -> str:
    """Returns the description as text."""
    return json.dumps(Description().made(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(render())
