"""What the operations team of a region is told, read as they would read it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from drill.mailbox import queue

import attrs

PATIENCE_S = 60


@attrs.frozen
class Mailbox:
    """A queue that is subscribed to a region's topic."""

    _sqs: Any
    _queue: str

    def take(self) -> list[dict[str, Any]]:
        """What came since this was last asked: of each message its Subject and Message."""
        found: list[dict[str, Any]] = []
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found


@contextmanager
def mailbox(aws: EmbeddedAws, deployment: Deployment, region: str) -> Iterator[Mailbox]:
    """A mailbox that only the region's topic may put something into; it is gone in the end."""
    topic = deployment.outputs(region)["alert_topic_arn"]
    with queue(aws, region, topic, "mailbox") as url:
        yield Mailbox(aws.client("sqs", region), url)


def until(done: Callable[[], bool], within_s: float = PATIENCE_S, every_s: float = 0.2) -> None:
    """Returns when it is done."""
    ends = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < ends, f"not within {within_s:.0f} s"
        time.sleep(every_s)
