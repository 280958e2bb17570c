"""What a region's alarms watch."""

from collections.abc import Mapping

from dr.objectives import DOCUMENT_REPLICATION_S, LATCH_PERIODS, RECOVERY_POINT_OBJECTIVE_S, SILENCE_S
from dr.resources.monitoring import FAILOVER_METRICS, Metric, Threshold, Total
from dr.resources.naming import AUDIT_LOGS, FAILOVER_STATE, PATIENT_RECORDS, Names
from dr.resources.tables import AUDIT_LOGS_SCHEMA, PATIENT_RECORDS_SCHEMA

import attrs

# An upload may wait 5 s for S3 to copy it (functions/api/documents.py): beyond that, and 3 s more, the API is slow.
LATENCY_LIMIT_MS = 8_000
ERROR_SHARE = 0.01
# One throttled call, or one that fails, is no sick region, least of all in the one that takes over: what goes on is.
LOOKED_AT, GOES_ON = 5, 3
# Of the executions at once that AWS allows; whether one region has room for the load of all, its dashboard shows.
CONCURRENCY_SHARE = 0.8
PENDING_DOCUMENTS = 1_000
TABLES = (PATIENT_RECORDS, AUDIT_LOGS)
# Of an index DynamoDB counts apart from its table.
INDEXES = {schema.kind: schema.index.name for schema in (PATIENT_RECORDS_SCHEMA, AUDIT_LOGS_SCHEMA) if schema.index}
# What the functions ask of the tables of data (DynamoDB counts its own errors by operation).
OPERATIONS = ("GetItem", "Query", "PutItem", "TransactWriteItems")
# The functions that a schedule runs, too.
SCHEDULED = ("failover", "probe")
# What callers feel of a region that answers its health check and is sick.
IMPAIRING = ("api-errors", "api-latency", "function-errors", "function-throttles", "table-errors", "table-throttles")


def replication_rule(target: str) -> str:
    """The id of the S3 replication rule towards a region."""
    return f"to-{target}"


@attrs.frozen(kw_only=True)
class Measures:
    """What there is to watch of one region.

    Attributes:
        region: The region.
        names: The naming rule.
        api_id: Its API.
        functions: The names of its functions, by what their alarms are called for.
        dead_letters: The name of the queue of events that no function could handle.
        buckets: The document bucket of every region, its own too.
        lag_limit_s: Replication lag of the tables that is told, seconds.
        concurrency: How many executions at once AWS allows the account in a region.
    """

    region: str
    names: Names
    api_id: str
    functions: Mapping[str, str]
    dead_letters: str
    buckets: Mapping[str, str]
    lag_limit_s: int
    concurrency: int

    @property
    def peers(self) -> list[str]:
        """The other regions."""
        return [region for region in self.buckets if region != self.region]

    def thresholds(self) -> Mapping[str, Threshold]:
        """The alarms that tell the operations team, by their ids."""
        found = {**self._of_the_api(), **self._of_functions(), **self._of_tables(), **self._of_the_probe()}
        for peer in self.peers:
            found |= self._of_replication(peer)
        return found

    def health_of_peers(self) -> Mapping[str, Threshold]:
        """The alarms on the other regions, by their ids: they invoke the failover function as well."""
        return {
            f"peer-{peer}": Threshold(
                metric=self.failover("Healthy", "Minimum", Region=peer),
                limit=1,
                below=True,
                periods=LATCH_PERIODS + 1,
                bad=LATCH_PERIODS,
                missing="ignore",
                meaning=f"{peer} does not answer its health check as seen from {self.region}.",
            )
            for peer in self.peers
        }

    def api(self, name: str, statistic: str = "Sum") -> Metric:
        """A metric of the region's API."""
        return Metric(namespace="AWS/ApiGateway", name=name, dimensions={"ApiId": self.api_id}, statistic=statistic)

    def function(self, name: str, kind: str, statistic: str = "Sum") -> Metric:
        """A metric of one of the region's functions."""
        dimensions = {"FunctionName": self.functions[kind]}
        return Metric(namespace="AWS/Lambda", name=name, dimensions=dimensions, statistic=statistic)

    def failover(self, name: str, statistic: str = "Maximum", **dimensions: str) -> Metric:
        """What the region's probe measures."""
        return Metric(namespace=FAILOVER_METRICS, name=name, dimensions=dimensions, statistic=statistic)

    def lag(self, store: str, source: str, target: str) -> Metric:
        """Replication lag of tables or documents as the source's probe measures it, seconds."""
        return self.failover("ReplicationLag", Source=source, Store=store, Target=target)

    def concurrent(self) -> Metric:
        """The executions of all functions of the account in a region."""
        return Metric(namespace="AWS/Lambda", name="ConcurrentExecutions", dimensions={}, statistic="Maximum")

    def copies(self, name: str, source: str, receiver: str, statistic: str = "Maximum") -> Metric:
        """A metric of S3's own about the replication of documents from one region to another.

        What failed is counted in the source's region, what waits and for how long in the receiver's (S3 user guide,
        "Using S3 Replication metrics").
        """
        dimensions = {
            "SourceBucket": self.buckets[source],
            "DestinationBucket": self.buckets[receiver],
            "RuleId": replication_rule(receiver),
        }
        return Metric(namespace="AWS/S3", name=name, dimensions=dimensions, statistic=statistic)

    def latency(self, table: str, receiver: str) -> Metric:
        """DynamoDB's own figure of a table's replication, ms; it falls silent when nothing is copied any more."""
        return Metric(
            namespace="AWS/DynamoDB",
            name="ReplicationLatency",
            dimensions={"TableName": self.names.regional(table), "ReceivingRegion": receiver},
            statistic="Maximum",
        )

    def _of_the_api(self) -> dict[str, Threshold]:
        return {
            "api-errors": Threshold(
                # On average over all answers, of which the health checkers alone ask for a hundred a minute.
                metric=self.api("5xx", "Average"),
                limit=ERROR_SHARE,
                periods=2,
                meaning=f"The API fails: more than {100 * ERROR_SHARE:g} % of its answers are server errors.",
            ),
            "api-latency": Threshold(
                metric=self.api("Latency", "p99"),
                limit=LATENCY_LIMIT_MS,
                periods=LOOKED_AT,
                bad=GOES_ON,
                meaning=f"The API is slow: one answer in a hundred takes more than {LATENCY_LIMIT_MS} ms.",
            ),
        }

    def _of_functions(self) -> dict[str, Threshold]:
        found: dict[str, Threshold] = {}
        for kind, name in self.functions.items():
            # What runs by the minute is told of sooner: callers feel nothing of it, and nobody else looks.
            scheduled = kind in SCHEDULED
            bad = None if scheduled else GOES_ON
            # What fails in a scheduled run is counted, and no error: Lambda would keep each as a dead letter.
            failures = Metric(namespace=FAILOVER_METRICS, name="Failures", dimensions={"service": kind})
            errors = self.function("Errors", kind)
            found[f"{kind}-errors"] = Threshold(
                metric=Total(metrics=[errors, failures]) if scheduled else errors,
                limit=0,
                periods=2 if scheduled else LOOKED_AT,
                bad=bad,
                meaning=f"{name} ends in errors.",
            )
            found[f"{kind}-throttles"] = Threshold(
                metric=self.function("Throttles", kind),
                limit=0,
                periods=1 if scheduled else LOOKED_AT,
                bad=bad,
                meaning=f"{name} is throttled: the region lacks the concurrency for its load.",
            )
        limit = int(CONCURRENCY_SHARE * self.concurrency)
        found["concurrency"] = Threshold(
            metric=self.concurrent(),
            limit=limit,
            meaning=f"More than {limit} of {self.concurrency} executions at once: soon calls are throttled.",
        )
        found["dead-letters"] = Threshold(
            metric=Metric(
                namespace="AWS/SQS",
                name="ApproximateNumberOfMessagesVisible",
                dimensions={"QueueName": self.dead_letters},
                statistic="Maximum",
            ),
            limit=0,
            meaning="Events that no function could handle wait in the dead-letter queue.",
        )
        return found

    def _of_tables(self) -> dict[str, Threshold]:
        return {
            "table-throttles": Threshold(
                metric=Total(
                    metrics=[
                        self._table(name, table, **index)
                        for table, index in (
                            *((table, {}) for table in (*TABLES, FAILOVER_STATE)),
                            *((table, {"GlobalSecondaryIndexName": index}) for table, index in INDEXES.items()),
                        )
                        for name in ("ReadThrottleEvents", "WriteThrottleEvents")
                    ]
                ),
                limit=0,
                periods=LOOKED_AT,
                bad=GOES_ON,
                meaning="DynamoDB throttles reads or writes of a table.",
            ),
            "table-errors": Threshold(
                metric=Total(
                    metrics=[
                        self._table("SystemErrors", table, Operation=operation)
                        for table in TABLES
                        for operation in OPERATIONS
                    ]
                ),
                limit=0,
                periods=LOOKED_AT,
                bad=GOES_ON,
                meaning="DynamoDB itself fails to answer for a table.",
            ),
        }

    def _of_the_probe(self) -> dict[str, Threshold]:
        return {
            "probe": Threshold(
                metric=self.failover("Healthy", "Minimum", Region=self.region),
                limit=1,
                below=True,
                periods=3,
                missing="breaching",
                meaning=f"The probe in {self.region} is silent, or does not find its own region healthy: nothing here "
                "watches the other regions meanwhile.",
            )
        }

    def _of_replication(self, peer: str) -> dict[str, Threshold]:
        return {
            f"lag-tables-{peer}": Threshold(
                metric=self.lag("tables", self.region, peer),
                limit=self.lag_limit_s,
                missing="ignore",
                meaning=f"Rows reach {peer} late: the recovery point objective of {RECOVERY_POINT_OBJECTIVE_S} s is in "
                "danger.",
            ),
            **{
                f"latency-{table.rpartition('_')[2]}-{peer}": Threshold(
                    metric=self.latency(table, peer),
                    limit=1000 * self.lag_limit_s,
                    meaning=f"DynamoDB copies {table} to {peer} late.",
                )
                for table in TABLES
            },
            f"silence-{peer}": Threshold(
                metric=self.failover("HeartbeatAge", Region=peer),
                limit=SILENCE_S,
                meaning=f"No heartbeat of {peer} has come for more than {SILENCE_S} s: its probe is silent, or "
                "replication from there stands still.",
            ),
            f"lag-documents-{peer}": Threshold(
                metric=self.lag("documents", self.region, peer),
                limit=DOCUMENT_REPLICATION_S,
                missing="ignore",
                meaning=f"Documents reach {peer} later than the 15 minutes that S3 promises.",
            ),
            f"pending-documents-{peer}": Threshold(
                metric=self.copies("OperationsPendingReplication", peer, self.region),
                limit=PENDING_DOCUMENTS,
                periods=5,
                meaning=f"More than {PENDING_DOCUMENTS} documents wait to be copied from {peer}: copying falls behind.",
            ),
            f"failed-documents-{peer}": Threshold(
                metric=self.copies("OperationsFailedReplication", self.region, peer, "Sum"),
                limit=0,
                meaning=f"S3 gave up copying a document to {peer}.",
            ),
        }

    def _table(self, name: str, table: str, **dimensions: str) -> Metric:
        named = {"TableName": self.names.regional(table), **dimensions}
        return Metric(namespace="AWS/DynamoDB", name=name, dimensions=named)
