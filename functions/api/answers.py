"""What callers are answered, and what they are told in problems.

Problem details (RFC 9457) tell that a request is refused or fails, and nothing more.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal, Self

from functions.api.exact import written
from functions.shared.clients import BudgetExhaustedError
from functions.shared.table import ConflictError

from attrs import evolve, frozen
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

JSON = "application/json"
URN = "urn:healthcare-dr:problem:"
# What a problem is called; callers may tell problems apart by it.
Kind = Literal[
    "damaged-document",
    "idempotency-key-reused",
    "internal-error",
    "invalid-request",
    "malformed-json",
    "no-organisation",
    "no-role",
    "no-such-document",
    "no-such-record",
    "no-such-route",
    "no-such-version",
    "not-replicated",
    "not-uploaded",
    "precondition-failed",
    "precondition-required",
    "retracted",
    "too-large",
    "too-many-versions",
    "unavailable",
    "unsupported-charset",
    "unsupported-media-type",
    "upload-differs",
    "use-download",
]
RETRY_AFTER_SECONDS = 5
# What AWS answers with status 400 when it is overloaded or at odds with a concurrent request.
_TRANSIENT = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
}


@frozen
class Answer:
    """Status, body and headers; bytes stay bytes on the way to the caller."""

    status: HTTPStatus
    body: str | bytes
    headers: Mapping[str, str]

    def including(self, **headers: str) -> Self:
        """Returns the answer with more headers; an underscore in a name stands for a hyphen."""
        return evolve(self, headers={**self.headers, **{name.replace("_", "-"): headers[name] for name in headers}})


def answer(status: HTTPStatus, view: Mapping[str, Any], **headers: str) -> Answer:
    """Returns an answer that shows a view as JSON."""
    return Answer(status, written(view), {"Content-Type": JSON}).including(**headers)


class ProblemError(Exception):
    """A request that is not served: HTTP status, a stable kind, and text without any value of the request."""

    def __init__(self, status: HTTPStatus, kind: Kind, detail: str = "", *, errors: tuple[str, ...] = ()) -> None:
        super().__init__(kind)
        self.status, self.kind, self.detail, self.errors = status, kind, detail, errors

    def answer(self, correlation_id: str) -> Answer:
        """Returns the answer; one that may be tried again says after how many seconds."""
        body = {
            "type": f"{URN}{self.kind}",
            "title": self.status.phrase,
            "status": self.status.value,
            "correlation_id": correlation_id,
            **({"detail": self.detail} if self.detail else {}),
            **({"errors": self.errors} if self.errors else {}),
        }
        retry = {"Retry_After": str(RETRY_AFTER_SECONDS)} if self.status is HTTPStatus.SERVICE_UNAVAILABLE else {}
        return answer(self.status, body, Content_Type="application/problem+json", **retry)


def invalid(*errors: str) -> ProblemError:
    """Returns the refusal of a request that breaks rules; each error names a field and its rule, never a value."""
    return ProblemError(
        HTTPStatus.BAD_REQUEST, "invalid-request", "The request breaks the rules listed.", errors=errors
    )


def problem_of(error: Exception) -> ProblemError:
    """Returns what a caller is told about ``error``: its own text if it is a problem, else a generic one."""
    if isinstance(error, ProblemError):
        return error
    if _transient(error):
        return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The request could not be served in time.")
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error")


def _transient(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        transient = isinstance(error, (BotoCoreError, BudgetExhaustedError, ConflictError))
        return transient and not isinstance(error, ParamValidationError)
    code = error.response["Error"].get("Code")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR
