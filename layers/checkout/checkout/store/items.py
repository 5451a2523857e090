"""Conversions between records (the dataclasses of `checkout.domain`) and DynamoDB items.

Each field of a record is an attribute of its item. A field that is None has no attribute, so nulls
cost no storage, and an absent attribute is read as the field's default.
"""

import dataclasses
from collections.abc import Hashable, Mapping
from functools import lru_cache, reduce
from operator import and_
from typing import Any, TypeVar, cast, get_type_hints, overload

from boto3.dynamodb.conditions import Attr, ConditionBase
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]
"""Attributes by name, as plain Python values."""
Wire = dict[str, Any]
"""Attributes as DynamoDB's API has them: `{"amount": {"N": "5000"}}`."""

T = TypeVar("T")


class _IntegerDeserializer(TypeDeserializer):
    """Reads numbers as integers: no stored number has a fraction."""

    def _deserialize_n(self, value: str) -> int:
        return int(value)


_serialize = TypeSerializer().serialize
_deserialize = _IntegerDeserializer().deserialize


def to_wire(item: Mapping[str, Any]) -> Wire:
    return {name: _serialize(value) for name, value in item.items() if value is not None}


def from_wire(wire: Mapping[str, Any]) -> Item:
    return {name: _deserialize(value) for name, value in wire.items()}


def to_item(record: Any, **extra: Any) -> Item:
    """The item of a record. `extra` has the attributes that the store adds: keys and `ttl`."""
    fields = {f.name: _plain(getattr(record, f.name)) for f in dataclasses.fields(record)}
    return {name: value for name, value in (fields | extra).items() if value is not None}


@overload
def to_record(cls: type[T], item: Mapping[str, Any]) -> T: ...
@overload
def to_record(cls: type[T], item: Mapping[str, Any] | None) -> T | None: ...
def to_record(cls: type[T], item: Mapping[str, Any] | None) -> T | None:
    """The record that an item holds; None for None. Attributes that are not fields are ignored."""
    if item is None:
        return None
    converters = _converters(cast(Hashable, cls))
    return cls(**{name: converters[name](item[name]) for name in converters if name in item})


def changes(before: Item, after: Item) -> Item:
    """The attributes to write so that the item `before` becomes `after`; None removes one."""
    names = before | after
    return {name: after.get(name) for name in names if after.get(name) != before.get(name)}


def unchanged(record: Any, *names: str) -> ConditionBase:
    """The condition that these fields are stored as `record` has them."""
    values = {name: getattr(record, name) for name in names}
    return reduce(
        and_,
        (
            Attr(name).not_exists() if value is None else Attr(name).eq(value)
            for name, value in values.items()
        ),
    )


def _plain(value: Any) -> Any:
    """A field's value without dataclasses and tuples, which the type serializer refuses."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_item(value)
    return value


@lru_cache(maxsize=32)
def _converters(cls: Hashable) -> dict[str, Any]:
    """The functions that turn stored values back into the fields' types, by field."""
    record = cast("type[Any]", cls)
    hints = get_type_hints(record)
    return {f.name: _converter(hints[f.name]) for f in dataclasses.fields(record)}


def _converter(hint: Any) -> Any:
    arguments: tuple[Any, ...] = getattr(hint, "__args__", ())
    if getattr(hint, "__origin__", None) is tuple:
        inner = _converter(arguments[0])
        return lambda values: tuple(inner(value) for value in values)
    classes = [arg for arg in (arguments or (hint,)) if isinstance(arg, type)]
    for each in classes:
        if dataclasses.is_dataclass(each):
            record = cast("type[Any]", each)
            return lambda item: to_record(record, item)
        if each.__module__.startswith("checkout."):
            return each  # an enumeration
    return lambda value: value
