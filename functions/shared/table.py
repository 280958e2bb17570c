"""DynamoDB tables to which items are mostly added: plain values in, plain values out, and failures with names."""

import json
import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from botocore.exceptions import ClientError

# An item: every value is a text or a whole number.
Values = dict[str, Any]
Put = dict[str, Any]

_WHOLE = re.compile("-?[0-9]+")
_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5
# Why a transaction is cancelled that may be tried again as it is: botocore retries none of them.
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class ConflictError(Exception):
    """What was to be written is there already, or what it builds on has changed meanwhile, or DynamoDB is too busy."""

    def __init__(self, failed: Iterable[int] = ()) -> None:
        super().__init__("conflict")
        self.failed = frozenset(failed)
        """Positions of the puts whose conditions did not hold; none where it may be tried again as it is."""


def pack(values: Values) -> dict[str, dict[str, str]]:
    """Returns ``values`` as a DynamoDB item."""
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}


def unpack(item: Mapping[str, Mapping[str, Any]]) -> Values:
    """Returns the plain values of a DynamoDB item made by :func:`pack`.

    What :func:`pack` never makes was put there by somebody else. It stays readable and equals nothing that was: other
    numbers are texts, and values of other types the JSON of what DynamoDB says.
    """
    return {name: _plain(value) for name, value in item.items()}


def _plain(typed: Mapping[str, Any]) -> str | int:
    [(kind, value)] = typed.items()
    if kind == "N" and _WHOLE.fullmatch(value):
        return int(value)
    return str(value) if kind in ("N", "S") else json.dumps(typed, default=str)


@frozen
class Table:
    """One region's replica of a table, by the names of its two keys."""

    client: Any
    name: str
    partition: str
    sort: str

    def get(self, partition: str, sort: str) -> Values | None:
        """Returns the item as last written in this region."""
        key = pack({self.partition: partition, self.sort: sort})
        found = self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        return unpack(found["Item"]) if "Item" in found else None

    def items(self, partition: str, prefix: str = "", *, after: str = "", **options: Any) -> Iterator[Values]:
        """Yields the items whose sort keys begin with ``prefix``, those after ``after``, in the order of the keys."""
        condition, names, values = "#partition = :partition", {"#partition": self.partition}, {":partition": partition}
        if prefix:
            condition += " AND begins_with(#sort, :prefix)"
            names["#sort"], values[":prefix"] = self.sort, prefix
        start = {self.partition: partition, self.sort: after} if after else None
        yield from self.query(condition, names, values, start, ConsistentRead=True, **options)

    def query(
        self, condition: str, names: Mapping[str, str], values: Values, start: Values | None = None, **options: Any
    ) -> Iterator[Values]:
        """Yields the items under a key condition, those after the key ``start``, page by page as they are asked for."""
        if start:
            options["ExclusiveStartKey"] = pack(start)
        while True:
            found = self.client.query(
                TableName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=pack(values),
                **options,
            )
            yield from map(unpack, found["Items"])
            if "LastEvaluatedKey" not in found:
                return
            options["ExclusiveStartKey"] = found["LastEvaluatedKey"]

    def put(self, values: Values) -> None:
        """Writes an item that only its region writes, over the one that there is."""
        self.client.put_item(TableName=self.name, Item=pack(values))

    def addition(self, values: Values) -> Put:
        """Returns a put that never overwrites."""
        return self._put(values, "attribute_not_exists(#name)", self.sort)

    def replacement(self, values: Values, name: str, expected: str) -> Put:
        """Returns a put over an item whose attribute ``name`` still has the value ``expected``."""
        put = self._put(values, "#name = :expected", name)
        return {**put, "ExpressionAttributeValues": pack({":expected": expected})}

    def overwriting(self, values: Values) -> Put:
        """Returns a put over whatever there is."""
        return {"TableName": self.name, "Item": pack(values)}

    def _put(self, values: Values, condition: str, name: str) -> Put:
        return {
            "TableName": self.name,
            "Item": pack(values),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#name": name},
        }

    def transact(self, *puts: Put) -> None:
        """Makes all puts, of this and of other tables, or none; botocore's request token makes its retries harmless.

        Raises:
            ConflictError: conditions did not hold, another transaction was under way on the same items, or DynamoDB is
                too busy.
            ClientError: any other refusal.
        """
        try:
            self.client.transact_write_items(TransactItems=[{"Put": put} for put in puts])
        except ClientError as error:
            codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            if {"ConditionalCheckFailed", *_PASSING}.intersection(codes):
                raise ConflictError(i for i, code in enumerate(codes) if code == "ConditionalCheckFailed") from error
            raise


def pause(attempt: int) -> None:
    """Waits for a moment, the longer the more attempts there were: who met here should not meet again."""
    # Jitter, no secret.
    time.sleep(random.random() * min(_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS))  # noqa: S311


def after(moment: str) -> str:
    """Returns the present moment, or if a clock that is ahead wrote ``moment``, the one that follows it."""
    return max(now(), instant(datetime.fromisoformat(moment) + timedelta(microseconds=1)))


def instant(moment: datetime) -> str:
    """Returns a moment as text of fixed width in UTC, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    """Returns the present moment as :func:`instant` writes it."""
    return instant(datetime.now(UTC))
