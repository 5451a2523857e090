"""What DynamoDB counts for a write: units by table or index, and by partition key.

A unit is a kilobyte written. A transaction doubles the units of the table, not those of the
indexes. Moving an entry of an index is a deletion and a put: two writes.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from devstack.template import Json

Wire = Mapping[str, Any]
"""An item as DynamoDB's API has it: `{"amount": {"N": "5000"}}`."""

KILOBYTE = 1024
TABLE = "table"
"""The name under which the units of the table itself are counted, beside its indexes."""


class Units(NamedTuple):
    """The write units that one item costs in one partition."""

    place: str
    """TABLE, or the name of an index."""
    partition: str
    units: float


class Index(NamedTuple):
    name: str
    hash: str
    range: str
    projected: frozenset[str] | None
    """The attributes of its entries; None for all."""

    def entry(self, item: Wire | None) -> Wire | None:
        """What the index holds of an item."""
        if item is None or self.hash not in item or self.range not in item:
            return None
        if self.projected is None:
            return item
        return {name: value for name, value in item.items() if name in self.projected}


class Layout(NamedTuple):
    """A table's key and its indexes."""

    hash: str
    range: str
    indexes: tuple[Index, ...]

    @classmethod
    def of(cls, definition: Json) -> "Layout":
        """From the parameters of CreateTable."""
        hash, range = _key(definition)
        indexes = []
        for each in definition.get("GlobalSecondaryIndexes", []):
            keys = _key(each)
            projection = each["Projection"]
            named = frozenset((hash, range, *keys, *projection.get("NonKeyAttributes", ())))
            everything = projection["ProjectionType"] == "ALL"
            indexes.append(Index(each["IndexName"], *keys, None if everything else named))
        return cls(hash, range, tuple(indexes))

    def write(
        self, before: Wire | None, after: Wire | None, in_transaction: bool
    ) -> Iterator[Units]:
        """The units of one write, which makes the item `before` the item `after`."""
        item = after or before
        if item is not None:
            units = max(_units(before), _units(after)) * (2 if in_transaction else 1)
            yield Units(TABLE, item[self.hash]["S"], units)
        for index in self.indexes:
            yield from _entry_units(index, index.entry(before), index.entry(after))


def _key(definition: Json) -> tuple[str, str]:
    by_type = {each["KeyType"]: str(each["AttributeName"]) for each in definition["KeySchema"]}
    return by_type["HASH"], by_type["RANGE"]


def _entry_units(index: Index, before: Wire | None, after: Wire | None) -> Iterator[Units]:
    if before == after:
        return
    stays = before and after and all(before[n] == after[n] for n in (index.hash, index.range))
    if stays and after:
        units = max(_units(before), _units(after))
        yield Units(index.name, after[index.hash]["S"], units)
        return
    for entry in (before, after):
        if entry:
            yield Units(index.name, entry[index.hash]["S"], _units(entry))


def _units(item: Wire | None) -> int:
    """At least one unit, also where there is no item."""
    return max(1, -(-size(item) // KILOBYTE)) if item else 1


def size(item: Wire) -> int:
    """An item's bytes, as DynamoDB counts them."""
    return sum(_length(name) + _value_size(value) for name, value in item.items())


@lru_cache(maxsize=4096)
def _length(text: str) -> int:
    return len(text.encode())


def _value_size(value: Any) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content) if content.isascii() else len(content.encode())
    if kind == "N":
        return len(content.lstrip("-").strip("0")) // 2 + 1
    if kind == "L":
        return 3 + sum(1 + _value_size(each) for each in content)
    if kind == "M":
        return 3 + sum(1 + _length(name) + _value_size(each) for name, each in content.items())
    return len(content) if kind == "B" else 1
