"""Calls a handler as API Gateway does: HTTP API events of payload format 2.0."""

from __future__ import annotations

import base64
import functools
import json
import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import jsonschema_rs
from attrs import frozen

DESCRIPTION = json.loads((Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text())
NO_ROUTE = {"responses": {"404": DESCRIPTION["paths"]["/patients/{patient_id}/audit"]["get"]["responses"]["404"]}}
# The gateway passes these media types as text, and everything else as base64.
TEXT = ("text/", "application/json")


def clinician(
    organisation: str = "clinic-a", subject: str = "auth0|dr-jones", groups: str = "[clinician]"
) -> dict[str, Any]:
    """What the JWT authorizer says of a caller."""
    return {"jwt": {"claims": {"sub": subject, "org_id": organisation, "groups": groups}, "scopes": []}}


AUDITOR = clinician(subject="auth0|auditor", groups="[auditor]")
OPERATOR = clinician(subject="auth0|operator", groups="[operator]")


@frozen(kw_only=True)
class Context:
    """What Lambda says of an invocation."""

    function_name: str = "api"
    memory_limit_in_mb: int = 3072
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:111111111111:function:api"
    aws_request_id: str = "2b6a7f0e-5a5e-4d0e-8f0e-000000000000"


@frozen(kw_only=True)
class Reply:
    """What a client of the API gets."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Reply:
        """The reply that the gateway makes of a handler's result."""
        body = base64.b64decode(result["body"]) if result["isBase64Encoded"] else result["body"].encode()
        return cls(status=result["statusCode"], headers=result["headers"], body=body)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def event(
    method: str,
    path: str,
    body: object = None,
    *,
    content_type: str = "application/json",
    caller: dict[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The event of a request; `body` is bytes, or becomes JSON."""
    path, _, query = path.partition("?")
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} /{{template}}",
        "rawPath": unquote(path),
        "rawQueryString": query,
        "headers": {"host": "api.example.test", "content-type": content_type, **(headers or {})},
        "requestContext": {
            "accountId": "111111111111",
            "apiId": "a1b2c3",
            "domainName": "a1b2c3.execute-api.us-east-1.amazonaws.com",
            "http": {"method": method, "path": unquote(path), "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": str(uuid.uuid4()),
            "routeKey": f"{method} /{{template}}",
            "stage": "$default",
            "authorizer": clinician() if caller is None else caller,
        },
        "isBase64Encoded": False,
    }
    if query:
        made["queryStringParameters"] = dict(parse_qsl(query))
    if body is not None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        made["isBase64Encoded"] = not content_type.lower().startswith(TEXT)
        made["body"] = (
            base64.b64encode(content).decode() if made["isBase64Encoded"] else content.decode(errors="replace")
        )
    return made


def template_of(method: str, path: str) -> str:
    """The path in the description that a request's path is one of, empty where there is none."""
    for template, item in DESCRIPTION["paths"].items():
        if method.lower() in item and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            return str(template)
    return ""


@functools.cache
def described(method: str, template: str, status: int) -> tuple[dict[str, Any], set[str]]:
    """What the API's description says of an answer: the validators of its bodies by media type, and its headers."""
    # That there is no such route is told as by any other's 404.
    operation = DESCRIPTION["paths"][template][method.lower()] if template else NO_ROUTE
    assert str(status) in operation["responses"], f"{status} is not described for {method} {template}"
    found = operation["responses"][str(status)]
    bodies = {
        media_type: jsonschema_rs.validator_for({**body["schema"], "components": DESCRIPTION["components"]})
        for media_type, body in found["content"].items()
        if media_type != "application/json" or "Message" not in json.dumps(body)  # what the gateway alone answers
    }
    return bodies, set(found.get("headers", {}))


@frozen
class Api:
    """One region's API, in process; every answer is compared with the description."""

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]

    def __call__(self, method: str, path: str, body: object = None, **options: Any) -> Reply:
        """Makes a request."""
        return self.sent(event(method, path, body, **options))

    def sent(self, made: dict[str, Any]) -> Reply:
        """Makes the request of an event."""
        reply = Reply.of(self.handler(made, Context()))
        method, path = made["requestContext"]["http"]["method"], made["rawPath"]
        bodies, headers = described(method, template_of(method, path), reply.status)
        media_type = reply.headers["Content-Type"].partition(";")[0]
        assert media_type in bodies, f"{media_type} is not described"
        if media_type.endswith("json"):
            bodies[media_type].validate(reply.json)
        if path != "/healthz":
            told = set(reply.headers) - {"Content-Type", "Cache-Control", "X-Content-Type-Options"}
            assert told == headers or told == headers - {"Idempotency-Replayed"}, f"{told} and not {headers}"
        return reply
