"""What watches the regions from one of them, and takes a lost one out of DNS until it is well again."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dr.objectives import ARRIVAL_MARGIN_S, LATCH_PERIODS, METRIC_PERIOD_S, RECOVERY_POINT_OBJECTIVE_S
from dr.resources.encryption import EncryptionKey
from dr.resources.function import TIMEOUT_S, Events, Function
from dr.resources.messaging import DeadLetterQueue, Topic
from dr.resources.monitoring import FAILOVER_METRICS
from dr.resources.naming import (
    ALERT_TOPIC,
    AUDIT_LOGS,
    FAILOVER_STATE,
    FAILOVER_TOPIC,
    Names,
    document_bucket,
    role_arn,
    table_arn,
    topic_arn,
)
from dr.resources.policy import Condition, Statement
from dr.resources.storage import DocumentBucket
from dr.resources.tables import append_audit_rows, read_and_append_state, read_state_and_write_own
from dr.settings import Settings

import attrs
from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget, CloudwatchEventTargetRetryPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

EVERY_MINUTE = "rate(1 minute)"
MEMORY_MB = 512
# The wait, and whatever hangs around it: 4 s five times of its own region, and 9 s of the others' APIs.
PROBE_TIMEOUT_S = RECOVERY_POINT_OBJECTIVE_S + ARRIVAL_MARGIN_S + 35
# The next run is a minute away: an old one tells nothing.
OF_THE_PROBE = Events(age_s=60, retries=0)
# An alarm is worth acting on for as long as the recovery time objective lasts.
OF_FAILOVER = Events(age_s=300, retries=2)


@attrs.frozen(kw_only=True)
class Place:
    """Where the functions run, and what they are told of it.

    Attributes:
        region: The region.
        account: The id of the account.
        names: The naming rule.
        peers: The other regions.
        api_url: The region's own API.
        bundle: The zip of the functions' code.
    """

    region: str
    account: str
    names: Names
    peers: Sequence[str]
    api_url: str
    bundle: Path

    def role(self, kind: str, region: str) -> str:
        """The ARN of a region's role of that kind."""
        return role_arn(self.names, kind, region, self.account)

    def table(self, kind: str, region: str) -> str:
        """The ARN of a region's replica of a table."""
        return table_arn(self.names, kind, region, self.account)


class Failover(Construct):
    """A probe and a failover function, both run every minute; alarms on the other regions invoke the latter at once.

    They run outside the network, for they ask the regions' APIs as clients do. No data of patients is within their
    reach: they have a table of their own, may add audit rows, and assume roles in the other regions, the probe one that
    sees its own object, the failover function one that tells the topic.

    Attributes:
        probe: Measures health and replication, and publishes them.
        function: Evacuates a lost region and releases it.
        topic: What alarms about other regions tell.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        place: Place,
        config: Settings,
        key: EncryptionKey,
        bucket: DocumentBucket,
        alerts: Topic,
        dead_letters: DeadLetterQueue,
    ) -> None:
        """Make the functions and what invokes them.

        Args:
            scope: The region's stack.
            id_: Its id there.
            place: Where they run.
            config: When they evacuate and release.
            key: Encrypts what they are told, their logs and messages.
            bucket: Where the probe puts its object.
            alerts: The operations team's topic.
            dead_letters: Takes what they failed to handle.
        """
        super().__init__(scope, id_)
        self._place, self._config, self._key, self._dead_letters = place, config, key, dead_letters
        self.probe = self._create_probe(bucket)
        self.function = self._create_function(alerts)
        self.topic = Topic(
            self,
            "topic",
            name=place.names.regional(FAILOVER_TOPIC),
            account=place.account,
            key=key,
            publishers=["cloudwatch"],
        )
        allowed = self.function.allow(self, "permission-sns", service="sns", source_arn=self.topic.arn)
        SnsTopicSubscription(
            self,
            "subscription",
            topic_arn=self.topic.arn,
            protocol="lambda",
            endpoint=self.function.arn,
            redrive_policy=json.dumps({"deadLetterTargetArn": dead_letters.arn}),
            depends_on=[allowed],
        )
        self._schedule({"probe": self.probe, "failover": self.function})

    def _schedule(self, functions: Mapping[str, Function]) -> None:
        """Runs that fail are no dead letters: the next one makes up for them, and an alarm tells if it does not."""
        name = self._place.names.regional("rule-probe")
        rule = CloudwatchEventRule(self, "schedule", name=name, schedule_expression=EVERY_MINUTE, tags={"Name": name})
        for kind, function in functions.items():
            allowed = function.allow(self, f"permission-{kind}-schedule", service="events", source_arn=rule.arn)
            CloudwatchEventTarget(
                self,
                f"target-{kind}",
                rule=rule.name,
                target_id=kind,
                arn=function.arn,
                retry_policy=CloudwatchEventTargetRetryPolicy(
                    maximum_event_age_in_seconds=OF_THE_PROBE.age_s, maximum_retry_attempts=OF_THE_PROBE.retries
                ),
                depends_on=[allowed],
            )

    def _create_probe(self, bucket: DocumentBucket) -> Function:
        place = self._place
        replicas = tuple(place.table(FAILOVER_STATE, peer) for peer in place.peers)
        return self._create(
            "probe",
            assumes="watch",
            events=OF_THE_PROBE,
            timeout_s=PROBE_TIMEOUT_S,
            environment={
                "ARRIVAL_S": str(self._config.replication_lag_alarm_s + ARRIVAL_MARGIN_S),
                "DOCUMENTS_BUCKET": bucket.name,
                "DOCUMENTS_KEY_ARN": self._key.arn,
                "PEERS": self._peers("watch", "bucket", lambda peer: document_bucket(place.names, peer, place.account)),
            },
            statements=[
                *read_state_and_write_own(place.table(FAILOVER_STATE, place.region), place.region),
                Statement(sid="ReadReplicasOfState", actions=("dynamodb:GetItem",), resources=replicas),
                self._key_of_replicas(),
                bucket.put_probe(),
                self._key.usage("dynamodb", "lambda", "s3", "sqs"),
            ],
        )

    def _create_function(self, alerts: Topic) -> Function:
        place, config = self._place, self._config
        return self._create(
            "failover",
            assumes="tell",
            events=OF_FAILOVER,
            timeout_s=TIMEOUT_S,
            environment={
                "ALERT_TOPIC_ARN": alerts.arn,
                "AUDIT_LOGS_TABLE": place.names.regional(AUDIT_LOGS),
                "AUTOMATIC_EVACUATION": json.dumps(config.automatic_evacuation),
                "EVACUATE_AFTER_S": str(LATCH_PERIODS * METRIC_PERIOD_S),
                "LAG_OBJECTIVE_S": str(config.replication_lag_alarm_s),
                "PEERS": self._peers(
                    "tell", "topic_arn", lambda peer: topic_arn(place.names, ALERT_TOPIC, peer, place.account)
                ),
                "RELEASE_AFTER_S": str(config.release_after_s),
                "RUNBOOK_URL": config.runbook_url,
            },
            statements=[
                read_and_append_state(place.table(FAILOVER_STATE, place.region)),
                *append_audit_rows(place.table(AUDIT_LOGS, place.region)),
                alerts.publishing(),
                self._key.usage("dynamodb", "lambda", "sns", "sqs"),
            ],
        )

    def _create(
        self,
        kind: str,
        *,
        assumes: str,
        events: Events,
        timeout_s: int,
        environment: Mapping[str, str],
        statements: Sequence[Statement],
    ) -> Function:
        place = self._place
        return Function(
            self,
            kind,
            name=place.names.regional(f"lambda-{kind}"),
            role_name=place.names.worldwide(f"role-{kind}", place.region),
            region=place.region,
            account=place.account,
            bundle=place.bundle,
            handler=f"functions.{kind}.handler.handler",
            environment={
                "API_URL": place.api_url,
                "LOG_LEVEL": "INFO",
                "POWERTOOLS_SERVICE_NAME": kind,
                "STATE_TABLE": place.names.regional(FAILOVER_STATE),
                **environment,
            },
            statements=[
                Statement(
                    sid="AssumePeerRoles",
                    actions=("sts:AssumeRole",),
                    resources=tuple(place.role(assumes, peer) for peer in place.peers),
                ),
                Statement(
                    sid="PublishMeasurements",
                    actions=("cloudwatch:PutMetricData",),
                    resources=("*",),  # metrics have no ARN
                    conditions=(Condition("StringEquals", "cloudwatch:namespace", (FAILOVER_METRICS,)),),
                ),
                *statements,
            ],
            network=None,
            key=self._key,
            dead_letters=self._dead_letters,
            memory_mb=MEMORY_MB,
            log_retention_days=self._config.log_retention_days,
            timeout_s=timeout_s,
            events=events,
        )

    def _peers(self, role: str, what: str, of: Callable[[str], str]) -> str:
        """What a function is told of the other regions: the role to assume there, and one thing more."""
        place = self._place
        return json.dumps({peer: {what: of(peer), "role_arn": place.role(role, peer)} for peer in place.peers})

    def _key_of_replicas(self) -> Statement:
        """The other regions' keys by their alias, for a key's id is AWS's own and no region's stack reads another's."""
        place = self._place
        return Statement(
            sid="ReadUnderTheirKeys",
            actions=("kms:Decrypt", "kms:DescribeKey"),
            resources=tuple(f"arn:aws:kms:{peer}:{place.account}:key/*" for peer in place.peers),
            conditions=(
                Condition("ForAnyValue:StringEquals", "kms:ResourceAliases", (f"alias/{place.names.regional('kms')}",)),
                Condition(
                    "StringEquals",
                    "kms:ViaService",
                    tuple(f"dynamodb.{peer}.amazonaws.com" for peer in place.peers),
                ),
            ),
        )
