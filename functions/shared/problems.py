"""Problem details (RFC 9457): what a caller is told when a request is refused or fails, and nothing more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

from functions.shared.clients import BudgetExhaustedError
from functions.shared.table import ConflictError

from aws_lambda_powertools.event_handler import Response
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

RETRY_AFTER_SECONDS = 5
# What AWS answers with status 400 when it is overloaded or at odds with a concurrent request.
_TRANSIENT = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionInProgressException",
    }
)


class ProblemError(Exception):
    """A request that is not served: HTTP status, a stable kind, and text without any value of the request."""

    def __init__(self, status: HTTPStatus, kind: str, detail: str = "", *, errors: Sequence[str] = ()) -> None:
        super().__init__(kind)
        self.status, self.kind, self.detail, self.errors = status, kind, detail, tuple(errors)

    def response(self, correlation_id: str) -> Response[str]:
        """Returns the answer; one that may be tried again says after how many seconds."""
        body: dict[str, object] = {
            "type": f"urn:healthcare-dr:problem:{self.kind}",
            "title": self.status.phrase,
            "status": self.status.value,
            "correlation_id": correlation_id,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = self.errors
        retry = self.status is HTTPStatus.SERVICE_UNAVAILABLE
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if retry else {}
        return Response(self.status.value, "application/problem+json", json.dumps(body), headers)


def invalid(*errors: str) -> ProblemError:
    """Returns the refusal of a request that breaks rules; each error names a field and its rule, never a value."""
    return ProblemError(
        HTTPStatus.BAD_REQUEST, "invalid-request", "The request breaks the rules listed.", errors=errors
    )


def no_such_route() -> ProblemError:
    """Returns the refusal of a request for what is not served at all."""
    return ProblemError(HTTPStatus.NOT_FOUND, "no-such-route")


def of(error: Exception) -> ProblemError:
    """Returns what a caller is told about ``error``: its own text if it is a problem, else a generic one."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, ConflictError) or _transient(error):
        return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The request could not be served in time.")
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error")


def _transient(error: Exception) -> bool:
    if isinstance(error, BotoCoreError):
        return not isinstance(error, ParamValidationError)
    if not isinstance(error, ClientError):
        return isinstance(error, BudgetExhaustedError)
    codes = {error.response["Error"].get("Code")}
    codes.update(reason.get("Code") for reason in error.response.get("CancellationReasons", []))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(codes & _TRANSIENT) or status >= HTTPStatus.INTERNAL_SERVER_ERROR
