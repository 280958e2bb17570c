"""What a region's alarms watch and its dashboard shows."""

from collections.abc import Mapping, Sequence

from dr.objectives import DOCUMENT_REPLICATION_S, RECOVERY_POINT_OBJECTIVE_S
from dr.resources.monitoring import ROUTE53_REGION, Graph, Metric, Threshold
from dr.resources.naming import AUDIT_LOGS, PATIENT_RECORDS, Names

import attrs

LATENCY_LIMIT_MS = 3_000
# Searches, because what they find is made by other stacks under ids that this region does not know.
HEALTH_OF_ALL = """SEARCH('{AWS/Route53,HealthCheckId} MetricName="HealthCheckStatus"', 'Minimum', 60)"""
REQUESTS_OF_ALL = """SEARCH('{AWS/ApiGateway,ApiId} MetricName="Count"', 'Sum', 60)"""
TABLES = (PATIENT_RECORDS, AUDIT_LOGS)


def replication_rule(target: str) -> str:
    """The id of the S3 replication rule towards a region."""
    return f"to-{target}"


def _api(name: str, api_id: str, statistic: str = "Sum") -> Metric:
    return Metric(namespace="AWS/ApiGateway", name=name, dimensions={"ApiId": api_id}, statistic=statistic)


def _function(name: str, function: str, statistic: str = "Sum") -> Metric:
    return Metric(namespace="AWS/Lambda", name=name, dimensions={"FunctionName": function}, statistic=statistic)


@attrs.frozen(kw_only=True)
class Measures:
    """What there is to watch of one region.

    Attributes:
        region: The region.
        names: The naming rule.
        api_id: Its API.
        function: The name of the function behind the API.
        dead_letters: The name of the queue of events that no function could handle.
        buckets: The document bucket of every region, its own too.
        lag_limit_s: Replication lag of a table that is told, seconds.
    """

    region: str
    names: Names
    api_id: str
    function: str
    dead_letters: str
    buckets: Mapping[str, str]
    lag_limit_s: int

    @property
    def peers(self) -> list[str]:
        """The other regions."""
        return [region for region in self.buckets if region != self.region]

    def thresholds(self) -> Mapping[str, Threshold]:
        """The basic alarms, by their ids."""
        alarms = {
            "api-errors": Threshold(
                metric=_api("5xx", self.api_id),
                limit=5,
                minutes=2,
                meaning="The API fails: more than 5 server errors a minute.",
            ),
            "api-latency": Threshold(
                metric=_api("Latency", self.api_id, "p99"),
                limit=LATENCY_LIMIT_MS,
                minutes=3,
                meaning=f"The API is slow: one answer in a hundred takes more than {LATENCY_LIMIT_MS} ms.",
            ),
            "function-errors": Threshold(
                metric=_function("Errors", self.function),
                limit=0,
                minutes=2,
                meaning="The API's function ends in errors.",
            ),
            "function-throttles": Threshold(
                metric=_function("Throttles", self.function),
                limit=0,
                meaning="The API's function is throttled: the region lacks the concurrency for its load.",
            ),
            "dead-letters": Threshold(
                metric=Metric(
                    namespace="AWS/SQS",
                    name="ApproximateNumberOfMessagesVisible",
                    dimensions={"QueueName": self.dead_letters},
                    statistic="Maximum",
                ),
                limit=0,
                meaning="Events that no function could handle wait in the dead-letter queue.",
            ),
        }
        for peer in self.peers:
            for table in TABLES:
                alarms[f"lag-{table.replace('_', '-')}-{peer}"] = Threshold(
                    metric=self._table_lag(table, peer),
                    limit=self.lag_limit_s * 1000,
                    meaning=f"{table} reaches {peer} late: the recovery point objective of "
                    f"{RECOVERY_POINT_OBJECTIVE_S} s is in danger.",
                )
            alarms[f"lag-documents-{peer}"] = Threshold(
                metric=self._document_lag("ReplicationLatency", peer),
                limit=DOCUMENT_REPLICATION_S,
                meaning=f"Documents reach {peer} later than the 15 minutes that S3 promises.",
            )
        return alarms

    def graphs(self) -> Sequence[Graph]:
        """The dashboard: traffic, errors, latency, replication lag, failover."""
        requests = [("requests", _api("Count", self.api_id)), ("5xx", _api("5xx", self.api_id))]
        latency = [(statistic, _api("Latency", self.api_id, statistic)) for statistic in ("p50", "p99")]
        tables = [(f"{table} to {peer}", self._table_lag(table, peer)) for peer in self.peers for table in TABLES]
        documents = [
            (f"{what} to {peer}", self._document_lag(metric, peer))
            for peer in self.peers
            for what, metric in (("lag, s", "ReplicationLatency"), ("pending", "OperationsPendingReplication"))
        ]
        function = [
            ("errors", _function("Errors", self.function)),
            ("throttles", _function("Throttles", self.function)),
            ("concurrent", _function("ConcurrentExecutions", self.function, "Maximum")),
        ]
        return [
            Graph(title=f"Requests in {self.region}", region=self.region, unit="a minute", lines=requests),
            Graph(title=f"Latency in {self.region}", region=self.region, unit="ms", lines=latency),
            Graph(title="Replication lag of tables", region=self.region, unit="ms", lines=tables),
            Graph(title="Replication of documents", region=self.region, lines=documents),
            Graph(title="Failover: 1 is healthy", region=ROUTE53_REGION, lines=[("health", HEALTH_OF_ALL)]),
            Graph(title="The API's function", region=self.region, unit="a minute", lines=function),
            *(
                Graph(title=f"Requests in {peer}", region=peer, unit="a minute", lines=[("requests", REQUESTS_OF_ALL)])
                for peer in self.peers
            ),
        ]

    def _table_lag(self, table: str, receiver: str) -> Metric:
        return Metric(
            namespace="AWS/DynamoDB",
            name="ReplicationLatency",
            dimensions={"TableName": self.names.regional(table), "ReceivingRegion": receiver},
            statistic="Maximum",
        )

    def _document_lag(self, name: str, receiver: str) -> Metric:
        return Metric(
            namespace="AWS/S3",
            name=name,
            dimensions={
                "SourceBucket": self.buckets[self.region],
                "DestinationBucket": self.buckets[receiver],
                "RuleId": replication_rule(receiver),
            },
            statistic="Maximum",
        )
