"""Pages of a list: newest first, the cursor is an id, no look-up and no total."""

from collections.abc import Callable
from typing import NamedTuple

from boto3.dynamodb.conditions import ConditionBase, Key

from checkout.domain.session import Status
from checkout.store.items import Item
from checkout.store.table import Table

Keep = Callable[[Item], bool]
"""Whether an item belongs to a list."""


def keep_all(_item: Item) -> bool:
    return True


class Cursor(NamedTuple):
    """`limit` objects that follow `after`, an id, in the order newest to oldest."""

    limit: int = 10
    after: str | None = None
    before: str | None = None
    """Instead of `after`: the objects that precede it, still newest first."""

    def admits(self, id: str) -> bool:
        return (self.after is None or id < self.after) and (self.before is None or id > self.before)


class Span(NamedTuple):
    """Ids from `first` to before `end`; None is no bound."""

    first: str | None = None
    end: str | None = None


UNBOUNDED = Span()


class Filters(NamedTuple):
    """Of sessions: those that have all that is given."""

    status: Status | None = None
    customer: str | None = None
    payment: str | None = None


def read_page(
    table: Table,
    index: str | None,
    partition: str,
    cursor: Cursor,
    only: ConditionBase | None = None,
    keep: Keep = keep_all,
    within: Span = UNBOUNDED,
    reads: int = 0,
) -> tuple[list[Item], bool]:
    """Up to `limit` items and whether more follow. A query reads `reads` items, or what fills the
    page if that is more.

    One query, whatever the table holds; further ones only where `only`, or `keep`, which sees what
    a condition can't say, filtered a page's items out.
    """
    pk, sk = ("pk", "sk") if index is None else (f"{index}pk", "gsi1sk")
    condition: ConditionBase = Key(pk).eq(partition)
    sort = _between(sk, cursor, within)
    if sort is not None:
        condition = condition & sort
    items: list[Item] = []
    start = None
    while True:
        page = table.query(
            condition,
            index=index,
            only=only,
            newest_first=not cursor.before,
            limit=max(cursor.limit + 1, reads),
            start=start,
        )
        items += filter(keep, page.items)
        start = page.last
        if len(items) > cursor.limit or start is None:
            break
    found = items[: cursor.limit]
    return found[::-1] if cursor.before else found, len(items) > cursor.limit


def _between(sk: str, cursor: Cursor, within: Span) -> ConditionBase | None:
    """A query takes one condition on its sort key, and what has two ends includes both."""
    key = Key(sk)
    # Of these each is shorter than an id or longer, so that no id is equal to one.
    after = cursor.before and cursor.before + " "
    first = max(filter(None, (after, within.first)), default=None)
    end = min(filter(None, (cursor.after, within.end)), default=None)
    if first and end:
        return key.between(first, _before(end)) if first < end else key.eq(" ")
    if first:
        return key.gt(first)
    return key.lt(end) if end else None


def _before(id: str) -> str:
    """A text that no id equals, after every id before `id`."""
    return id[:-1] + chr(ord(id[-1]) - 1) + "~"
