"""What callers are answered, in the form that an HTTP API takes it from a function."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from attrs import evolve, frozen

JSON = "application/json"


@frozen
class Answer:
    """Status, body and headers; bytes stay bytes on the way to the caller."""

    status: HTTPStatus
    body: str | bytes
    headers: Mapping[str, str]

    def including(self, **headers: str) -> Answer:
        """Returns the answer with more headers; an underscore in a name stands for a hyphen."""
        return evolve(self, headers={**self.headers, **{name.replace("_", "-"): headers[name] for name in headers}})

    def payload(self) -> dict[str, Any]:
        """Returns the answer as payload format 2.0 has it."""
        binary = isinstance(self.body, bytes)
        body = base64.b64encode(self.body).decode() if isinstance(self.body, bytes) else self.body
        return {"statusCode": self.status.value, "headers": self.headers, "body": body, "isBase64Encoded": binary}


def answer(status: HTTPStatus, view: Mapping[str, Any], **headers: str) -> Answer:
    """Returns an answer that shows a view as JSON."""
    return Answer(status, json.dumps(view), {"Content-Type": JSON}).including(**headers)
