"""A region: one stack that holds all that the region needs to serve alone."""

import json
from typing import ClassVar

from dr.bundle import functions_bundle
from dr.regions.settings import RegionSettings
from dr.resources.api import Api
from dr.resources.backup import Backups
from dr.resources.encryption import EncryptionKey, KeyAccess
from dr.resources.function import Function
from dr.resources.measures import Measures
from dr.resources.messaging import AlertTopic, DeadLetterQueue
from dr.resources.monitoring import Alarm, Dashboard
from dr.resources.naming import ALERT_TOPIC, AUDIT_LOGS, PATIENT_RECORDS, Names, document_bucket, table_arns
from dr.resources.network import Network
from dr.resources.policy import Statement
from dr.resources.role import Role
from dr.resources.stack import AwsStack
from dr.resources.storage import DocumentBucket
from dr.resources.trail import Trail, trail_arn
from dr.settings import Settings

from cdktf import TerraformOutput
from constructs import Construct

READ_AND_APPEND = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query")
APPEND = ("dynamodb:PutItem", "dynamodb:Query")
# An audit row is never changed, whatever another statement may allow.
CHANGE = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:UpdateItem",
)


def role_arn(names: Names, kind: str, region: str, account: str) -> str:
    """The ARN of a region's role of that kind, whether it exists yet or not."""
    return f"arn:aws:iam::{account}:role/{names.worldwide(f'role-{kind}', region)}"


class Region(AwsStack):
    """The base of all regions. A subclass names its settings, and may override what it builds differently.

    Nothing in it refers to another stack: it deploys, plans and is destroyed while every other region is down.

    Attributes:
        settings: Name, addresses, zones and weight that the class brings along.
        placed: The same with the overrides of this environment.
        key, network, topic, bucket, api: What it built.
    """

    settings: ClassVar[RegionSettings]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not isinstance(getattr(cls, "settings", None), RegionSettings):
            raise TypeError(f"{cls.__name__} must have a class attribute 'settings' of type RegionSettings")

    def __init__(self, scope: Construct, config: Settings) -> None:
        name = type(self).settings.name
        super().__init__(scope, name, config, regions=[name], state_in=name)
        self.name = name
        self.placed = config.region(name)
        self.peers = config.peers_of(name)
        self.key = self.create_key()
        self.network = self.create_network()
        self.topic = self.create_topic()
        self.bucket = self.create_bucket()
        self.dead_letters = self.create_dead_letter_queue()
        self.function = self.create_function()
        self.api = self.create_api()
        self.create_peer_access()
        self.create_trail()
        self.create_backups()
        self.create_alarms()
        self.create_dashboard()
        TerraformOutput(self, "api_url", value=f"https://{self.api.host}")
        TerraformOutput(self, "document_bucket", value=self.bucket.name)
        TerraformOutput(self, "alert_topic_arn", value=self.topic.arn)

    def named(self, kind: str) -> str:
        """The name of a resource of this region."""
        return self.names.regional(kind)

    @property
    def table_arns(self) -> tuple[str, str]:
        """The ARNs of the region's replicas of the tables of records and of audit rows."""
        return table_arns(self.names, self.name, self.account)

    @property
    def key_access(self) -> KeyAccess:
        """Where the region's key is, and whom its policy lets in."""
        copying = [("replication", region) for region in (self.name, *(peer.name for peer in self.peers))]
        using = [("api", self.name), ("backup", self.name), ("peer", self.name), ("restore", self.name), *copying]
        return KeyAccess(
            region=self.name,
            account=self.account,
            document_roles=[role_arn(self.names, kind, region, self.account) for kind, region in using],
            trail=trail_arn(self.names, self.name, self.account),
        )

    def create_key(self) -> EncryptionKey:
        """The customer key of everything in the region that holds data."""
        return EncryptionKey(self, "key", name=self.named("kms"), access=self.key_access)

    def create_network(self) -> Network:
        """The private network that functions and endpoints are in."""
        return Network(
            self,
            "network",
            names=self.names,
            account=self.account,
            region=self.placed,
            peers=self.peers,
            services=self.config.interface_endpoints,
            key=self.key,
            log_retention_days=self.config.log_retention_days,
        )

    def create_topic(self) -> AlertTopic:
        """The operations team's topic."""
        return AlertTopic(
            self,
            "topic",
            name=self.named(ALERT_TOPIC),
            account=self.account,
            key=self.key,
            subscriptions=self.config.alert_subscriptions,
        )

    def create_bucket(self) -> DocumentBucket:
        """The bucket of medical documents."""
        return DocumentBucket(
            self,
            "documents",
            name=document_bucket(self.names, self.name, self.account),
            key=self.key,
            topic=self.topic,
        )

    def create_dead_letter_queue(self) -> DeadLetterQueue:
        """The queue of events that no function could handle."""
        return DeadLetterQueue(self, "dead-letters", name=self.named("queue-dead-letters"), key=self.key)

    def create_function(self) -> Function:
        """The function that answers the API."""
        return Function(
            self,
            "function",
            name=self.named("lambda-api"),
            role_name=self.names.worldwide("role-api", self.name),
            region=self.name,
            account=self.account,
            bundle=functions_bundle(),
            handler="functions.api.handler.handler",
            environment={
                "AUDIT_LOGS_TABLE": self.named(AUDIT_LOGS),
                "DOCUMENTS_BUCKET": self.bucket.name,
                "DOCUMENTS_KEY_ARN": self.key.arn,
                "LOG_LEVEL": "INFO",
                "PATIENT_RECORDS_TABLE": self.named(PATIENT_RECORDS),
                "PEERS": json.dumps(self._peer_documents()),
                "POWERTOOLS_SERVICE_NAME": "api",
            },
            statements=[
                *self._data_access(),
                self.bucket.listing(),
                self.bucket.read_write(),
                self.key.usage("dynamodb", "lambda", "s3", "sqs"),
                self._assume_peers(),
            ],
            network=self.network,
            key=self.key,
            dead_letters=self.dead_letters,
            memory_mb=self.config.lambda_memory_mb,
            log_retention_days=self.config.log_retention_days,
        )

    def create_api(self) -> Api:
        """The region's own API."""
        return Api(
            self,
            "api",
            name=self.named("api"),
            region=self.name,
            function=self.function,
            key=self.key,
            issuer=self.config.oidc_issuer,
            audience=self.config.oidc_audience,
            log_retention_days=self.config.log_retention_days,
        )

    def create_peer_access(self) -> Role:
        """The role by which the other regions' functions read this region's documents and use its topic."""
        return Role(
            self,
            "peer-access",
            name=self.names.worldwide("role-peer", self.name),
            account=self.account,
            assumed_by=[role_arn(self.names, "api", peer.name, self.account) for peer in self.peers],
            statements=[
                self.bucket.listing(),
                self.bucket.read(),
                self.key.usage("s3", "sns"),
                Statement(sid="NotifyOperations", actions=("sns:Publish",), resources=(self.topic.arn,)),
            ],
        )

    def create_trail(self) -> Trail:
        """The record of every call that changes the account or touches the region's data."""
        return Trail(
            self,
            "trail",
            names=self.names,
            region=self.name,
            account=self.account,
            key=self.key,
            tables=self.table_arns,
            buckets=[self.bucket.arn],
            topic_arn=self.topic.arn,
            log_retention_days=self.config.log_retention_days,
        )

    def create_backups(self) -> Backups:
        """The daily backups of the region's data, with copies in the other regions."""
        return Backups(
            self,
            "backups",
            names=self.names,
            region=self.name,
            peers=[peer.name for peer in self.peers],
            account=self.account,
            key=self.key,
            topic=self.topic,
            resources=[*self.table_arns, self.bucket.arn],
        )

    def create_alarms(self) -> list[Alarm]:
        """The region's alarms, each of which tells the region's own topic."""
        return [
            Alarm(
                self,
                f"alarm-{kind}",
                name=self.named(f"alarm-{kind}"),
                threshold=threshold,
                topic_arn=self.topic.arn,
            )
            for kind, threshold in self._measures().thresholds().items()
        ]

    def create_dashboard(self) -> Dashboard:
        """The region's dashboard."""
        return Dashboard(self, "dashboard", name=self.named("dashboard"), graphs=self._measures().graphs())

    def _measures(self) -> Measures:
        regions = (self.name, *(peer.name for peer in self.peers))
        return Measures(
            region=self.name,
            names=self.names,
            api_id=self.api.id,
            function=self.function.name,
            dead_letters=self.dead_letters.name,
            buckets={region: document_bucket(self.names, region, self.account) for region in regions},
            lag_limit_s=self.config.replication_lag_alarm_s,
        )

    def _data_access(self) -> list[Statement]:
        records, audit = self.table_arns
        return [
            Statement(sid="ReadAndAppendRecords", actions=READ_AND_APPEND, resources=(records, f"{records}/index/*")),
            Statement(sid="AppendAuditRows", actions=APPEND, resources=(audit, f"{audit}/index/*")),
            Statement(sid="ChangeNoAuditRow", effect="Deny", actions=CHANGE, resources=(audit, f"{audit}/index/*")),
        ]

    def _peer_documents(self) -> dict[str, dict[str, str]]:
        """Where the other regions' documents are, and the role to read them by: known without asking them.

        Nowhere without the endpoints by which they are read: a function would wait for what it cannot reach.
        """
        if not {"s3", "sts"} <= set(self.config.interface_endpoints):
            return {}
        return {
            peer.name: {
                "bucket": document_bucket(self.names, peer.name, self.account),
                "role_arn": role_arn(self.names, "peer", peer.name, self.account),
            }
            for peer in self.peers
        }

    def _assume_peers(self) -> Statement:
        return Statement(
            sid="AssumePeerAccess",
            actions=("sts:AssumeRole",),
            resources=tuple(role_arn(self.names, "peer", peer.name, self.account) for peer in self.peers),
        )
