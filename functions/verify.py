"""Verifies the whole audit trail as one region has it: ``python -m functions.verify --region us-east-1 --suffix prod``.

It reads both tables with the operator's own credentials, prints one line for each fault (entity, region of the chain,
number of the row, what is wrong) and ends with 1 if there is any. Rows of another region's chain that have not been
copied yet look missing: that region has the last word on its own chain, so run it in each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from functions.shared.audit import HEAD, Trail
from functions.shared.chain import Fault, Verifier
from functions.shared.table import Table

from botocore.session import Session


def trail_of(region: str, suffix: str) -> Trail:
    """Returns the trail of an environment in one region."""
    client = Session().create_client("dynamodb", region_name=region)
    rows = Table(client, f"audit_logs-{suffix}", "entity_id", "event_id")
    return Trail(rows, Table(client, f"patient_records-{suffix}", "patient_id", "record_id"), region)


def verify(trail: Trail) -> Iterator[tuple[str, Fault]]:
    """Yields every fault in the chains of every entity that has a row or a head."""
    for entity in sorted(set(_entities(trail.rows, "")) | set(_entities(trail.heads, HEAD))):
        verifier = Verifier(trail.region, trail.ends(entity))
        for row in filter(verifier.within, trail.rows.items(entity)):
            verifier.follow(row)
        verifier.close(trail.ends(entity))
        for fault in verifier.faults:
            yield entity, fault


def _entities(table: Table, prefix: str) -> Iterator[str]:
    """Yields the partition of each item whose sort key begins with ``prefix``."""
    names = {"#partition": table.partition, "#sort": table.sort}
    pages = table.client.get_paginator("scan").paginate(
        TableName=table.name, ProjectionExpression="#partition, #sort", ExpressionAttributeNames=names
    )
    for page in pages:
        for item in page["Items"]:
            if item[table.sort]["S"].startswith(prefix):
                yield item[table.partition]["S"]


def main(arguments: Sequence[str]) -> int:
    """Prints the faults and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m functions.verify", description="Verify the audit trail.")
    parser.add_argument("--region", required=True, help="the region whose copy is read")
    parser.add_argument("--suffix", required=True, help="the environment's suffix, which the tables' names end in")
    given = parser.parse_args(arguments)
    found = 0
    for entity, fault in verify(trail_of(given.region, given.suffix)):
        found += 1
        sys.stdout.write(f"{entity} {fault.region} {fault.sequence} {fault.kind}\n")
    sys.stdout.write(f"{found} faults\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
