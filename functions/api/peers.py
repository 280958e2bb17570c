"""The other regions' buckets: read while replication has not brought a document here yet, and never written."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from functions.shared.clients import error_code, within
from functions.shared.sessions import Sessions

from attrs import define, field
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

# A caller waits this long for the assumed role, the answer and its last byte together.
READ_SECONDS = 1.0
# A region that failed is not asked again for this long: it would cost each of its documents' readers a second.
REST_SECONDS = 10.0


@define
class Peers:
    """The documents of the other regions, by the role that this function may assume in each of them."""

    _sessions: Sessions
    _places: Mapping[str, Mapping[str, str]]
    """Of each other region the ``bucket`` and the ``role_arn``; neither, if it cannot be reached."""
    _logger: Logger
    _rest_until: dict[str, float] = field(factory=dict, init=False)

    @property
    def several(self) -> bool:
        """Whether there are more than one."""
        return len(self._places) > 1

    def read(self, region: str, object_key: str) -> bytes | None:
        """Returns the object as ``region`` has it, None if it does not or cannot be asked in time."""
        found: bytes | None = self._ask(region, lambda s3, **place: s3.get_object(**place)["Body"].read(), object_key)
        return found

    def replication(self, region: str, object_key: str) -> str | None:
        """Returns what S3 says in ``region`` of the object's copies, None if it cannot be asked in time."""
        found: dict[str, Any] = self._ask(region, lambda s3, **place: s3.head_object(**place), object_key) or {}
        return found.get("ReplicationStatus")

    def _ask(self, region: str, question: Callable[..., Any], object_key: str) -> Any:
        """Returns the answer to a question about an object in ``region``, None if there is none in time."""
        place = self._places.get(region)
        if not place or time.monotonic() < self._rest_until.get(region, 0.0):
            return None

        def ask() -> Any:
            s3 = self._sessions.client("s3", region, place["role_arn"])
            return question(s3, Bucket=place["bucket"], Key=object_key)

        try:
            return within(READ_SECONDS, ask)
        except (BotoCoreError, ClientError, TimeoutError) as error:
            code = error_code(error)
            if code not in ("NoSuchKey", "404"):
                self._rest_until[region] = time.monotonic() + REST_SECONDS
                self._logger.warning("peer rests", peer=region, error_type=type(error).__name__, error_code=code)
            return None
