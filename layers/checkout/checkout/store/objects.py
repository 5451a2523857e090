"""Reads, lists and updates the objects of one kind: payments, refunds, sessions and so on."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain.errors import ReferenceMissingError, ResourceMissingError
from checkout.domain.ids import is_id
from checkout.store import keys
from checkout.store.items import Item, changes, to_item, to_record
from checkout.store.paging import Cursor, Listing, Page, read_page
from checkout.store.table import ConditionFailedError, Table, Update


class Scoped(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def scope(self) -> str: ...


T = TypeVar("T", bound=Scoped)


class Collection(NamedTuple, Generic[T]):
    """The objects of one kind. An object belongs to one scope and is missing for all others.

    A kind's module offers the methods it needs as functions, such as `payments.find(table, id)`.
    """

    cls: type[T]
    key: Callable[[str], keys.Key]
    prefix: str
    """The prefix of the ids."""
    kind: str
    """The name of the kind in index keys."""
    name: str
    """The name of the kind in error messages."""

    def find(self, table: Table, id: str) -> T | None:
        """An object of any scope; None if there is none."""
        item = table.get(self.key(id)) if is_id(id, self.prefix) else None
        return to_record(self.cls, item)

    def retrieve(self, table: Table, scope: str, id: str) -> T:
        """An object of the scope. Raises ResourceMissingError."""
        found = self.find(table, id)
        if found is None or found.scope != scope:
            raise ResourceMissingError(self.name)
        return found

    def retrieve_referenced(self, table: Table, scope: str, id: str, parameter: str) -> T:
        """The object that a request's parameter names. Raises ReferenceMissingError."""
        try:
            return self.retrieve(table, scope, id)
        except ResourceMissingError:
            raise ReferenceMissingError(self.name, parameter) from None

    def list_page(self, table: Table, scope: str, cursor: Cursor) -> Page[T]:
        """The scope's objects."""
        return read_page(table, self.listing(scope), cursor, self.load)

    def listing(self, scope: str) -> Listing:
        return Listing("gsi1", keys.list_partitions(scope, self.kind))

    def load(self, table: Table, entries: Sequence[Item]) -> list[T]:
        """The objects of a list's entries, without those that no longer exist."""
        found = table.get_many([{"pk": entry["pk"], "sk": entry["sk"]} for entry in entries])
        return [to_record(self.cls, item) for item in found if item is not None]

    def update(
        self,
        table: Table,
        scope: str,
        id: str,
        fields: Item,
        now: int,
        condition: ConditionBase | None = None,
    ) -> T:
        """Sets fields, where None removes one. Returns the object as it was written.

        Raises ResourceMissingError if there is no such object or the condition does not hold.
        """
        own: ConditionBase = Attr("scope").eq(scope)
        if not is_id(id, self.prefix):
            raise ResourceMissingError(self.name)
        update = Update(
            self.key(id),
            {**fields, "updated_at": now},
            own if condition is None else own & condition,
        )
        try:
            return to_record(self.cls, table.update(update))
        except ConditionFailedError:
            raise ResourceMissingError(self.name) from None

    def build_update(self, before: T, after: T, condition: ConditionBase) -> Update:
        """The action that writes the difference between two states of an object."""
        return Update(self.key(before.id), changes(to_item(before), to_item(after)), condition)

    def item(self, record: T, **extra: str | int | None) -> Item:
        """The object's whole item, with the attributes of the index gsi1."""
        return to_item(
            record,
            **self.key(record.id),
            gsi1pk=keys.listed(record.scope, self.kind, record.id),
            gsi1sk=record.id,
            **extra,
        )
