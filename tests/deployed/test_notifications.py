"""What the operations team reads when an alarm goes off."""

import json
import time
from collections.abc import Iterator
from typing import Any

from drill.deployment import Deployment
from drill.emulator import EmbeddedAws
from tests.deployed.conftest import SUFFIX

import pytest

ALARMS = ("alarm-backups-failed", "alarm-copies-failed", "alarm-denied-calls")
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}


@pytest.fixture(params=["us-east-1", "us-west-2"])
def region(request: pytest.FixtureRequest) -> str:
    """Each region in turn."""
    return str(request.param)


@pytest.fixture
def mailbox(region: str, aws: EmbeddedAws, deployment: Deployment) -> Iterator[str]:
    """A queue that gets what the operations team of the region is told."""
    sqs, sns = aws.client("sqs", region), aws.client("sns", region)
    queue = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [OPEN | {"Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    topic = deployment.outputs(region)["alert_topic_arn"]
    subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    yield queue
    sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=queue)


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_tells_the_operations_team_of_its_region_what_it_means(
    alarm: str, region: str, mailbox: str, aws: EmbeddedAws
) -> None:
    cloudwatch, name = aws.client("cloudwatch", region), f"{alarm}-{SUFFIX}"
    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
        told = read(aws, region, mailbox)
        (described,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert (told["AlarmName"], told["NewStateValue"]) == (name, state)
        assert told["AlarmDescription"] == described["AlarmDescription"]


def read(aws: EmbeddedAws, region: str, queue: str) -> Any:
    """The next message, taken out of its envelope."""
    sqs, ends = aws.client("sqs", region), time.monotonic() + 60
    while not (messages := sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", [])):
        assert time.monotonic() < ends
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
    return json.loads(json.loads(messages[0]["Body"])["Message"])
