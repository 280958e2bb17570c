"""AWS clients with bounded time: a request is answered within 28 s whatever AWS does."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, partial
from typing import Any, TypeVar

from attrs import define, field, frozen
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.session import Session

# API Gateway waits for the function for 29 s: one remains for its start and the answer itself.
BUDGET_SECONDS = 28.0


@frozen
class Bounds:
    """How long an AWS call may take: the seconds count for TCP and for TLS each, then for the answer's next bytes."""

    connect: float
    read: float
    attempts: int = 1

    @property
    def longest(self) -> float:
        """The seconds that one attempt may take."""
        return 2 * self.connect + self.read


# What tables and buckets of the own region are worth.
USUAL = Bounds(2.0, 5.0, attempts=3)
# A health check must be answered within 2 s. Another region's documents are worth no more: a stalled connection does
# not live long. And a call that has spent its time on attempts of the usual length still gets its audit row.
BRIEF = Bounds(0.4, 1.0)
# Who watches the regions can wait for one, but not for long: the others want to be told of.
WATCHING = Bounds(1.5, 2.0)


class BudgetExhaustedError(Exception):
    """No time is left for another attempt at an AWS call."""


_Result = TypeVar("_Result")


def within(seconds: float, call: Callable[[], _Result]) -> _Result:
    """Returns what the call does, in a thread of its own: no timeout ends an answer that comes byte by byte.

    Raises:
        TimeoutError: it takes longer; it goes on, and its result is nobody's.
    """
    caller = ThreadPoolExecutor(1)
    try:
        return caller.submit(call).result(seconds)
    finally:
        caller.shutdown(wait=False)


def _afforded(seconds: float, call: Callable[[], _Result]) -> _Result:
    """Returns what the call does within the seconds that a request has for it, or raises BudgetExhaustedError."""
    try:
        return within(seconds, call)
    except TimeoutError as error:
        raise BudgetExhaustedError from error


def error_code(error: Exception) -> str:
    """Returns what AWS calls an error of its own; of any other, nothing."""
    return error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""


def error_name(error: Exception) -> str:
    """Returns what an error is called to people."""
    return error_code(error) or type(error).__name__


@define
class Budget:
    """The seconds one request may still spend; AWS clients start no attempt that could outlast it."""

    _ends: float = float("inf")

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self._ends - time.monotonic()

    def restart(self) -> None:
        """Gives a new request its full time."""
        self._ends = time.monotonic() + BUDGET_SECONDS

    def check(self, bounds: Bounds, **_: Any) -> None:
        """Hook of every attempt.

        Raises:
            BudgetExhaustedError: the attempt, timing out, would outlast the budget.
        """
        if self.left < bounds.longest:
            raise BudgetExhaustedError


class _Services(Loader):  # type: ignore[misc]  # botocore publishes no types
    """Knows which services there are without looking into the folders of all 400."""

    def list_available_services(self, type_name: str) -> list[str]:
        return ["cloudwatch", "dynamodb", "s3", "sns", "sts"]


@cache
def _session() -> Session:
    """The process's botocore session. boto3 would add nothing but the time to import it.

    See docs/decisions/0007-what-a-cold-start-pays-for.md.
    """
    session = Session()
    session.register_component("data_loader", _Services())
    return session


# A session makes one client at a time, whoever asks.
_MAKING = threading.Lock()


@frozen
class Timely:
    """A client whose calls end in time for the audit row: read timeouts do not end what comes byte by byte."""

    _client: Any
    _bounds: Bounds
    _budget: Budget
    _spare: float
    """Seconds of the request's that its calls leave to others."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Returns the client's method of this name, which raises BudgetExhaustedError when its time is over."""
        return partial(self._call, getattr(self._client, name))

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        seconds = min(self._bounds.attempts * self._bounds.longest, self._budget.left - self._spare)
        return _afforded(seconds, partial(method, *args, **kwargs))


@define(slots=False)
class Clients:
    """The function's AWS clients; botocore publishes no types."""

    _region: str
    _budget: Budget = field(factory=Budget)

    @cached_property
    def dynamodb(self) -> Any:
        """For the tables."""
        return self._budgeted("dynamodb", USUAL, spare=2 * BRIEF.longest)

    @cached_property
    def brief_dynamodb(self) -> Any:
        """For what must be known or written in little time."""
        return self._budgeted("dynamodb", BRIEF)

    @cached_property
    def s3(self) -> Any:
        """For the documents; the signature is for URLs, too: an older one would not cover the headers."""
        return self._budgeted("s3", USUAL, spare=2 * BRIEF.longest, signature_version="s3v4")

    @cached_property
    def brief_s3(self) -> Any:
        """For what may be left unknown about a document."""
        return self._budgeted("s3", BRIEF)

    @cached_property
    def sts(self) -> Any:
        """For the roles in other regions."""
        return self.client("sts", BRIEF)

    def client(
        self,
        service: str,
        bounds: Bounds,
        *,
        region: str = "",
        session: Mapping[str, Any] | None = None,
        signature_version: str | None = None,
    ) -> Any:
        """Returns a client of so short a patience: of this region and the function's own role, unless told."""
        config = Config(
            region_name=region or self._region,
            connect_timeout=bounds.connect,
            read_timeout=bounds.read,
            retries={"mode": "standard", "total_max_attempts": bounds.attempts},
            tcp_keepalive=True,
            # Endpoints by account and global endpoints are out of reach of subnets without an internet route.
            account_id_endpoint_mode="disabled",
            # For signed URLs, too, each is needed: the first for us-east-1, the second for all other regions.
            s3={"us_east_1_regional_endpoint": "regional", "addressing_style": "virtual"},
            signature_version=signature_version,
        )
        credentials = {}
        if session:
            credentials = {
                "aws_access_key_id": session["AccessKeyId"],
                "aws_secret_access_key": session["SecretAccessKey"],
                "aws_session_token": session["SessionToken"],
            }
        with _MAKING:
            return _session().create_client(service, config=config, **credentials)

    def received(self, body: Any) -> bytes:
        """Returns all bytes of an object that S3 is sending, and leaves time for another call.

        Raises:
            BudgetExhaustedError: they come too slowly for that.
        """
        read: bytes = _afforded(self._budget.left - USUAL.longest, body.read)
        return read

    def _budgeted(
        self, service: str, bounds: Bounds, *, spare: float = 0.0, signature_version: str | None = None
    ) -> Timely:
        client = self.client(service, bounds, signature_version=signature_version)
        client.meta.events.register("before-send", partial(self._budget.check, bounds))
        return Timely(client, bounds, self._budget, spare)
