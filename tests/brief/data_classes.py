"""What kind of data every store holds, as its tag says."""

from collections.abc import Iterator, Mapping

from tests.brief.reading import at, missing
from tests.brief.rules import DESIGN, changed, dropped, emptied
from tests.synthesis import Resource, Stacks, resources

TABLE = "aws_dynamodb_table"
LOGS = "aws_cloudwatch_log_group"
# Whatever keeps data for longer than a call, by where its name is.
STORES: Mapping[str, str] = {
    "aws_backup_vault": "name",
    LOGS: "name",
    TABLE: "name",
    "aws_s3_bucket": "bucket",
    "aws_sns_topic": "name",
    "aws_sqs_queue": "name",
}
CLASSES = {"audit", "operations", "phi"}
# By how the names of stores begin; any other store may be of any class.
WANTED: Mapping[str, str] = {
    "/aws/cloudtrail/": "audit",
    "/aws/lambda/": "operations",
    "/aws/route53/": "audit",
    "/aws/vendedlogs/apigateway/": "audit",
    "/aws/vpc/": "audit",
    "audit_logs-": "audit",
    "backup-vault-": "phi",
    "documents-": "phi",
    "failover_state-": "operations",
    "patient_records-": "phi",
    "queue-": "phi",
    "topic-": "operations",
    "trail-": "audit",
}


def _wanted(store: Resource) -> set[str]:
    name = str(store.arguments[STORES[store.kind]])
    return {told for start, told in WANTED.items() if name.startswith(start)} or CLASSES


@DESIGN.rule(
    "SECURITY, 308(a)(7)(ii)(E)",
    needs=tuple(STORES),
    breaks=[
        *(dropped(kind, "tags.DataClass") for kind in STORES),
        *(changed(kind, "tags.DataClass", to="none") for kind in STORES),
        changed(TABLE, "tags.DataClass", to="operations"),
        changed("aws_s3_bucket", "tags.DataClass", to="operations"),
        changed("aws_backup_vault", "tags.DataClass", to="audit"),
        changed("aws_sqs_queue", "tags.DataClass", to="operations"),
        changed("aws_sns_topic", "tags.DataClass", to="phi"),
        changed(LOGS, "tags.DataClass", to="phi"),
        emptied(TABLE),
        emptied("aws_s3_bucket"),
    ],
)
def every_store_says_what_kind_of_data_it_holds(stacks: Stacks) -> Iterator[str]:
    """A tag of every table, bucket, vault, queue, topic and log group: the most sensitive data that it may hold."""
    yield from missing(stacks, *(kind for kind in STORES if kind != TABLE))
    for store in resources(stacks, *STORES):
        told = at(store.arguments, "tags.DataClass")
        if told not in _wanted(store):
            yield f"{store.address}: says that it holds {told}"
