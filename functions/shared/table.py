"""DynamoDB items as plain values, and transactions whose failures have names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

Values = dict[str, str | int]


class ConflictError(Exception):
    """A condition did not hold: the item is there already."""


def pack(values: Mapping[str, str | int]) -> dict[str, dict[str, str]]:
    """Returns ``values`` as a DynamoDB item."""
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}


def unpack(item: Mapping[str, Mapping[str, str]]) -> Values:
    """Returns the plain values of a DynamoDB item made by :func:`pack`."""
    return {name: int(value["N"]) if "N" in value else value["S"] for name, value in item.items()}


def addition(table: str, values: Mapping[str, str | int], sort_key: str) -> dict[str, Any]:
    """Returns a put that never overwrites, as the arguments of PutItem and of a transaction's Put."""
    return {
        "TableName": table,
        "Item": pack(values),
        "ConditionExpression": "attribute_not_exists(#sort)",
        "ExpressionAttributeNames": {"#sort": sort_key},
    }


def transact(client: Any, *additions: dict[str, Any]) -> None:
    """Makes all additions or none; boto3's request token makes its retries harmless.

    Raises:
        ConflictError: one of the items is there already.
        ClientError: any other refusal.
    """
    try:
        client.transact_write_items(TransactItems=[{"Put": addition} for addition in additions])
    except ClientError as error:
        reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
        if "ConditionalCheckFailed" in reasons:
            raise ConflictError from error
        raise


def page(client: Any, table: str, partition: str, prefix: str, **options: Any) -> tuple[list[Values], str]:
    """Returns the patient's items whose sort key begins with ``prefix``, and the sort key to go on after, if any."""
    found = client.query(
        TableName=table,
        KeyConditionExpression="patient_id = :patient AND begins_with(record_id, :prefix)",
        ExpressionAttributeValues=pack({":patient": partition, ":prefix": prefix}),
        ConsistentRead=True,
        **options,
    )
    last = found.get("LastEvaluatedKey")
    return [unpack(item) for item in found["Items"]], last["record_id"]["S"] if last else ""


def instant(moment: datetime) -> str:
    """Returns a moment as text of fixed width in UTC, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    """Returns the present moment as :func:`instant` writes it."""
    return instant(datetime.now(UTC))
