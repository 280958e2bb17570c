"""The API's entry point."""

import json
import os
import re
import unicodedata
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from functions.api.access import Access, Route
from functions.api.documents import Documents
from functions.api.guard import Guard
from functions.api.health import Health
from functions.api.peers import Peers
from functions.api.records import Records
from functions.api.routes import ROUTES
from functions.api.trails import Trails
from functions.api.transfers import Transfers
from functions.api.versions import Versions
from functions.shared.answers import Answer, ProblemError
from functions.shared.audit import Trail
from functions.shared.callers import Role
from functions.shared.clients import Budget, Clients
from functions.shared.configuration import Configuration
from functions.shared.seals import Seals
from functions.shared.sessions import Sessions
from functions.shared.table import Table

from attrs import evolve
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

# What a part of a path may hold: letters and digits of any language, and what a URL shows; no control characters.
_PART = r"[\w \-.~!*'();:@&=+$,%<>[\]{}|^]+"


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
        # Without endpoints no function is told of the others, and yet there are some.
        Trails: Trails(trail, seals, frozenset({region, *others} if others else ())),
        Transfers: Transfers(documents),
    }
    routes = [(_pattern(route), route, services[kind]) for kind, routes in ROUTES.items() for route in routes]

    def answer(event: dict[str, Any]) -> Answer:
        budget.restart()
        # One Unicode form: names that look the same are the same.
        request = f"{event['requestContext']['http']['method']} {unicodedata.normalize('NFC', event['rawPath'])}"
        if request == "GET /healthz":
            return health.answer()
        for pattern, route, service in routes:
            if found := pattern.fullmatch(request):
                return guard.serve(event, route, service, found.groupdict())
        return guard.serve(event, UNKNOWN, None, {})

    @logger.inject_lambda_context(
        correlation_id_path=correlation_paths.API_GATEWAY_HTTP, log_event=False, clear_state=False
    )
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return answer(event).payload()

    return handler


def _pattern(route: Route) -> re.Pattern[str]:
    path = re.sub(r"{(\w+)}", lambda named: f"(?P<{named[1]}>{_PART})", route.path)
    return re.compile(f"{route.method} {path}")


handler = application(Configuration.from_environment(os.environ))
