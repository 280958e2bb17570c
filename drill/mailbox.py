"""What the operations team of each region is told, in queues of the drill's own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from drill.emulator import EmbeddedAws
from drill.log import Notice

import attrs

QUEUE = "drill-mailbox"


@attrs.frozen
class Mailboxes:
    """The queues, by region."""

    aws: EmbeddedAws
    queues: Mapping[str, str]

    def read(self) -> list[Notice]:
        """The messages since the last call; each counts from when it was sent, as SQS says."""
        found, now = list[Notice](), time.monotonic() - time.time()
        for region, url in self.queues.items():
            sqs = self.aws.client("sqs", region)
            options = {"MaxNumberOfMessages": 10, "AttributeNames": ["SentTimestamp"]}
            while messages := sqs.receive_message(QueueUrl=url, **options).get("Messages", []):
                for message in messages:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    at = now + int(message["Attributes"]["SentTimestamp"]) / 1000
                    found.append(Notice(at, str(json.loads(message["Body"])["Subject"])))
        return found


@contextmanager
def mailboxes(aws: EmbeddedAws, topics: Mapping[str, str]) -> Iterator[Mailboxes]:
    """A queue at each region's topic, gone in the end."""
    with ExitStack() as made:
        yield Mailboxes(
            aws, {region: made.enter_context(queue(aws, region, topic, QUEUE)) for region, topic in topics.items()}
        )


@contextmanager
def queue(aws: EmbeddedAws, region: str, topic: str, name: str) -> Iterator[str]:
    """The URL of a queue that only the topic may put something into, and does; it is gone in the end."""
    sqs, sns = aws.client("sqs", region), aws.client("sns", region)
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    with ExitStack() as undone:
        undone.callback(sqs.delete_queue, QueueUrl=url)
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = {"Version": "2012-10-17", "Statement": [allowed]}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
        undone.callback(sns.unsubscribe, SubscriptionArn=subscribed["SubscriptionArn"])
        yield url
