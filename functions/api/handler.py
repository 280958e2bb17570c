"""The API's entry point: which route is served by what."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from functions.api.access import Access, Answer, Endpoint, Guard
from functions.api.documents import Documents
from functions.api.health import Health
from functions.api.records import Records
from functions.shared.audit import Trail
from functions.shared.clients import Budget, connect
from functions.shared.configuration import Configuration
from functions.shared.problems import ProblemError

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

# No patient is called this: patients' partition values hold an organisation and a '#'.
HEALTH_KEY = {"patient_id": {"S": "healthz"}, "record_id": {"S": "healthz"}}


def application(configuration: Configuration) -> Handler:
    """Returns the handler of one region's API; its AWS clients are made here, once."""
    region, table = configuration.aws_region, configuration.patient_records_table
    logger = Logger(service=configuration.powertools_service_name, level=configuration.log_level, region=region)
    budget = Budget()
    clients = connect(region, budget)
    trail = Trail(clients.dynamodb, configuration.audit_logs_table, region)
    guard = Guard(trail=trail, logger=logger, budget=budget)
    health = Health(lambda: clients.probe.get_item(TableName=table, Key=HEALTH_KEY), logger)
    records = Records(clients, configuration, trail)
    documents = Documents(clients, configuration, trail, logger)
    app = APIGatewayHttpResolver(debug=False)  # whatever the environment says: debugging prints requests

    def route(method: str, rule: str, action: str, endpoint: Endpoint, *, audits: bool) -> None:
        @app.route(rule, method=method)
        def serve(**path: str) -> Answer:
            return guard.serve(app.current_event, action, endpoint, audits=audits, path=path)

    app.get("/healthz")(health.answer)
    route("POST", "/patients/<patient_id>/records", "record.create", records.create, audits=True)
    route("GET", "/patients/<patient_id>/records", "record.list", records.list, audits=False)
    route("PUT", "/patients/<patient_id>/documents/<name>", "document.put", documents.put, audits=True)
    route("GET", "/patients/<patient_id>/documents/<name>", "document.get", documents.get, audits=False)

    @app.not_found
    def unknown(_: Exception) -> Answer:
        return guard.serve(app.current_event, "unknown", _no_such_route, audits=False, path={})

    @logger.inject_lambda_context(
        correlation_id_path=correlation_paths.API_GATEWAY_HTTP, log_event=False, clear_state=False
    )
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        # One Unicode form: names that look the same are the same, and the resolver matches no combining marks.
        return app.resolve({**event, "rawPath": unicodedata.normalize("NFC", event["rawPath"])}, context)

    return handler


def _no_such_route(_: Access) -> Answer:
    raise ProblemError(HTTPStatus.NOT_FOUND, "no-such-route")


handler = application(Configuration.from_environment(os.environ))
