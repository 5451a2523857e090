"""Pages of lists: newest first, with an id as the cursor. There is no total count."""

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple, TypeVar

from boto3.dynamodb.conditions import ConditionBase, Key

from checkout.domain.session import Status
from checkout.store.items import Item, to_record
from checkout.store.table import Table

T = TypeVar("T")

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
) -> tuple[list[T], bool]:
    """The cursor's page of a partition, and whether more objects follow.

    One query fills the page, unless `only` or `keep` leaves items out; then more queries follow.
    `keep` is for what a DynamoDB condition can't express. `min_page_size` makes each query read
    more items, for filters that leave many out.
    """
    pk, sk = ("pk", "sk") if index is None else (f"{index}pk", "gsi1sk")
    condition: ConditionBase = Key(pk).eq(partition)
    sort = _sort_condition(sk, cursor, within)
    if sort is not None:
        condition = condition & sort
    items = table.query_all(
        condition,
        index=index,
        only=only,
        newest_first=not cursor.before,
        page_size=max(cursor.limit + 1, min_page_size),
    )
    found = list(islice(filter(keep, items), cursor.limit + 1))
    page = [to_record(cls, item) for item in found[: cursor.limit]]
    return page[::-1] if cursor.before else page, len(found) > cursor.limit


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
