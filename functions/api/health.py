"""Whether this region can serve: one row of its own table is read."""

import time
from http import HTTPStatus
from typing import Any

from functions.api.answers import Answer
from functions.shared.healthz import SERVING

from attrs import define, field
from aws_lambda_powertools import Logger

# Checkers of all regions ask independently, several times a second; one read a second answers them all.
CACHE_SECONDS = 1.0
# No patient is called this: patients' partition values hold an organisation and a '#'.
HEALTH_KEY = {"patient_id": {"S": "healthz"}, "record_id": {"S": "healthz"}}


@define
class Health:
    """The region's health, read from its table and kept for a second.

    It is no access to a patient's data, so it has no audit row; its answers are fixed words that Route 53 matches.
    """

    _client: Any
    _table: str
    _logger: Logger
    _healthy: bool = field(default=False, init=False)
    _expires: float = field(default=float("-inf"), init=False)

    def answer(self) -> Answer:
        """Returns ``serving`` with 200 or ``impaired`` with 503."""
        if time.monotonic() >= self._expires:
            self._healthy = self._check()
            self._expires = time.monotonic() + CACHE_SECONDS
        status, word = (HTTPStatus.OK, SERVING) if self._healthy else (HTTPStatus.SERVICE_UNAVAILABLE, "impaired")
        return Answer(status, word, {"Content-Type": "text/plain", "Cache-Control": "no-store"})

    def _check(self) -> bool:
        try:
            self._client.get_item(TableName=self._table, Key=HEALTH_KEY)
        except Exception as error:
            self._logger.warning("unhealthy", error_type=type(error).__name__)
            return False
        return True
