"""Verifies what one region holds: ``python -m functions.verify --region us-east-1 --suffix prod --bucket NAME``.

It reads both tables and the bucket with the operator's own credentials, prints one line for each fault and ends with 1
if there is any: of an audit chain (entity, region of the chain, number of the row, what is wrong), or of the bucket (an
object that is a day old and that no version names: see docs/decisions/0008-an-object-without-a-version-is-found.md).
Rows of another region's chain that have not been copied yet look missing: that region has the last word on its own
chain, so run it in each.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.shared.audit import HEAD, Trail
from functions.shared.chain import Fault, Verifier
from functions.shared.table import Table, Values, unpack

from botocore.session import Session

# An upload takes six hours at most; its version is then in every region within a minute.
SETTLED = timedelta(days=1)


def trail_of(region: str, suffix: str) -> Trail:
    """Returns the trail of an environment in one region."""
    client = Session().create_client("dynamodb", region_name=region)
    rows = Table(client, f"audit_logs-{suffix}", "entity_id", "event_id")
    return Trail(rows, Table(client, f"patient_records-{suffix}", "patient_id", "record_id"), region)


def verify(trail: Trail) -> Iterator[tuple[str, Fault]]:
    """Yields every fault in the chains of every entity that has a row or a head."""
    heads = (item for item in _scan(trail.heads, "patient_id", "record_id") if item["record_id"].startswith(HEAD))
    entities = {item["entity_id"] for item in _scan(trail.rows, "entity_id")} | {head["patient_id"] for head in heads}
    for entity in sorted(entities):
        verifier = Verifier(trail.region, trail.ends(entity))
        for row in filter(verifier.within, trail.rows.items(entity)):
            verifier.follow(row)
        verifier.close(trail.ends(entity))
        for fault in verifier.faults:
            yield entity, fault


def orphans(s3: Any, bucket: str, records: Table, before: datetime) -> Iterator[str]:
    """Yields the keys of the objects stored before then that no version of a document names."""
    named = {item["object_key"] for item in _scan(records, "object_key") if item}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            if entry["LastModified"] < before and entry["Key"] not in named:
                yield entry["Key"]


def _scan(table: Table, *attributes: str) -> Iterator[Values]:
    """Yields these attributes of every item."""
    projection = {f"#{name}": name for name in attributes}
    pages = table.client.get_paginator("scan").paginate(
        TableName=table.name, ProjectionExpression=", ".join(projection), ExpressionAttributeNames=projection
    )
    return (unpack(item) for page in pages for item in page["Items"])


def main(arguments: Sequence[str]) -> int:
    """Prints the faults and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m functions.verify", description="Verify the trail and the bucket.")
    parser.add_argument("--region", required=True, help="the region whose copy is read")
    parser.add_argument("--suffix", required=True, help="the environment's suffix, which the tables' names end in")
    parser.add_argument("--bucket", help="the region's bucket, an output of its stack; left out: not looked into")
    given = parser.parse_args(arguments)
    trail = trail_of(given.region, given.suffix)
    found = [f"{entity} {fault.region} {fault.sequence} {fault.kind}" for entity, fault in verify(trail)]
    if given.bucket:
        s3 = Session().create_client("s3", region_name=given.region)
        before = datetime.now(UTC) - SETTLED
        found += [f"{key} {given.region} orphaned" for key in orphans(s3, given.bucket, trail.heads, before)]
    sys.stdout.write("".join(f"{line}\n" for line in [*found, f"{len(found)} faults"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
