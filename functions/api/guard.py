"""One guarded way to every endpoint: who calls is known, the audit row is there, and no error leaves unshaped."""

from __future__ import annotations

import time
import traceback
from http import HTTPStatus

from functions.api.access import Access, Answer, Route
from functions.api.models import IDENTIFIER, identifier
from functions.shared import problems
from functions.shared.audit import Entry, Trail
from functions.shared.callers import Caller
from functions.shared.clients import Budget
from functions.shared.problems import ProblemError

from attrs import evolve, frozen
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from botocore.exceptions import ClientError

NAMESPACE = "HealthcareDr/Api"


@frozen(kw_only=True)
class Guard:
    """Wraps endpoints: caller, role, audit, errors, headers and the log line are the same for all of them."""

    trail: Trail
    logger: Logger
    budget: Budget

    def serve(self, event: APIGatewayProxyEventV2, route: Route, service: object, path: dict[str, str]) -> Answer:
        """Returns the answer of the route's endpoint, which is a method of ``service``."""
        self.budget.restart()
        started = time.perf_counter()
        access = self._access(event, route, path)
        try:
            reply = self._answer(access, service, path)
        except Exception as error:
            reply = self._refusal(access, error)
        else:
            reply = reply if route.audits else self._audited(access, reply)
        reply.headers.update(
            {
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "X-Correlation-Id": access.entry.correlation_id,
            }
        )
        self._tell(route, reply.status_code, (time.perf_counter() - started) * 1000)
        return reply

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

    @staticmethod
    def _access(event: APIGatewayProxyEventV2, route: Route, path: dict[str, str]) -> Access:
        rest = dict(path)
        patient_id, facility_id = rest.pop("patient_id", ""), rest.pop("facility_id", "")
        entity = patient_id or (f"facility:{facility_id}" if facility_id else "")
        entry = Entry(
            caller=Caller.of(event),
            action=route.action,
            entity=entity if IDENTIFIER.fullmatch(patient_id or facility_id) else "-",
            resource="/".join(rest.values())[:256],
            status=0,
            correlation_id=event.request_context.request_id,
        )
        return Access(event=event, entry=entry, route=route)

    @staticmethod
    def _answer(access: Access, service: object, path: dict[str, str]) -> Answer:
        caller, route = access.entry.caller, access.route
        if not caller.organisation:
            raise ProblemError(HTTPStatus.FORBIDDEN, "no-organisation", "The caller belongs to no organisation.")
        if not caller.roles & route.roles:
            raise ProblemError(HTTPStatus.FORBIDDEN, "no-role", "The caller has no role that this needs.")
        for name in ("patient_id", "facility_id"):
            if name in path:
                identifier(name, path[name])
        rest = {name: value for name, value in path.items() if name not in ("patient_id", "facility_id")}
        return route.endpoint(service, access, **rest)

    def _audited(self, access: Access, reply: Answer) -> Answer:
        try:
            self.trail.append(evolve(access.entry, status=reply.status_code))
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
            self.trail.append(evolve(access.entry, status=problem.status.value))
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
