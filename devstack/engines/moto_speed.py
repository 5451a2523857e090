"""Makes moto's DynamoDB faster.

Transactions: before each one moto makes a deep copy of the whole table and its stream, in case it
has to roll back: 50 ms at a few hundred items. Here the copy shares the items with the table.
Updates replace an item by a copy before they change it, so that shared items never change.

Responses: moto looks each attribute up under every name of every type that it could have: 50 ms
for a page of 100 items. Here an attribute of a plain type is sent as it is stored.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

PLAIN_TYPES = {"S", "N", "BOOL", "NULL", "SS", "NS"}


@contextmanager
def fast_responses() -> Iterator[None]:
    """Send attributes of plain types as they are stored, for as long as the block runs."""
    serialize_structure = BaseJSONSerializer._serialize_type_structure

    def serialize(serializer: Any, into: Any, value: Any, shape: Any, key: str) -> None:
        is_plain = isinstance(value, dict) and value.keys() <= PLAIN_TYPES
        if shape.name == "AttributeValue" and is_plain:
            serializer._default_serialize(into, value, shape, key)
        else:
            serialize_structure(serializer, into, value, shape, key)

    with patch.object(BaseJSONSerializer, "_serialize_type_structure", serialize):
        yield


@contextmanager
def cheap_transactions() -> Iterator[None]:
    """Replace moto's deep copy, and restore it afterwards."""
    update_item = DynamoDBBackend.update_item

    def update_copy(backend: Any, table_name: str, key: Any, *more: Any, **named: Any) -> Any:
        _replace_by_copy(backend.get_table(table_name), key)
        return update_item(backend, table_name, key, *more, **named)

    copy_table = Table.__dict__.get("__deepcopy__")
    Table.__deepcopy__ = _share_items
    DynamoDBBackend.update_item = update_copy
    try:
        yield
    finally:
        DynamoDBBackend.update_item = update_item
        if copy_table is None:
            del Table.__deepcopy__
        else:  # another engine is open
            Table.__deepcopy__ = copy_table


def _share_items(table: Any, _memo: dict[int, Any]) -> Any:
    twin = copy.copy(table)
    twin.items = defaultdict(dict)
    for partition, items in table.items.items():
        # With a sort key, a partition is a dict of items; without one it is the item.
        twin.items[partition] = dict(items) if isinstance(items, dict) else items
    if table.stream_shard is not None:
        twin.stream_shard = copy.copy(table.stream_shard)
        twin.stream_shard.table = twin
        twin.stream_shard.items = list(table.stream_shard.items)
    return twin


def _replace_by_copy(table: Any, key: dict[str, Any]) -> None:
    if table.hash_key_attr not in key or (table.range_key_attr or table.hash_key_attr) not in key:
        return  # moto refuses the malformed key
    partition = DynamoType(key[table.hash_key_attr])
    if partition not in table.items:
        return
    if table.range_key_attr is None:
        table.items[partition] = copy.deepcopy(table.items[partition])
        return
    items = table.items[partition]
    sort = DynamoType(key[table.range_key_attr])
    if sort in items:
        items[sort] = copy.deepcopy(items[sort])
