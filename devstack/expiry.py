"""Plays DynamoDB's time to live: late, and signed in the stream as DynamoDB's own deletion."""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from devstack.records import TTL_IDENTITY, Record, encode_attributes
from devstack.template import Json

# So many deletions are announced to the journal at once.
BATCH = 100


@dataclass
class Expectation:
    """A deletion of ours whose record is still to come, or not yet handled by everybody.

    `after` are the shards' positions when it was made: a record before them is somebody else's.
    """

    keys: Json
    ttl: str
    after: dict[str, int]
    shard: str | None = None
    sequence: int | None = None

    def claims(self, record: Record) -> bool:
        """Whether `record` is this deletion's."""
        if self.shard is not None:
            return (self.shard, self.sequence) == (record.shard, record.sequence)
        return record.sequence > self.after.get(record.shard, -1)


class Expirations:
    """Which items have a time to live, learned from the stream, and which deletions are ours."""

    def __init__(self, client: Any, table: str, attribute: str, saved: list[Json]) -> None:
        self._client = client
        self._table = table
        self._attribute = attribute
        self._lock = threading.Lock()
        self._items: dict[str, tuple[Json, str]] = {}
        self._expected = [Expectation(**each) for each in saved]

    def load(self) -> None:
        """Learn what was in the table before this process read its stream."""
        key = [each["AttributeName"] for each in self._describe_key()]
        names = {f"#k{number}": name for number, name in enumerate(key)}
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="attribute_exists(#ttl)",
            ProjectionExpression=", ".join([*names, "#ttl"]),
            ExpressionAttributeNames={**names, "#ttl": self._attribute},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                keys = encode_attributes({name: item[name] for name in key})
                self._remember(keys, item[self._attribute].get("N"))

    def observe(self, record: Record) -> None:
        """Learn from a record, and sign it if the deletion was ours."""
        if not record.is_removal:
            self._remember(record.keys, record.number("NewImage", self._attribute))
            return
        self._remember(record.keys, None)
        ttl = record.number("OldImage", self._attribute)
        for expected in self._expected:
            if expected.keys == record.keys and expected.ttl == ttl and expected.claims(record):
                expected.shard, expected.sequence = record.shard, record.sequence
                record.content["userIdentity"] = dict(TTL_IDENTITY)
                return

    def due_times(self) -> list[float]:
        """The times to live of all items."""
        with self._lock:
            return [float(ttl) for _, ttl in self._items.values()]

    def due_items(self, until: float) -> set[str]:
        """Keys, as text, of the items whose time to live is over at `until`."""
        with self._lock:
            return {text for text, (_, ttl) in self._items.items() if float(ttl) <= until}

    def expect(self, until: float, after: Mapping[str, int]) -> list[Expectation]:
        """Announce the deletion of a batch of items whose time was over at `until`."""
        with self._lock:
            due = [each for each in self._items.values() if float(each[1]) <= until][:BATCH]
        fresh = [Expectation(keys, ttl, dict(after)) for keys, ttl in due]
        self._expected += fresh
        return fresh

    def delete(self, expected: Expectation) -> None:
        """Delete the item, unless its time to live has changed or it is gone already."""
        self._remember(expected.keys, None)
        try:
            self._client.delete_item(
                TableName=self._table,
                Key=expected.keys,
                ConditionExpression="#ttl = :ttl",
                ExpressionAttributeNames={"#ttl": self._attribute},
                ExpressionAttributeValues={":ttl": {"N": expected.ttl}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            self._expected.remove(expected)

    def forget_handled(self, positions: list[Mapping[str, int]]) -> None:
        """Drop what everybody has passed; `positions` is one mapping by shard for each reader."""
        self._expected = [
            each
            for each in self._expected
            if each.shard is None
            or each.sequence is None
            or any(at.get(each.shard, -1) < each.sequence for at in positions)
        ]

    def to_json(self) -> list[Json]:
        """What a restart needs to sign the same records again."""
        return [asdict(each) for each in self._expected]

    def _remember(self, keys: Json, ttl: str | None) -> None:
        text = json.dumps(keys, sort_keys=True)
        with self._lock:
            if ttl is None:
                self._items.pop(text, None)
            else:
                self._items[text] = (keys, ttl)

    def _describe_key(self) -> list[Json]:
        table = self._client.describe_table(TableName=self._table)["Table"]
        schema: list[Json] = table["KeySchema"]
        return schema
