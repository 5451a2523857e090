"""Records as DynamoDB items and back, by way of boto3's own type codec.

An attribute is a record's field; an absent attribute is the field's default, so that nothing is
paid for storing nulls.
"""

import dataclasses
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast, get_type_hints, overload

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]
"""Plain Python values."""
Wire = dict[str, dict[str, Any]]
"""DynamoDB's form of an item: `{"amount": {"N": "5000"}}`."""

T = TypeVar("T")


class _IntegerDeserializer(TypeDeserializer):  # type: ignore[misc]
    """Every number we store is a whole one."""

    def _deserialize_n(self, value: str) -> int:
        return int(value)


_serialize = TypeSerializer().serialize
_deserialize = _IntegerDeserializer().deserialize


def to_wire(item: Mapping[str, Any]) -> Wire:
    return {name: _serialize(value) for name, value in item.items() if value is not None}


def from_wire(wire: Wire) -> Item:
    return {name: _deserialize(value) for name, value in wire.items()}


def to_item(record: Any, **extra: Any) -> Item:
    """A record's fields, and what the store adds: keys, ttl."""
    plain = {f.name: _plain(getattr(record, f.name)) for f in dataclasses.fields(record)}
    return {name: value for name, value in (plain | extra).items() if value is not None}


@overload
def to_record(cls: type[T], item: Mapping[str, Any]) -> T: ...
@overload
def to_record(cls: type[T], item: Mapping[str, Any] | None) -> T | None: ...
def to_record(cls: type[T], item: Mapping[str, Any] | None) -> T | None:
    """The record an item holds, None for no item; attributes that are no field (keys, ttl) are
    left aside."""
    if item is None:
        return None
    rebuild = _rebuilders(cast(Hashable, cls))
    return cls(**{name: rebuild[name](item[name]) for name in rebuild if name in item})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_item(value)
    return value


@lru_cache(maxsize=32)
def _rebuilders(cls: Hashable) -> dict[str, Any]:
    record = cast("type[Any]", cls)
    hints = get_type_hints(record)
    return {f.name: _rebuilder(hints[f.name]) for f in dataclasses.fields(record)}


def _rebuilder(hint: Any) -> Any:
    arguments: tuple[Any, ...] = getattr(hint, "__args__", ())
    if getattr(hint, "__origin__", None) is tuple:
        inner = _rebuilder(arguments[0])
        return lambda values: tuple(inner(value) for value in values)
    classes = [arg for arg in (arguments or (hint,)) if isinstance(arg, type)]
    for each in classes:
        if dataclasses.is_dataclass(each):
            record = cast("type[Any]", each)
            return lambda item: to_record(record, item)
        if each.__module__.startswith("checkout."):
            return each  # an enumeration
    return lambda value: value
