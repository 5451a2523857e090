"""DynamoDB's time to live: deletes expired items, and marks the records of these deletions.

The engines cannot do this: moto never deletes expired items, and dynoxide does not follow the
stack's clock.
"""

import json
import math
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from devstack.aws.stream_records import TTL_IDENTITY, Record, encode_attributes
from devstack.template import Json

BATCH = 100
"""The most deletions that are planned at once."""


@dataclass
class PlannedDeletion:
    """A deletion whose stream record is still to come.

    `after` has the stream's positions when it was planned; earlier records are not its own.
    """

    keys: Json
    ttl: str
    after: dict[str, int]

    def matches(self, record: Record, ttl: str | None) -> bool:
        """Whether `record`, of an item with this `ttl`, is the record of this deletion."""
        if (self.keys, self.ttl) != (record.keys, ttl):
            return False
        return record.sequence > self.after.get(record.shard, -1)


class TimeToLive:
    """Knows all items with a time to live, from the stream, and the deletions made here."""

    def __init__(self, client: Any, table: str, attribute: str, planned: list[Json]) -> None:
        self._client = client
        self._table = table
        self._attribute = attribute
        self._lock = threading.Lock()
        self._items: dict[str, tuple[Json, str]] = {}
        # Sorted, because each step of a moved clock asks for the next.
        self._by_time: list[tuple[float, str]] = []
        self._planned = [PlannedDeletion(**each) for each in planned]

    def load(self) -> None:
        """Read the items that were in the table before this process read its stream."""
        key = [each["AttributeName"] for each in self._describe_key()]
        names = {f"#k{number}": name for number, name in enumerate(key)}
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="attribute_exists(#ttl)",
            ProjectionExpression=", ".join([*names, "#ttl"]),
            ExpressionAttributeNames={**names, "#ttl": self._attribute},
            ConsistentRead=True,
        )
        found: dict[str, tuple[Json, str]] = {}
        for item in (each for page in pages for each in page["Items"]):
            if "N" in item[self._attribute]:
                keys = encode_attributes({name: item[name] for name in key})
                found[_to_text(keys)] = (keys, item[self._attribute]["N"])
        with self._lock:
            self._items = found
            self._by_time = sorted((float(ttl), text) for text, (_, ttl) in found.items())

    def observe(self, record: Record) -> None:
        """Record the item's time to live. The record of a deletion made here gets userIdentity."""
        if not record.is_removal:
            self._set_ttl(record.keys, record.number("NewImage", self._attribute))
            return
        self._set_ttl(record.keys, None)
        ttl = record.number("OldImage", self._attribute)
        for deletion in self._planned:
            if deletion.matches(record, ttl):
                self._planned.remove(deletion)
                record.content["userIdentity"] = dict(TTL_IDENTITY)
                return

    def next_due_time(self, after: float) -> float:
        """The earliest time to live later than `after`, in unix seconds; infinity if none is."""
        with self._lock:
            place = self._count_due(after)
            return self._by_time[place][0] if place < len(self._by_time) else math.inf

    def due_items(self, until: float) -> set[str]:
        """The keys, as text, of the items whose time to live ended at `until` or before."""
        with self._lock:
            return {text for _, text in self._by_time[: self._count_due(until)]}

    def plan_deletions(self, until: float, after: Mapping[str, int]) -> list[PlannedDeletion]:
        """Plan to delete up to `BATCH` items whose time to live ended at `until` or before."""
        with self._lock:
            count = min(BATCH, self._count_due(until))
            due = [self._items[text] for _, text in self._by_time[:count]]
        fresh = [PlannedDeletion(keys, ttl, dict(after)) for keys, ttl in due]
        self._planned += fresh
        return fresh

    def delete(self, deletion: PlannedDeletion) -> None:
        """Delete the item, unless it is gone or its time to live has changed."""
        self._set_ttl(deletion.keys, None)
        try:
            self._client.delete_item(
                TableName=self._table,
                Key=deletion.keys,
                ConditionExpression="#ttl = :ttl",
                ExpressionAttributeNames={"#ttl": self._attribute},
                ExpressionAttributeValues={":ttl": {"N": deletion.ttl}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            self._planned.remove(deletion)

    def to_json(self) -> list[Json]:
        """The planned deletions, as the constructor takes them after a restart."""
        return [asdict(each) for each in self._planned]

    def _set_ttl(self, keys: Json, ttl: str | None) -> None:
        text = _to_text(keys)
        with self._lock:
            known = self._items.pop(text, None)
            if known:
                del self._by_time[bisect_left(self._by_time, (float(known[1]), text))]
            if ttl is not None:
                self._items[text] = (keys, ttl)
                insort(self._by_time, (float(ttl), text))

    def _count_due(self, until: float) -> int:
        return bisect_right(self._by_time, until, key=lambda each: each[0])

    def _describe_key(self) -> list[Json]:
        table = self._client.describe_table(TableName=self._table)["Table"]
        schema: list[Json] = table["KeySchema"]
        return schema


def _to_text(keys: Json) -> str:
    return json.dumps(keys, sort_keys=True)
