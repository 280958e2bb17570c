"""Whether this region can serve: one row of its own table is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus

from attrs import define, field
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from botocore.exceptions import BotoCoreError, ClientError

# Checkers of all regions ask independently, several times a second; one read a second answers them all.
CACHE_SECONDS = 1.0


@define
class Health:
    """The region's health, read from its table and kept for a second.

    It is no access to a patient's data, so it has no audit row; its answers are fixed words that Route 53 matches.
    """

    _read: Callable[[], object]
    _logger: Logger
    _healthy: bool = field(default=False, init=False)
    _expires: float = field(default=float("-inf"), init=False)

    def answer(self) -> Response[str]:
        """Returns ``serving`` with 200 or ``impaired`` with 503."""
        if time.monotonic() >= self._expires:
            self._healthy = self._check()
            self._expires = time.monotonic() + CACHE_SECONDS
        return Response(
            status_code=(HTTPStatus.OK if self._healthy else HTTPStatus.SERVICE_UNAVAILABLE).value,
            content_type="text/plain",
            body="serving" if self._healthy else "impaired",
            headers={"Cache-Control": "no-store"},
        )

    def _check(self) -> bool:
        try:
            self._read()
        except (BotoCoreError, ClientError) as error:
            self._logger.warning("unhealthy", error_type=type(error).__name__)
            return False
        return True
