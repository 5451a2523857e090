"""Makes moto's DynamoDB faster.

Transactions: before each one moto makes a deep copy of the whole table and its stream, in case it
has to roll back: 50 ms at a few hundred items. Here the copy shares the items with the table, and
only the partitions that a transaction writes are copied, and restored if it is canceled. Updates
replace an item by a copy before they change it, so that items of a copied partition never change.

Responses: moto looks each attribute up under every name of every type that it could have: 50 ms for
a page of 100 items. Here an attribute of a plain type is sent as it is stored.
"""

import copy
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
    update_item, transact = DynamoDBBackend.update_item, DynamoDBBackend.transact_write_items

    def transact_or_restore(backend: Any, transact_items: list[Any]) -> Any:
        copies = list(_copy_partitions(backend, transact_items))
        try:
            return transact(backend, transact_items)
        except Exception:
            for items, partition, content in copies:
                _restore(items, partition, content)
            raise

    def update_copy(backend: Any, table_name: str, key: Any, *more: Any, **named: Any) -> Any:
        _replace_by_copy(backend.get_table(table_name), key)
        return update_item(backend, table_name, key, *more, **named)

    copy_table = Table.__dict__.get("__deepcopy__")
    Table.__deepcopy__ = _share_items
    DynamoDBBackend.update_item = update_copy
    DynamoDBBackend.transact_write_items = transact_or_restore
    try:
        yield
    finally:
        DynamoDBBackend.update_item = update_item
        DynamoDBBackend.transact_write_items = transact
        if copy_table is None:
            del Table.__deepcopy__
        else:  # another engine is open
            Table.__deepcopy__ = copy_table


def _share_items(table: Any, _memo: dict[int, Any]) -> Any:
    twin = copy.copy(table)
    if table.stream_shard is not None:
        twin.stream_shard = copy.copy(table.stream_shard)
        twin.stream_shard.table = twin
        twin.stream_shard.items = list(table.stream_shard.items)
    return twin


def _copy_partitions(backend: Any, transact_items: list[Any]) -> Iterator[tuple[Any, Any, Any]]:
    """The items of each table, the partition that is written, and a copy of it if it exists."""
    for action in transact_items:
        for write in action.values():
            table = backend.tables.get(write.get("TableName"))
            key = write.get("Key") or write.get("Item") or {}
            if table is None or table.hash_key_attr not in key:
                continue  # moto refuses it
            partition = DynamoType(key[table.hash_key_attr])
            content = table.items.get(partition)
            # With a sort key, a partition is a dict of items; without one it is the item.
            yield table.items, partition, dict(content) if isinstance(content, dict) else content


def _restore(items: Any, partition: Any, content: Any) -> None:
    if content is None:
        items.pop(partition, None)
    else:
        items[partition] = content


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
