"""The API's entry point."""

import json
import logging
import os
import re
import unicodedata
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from functions.api.access import Access, Route
from functions.api.answers import Answer, ProblemError
from functions.api.documents import Documents
from functions.api.guard import Guard
from functions.api.health import Health
from functions.api.peers import Peers
from functions.api.records import Records
from functions.api.routes import ROUTES
from functions.api.seals import Seals
from functions.api.trails import Trails
from functions.api.transfers import Transfers
from functions.api.versions import Versions
from functions.shared.audit import Trail
from functions.shared.callers import Role
from functions.shared.clients import Budget, Clients
from functions.shared.configuration import Configuration
from functions.shared.healthz import PATH
from functions.shared.sessions import Sessions
from functions.shared.table import Table

from attrs import evolve
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def _unknown(_: None, __: Access) -> Answer:
    raise ProblemError(HTTPStatus.NOT_FOUND, "no-such-route")


UNKNOWN = Route("", "$default", "unknown", _unknown, roles=frozenset(Role))


def application(configuration: Configuration) -> Handler:
    """Returns the handler of one region's API; its AWS clients are made here, once."""
    region = configuration.aws_region
    logger = Logger(service=configuration.powertools_service_name, level=configuration.log_level, region=region)
    budget = Budget()
    clients = Clients(region, budget)
    table = Table(clients.dynamodb, configuration.patient_records_table, "patient_id", "record_id")
    rows = Table(clients.dynamodb, configuration.audit_logs_table, "entity_id", "event_id")
    trail, seals = Trail(rows, table, region), Seals(table, region)
    last = Trail(evolve(rows, client=clients.brief_dynamodb), evolve(table, client=clients.brief_dynamodb), region)
    guard = Guard(trail=trail, last=last, logger=logger)
    health = Health(clients.brief_dynamodb, table.name, logger)
    versions = Versions(table, trail, seals, region)
    others = json.loads(configuration.peers)
    peers = Peers(Sessions(clients, "documents"), others, logger)
    documents = Documents(clients, configuration, versions, logger, peers)
    services: dict[type, object] = {
        Documents: documents,
        Records: Records(versions),
        Trails: Trails(trail, seals, frozenset({region, *others})),
        Transfers: Transfers(documents),
    }
    # What Powertools itself logs and prints holds whole requests: never, whatever the environment says.
    logging.getLogger("aws_lambda_powertools").setLevel(logging.CRITICAL)
    router = APIGatewayHttpResolver(debug=False)

    def serves(route: Route, service: object) -> Callable[..., Response[str | bytes]]:
        return lambda **path: _response(guard.serve(router.current_event.raw_event, route, service, path))

    router.get(PATH)(lambda: _response(health.answer()))
    router.not_found(lambda _: serves(UNKNOWN, None)())
    for kind, routes in ROUTES.items():
        for route in routes:
            router.route(re.sub(r"{(\w+)}", r"<\1>", route.path), route.method)(serves(route, services[kind]))

    @logger.inject_lambda_context(
        correlation_id_path=correlation_paths.API_GATEWAY_HTTP, log_event=False, clear_state=False
    )
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        budget.restart()
        # One Unicode form: names that look the same are the same. Patterns overlook a newline at the end, and no NUL.
        normal = {**event, "rawPath": unicodedata.normalize("NFC", event["rawPath"]).replace("\n", "\0")}
        # Without an event of its own a resolver takes its class's, which may be for another API of the same process.
        router.current_event = APIGatewayProxyEventV2(normal)
        return router.resolve(normal, context)

    return handler


def _response(answer: Answer) -> Response[str | bytes]:
    return Response(answer.status.value, body=answer.body, headers=answer.headers)


handler = application(Configuration.from_environment(os.environ))
