"""One guarded way to every endpoint: who calls is known, the audit row is there, and no error leaves unshaped."""

from __future__ import annotations

import base64
import binascii
import json
import time
import traceback
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from functions.api.models import IDENTIFIER, identifier
from functions.shared import problems
from functions.shared.audit import Entry, Trail
from functions.shared.callers import Caller
from functions.shared.clients import Budget
from functions.shared.problems import ProblemError

from attrs import evolve, frozen
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from botocore.exceptions import ClientError

Answer = Response[Any]


@frozen(kw_only=True)
class Access:
    """One caller's request for one patient's data."""

    event: APIGatewayProxyEventV2
    entry: Entry
    """What the audit row will say, but for status and resource."""

    @property
    def partition(self) -> str:
        """Partition value of the patient's items: no key reaches another organisation's."""
        return self.entry.caller.scoped(self.entry.patient_id)

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

    def content_type(self, accepted: tuple[str, ...]) -> str:
        """Returns the request's media type without parameters.

        Raises:
            ProblemError: it is not one of ``accepted``.
        """
        media_type = (self.event.headers.get("content-type") or "").split(";")[0].strip().lower()
        if media_type not in accepted:
            detail = f"The content type must be one of: {', '.join(accepted)}."
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
        return media_type


Endpoint = Callable[..., Answer]


def answer(status: HTTPStatus, body: object, **headers: str) -> Answer:
    """Returns an answer in JSON."""
    return Response(status.value, "application/json", json.dumps(body), headers)


@frozen(kw_only=True)
class Guard:
    """Wraps endpoints: caller, audit, errors, headers and the log line are the same for all of them."""

    trail: Trail
    logger: Logger
    budget: Budget

    def serve(
        self, event: APIGatewayProxyEventV2, action: str, endpoint: Endpoint, *, audits: bool, path: dict[str, str]
    ) -> Answer:
        """Returns the answer of ``endpoint``.

        Args:
            event: The request.
            action: What the audit row calls it.
            endpoint: Called with the access and the remaining path parameters.
            audits: Whether the endpoint's own transaction holds the audit row. If not, it is added here, and an
                answer whose row cannot be added is withheld.
            path: Path parameters.
        """
        self.budget.restart()
        started = time.perf_counter()
        access = self._access(event, action, dict(path))
        try:
            reply = self._answer(access, endpoint, path)
        except Exception as error:
            reply = self._refusal(access, error)
        else:
            reply = reply if audits else self._audited(access, reply)
        reply.headers.update(
            {
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "X-Correlation-Id": access.entry.correlation_id,
            }
        )
        # The route is the gateway's template: paths hold patients' ids and documents' names.
        self.logger.info(
            "request",
            route=event.request_context.route_key,
            status=reply.status_code,
            latency_ms=round((time.perf_counter() - started) * 1000),
        )
        return reply

    @staticmethod
    def _access(event: APIGatewayProxyEventV2, action: str, path: dict[str, str]) -> Access:
        patient_id = path.pop("patient_id", "")
        entry = Entry(
            caller=Caller.of(event),
            action=action,
            patient_id=patient_id if IDENTIFIER.fullmatch(patient_id) else "-",
            resource="/".join(path.values())[:256],
            status=0,
            correlation_id=event.request_context.request_id,
        )
        return Access(event=event, entry=entry)

    @staticmethod
    def _answer(access: Access, endpoint: Endpoint, path: dict[str, str]) -> Answer:
        if not access.entry.caller.organisation:
            raise ProblemError(HTTPStatus.FORBIDDEN, "no-organisation", "The caller belongs to no organisation.")
        if "patient_id" in path:
            identifier("patient_id", path["patient_id"])
        return endpoint(access, **{name: value for name, value in path.items() if name != "patient_id"})

    def _audited(self, access: Access, reply: Answer) -> Answer:
        try:
            self.trail.add(evolve(access.entry, status=reply.status_code))
        except Exception as error:
            self._log("answer withheld", error)
            problem = ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The access could not be recorded.")
            return problem.response(access.entry.correlation_id)
        return reply

    def _refusal(self, access: Access, error: Exception) -> Answer:
        problem = problems.of(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._log("request failed", error)
        try:
            self.trail.add(evolve(access.entry, status=problem.status.value))
        except Exception as unaudited:
            # Nothing was disclosed, so the refusal stands; the missing row shows here.
            self._log("audit row missing", unaudited)
        return problem.response(access.entry.correlation_id)

    def _log(self, message: str, error: Exception) -> None:
        """Logs what kind of error it was and where: its text and values may hold a patient's data."""
        code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else getattr(error, "kind", "")
        frames = traceback.extract_tb(error.__traceback__)
        frame = next((frame for frame in reversed(frames) if "/functions/" in frame.filename), frames[-1])
        where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        self.logger.error(message, error_type=type(error).__name__, error_code=code, where=where)
