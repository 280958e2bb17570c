"""Sends what DynamoDB and S3 copy to other regions through the queues of `Replication`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from drill.emulator.replication import Place, Replication

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import dynamodb, s3


def route_table_writes(replication: Replication) -> None:
    """A write to a global table goes to each of its other regions by that direction's queue."""
    original = dynamodb._replicate_write

    def apply(account: str, home: str, region: str, change: tuple[Any, ...], superseded: bool) -> None:
        if superseded:
            return  # AWS drops the earlier of two writes without a trace
        name, *rest = change
        with request_scope(account, home):
            original({"TableName": name, "_global_regions": [home, region]}, *rest)

    def replicate_write(table: dict[str, Any], event: str, old: Any, new: Any) -> None:
        others = [region for region in dynamodb._replica_group(table) if region != get_region()]
        if not others:
            return
        account, home, name = get_account_id(), get_region(), table["TableName"]
        item = new if new is not None else old
        keys = [table[part] for part in ("pk_name", "sk_name") if table[part]]
        key = tuple(dynamodb._extract_key_val(item.get(part)) for part in keys)
        stamp = replication.wrote(Place("dynamodb", home, (account, name), key))
        change = (name, event, copy.deepcopy(old), copy.deepcopy(new))
        for region in others:
            target = Place("dynamodb", region, (account, name), key)
            replication.submit(home, target, stamp, partial(apply, account, home, region, change))

    dynamodb._replicate_write = replicate_write


def route_object_writes(replication: Replication) -> None:
    """An object goes to the bucket of every rule that asks for it, by that direction's queue.

    Until it is everywhere the source reads PENDING, as on AWS, and COMPLETED or FAILED afterwards.
    """
    put = s3._maybe_replicate

    def apply(way: Way, write: tuple[Any, ...], waiting: set[str], superseded: bool) -> None:
        key, obj, data, tags = write
        failed = obj.get("replication_status") == "FAILED"
        with way.alone(), _behind_the_current(way.target, key, superseded):
            put(way.bucket, key, obj, data, tags)
            waiting.discard(way.target)
            if failed or waiting:
                obj["replication_status"] = "FAILED" if failed else "PENDING"
            for version in s3._object_versions.get((way.bucket, key), []):
                if version["version_id"] == obj.get("version_id"):
                    version["replication_status"] = obj["replication_status"]
            if tags and obj.get("_replica"):  # the write itself stores the tags of one copy, and only if made at once
                name, version_id, _ = obj["_replica"]
                s3._object_tags[(name, key, version_id)] = dict(tags)

    def maybe_replicate(bucket: str, key: str, obj: dict[str, Any], data: Any, tags: Any = None) -> None:
        stamp = _stamp(replication, bucket, key)
        ways = {way.target: way for way in _ways(bucket) if way.asked_for(key, tags)}
        waiting = set(ways)
        for way in ways.values():
            replication.submit(*way.to(key), stamp, partial(apply, way, (key, obj, data, tags), waiting))
        if waiting:
            obj["replication_status"] = "PENDING"

    s3._maybe_replicate = maybe_replicate


def route_delete_markers(replication: Replication) -> None:
    """A delete marker that is to be replicated goes by its direction's queue."""
    original = s3._maybe_replicate_delete_marker

    def apply(way: Way, key: str, superseded: bool) -> None:
        with way.alone(), _behind_the_current(way.target, key, superseded):
            original(way.bucket, key)

    def maybe_replicate_delete_marker(bucket: str, key: str) -> None:
        stamp = _stamp(replication, bucket, key)
        for way in _ways(bucket):
            replication.submit(*way.to(key), stamp, partial(apply, way, key))

    s3._maybe_replicate_delete_marker = maybe_replicate_delete_marker


@dataclass(frozen=True)
class Way:
    """One rule of a bucket's replication. ministack itself follows only the first that matches."""

    account: str
    bucket: str
    rule: dict[str, Any]

    @property
    def target(self) -> str:
        """The name of the rule's bucket."""
        return str(self.rule["Destination"]["Bucket"]).split(":::")[-1]

    def to(self, key: str) -> tuple[str, Place]:
        """The region that a copy comes from, and where it goes."""
        return _home(self.bucket), Place("s3", _home(self.target), self.target, key)

    def asked_for(self, key: str, tags: Any) -> bool:
        """Whether the rule covers an object."""
        with self.alone():
            return s3._replication_rule_for(self.bucket, key, tags)[0] is not None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The bucket has no other rule meanwhile; without any configuration it stays so, and nothing is copied."""
        with request_scope(self.account, _home(self.bucket)):
            config = s3._bucket_replication.get(self.bucket)
            rules = (config or {}).get("Rules", [])
            if config is not None:
                config["Rules"] = [rule for rule in rules if rule == self.rule]
            try:
                yield
            finally:
                if config is not None:
                    config["Rules"] = rules


def _ways(bucket: str) -> list[Way]:
    config = s3._bucket_replication.get(bucket) or {"Rules": []}
    return [Way(get_account_id(), bucket, rule) for rule in config["Rules"]]


def _home(bucket: str) -> str:
    return str(s3._replication_destination_region(bucket) or get_region())


def _stamp(replication: Replication, bucket: str, key: str) -> int:
    return replication.wrote(Place("s3", _home(bucket), bucket, key))


@contextmanager
def _behind_the_current(bucket: str, key: str, superseded: bool) -> Iterator[None]:
    """When a later write is in the bucket already, what is written meanwhile becomes the version before it."""
    objects = (s3._buckets.get(bucket) or {"objects": {}})["objects"]
    current, before = objects.get(key), len(s3._object_versions.get((bucket, key), []))
    yield
    versions = s3._object_versions.get((bucket, key), [])
    if not superseded or not before or len(versions) == before:
        return
    versions[-2], versions[-1] = versions[-1], versions[-2]
    versions[-2]["is_latest"], versions[-1]["is_latest"] = False, True
    if current is None:
        objects.pop(key, None)
    else:
        objects[key] = current
