"""Problem details (RFC 9457): what a caller is told when a request is refused or fails, and nothing more."""

from __future__ import annotations

from http import HTTPStatus

from functions.shared.answers import Answer, answer
from functions.shared.clients import BudgetExhaustedError
from functions.shared.table import ConflictError

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

RETRY_AFTER_SECONDS = 5
# What AWS answers with status 400 when it is overloaded or at odds with a concurrent request.
_TRANSIENT = {
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionConflict",
    "TransactionInProgressException",
}


class ProblemError(Exception):
    """A request that is not served: HTTP status, a stable kind, and text without any value of the request."""

    def __init__(self, status: HTTPStatus, kind: str, detail: str = "", *, errors: tuple[str, ...] = ()) -> None:
        super().__init__(kind)
        self.status, self.kind, self.detail, self.errors = status, kind, detail, errors

    def answer(self, correlation_id: str) -> Answer:
        """Returns the answer; one that may be tried again says after how many seconds."""
        body = {
            "type": f"urn:healthcare-dr:problem:{self.kind}",
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


def of(error: Exception) -> ProblemError:
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
    codes = {error.response["Error"].get("Code")}
    codes.update(reason.get("Code") for reason in error.response.get("CancellationReasons", []))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(codes & _TRANSIENT) or status >= HTTPStatus.INTERNAL_SERVER_ERROR
