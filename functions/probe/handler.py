"""The probe's entry point: EventBridge calls it every minute."""

import json
import os
from collections.abc import Callable
from typing import Any

from functions.probe.probe import Configuration, Limits, Probe
from functions.shared.clients import Clients

from aws_lambda_powertools import Logger

LIMITS = Limits()


def application(configuration: Configuration, limits: Limits = LIMITS) -> Callable[[dict[str, Any], Any], None]:
    """Returns the handler of one region's probe; its AWS clients are made here, once."""
    region = configuration.aws_region
    logger = Logger(service=configuration.powertools_service_name, level=configuration.log_level, region=region)
    probe = Probe(configuration, Clients(region), json.loads(configuration.peers), logger, limits)

    @logger.inject_lambda_context(log_event=False, clear_state=False)
    def handler(event: dict[str, Any], context: Any) -> None:
        probe.run()

    return handler


handler = application(Configuration.from_environment(os.environ))
