"""What a region's dashboard shows: of its own region's metrics wherever there is a choice."""

from collections.abc import Sequence

from dr.resources.measures import TABLES, Measures
from dr.resources.monitoring import ROUTE53_REGION, Graph, Line

# Searches, because what they find is made by other stacks under ids that this region does not know.
HEALTH_OF_ALL = """SEARCH('{AWS/Route53,HealthCheckId} MetricName="HealthCheckStatus"', 'Minimum', 60)"""
REQUESTS_OF_ALL = """SEARCH('{AWS/ApiGateway,ApiId} MetricName="Count"', 'Sum', 60)"""


def graphs(watched: Measures) -> Sequence[Graph]:
    """Traffic, health, failover, replication, errors, latency, capacity."""
    return [*_of_traffic(watched), *_of_failover(watched), *_of_replication(watched), *_of_functions(watched)]


def _of_traffic(watched: Measures) -> Sequence[Graph]:
    region = watched.region
    requests = Line(label=f"requests in {region}", of=watched.api("Count"))
    elsewhere = [Line(label=f"requests in {peer}", of=REQUESTS_OF_ALL, region=peer) for peer in watched.peers]
    errors = Line(label="5xx", of=watched.api("5xx"))
    latency = [Line(label=statistic, of=watched.api("Latency", statistic)) for statistic in ("p50", "p99")]
    return [
        Graph(title=f"Requests and errors in {region}", region=region, unit="a minute", lines=[requests, errors]),
        Graph(
            title="Requests of all regions: what one must serve alone",
            region=region,
            unit="a minute",
            stacked=True,
            lines=[requests, *elsewhere],
        ),
        Graph(title=f"Latency in {region}", region=region, unit="ms", lines=latency),
    ]


def _of_failover(watched: Measures) -> Sequence[Graph]:
    region, peers = watched.region, watched.peers
    healthy = [Line(label=each, of=watched.failover("Healthy", "Minimum", Region=each)) for each in (region, *peers)]
    evacuated = [Line(label=peer, of=watched.failover("Evacuated", Region=peer)) for peer in peers]
    age = [Line(label=peer, of=watched.failover("HeartbeatAge", Region=peer)) for peer in peers]
    checks = [Line(label="health", of=HEALTH_OF_ALL)]
    return [
        Graph(title=f"Healthy, as {region} sees it: 1 is healthy", region=region, lines=healthy),
        Graph(title="Healthy, as Route 53 sees it", region=ROUTE53_REGION, lines=checks),
        Graph(title=f"Evacuated, as {region} knows it: 1 gets no traffic", region=region, lines=evacuated),
        Graph(title="Age of the other regions' heartbeats", region=region, unit="s", lines=age),
    ]


def _of_replication(watched: Measures) -> Sequence[Graph]:
    region, peers = watched.region, watched.peers
    outward = [
        Line(label=f"{store} to {peer}", of=watched.lag(store, region, peer))
        for peer in peers
        for store in ("tables", "documents")
    ]
    inward = [
        Line(label=f"{store} from {peer}", of=watched.lag(store, peer, region), region=peer)
        for peer in peers
        for store in ("tables", "documents")
    ]
    tables = [Line(label=f"{table} to {peer}", of=watched.latency(table, peer)) for peer in peers for table in TABLES]
    waiting = (("lag, s", "ReplicationLatency"), ("pending", "OperationsPendingReplication"))
    documents = [
        *(
            Line(label=f"{what} from {peer}", of=watched.copies(name, peer, region))
            for peer in peers
            for what, name in waiting
        ),
        *(
            Line(label=f"failed to {peer}", of=watched.copies("OperationsFailedReplication", region, peer))
            for peer in peers
        ),
    ]
    return [
        Graph(title=f"Replication lag from {region}, measured", region=region, unit="s", lines=outward),
        Graph(title=f"Replication lag to {region}, measured there", region=region, unit="s", lines=inward),
        Graph(title="Lag of tables, as DynamoDB says while it copies", region=region, unit="ms", lines=tables),
        Graph(title="Replication of documents, as S3 says", region=region, lines=documents),
    ]


def _of_functions(watched: Measures) -> Sequence[Graph]:
    region = watched.region
    troubles = [
        Line(label=f"{kind} {name.lower()}", of=watched.function(name, kind))
        for kind in watched.functions
        for name in ("Errors", "Throttles")
    ]
    concurrent = [
        Line(label=f"in {each}", of=watched.concurrent(), region=None if each == region else each)
        for each in (region, *watched.peers)
    ]
    return [
        Graph(title=f"Functions in {region}", region=region, unit="a minute", lines=troubles),
        Graph(
            title="Executions at once of all regions, against what one region may have",
            region=region,
            stacked=True,
            limit=watched.concurrency,
            lines=concurrent,
        ),
    ]
