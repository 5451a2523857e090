"""Pages of lists: newest first, with an id as the cursor. There is no total count.

A list reads its entries from an index, and then the objects themselves from the table. A request
reads a bounded number of items, so a page may hold fewer objects than its limit, or none, although
more follow. `Page.next` is where the list continues.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from boto3.dynamodb.conditions import ConditionBase, Key

from checkout.domain.customer import Customer
from checkout.domain.session import Status
from checkout.store.items import Item
from checkout.store.table import Table

MAX_ROUNDS = 5
"""The most rounds of queries for one page. A round queries each partition of the list once."""
FILTERED_ENTRIES = 500
"""The entries that each round after the first one reads, if the list is filtered."""


class Listed(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Listed)

Load = Callable[[Table, Sequence[Item]], list[T]]
"""Reads the objects of a list's entries, without those that no longer exist."""


class Cursor(NamedTuple):
    """The position and size of a page: up to `limit` objects after the id `after`, newest first."""

    limit: int = 10
    after: str | None = None
    before: str | None = None
    """Used instead of `after`: the page has the objects before this id, also newest first."""

    @property
    def backwards(self) -> bool:
        return self.before is not None

    def continued(self, id: str) -> "Cursor":
        """The cursor for the objects beyond this id, in the same direction."""
        return self._replace(before=id) if self.backwards else self._replace(after=id)

    def admits(self, id: str) -> bool:
        return (self.after is None or id < self.after) and (self.before is None or id > self.before)


class CustomerFilters(NamedTuple):
    """Filters of a list of customers. A customer has to have exactly the given values, including
    those of `metadata`."""

    name: str | None = None
    email: str | None = None
    metadata: Mapping[str, str] = {}

    def admits(self, customer: Customer) -> bool:
        return (
            self.name in (None, customer.name)
            and self.email in (None, customer.email)
            and all(customer.metadata.get(key) == value for key, value in self.metadata.items())
        )


class Page(NamedTuple, Generic[T]):
    """A page of a list."""

    objects: list[T]
    """Newest first."""
    next: str | None
    """The id to pass as `after` or, with `backwards`, as `before` for the next page. None if no
    more objects follow."""
    backwards: bool = False
    """Whether the list is paged with `before`, so that the next page is newer."""


class Span(NamedTuple):
    """The ids from `first` up to but not including `end`; None means no bound."""

    first: str | None = None
    end: str | None = None


UNBOUNDED = Span()


class SessionFilters(NamedTuple):
    """Filters of a list of sessions. A session has to match all that are given."""

    status: Status | None = None
    customer: str | None = None
    payment: str | None = None


class Listing(NamedTuple):
    """Where the entries of a list are: some partitions of an index."""

    index_name: str
    partitions: Sequence[str]


def read_page(
    table: Table,
    listing: Listing,
    cursor: Cursor,
    load: Load[T],
    *,
    only: ConditionBase | None = None,
    keep: Callable[[T], bool] | None = None,
    within: Span = UNBOUNDED,
    min_entries: int = 0,
) -> Page[T]:
    """The page of a list that the cursor describes.

    `only` filters the index's entries, `keep` filters the objects. Without filters, one round of
    queries usually fills the page; with filters, it takes up to MAX_ROUNDS. `min_entries` makes the
    first round read more, for filters that leave most entries out.
    """
    is_filtered = only is not None or keep is not None
    found: list[T] = []
    following: str | None = None
    for number in range(MAX_ROUNDS):
        wanted = cursor.limit - len(found)
        at_least = FILTERED_ENTRIES if number and is_filtered else min_entries
        size = max(wanted + 1, at_least // len(listing.partitions))
        rest = cursor.continued(following) if following else cursor
        entries, following = _read_entries(table, listing, rest, only, within, size)
        taken = entries[: max(wanted, at_least)]
        if len(taken) < len(entries):
            following = _id_of(taken[-1])
        found += filter(keep, load(table, taken))
        if len(found) > cursor.limit:
            following = found[cursor.limit - 1].id
        if len(found) >= cursor.limit or following is None:
            break
    return _page(found[: cursor.limit], following, cursor)


def page_of(objects: Sequence[T], cursor: Cursor) -> Page[T]:
    """The page that the cursor describes, of a list that was read as a whole."""
    admitted = [each for each in objects if cursor.admits(each.id)]
    ordered = sorted(admitted, key=lambda each: each.id, reverse=not cursor.backwards)
    found = ordered[: cursor.limit]
    return _page(found, found[-1].id if len(ordered) > len(found) else None, cursor)


def _page(objects: list[T], following: str | None, cursor: Cursor) -> Page[T]:
    return Page(objects[::-1] if cursor.backwards else objects, following, cursor.backwards)


def _read_entries(
    table: Table,
    listing: Listing,
    cursor: Cursor,
    only: ConditionBase | None,
    within: Span,
    size: int,
) -> tuple[list[Item], str | None]:
    """The next entries of a list, and the id up to which they are complete, None at the list's end.

    Up to `size` entries of each partition are read. The result ends at the id up to which every
    partition was read, because entries beyond that may be missing.
    """
    sort = _sort_condition(cursor, within)
    pages = []
    for partition in listing.partitions:
        condition: ConditionBase = Key(f"{listing.index_name}pk").eq(partition)
        pages.append(
            table.query_page(
                condition if sort is None else condition & sort,
                index=listing.index_name,
                only=only,
                newest_first=not cursor.backwards,
                page_size=size,
            )
        )
    entries = [entry for page in pages for entry in page.items]
    entries.sort(key=_id_of, reverse=not cursor.backwards)
    ends: list[str] = [page.last["gsi1sk"]["S"] for page in pages if page.last]
    if not ends:
        return entries, None
    if cursor.backwards:
        return [each for each in entries if _id_of(each) <= min(ends)], min(ends)
    return [each for each in entries if _id_of(each) >= max(ends)], max(ends)


def _id_of(entry: Item) -> str:
    id: str = entry["gsi1sk"]
    return id


def _sort_condition(cursor: Cursor, within: Span) -> ConditionBase | None:
    """The cursor and the span as one condition, because a query takes one on its sort key.

    BETWEEN includes both ends, so each end is a text just before or after an id that no id equals.
    """
    key = Key("gsi1sk")
    after = cursor.before and cursor.before + " "
    first = max(filter(None, (after, within.first)), default=None)
    end = min(filter(None, (cursor.after, within.end)), default=None)
    if first and end:
        return key.between(first, _just_before(end)) if first < end else key.eq(" ")
    if first:
        return key.gt(first)
    return key.lt(end) if end else None


def _just_before(id: str) -> str:
    """A text that sorts before `id`, and after every smaller id."""
    return id[:-1] + chr(ord(id[-1]) - 1) + "~"
