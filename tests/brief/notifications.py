"""SNS: a topic in every region, and who is told."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.brief.keys import KEY
from tests.brief.monitoring import TOPIC
from tests.brief.reading import at, granting, of_region, principals_of, referred, region_of, statements
from tests.brief.rules import (
    BRIEF,
    DELEGATED,
    DESIGN,
    THREE_DELEGATED,
    changed,
    dropped,
    of,
    removed,
    replaced,
    statement,
    unstated,
)
from tests.synthesis import Resource, Stacks, regions_of, resources

SUBSCRIPTION = "aws_sns_topic_subscription"
EVENTS = "aws_s3_bucket_notification"
TROUBLE = {"s3:Replication:OperationFailedReplication", "s3:Replication:OperationMissedThreshold"}
# What the delegated app's settings ask for.
SUBSCRIPTIONS = {
    ("email", "oncall@hospital.org"),
    ("https", "https://pager.hospital.org/sns"),
    ("sqs", "arn:aws:sqs:us-east-1:111111111111:ops"),
}


def is_alerts(topic: Resource) -> bool:
    """Whether a topic is the operations team's."""
    return str(topic.arguments["name"]).startswith("topic-alerts-")


@BRIEF.rule(
    "7.1",
    "T.9",
    "W.9",
    breaks=[
        removed(TOPIC, is_alerts),
        removed("aws_sns_topic_policy"),
        changed(TOPIC, "provider", to="aws.elsewhere"),
        unstated("PublishByServices"),
        unstated("PublishToTopics"),
        replaced(statement("PublishByServices"), "principals", "cloudwatch.", "events."),
        replaced(statement("PublishToTopics"), "principals", "cloudwatch.", "events."),
        changed(statement("PublishToTopics"), "actions", to=["kms:DescribeKey"]),
    ],
)
def every_region_has_a_topic_that_alarms_can_publish_to(stacks: Stacks) -> Iterator[str]:
    """A topic in each region, open to CloudWatch by its policy, and by its key's: else an alarm fails silently."""
    for region in regions_of(stacks):
        if not any(map(is_alerts, of_region(stacks, region, TOPIC))):
            yield f"{region}: has no topic of the operations team"
    for topic in resources(stacks, TOPIC):
        if region_of(stacks, topic) != topic.stack:
            yield f"{topic.address}: is not in its region"
        given = [
            each
            for policy in resources({topic.stack: stacks[topic.stack]}, "aws_sns_topic_policy")
            if referred(stacks, topic.stack, policy.arguments["arn"], TOPIC) == topic
            for each in statements(policy.arguments["policy"])
        ]
        if not _lets(given, "cloudwatch.amazonaws.com", {"sns:Publish"}):
            yield f"{topic.address}: is closed to alarms"
        key = referred(stacks, topic.stack, topic.arguments.get("kms_master_key_id"), KEY)
        of_key = statements(key.arguments["policy"]) if key else []
        if not _lets(of_key, "cloudwatch.amazonaws.com", {"kms:Decrypt", "kms:GenerateDataKey*"}):
            yield f"{topic.address}: its key is closed to alarms"


def _lets(given: Sequence[Any], who: str, actions: set[str]) -> bool:
    return any(
        each["effect"] == "Allow" and who in principals_of(each) and actions <= set(each["actions"]) for each in given
    )


def _of_people(subscription: Resource) -> bool:
    return bool(subscription.arguments["protocol"] != "lambda")


SUBSCRIBED = of(SUBSCRIPTION, where=_of_people)


@BRIEF.rule(
    "7.2",
    apps=(DELEGATED, THREE_DELEGATED),
    breaks=[
        removed(SUBSCRIPTION, _of_people),
        changed(SUBSCRIBED, "protocol", to="sms"),
        changed(SUBSCRIBED, "topic_arn", to="arn:aws:sns:us-east-1:111111111111:other"),
        changed(SUBSCRIBED, "endpoint", to="somebody@hospital.org"),
    ],
)
def the_operations_team_is_subscribed_in_every_region(stacks: Stacks) -> Iterator[str]:
    """Each region's topic has all subscriptions of the settings, by email, https and queue."""
    for region in regions_of(stacks):
        found = {
            (each.arguments["protocol"], each.arguments["endpoint"])
            for each in of_region(stacks, region, SUBSCRIPTION)
            if (topic := referred(stacks, region, each.arguments["topic_arn"], TOPIC)) and is_alerts(topic)
        }
        if found != SUBSCRIPTIONS:
            yield f"{region}: tells {sorted(found)}"


@DESIGN.rule(
    "SECURITY",
    breaks=[
        removed(EVENTS),
        changed(EVENTS, "bucket", to="other"),
        changed(EVENTS, "topic.0.topic_arn", to="arn:aws:sns:us-east-1:111111111111:other"),
        changed(EVENTS, "topic.0.events", to=["s3:ObjectCreated:*"]),
        dropped(EVENTS, "depends_on"),
        replaced(statement("PublishByServices"), "principals", "s3.amazonaws.com", "ec2.amazonaws.com"),
        replaced(statement("PublishToTopics"), "principals", "s3.amazonaws.com", "ec2.amazonaws.com"),
        changed(EVENTS, "topic.0.events.1", to="s3:ObjectCreated:*"),
    ],
)
def a_document_that_does_not_replicate_is_told_to_operations(stacks: Stacks) -> Iterator[str]:
    """S3's own events of failed and late replication reach the region's topic, which lets S3 publish first."""
    for region in regions_of(stacks):
        told = []
        for each in of_region(stacks, region, EVENTS):
            topic = referred(stacks, region, at(each.arguments, "topic.0.topic_arn"), "aws_sns_topic")
            bucket = referred(stacks, region, each.arguments["bucket"], "aws_s3_bucket")
            failed = set(at(each.arguments, "topic.0.events")) == TROUBLE
            waits = {address.partition(".")[0] for address in each.arguments.get("depends_on", [])}
            if topic and bucket and failed and "aws_sns_topic_policy" in waits and _publishes(stacks, topic):
                told.append(bucket)
        if not told:
            yield f"{region}: failed replication is told to nobody"


def _publishes(stacks: Stacks, topic: Resource) -> bool:
    """Whether S3 may publish to a topic, by the topic's policy and by that of its key."""
    return all(
        any(
            "s3.amazonaws.com" in principals_of(given)
            for policy in of_region(stacks, topic.stack, kind)
            for given in granting(statements(policy.arguments["policy"]), action)
        )
        for kind, action in (("aws_sns_topic_policy", "sns:Publish"), (KEY, "kms:GenerateDataKey*"))
    )
