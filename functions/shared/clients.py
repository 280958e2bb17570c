"""AWS clients with bounded time: a request is answered within 28 s whatever AWS does."""

from __future__ import annotations

import time
from typing import Any

import boto3
from attrs import define, frozen
from botocore.config import Config

# HTTP API integrations end at 30 s; two seconds remain for the answer itself.
BUDGET_SECONDS = 28.0
CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
ATTEMPTS = 3
# A health check must be answered within 2 s: TCP and TLS connect within 0.4 s each, then the read.
PROBE_CONNECT_SECONDS = 0.4
PROBE_READ_SECONDS = 1.0


class BudgetExhaustedError(Exception):
    """No time is left for another attempt at an AWS call."""


@define
class Budget:
    """The seconds one request may still spend; AWS clients start no attempt that could outlast it."""

    _ends: float = float("inf")

    def restart(self) -> None:
        """Gives a new request its full time."""
        self._ends = time.monotonic() + BUDGET_SECONDS

    def check(self, **_: Any) -> None:
        """Hook of every attempt.

        Raises:
            BudgetExhaustedError: the attempt, timing out, would outlast the budget.
        """
        if self._ends - time.monotonic() < 2 * CONNECT_SECONDS + READ_SECONDS:  # TCP and TLS
            raise BudgetExhaustedError


@frozen(kw_only=True)
class Clients:
    """The function's AWS clients; boto3 publishes no types."""

    dynamodb: Any
    s3: Any
    probe: Any
    """DynamoDB for the health check: one attempt, under two seconds."""


def connect(region: str, budget: Budget) -> Clients:
    """Returns the clients of ``region``, with every attempt checked against ``budget``."""
    patient = _config(region, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS)
    brisk = _config(region, PROBE_CONNECT_SECONDS, PROBE_READ_SECONDS, attempts=1)
    clients = Clients(
        dynamodb=boto3.client("dynamodb", config=patient),
        # The signature of URLs, too: an older one would not cover the headers.
        s3=boto3.client("s3", config=patient.merge(Config(signature_version="s3v4"))),
        probe=boto3.client("dynamodb", config=brisk),
    )
    for client in (clients.dynamodb, clients.s3):
        client.meta.events.register("before-send", budget.check)
    return clients


def _config(region: str, connect: float, read: float, attempts: int) -> Config:
    return Config(
        region_name=region,
        connect_timeout=connect,
        read_timeout=read,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        # Endpoints by account and global endpoints are out of reach of subnets without an internet route.
        account_id_endpoint_mode="disabled",
        s3={"us_east_1_regional_endpoint": "regional"},
    )
