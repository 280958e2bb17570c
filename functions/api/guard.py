"""One guarded way to every endpoint: who calls is known, the audit row is there, and no error leaves unshaped."""

import time
import traceback
from http import HTTPStatus

from functions.api.access import Access, Event, Route
from functions.api.answers import Answer, ProblemError, problem_of
from functions.api.models import IDENTIFIER, checked
from functions.shared.audit import Entry, Trail
from functions.shared.callers import Caller
from functions.shared.clients import BudgetExhaustedError, error_code

from attrs import evolve, frozen
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "HealthcareDr/Api"
# An alarm looks for this in the log.
MISSING_ROW = "audit row missing"


@frozen(kw_only=True)
class Guard:
    """Wraps endpoints: caller, role, audit, errors, headers and the log line are the same for all of them."""

    trail: Trail
    last: Trail
    """The same, in what time is left to a call that has spent its own."""
    logger: Logger

    def serve(self, event: Event, route: Route, service: object, path: dict[str, str]) -> Answer:
        """Returns the answer of the route's endpoint, which is a method of ``service``."""
        started = time.perf_counter()
        access, identifiers, rest = _understood(event, route, path)
        try:
            reply = _answer(access, service, identifiers, rest)
        except Exception as error:
            problem = problem_of(error)
            if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self._log("request failed", error)
            # Nothing was disclosed, so the refusal stands even without its row, which is missed in the log.
            self._recorded(access, problem.status)
            reply = problem.answer(access.entry.correlation_id)
        else:
            if not route.audits and not self._recorded(access, reply.status):
                detail = "The access could not be recorded."
                problem = ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail)
                reply = problem.answer(access.entry.correlation_id)
        self._tell(route, reply.status, (time.perf_counter() - started) * 1000)
        return reply.including(
            Cache_Control="no-store",
            X_Content_Type_Options="nosniff",
            X_Correlation_Id=access.entry.correlation_id,
        )

    def _tell(self, route: Route, status: int, latency_ms: float) -> None:
        """Writes the request's line and metrics. The route is a template: paths hold ids of patients."""
        name = f"{route.method} {route.path}".lstrip()
        self.logger.info("request", route=name, status=status, latency_ms=round(latency_ms))
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self.logger.service)
        metrics.add_dimension("route", name)
        metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=latency_ms)
        metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
        metrics.add_metric(name="Refusals", unit=MetricUnit.Count, value=400 <= status < 500)
        metrics.add_metric(name="Failures", unit=MetricUnit.Count, value=status >= 500)
        metrics.flush_metrics()

    def _recorded(self, access: Access, status: HTTPStatus) -> bool:
        """Adds the audit row of an access that ended with ``status``; False, and a line in the log, if that failed."""
        entry = evolve(access.entry, status=status.value)
        try:
            try:
                self.trail.append(entry)
            except BudgetExhaustedError:
                # If an attempt before was made and its answer lost, there are two rows of one correlation id.
                self.last.append(entry)
        except Exception as error:
            self._log(MISSING_ROW, error)
            return False
        return True

    def _log(self, message: str, error: Exception) -> None:
        """Logs what kind of error it was and where: its text and values may hold a patient's data."""
        code = error_code(error) or getattr(error, "kind", "")
        frames = traceback.extract_tb(error.__traceback__)
        frame = next((frame for frame in reversed(frames) if "/functions/" in frame.filename), frames[-1])
        where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        self.logger.error(message, error_type=type(error).__name__, error_code=code, where=where)


def _understood(event: Event, route: Route, path: dict[str, str]) -> tuple[Access, dict[str, str], dict[str, str]]:
    """Returns the access, whose entity is the patient or facility of the path, and that apart from the path's rest."""
    identifiers = {name: value for name, value in path.items() if name in ("patient_id", "facility_id")}
    rest = {name: value for name, value in path.items() if name not in identifiers}
    identifier = "".join(identifiers.values())
    entity = f"facility:{identifier}" if "facility_id" in identifiers else identifier
    context = event["requestContext"]
    entry = Entry(
        caller=Caller.of(context.get("authorizer") or {}),
        action=route.action,
        entity=entity if IDENTIFIER.fullmatch(identifier) else "-",
        resource="/".join(rest.values())[:256],
        status=0,
        correlation_id=context["requestId"],
    )
    return Access(event=event, entry=entry, route=route), identifiers, rest


def _answer(access: Access, service: object, identifiers: dict[str, str], rest: dict[str, str]) -> Answer:
    caller, route = access.entry.caller, access.route
    if not caller.organisation:
        raise ProblemError(HTTPStatus.FORBIDDEN, "no-organisation", "The caller belongs to no organisation.")
    if not caller.roles & route.roles:
        raise ProblemError(HTTPStatus.FORBIDDEN, "no-role", "The caller has no role that this needs.")
    for name, value in identifiers.items():
        checked(name, value)
    if route.method:  # none, where there is no such route
        access.refuse_unknown_parameters()
    return route.endpoint(service, access, **rest)
