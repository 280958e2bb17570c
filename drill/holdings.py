"""What a drill writes, and what a region holds of it: asked of its table and bucket, not of the API."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import attrs


def text(mark: str) -> bytes:
    """The bytes that a write of that mark has."""
    return hashlib.sha256(mark.encode()).hexdigest().encode()


def content(mark: str) -> dict[str, str]:
    """The content that a record of that mark has."""
    return {"mark": mark, "text": text(mark).decode()}


@attrs.frozen(kw_only=True)
class Holdings:
    """What one region held at one time.

    Attributes:
        region: Which.
        at: When it was asked, on the clock of `time.monotonic()`.
        versions: By their ids the records' and documents' versions, each with the mark of the write that made it; one
            whose content is not what was written has no mark.
        objects: By the ids of documents' versions the key of the object.
        merges: The ids of the versions that merge what had diverged.
        audited: The correlation ids of all audit rows.
        stored: The keys of the objects in the bucket, without those whose bytes are not what was written.
    """

    region: str
    at: float
    versions: Mapping[str, str]
    objects: Mapping[str, str]
    merges: frozenset[str]
    audited: frozenset[str]
    stored: frozenset[str]


@attrs.frozen(kw_only=True)
class Stores:
    """Where the data of one region are.

    Attributes:
        region: The region.
        records: Its table of records and documents' names.
        audit: Its table of audit rows.
        bucket: Its bucket of documents.
        organisation: Whose patients they are.
    """

    region: str
    records: str
    audit: str
    bucket: str
    organisation: str

    def holdings(self, dynamodb: Any, s3: Any, patients: Iterable[str]) -> Holdings:
        """Ask for everything of the patients.

        Raises:
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: The region does not answer.
        """
        at = time.monotonic()
        versions, objects, merges, audited = dict[str, str](), dict[str, str](), set[str](), set[str]()
        for patient in patients:
            entity = f"{self.organisation}#{patient}"
            for row in _rows(dynamodb, self.records, "patient_id", entity):
                if "version_id" in row:
                    version = row["version_id"]["S"]
                    versions[version] = _mark(row)
                    if " " in row["parents"]["S"]:
                        merges.add(version)
                    if "object_key" in row:
                        objects[version] = row["object_key"]["S"]
            audited |= {row["correlation_id"]["S"] for row in _rows(dynamodb, self.audit, "entity_id", entity)}
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="documents/")
        stored = {found["Key"] for page in pages for found in page.get("Contents", ())}
        known = {key: versions[version] for version, key in objects.items() if key in stored}
        damaged = {
            key
            for key, mark in known.items()
            if s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() != text(mark)
        }
        return Holdings(
            region=self.region,
            at=at,
            versions=versions,
            objects=objects,
            merges=frozenset(merges),
            audited=frozenset(audited),
            stored=frozenset(stored - damaged),
        )


def _mark(row: Mapping[str, Any]) -> str:
    """What the client called the write: it is in a record's content, and is a document's name."""
    if "name" in row:
        mark = str(row["name"]["S"]).removesuffix(".txt")
        return mark if row["sha256"]["S"] == hashlib.sha256(text(mark)).hexdigest() else ""
    found = json.loads(row["content"]["S"])
    mark = str(found.get("mark"))
    return mark if found == content(mark) else ""


def _rows(dynamodb: Any, table: str, key: str, value: str) -> Iterable[Mapping[str, Any]]:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="#key = :value",
        ExpressionAttributeNames={"#key": key},
        ExpressionAttributeValues={":value": {"S": value}},
    )
    return (row for page in pages for row in page["Items"])
