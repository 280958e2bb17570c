"""The API's entry point."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from typing import Any

from functions.api.access import Access, Answer, Route
from functions.api.documents import Documents
from functions.api.guard import Guard
from functions.api.health import Health
from functions.api.records import Records
from functions.api.routes import ROUTES
from functions.api.trails import Trails
from functions.api.transfers import Transfers
from functions.api.versions import Versions
from functions.shared.audit import Trail
from functions.shared.callers import Role
from functions.shared.clients import Budget, connect
from functions.shared.configuration import Configuration
from functions.shared.problems import no_such_route
from functions.shared.seals import Seals
from functions.shared.table import Table

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

# No patient is called this: patients' partition values hold an organisation and a '#'.
HEALTH_KEY = {"patient_id": {"S": "healthz"}, "record_id": {"S": "healthz"}}


def application(configuration: Configuration) -> Handler:
    """Returns the handler of one region's API; its AWS clients are made here, once."""
    region = configuration.aws_region
    logger = Logger(service=configuration.powertools_service_name, level=configuration.log_level, region=region)
    budget = Budget()
    clients = connect(region, budget)
    table = Table(clients.dynamodb, configuration.patient_records_table, "patient_id", "record_id")
    rows = Table(clients.dynamodb, configuration.audit_logs_table, "entity_id", "event_id")
    trail, seals = Trail(rows, table, region), Seals(table, region)
    guard = Guard(trail=trail, logger=logger, budget=budget)
    health = Health(lambda: clients.probe.get_item(TableName=table.name, Key=HEALTH_KEY), logger)
    versions = Versions(table, trail, seals, region)
    documents = Documents(clients.s3, configuration, versions, logger)
    services: dict[type, object] = {
        Documents: documents,
        Records: Records(versions),
        Trails: Trails(trail, seals),
        Transfers: Transfers(documents),
    }
    app = APIGatewayHttpResolver(debug=False)  # whatever the environment says: debugging prints requests

    def serve(route: Route, service: object) -> None:
        rule = route.path.replace("{", "<").replace("}", ">")

        @app.route(rule, method=route.method)
        def answer(**path: str) -> Answer:
            return guard.serve(app.current_event, route, service, path)

    app.get("/healthz")(health.answer)
    for kind, routes in ROUTES.items():
        for route in routes:
            serve(route, services[kind])

    @app.not_found
    def unknown(_: Exception) -> Answer:
        return guard.serve(app.current_event, UNKNOWN, None, {})

    @logger.inject_lambda_context(
        correlation_id_path=correlation_paths.API_GATEWAY_HTTP, log_event=False, clear_state=False
    )
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        # One Unicode form: names that look the same are the same, and the resolver matches no combining marks.
        return app.resolve({**event, "rawPath": unicodedata.normalize("NFC", event["rawPath"])}, context)

    return handler


def _unknown(_: None, __: Access) -> Answer:
    raise no_such_route()


UNKNOWN = Route("", "$default", "unknown", _unknown, roles=frozenset(Role))


handler = application(Configuration.from_environment(os.environ))
