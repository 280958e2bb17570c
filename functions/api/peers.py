"""The other regions' buckets: read while replication has not brought a document here yet, and never written."""

import time
from collections.abc import Mapping
from functools import partial

from functions.shared.clients import within
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
    """Of each other region the ``bucket`` and the ``role_arn``."""
    _logger: Logger
    _rest_until: dict[str, float] = field(factory=dict, init=False)

    def read(self, region: str, object_key: str) -> bytes | None:
        """Returns the object as ``region`` has it, None if it does not or cannot be asked in time."""
        if region not in self._places or time.monotonic() < self._rest_until.get(region, 0.0):
            return None
        try:
            return within(READ_SECONDS, partial(self._fetch, region, object_key))
        except (BotoCoreError, ClientError, TimeoutError) as error:
            code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
            if code != "NoSuchKey":
                self._rest_until[region] = time.monotonic() + REST_SECONDS
                self._logger.warning("peer rests", peer=region, error_type=type(error).__name__, error_code=code)
            return None

    def _fetch(self, region: str, object_key: str) -> bytes:
        place = self._places[region]
        s3 = self._sessions.client("s3", region, place["role_arn"])
        body: bytes = s3.get_object(Bucket=place["bucket"], Key=object_key)["Body"].read()
        return body
