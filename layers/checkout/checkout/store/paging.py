"""Pages of lists: newest first, with an id as the cursor. There is no total count.

A request reads a bounded number of items. So a page may hold fewer objects than its limit, or none,
although more follow; `Page.next` is where the list continues.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from boto3.dynamodb.conditions import ConditionBase, Key

from checkout.domain.session import Status
from checkout.store.items import Item, to_record
from checkout.store.table import Table

T = TypeVar("T")

MAX_QUERIES = 5
"""Queries of one page. Each reads 1 MB at most."""
FILTERED_PAGE_SIZE = 500
"""Items that a query reads at once after the first one, if a filter leaves items out."""

Keep = Callable[[Item], bool]
"""Whether an item belongs to a list."""


def keep_all(_item: Item) -> bool:
    return True


class Cursor(NamedTuple):
    """Where a page is: up to `limit` objects that follow the id `after`, newest first."""

    limit: int = 10
    after: str | None = None
    before: str | None = None
    """Instead of `after`: the objects that precede this id, newest first as well."""

    def admits(self, id: str) -> bool:
        return (self.after is None or id < self.after) and (self.before is None or id > self.before)


class CustomerFilters(NamedTuple):
    """Customers that have exactly the values that are given, also those of `metadata`."""

    name: str | None = None
    email: str | None = None
    metadata: Mapping[str, str] = {}

    def admits(self, item: Item) -> bool:
        stored = item.get("metadata", {})
        return (
            self.name in (None, item.get("name"))
            and self.email in (None, item.get("email"))
            and all(stored.get(key) == value for key, value in self.metadata.items())
        )


class Page(NamedTuple, Generic[T]):
    """A page of a list."""

    objects: list[T]
    """Newest first."""
    next: str | None
    """The id that the next page follows or, with `backwards`, precedes. None if no more follow."""
    backwards: bool = False
    """The list is paged with `before`: the next page is newer."""


class Span(NamedTuple):
    """The ids from `first` up to but not including `end`; None means no bound."""

    first: str | None = None
    end: str | None = None


UNBOUNDED = Span()


class Filters(NamedTuple):
    """Sessions that match everything that is given."""

    status: Status | None = None
    customer: str | None = None
    payment: str | None = None


def read_page(
    table: Table,
    cls: type[T],
    index: str | None,
    partition: str,
    cursor: Cursor,
    *,
    only: ConditionBase | None = None,
    keep: Keep = keep_all,
    within: Span = UNBOUNDED,
    min_page_size: int = 0,
) -> Page[T]:
    """The cursor's page of a partition.

    One query fills the page, unless `only` or `keep` leaves items out or the items are large; then
    up to MAX_QUERIES queries do. `keep` is for what a DynamoDB condition can't express.
    `min_page_size` makes the first query read more items, for filters that leave most of them out.
    """
    pk, sk = ("pk", "sk") if index is None else (f"{index}pk", "gsi1sk")
    condition: ConditionBase = Key(pk).eq(partition)
    sort = _sort_condition(sk, cursor, within)
    if sort is not None:
        condition = condition & sort
    is_filtered = only is not None or keep is not keep_all
    found: list[Item] = []
    last: Mapping[str, Any] | None = None
    for number in range(MAX_QUERIES):
        wanted = cursor.limit + 1 - len(found)
        items, last = table.query_page(
            condition,
            index=index,
            only=only,
            newest_first=not cursor.before,
            page_size=FILTERED_PAGE_SIZE if number and is_filtered else max(wanted, min_page_size),
            after=last,
        )
        found += filter(keep, items)
        if last is None or len(found) > cursor.limit:
            break
    objects = [to_record(cls, item) for item in found[: cursor.limit]]
    following: str | None = last[sk]["S"] if last else None
    if len(found) > cursor.limit:
        following = found[cursor.limit - 1][sk]
    return Page(objects[::-1], following, True) if cursor.before else Page(objects, following)


def _sort_condition(sk: str, cursor: Cursor, within: Span) -> ConditionBase | None:
    """The cursor and the span as one condition, because a query takes one on its sort key.

    BETWEEN includes both its ends, so the ends are texts next to an id that no id equals.
    """
    key = Key(sk)
    after = cursor.before and cursor.before + " "
    first = max(filter(None, (after, within.first)), default=None)
    end = min(filter(None, (cursor.after, within.end)), default=None)
    if first and end:
        return key.between(first, _just_before(end)) if first < end else key.eq(" ")
    if first:
        return key.gt(first)
    return key.lt(end) if end else None


def _just_before(id: str) -> str:
    """A text that sorts after every id before `id`, and before `id`."""
    return id[:-1] + chr(ord(id[-1]) - 1) + "~"
