"""Verifies what one region holds: ``python -m functions.verify --region us-east-1 --suffix prod --bucket NAME``.

It reads the tables and the bucket with the operator's own credentials, prints one line for each fault and ends with 1
if there is any: of an audit chain (entity, region of the chain, number of the row, what is wrong), or of the bucket (an
object that is a day old and that no version names: see docs/decisions/0008-an-object-without-a-version-is-found.md).
It ends with 2 if the region does not let it read them.
Rows of another region's chain that have not been copied yet look missing, and those whose head has not, unconfirmed:
that region has the last word on its own chain, so run it in each. Rows without a head of a region in which the table
has no replica are changed. An entity that cannot be read is a fault as well, and the others are read. One whose rows
and heads are all gone is not known here any more: the trail's data events tell who removed them.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from functions.shared.audit import HEAD, Trail
from functions.shared.chain import Fault, Verifier
from functions.shared.clients import error_name
from functions.shared.table import Table, Values, unpack
from functions.watching.state import FAILOVER, PLATFORM, PROBE_OBJECTS, state_of

from attrs import frozen
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

# An upload takes six hours at most; its version is then in every region within a minute.
SETTLED = timedelta(days=1)


@frozen
class Trails:
    """The trails of an environment in one region, whose heads are kept in different tables."""

    patients: Trail
    failover: Trail
    regions: frozenset[str]
    """Those that have a replica; empty where nobody knows."""

    def entities(self) -> set[str]:
        """Returns every entity that has a row or a head."""
        found = {item["entity_id"] for item in _scan(self.patients.rows, "entity_id")}
        for table in (self.patients.heads, self.failover.heads):
            heads = (item for item in _scan(table, table.partition, table.sort) if item[table.sort].startswith(HEAD))
            found.update(head[table.partition] for head in heads)
        return found

    def of(self, entity: str) -> Trail:
        """Returns the trail that an entity belongs to."""
        return self.failover if entity.startswith(f"{PLATFORM}#{FAILOVER}:") else self.patients

    def faults(self, entity: str) -> list[Fault]:
        """Returns what is wrong in the chains of an entity, as far as its trail can be read."""
        trail = self.of(entity)
        verifier = Verifier(trail.region, {}, self.regions)
        try:
            verifier.heads = trail.ends(entity)
            for row in filter(verifier.within, trail.rows.items(entity)):
                verifier.follow(row)
            verifier.close(trail.ends(entity))
        except Exception as error:
            return [*verifier.faults, Fault(trail.region, 0, f"unreadable ({type(error).__name__})")]
        return verifier.faults


def trails_of(region: str, suffix: str) -> Trails:
    """Returns the trails of an environment in one region."""
    client = Session().create_client("dynamodb", region_name=region)
    rows = Table(client, f"audit_logs-{suffix}", "entity_id", "event_id")
    records = Table(client, f"patient_records-{suffix}", "patient_id", "record_id")
    state = state_of(client, f"failover_state-{suffix}", region)
    return Trails(Trail(rows, records, region), Trail(rows, state.table, region), _replicas(client, rows.name, region))


def _replicas(client: Any, table: str, region: str) -> frozenset[str]:
    """Returns the regions of a table's replicas; none where that may not be asked, or nobody answers."""
    try:
        replicas = client.describe_table(TableName=table)["Table"].get("Replicas", [])
    except (BotoCoreError, ClientError):
        return frozenset()
    return frozenset({region, *(replica["RegionName"] for replica in replicas)})


def orphans(s3: Any, bucket: str, records: Table, before: datetime) -> Iterator[str]:
    """Yields the keys of the objects stored before then that no version of a document names, but the probes' own."""
    named = {item["object_key"] for item in _scan(records, "object_key") if item}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            key = entry["Key"]
            if entry["LastModified"] < before and key not in named and not key.startswith(PROBE_OBJECTS):
                yield key


def _scan(table: Table, *attributes: str) -> Iterator[Values]:
    """Yields these attributes of every item."""
    projection = {f"#{name}": name for name in attributes}
    pages = table.client.get_paginator("scan").paginate(
        TableName=table.name, ProjectionExpression=", ".join(projection), ExpressionAttributeNames=projection
    )
    return (unpack(item) for page in pages for item in page["Items"])


def main(arguments: Sequence[str]) -> int:
    """Prints the faults and returns the exit status: 1 if there are any, 2 if not all could be read."""
    parser = argparse.ArgumentParser(prog="python -m functions.verify", description="Verify the trail and the bucket.")
    parser.add_argument("--region", required=True, help="the region whose copy is read")
    parser.add_argument("--suffix", required=True, help="the environment's suffix, which the tables' names end in")
    parser.add_argument("--bucket", help="the region's bucket, an output of its stack; left out: not looked into")
    given = parser.parse_args(arguments)
    try:
        return _verify(given)
    except (BotoCoreError, ClientError) as error:
        advice = f"see '--region' (got: {given.region!r}), '--suffix' (got: {given.suffix!r}), '--bucket'"
        sys.stderr.write(f"error: not all could be read ({error_name(error)}): {advice} and your credentials\n")
        return 2


def _verify(given: argparse.Namespace) -> int:
    trails = trails_of(given.region, given.suffix)
    found: Iterator[str] = (
        f"{entity} {fault.region} {fault.sequence} {fault.kind}"
        for entity in sorted(trails.entities())
        for fault in trails.faults(entity)
    )
    if given.bucket:
        s3 = Session().create_client("s3", region_name=given.region)
        before, records = datetime.now(UTC) - SETTLED, trails.patients.heads
        lost = (f"{key} {given.region} orphaned" for key in orphans(s3, given.bucket, records, before))
        found = chain(found, lost)
    count = 0
    for line in found:
        count += 1
        # At once: what is found is told, whatever happens later.
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{count} faults\n")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
