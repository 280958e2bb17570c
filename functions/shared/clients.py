"""AWS clients with bounded time: a request is answered within 28 s whatever AWS does."""

import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from attrs import define, field
from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session

# HTTP API integrations end at 30 s; two seconds remain for the answer itself.
BUDGET_SECONDS = 28.0
CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
ATTEMPTS = 3
# A health check must be answered within 2 s: TCP and TLS connect within 0.4 s each, then the read.
PROBE_CONNECT_SECONDS = 0.4
PROBE_READ_SECONDS = 1.0
# Another region's documents are worth one attempt of a second, over which a stalled connection does not live long.
PEER_CONNECT_SECONDS = 0.4
PEER_READ_SECONDS = 1.0


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


class _Services(Loader):  # type: ignore[misc]  # botocore publishes no types
    """Knows which services there are without looking into the folders of all 400."""

    def list_available_services(self, type_name: str) -> list[str]:
        return ["dynamodb", "s3", "sts"]


@define(slots=False)
class Clients:
    """The function's AWS clients, of one botocore session; botocore publishes no types.

    boto3 would add nothing but the time to import it. See docs/decisions/0007-what-a-cold-start-pays-for.md.
    """

    _region: str
    _budget: Budget
    _session: Session = field(factory=Session, init=False)

    def __attrs_post_init__(self) -> None:
        self._session.register_component("data_loader", _Services())

    @cached_property
    def dynamodb(self) -> Any:
        """For the tables."""
        return self._bounded("dynamodb")

    @cached_property
    def s3(self) -> Any:
        """For the documents; the signature is for URLs, too: an older one would not cover the headers."""
        return self._bounded("s3", signature_version="s3v4")

    @cached_property
    def probe(self) -> Any:
        """DynamoDB for the health check: one attempt, under two seconds."""
        return self._client("dynamodb", PROBE_CONNECT_SECONDS, PROBE_READ_SECONDS, attempts=1)

    @cached_property
    def sts(self) -> Any:
        """For the roles in other regions."""
        return self._client("sts", PEER_CONNECT_SECONDS, PEER_READ_SECONDS, attempts=1)

    def peer_s3(self, region: str, session: Mapping[str, Any]) -> Any:
        """Returns a client for another region's documents, with the credentials of an assumed role."""
        credentials = {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        }
        return self._client("s3", PEER_CONNECT_SECONDS, PEER_READ_SECONDS, 1, region=region, credentials=credentials)

    def _bounded(self, service: str, **options: Any) -> Any:
        client = self._client(service, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS, **options)
        client.meta.events.register("before-send", self._budget.check)
        return client

    def _client(
        self,
        service: str,
        connect: float,
        read: float,
        attempts: int,
        *,
        region: str = "",
        credentials: Mapping[str, str] | None = None,
        **options: str,
    ) -> Any:
        config = Config(
            region_name=region or self._region,
            connect_timeout=connect,
            read_timeout=read,
            retries={"mode": "standard", "total_max_attempts": attempts},
            tcp_keepalive=True,
            # Endpoints by account and global endpoints are out of reach of subnets without an internet route.
            account_id_endpoint_mode="disabled",
            s3={"us_east_1_regional_endpoint": "regional"},
            **options,
        )
        return self._session.create_client(service, config=config, **(credentials or {}))
