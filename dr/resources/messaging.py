"""A region's topics, and the queue of what no function could handle."""

import hashlib
from collections.abc import Sequence

from dr.formats import protocol_of
from dr.resources.data_class import DataClass
from dr.resources.encryption import EncryptionKey
from dr.resources.policy import Condition, Principals, Statement, deny_plain_http, document, from_account

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from constructs import Construct

# The longest that SQS keeps a message: 14 days.
LONGEST_RETENTION_S = 14 * 24 * 60 * 60


def _digest(endpoint: str) -> str:
    """An id that stays when other endpoints come and go: a subscription that is made anew must be confirmed anew."""
    return hashlib.sha256(endpoint.encode()).hexdigest()[:8]


class Topic(Construct):
    """An encrypted topic that AWS services publish to, and its subscriptions.

    A subscription by email waits until its reader confirms it.

    Attributes:
        arn: The topic's ARN.
        policy: Who may publish: what publishes as a service must wait for it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        account: str,
        key: EncryptionKey,
        publishers: Sequence[str],
        subscriptions: Sequence[str] = (),
    ) -> None:
        """Make the topic.

        Args:
            scope: The region's stack.
            id_: Its id there.
            name: Its name.
            account: The id of the account.
            key: Encrypts the messages.
            publishers: The services that publish to it, without ``.amazonaws.com``.
            subscriptions: Email addresses, https URLs and queue ARNs that every message goes to.
        """
        super().__init__(scope, id_)
        tags = {"Name": name, **DataClass.OPERATIONS.tag}
        topic = SnsTopic(self, "topic", name=name, kms_master_key_id=key.arn, tags=tags)
        self.arn = topic.arn
        self.policy = SnsTopicPolicy(
            self,
            "policy",
            arn=self.arn,
            policy=document(
                [
                    Statement(
                        sid="PublishByServices",
                        principals=Principals.service(*publishers),
                        actions=("sns:Publish",),
                        resources=(self.arn,),
                        conditions=(from_account(account),),
                    ),
                    deny_plain_http(self.arn, actions="sns:Publish"),
                ],
            ),
        )
        for endpoint in subscriptions:
            protocol = protocol_of(endpoint)
            if protocol is None:
                raise ValueError(f"'subscriptions' must hold email, https or SQS endpoints, got: {endpoint!r}")
            SnsTopicSubscription(
                self, f"subscription-{_digest(endpoint)}", topic_arn=self.arn, protocol=protocol, endpoint=endpoint
            )

    def publishing(self) -> Statement:
        """What a role needs to tell the topic something."""
        return Statement(sid="NotifyOperations", actions=("sns:Publish",), resources=(self.arn,))


class DeadLetterQueue(Construct):
    """An encrypted queue for the events that no function could be brought to handle.

    Functions send by their roles, the topic that invokes one sends as a service.

    Attributes:
        arn: The queue's ARN.
        name: Its name.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, key: EncryptionKey, topic_arn: str) -> None:
        """Make the queue.

        Args:
            scope: The region's stack.
            id_: Its id there.
            name: Its name.
            key: Encrypts the messages.
            topic_arn: The topic whose messages end here when their function cannot be invoked.
        """
        super().__init__(scope, id_)
        queue = SqsQueue(
            self,
            "queue",
            name=name,
            kms_master_key_id=key.arn,
            message_retention_seconds=LONGEST_RETENTION_S,
            # An event holds whatever its sender put into it.
            tags={"Name": name, **DataClass.PHI.tag},
        )
        self.arn, self.name = queue.arn, name
        sending = Statement(
            sid="SendByTopic",
            principals=Principals.service("sns"),
            actions=("sqs:SendMessage",),
            resources=(self.arn,),
            conditions=(Condition("ArnEquals", "aws:SourceArn", (topic_arn,)),),
        )
        SqsQueuePolicy(
            self,
            "policy",
            queue_url=queue.id,
            policy=document([sending, deny_plain_http(self.arn, actions="sqs:*")]),
        )

    def sending(self) -> Statement:
        """What a function's role needs for its events to end here."""
        return Statement(sid="SendDeadLetters", actions=("sqs:SendMessage",), resources=(self.arn,))
