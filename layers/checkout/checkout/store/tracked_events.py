"""Reads events with their deliveries: one event, or a list by type, session, time and state."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Any, NamedTuple

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from checkout.domain.delivery import Delivery, FanOut, TrackedEvent
from checkout.domain.errors import ResourceMissingError
from checkout.domain.event import Event, EventState
from checkout.domain.ids import EVENT, bound, is_id, second_of
from checkout.store import deliveries, keys
from checkout.store.events import EVENTS
from checkout.store.items import Item, to_record
from checkout.store.paging import Cursor, Page, Span, read_page
from checkout.store.table import Table

FIRST_ROUND_ENTRIES = 200
"""The entries that the first round of queries reads, if the list is filtered."""

CLOCK_SKEW = 60
"""Seconds by which the clocks of two machines may differ at most."""


def find(table: Table, id: str) -> TrackedEvent | None:
    """An event of any scope, read with its fan-out and deliveries in one query."""
    items = {item["sk"]: item for item in table.query_all(Key("pk").eq(keys.event(id)["pk"]))}
    event = to_record(Event, items.get(keys.event(id)["sk"]))
    fan_out = to_record(FanOut, items.get(keys.fan_out(id)["sk"]))
    stored = [item for sk, item in items.items() if sk.startswith(keys.DELIVERY_PREFIX)]
    return None if event is None else _track(event, fan_out, stored)


def retrieve(table: Table, scope: str, id: str) -> TrackedEvent:
    """An event of the scope. Raises ResourceMissingError."""
    found = find(table, id) if is_id(id, EVENT) else None
    if found is None or found.event.scope != scope:
        raise ResourceMissingError(EVENTS.name)
    return found


class EventFilters(NamedTuple):
    """Filters of a list of events. An event has to match all that are given.

    `since` and `until` are epoch seconds of `created_at`, both included.
    """

    type: str | None = None
    session: str | None = None
    state: EventState | None = None
    since: int | None = None
    until: int | None = None

    @property
    def span(self) -> Span:
        """The time range as a range of ids. A session's events are younger than the session."""
        first = None if self.since is None else bound(EVENT, self.since)
        if self.session:
            of_session = bound(EVENT, second_of(self.session) - CLOCK_SKEW)
            first = max(first or of_session, of_session)
        return Span(first, None if self.until is None else bound(EVENT, self.until + 1))

    @property
    def condition(self) -> ConditionBase | None:
        """The filters by type and session, which the index applies."""
        given = [
            Attr("type").eq(self.type) if self.type else None,
            Attr("session").eq(self.session) if self.session else None,
        ]
        return reduce(and_, filter(None, given)) if any(given) else None

    @property
    def keep(self) -> Callable[[TrackedEvent], bool] | None:
        """The filter by state, which the index does not have."""
        state = self.state
        return None if state is None else lambda tracked: tracked.is_in(state)


ALL = EventFilters()


def list_page(
    table: Table, scope: str, cursor: Cursor, filters: EventFilters = ALL
) -> Page[TrackedEvent]:
    """The scope's events that match the filters."""
    is_filtered = filters.condition is not None or filters.keep is not None
    return read_page(
        table,
        EVENTS.listing(scope),
        cursor,
        _load,
        only=filters.condition,
        keep=filters.keep,
        within=filters.span,
        min_entries=FIRST_ROUND_ENTRIES if is_filtered else 0,
    )


def oldest_first(
    table: Table, scope: str, after: str | None, limit: int, filters: EventFilters
) -> tuple[list[TrackedEvent], str | None]:
    """A page of the events after the id `after`, oldest first, and the `after` of the next page.

    The filters must have a `since`. The second result is None if no more events follow. The page
    may be empty although more follow, because a page reads a bounded number of items.
    """
    cursor = Cursor(limit, before=after or filters.span.first)
    page = list_page(table, scope, cursor, filters)
    return page.objects[::-1], page.next


def _load(table: Table, entries: Sequence[Item]) -> list[TrackedEvent]:
    """The events of a list's entries, read in two calls."""
    ids = [entry["gsi1sk"] for entry in entries]
    items = table.get_many([*map(keys.event, ids), *map(keys.fan_out, ids)])
    pairs = zip(items[: len(ids)], items[len(ids) :], strict=True)
    found = [
        (to_record(Event, event), to_record(FanOut, fan_out)) for event, fan_out in pairs if event
    ]
    sought = [
        keys.delivery(fan_out.event, endpoint)
        for _, fan_out in found
        if fan_out
        for endpoint in (*fan_out.endpoints, *fan_out.resent_to)
    ]
    stored: dict[str, list[Mapping[str, Any]]] = {event.id: [] for event, _ in found}
    for item in filter(None, table.get_many(sought)):
        stored[item["event"]].append(item)
    return [_track(event, fan_out, stored[event.id]) for event, fan_out in found]


def _track(
    event: Event, fan_out: FanOut | None, stored: Sequence[Mapping[str, Any]]
) -> TrackedEvent:
    if fan_out is None:
        return TrackedEvent(event)
    records = [to_record(Delivery, item) for item in stored]
    return TrackedEvent(event, fan_out, tuple(deliveries.all_of(fan_out, records)))
