"""A region: one stack that holds all that the region needs to serve alone."""

from typing import ClassVar

from dr.bundle import functions_bundle
from dr.regions.settings import RegionSettings
from dr.resources.api import Api
from dr.resources.api_function import ApiFunction
from dr.resources.backup import Backups
from dr.resources.encryption import EncryptionKey, KeyAccess
from dr.resources.failover import Failover, Place
from dr.resources.graphs import graphs
from dr.resources.measures import IMPAIRING, Measures
from dr.resources.messaging import DeadLetterQueue, Topic
from dr.resources.monitoring import Alarm, AnyAlarm, Dashboard
from dr.resources.naming import (
    ALERT_TOPIC,
    FAILOVER_TOPIC,
    TABLES,
    document_bucket,
    role_arn,
    table_arn,
    topic_arn,
)
from dr.resources.network import Network
from dr.resources.role import Role
from dr.resources.stack import AwsStack
from dr.resources.storage import DocumentBucket
from dr.resources.trail import MISSING_ROWS, REFUSED_REQUESTS, Trail, trail_arn, watch_log
from dr.settings import Settings

from cdktf import TerraformOutput
from constructs import Construct


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
        self.create_watch_access()
        self.create_tell_access()
        self.failover = self.create_failover()
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
    def table_arns(self) -> tuple[str, ...]:
        """The ARNs of the region's replicas of all tables."""
        return tuple(table_arn(self.names, table, self.name, self.account) for table in TABLES)

    @property
    def key_access(self) -> KeyAccess:
        """Where the region's key is, and whom its policy lets in."""
        copying = [("replication", region) for region in (self.name, *(peer.name for peer in self.peers))]
        using = [(kind, self.name) for kind in ("api", "backup", "peer", "probe", "restore", "watch")]
        return KeyAccess(
            region=self.name,
            account=self.account,
            document_roles=[self._role_arn(kind, region) for kind, region in (*using, *copying)],
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

    def create_topic(self) -> Topic:
        """The operations team's topic."""
        return Topic(
            self,
            "topic",
            name=self.named(ALERT_TOPIC),
            account=self.account,
            key=self.key,
            publishers=["backup", "cloudwatch", "s3"],
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
        return DeadLetterQueue(
            self,
            "dead-letters",
            name=self.named("queue-dead-letters"),
            key=self.key,
            topic_arn=topic_arn(self.names, FAILOVER_TOPIC, self.name, self.account),
        )

    def create_function(self) -> ApiFunction:
        """The function that answers the API."""
        return ApiFunction(
            self,
            "function",
            names=self.names,
            region=self.name,
            account=self.account,
            peers=[peer.name for peer in self.peers],
            bundle=functions_bundle(),
            config=self.config,
            bucket=self.bucket,
            key=self.key,
            network=self.network,
            dead_letters=self.dead_letters,
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
        """The role by which the other regions' functions read this region's documents."""
        return Role(
            self,
            "peer-access",
            name=self.names.worldwide("role-peer", self.name),
            account=self.account,
            assumed_by=[self._role_arn("api", peer.name) for peer in self.peers],
            statements=[
                self.bucket.listing(),
                self.bucket.read(),
                self.key.usage("s3"),
            ],
        )

    def create_watch_access(self) -> Role:
        """The role by which the other regions' probes see whether their objects arrive here."""
        return Role(
            self,
            "watch-access",
            name=self.names.worldwide("role-watch", self.name),
            account=self.account,
            assumed_by=[self._role_arn("probe", peer.name) for peer in self.peers],
            statements=[*self.bucket.see_probes(), self.key.usage("s3")],
        )

    def create_tell_access(self) -> Role:
        """The role by which the other regions' failover functions tell the operations team here."""
        return Role(
            self,
            "tell-access",
            name=self.names.worldwide("role-tell", self.name),
            account=self.account,
            assumed_by=[self._role_arn("failover", peer.name) for peer in self.peers],
            statements=[self.topic.publishing(), self.key.usage("sns")],
        )

    def create_failover(self) -> Failover:
        """What watches the other regions from this one, and takes a lost one out of DNS."""
        return Failover(
            self,
            "failover",
            place=Place(
                region=self.name,
                account=self.account,
                names=self.names,
                peers=[peer.name for peer in self.peers],
                api_url=f"https://{self.api.host}",
                bundle=functions_bundle(),
            ),
            config=self.config,
            key=self.key,
            bucket=self.bucket,
            alerts=self.topic,
            dead_letters=self.dead_letters,
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

    def create_alarms(self) -> AnyAlarm:
        """The region's alarms, each of which tells the region's own topic, and one that sums up what callers feel."""
        for kind, watch, log in (
            ("refused-requests", REFUSED_REQUESTS, self.api.access_log),
            ("missing-audit-rows", MISSING_ROWS, self.function.log),
        ):
            watch_log(self, kind, watch, names=self.names, log_group=log, topic_arn=self.topic.arn)
        measures = self._measures()
        told = {kind: (each, [self.topic.arn]) for kind, each in measures.thresholds().items()}
        told |= {kind: (each, [self.failover.topic.arn]) for kind, each in measures.health_of_peers().items()}
        alarms = {
            kind: Alarm(self, f"alarm-{kind}", name=self.named(f"alarm-{kind}"), threshold=threshold, topic_arns=topics)
            for kind, (threshold, topics) in told.items()
        }
        return AnyAlarm(
            self,
            "alarm-impaired",
            name=self.named("alarm-impaired"),
            alarms=[alarms[kind] for kind in IMPAIRING],
            topic_arn=self.topic.arn,
            meaning=f"{self.name} serves badly, whatever its health check says: consider evacuating it.",
        )

    def create_dashboard(self) -> Dashboard:
        """The region's dashboard."""
        return Dashboard(self, "dashboard", name=self.named("dashboard"), graphs=graphs(self._measures()))

    def _measures(self) -> Measures:
        regions = (self.name, *(peer.name for peer in self.peers))
        return Measures(
            region=self.name,
            names=self.names,
            api_id=self.api.id,
            functions={
                "function": self.function.name,
                "failover": self.failover.function.name,
                "probe": self.failover.probe.name,
            },
            dead_letters=self.dead_letters.name,
            buckets={region: document_bucket(self.names, region, self.account) for region in regions},
            lag_limit_s=self.config.replication_lag_alarm_s,
            concurrency=self.config.lambda_concurrency,
        )

    def _role_arn(self, kind: str, region: str) -> str:
        return role_arn(self.names, kind, region, self.account)
