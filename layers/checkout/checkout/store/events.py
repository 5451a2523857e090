"""Events: each is written in the transaction of the change that it reports."""

from collections.abc import Iterable
from functools import reduce
from operator import and_
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain.event import KEPT_SECONDS, Event, EventState
from checkout.domain.ids import EVENT, bound, second_of
from checkout.domain.timer import Timer
from checkout.store import keys, timers
from checkout.store.objects import Collection
from checkout.store.paging import Cursor, Page, Span, read_page
from checkout.store.table import Action, Put, Table

EVENTS = Collection(Event, keys.event, EVENT, kind="event", name="event")

find = EVENTS.find
retrieve = EVENTS.retrieve

FIRST_FILTERED = 200
"""Items that a list's first query reads if it is filtered."""

CLOCK_SKEW = 60
"""Seconds by which the clocks of two machines may differ at most."""


def writes(events: Iterable[Event]) -> list[Action]:
    """The actions that write events: each with its index attributes and its fan-out timer."""
    actions: list[Action] = []
    for event in events:
        timer = fan_out_timer(event)
        item = EVENTS.item(event, ttl=event.created_at + KEPT_SECONDS)
        actions += [Put(item), timers.put(timer)]
    return actions


def fan_out_timer(event: Event) -> Timer:
    """The timer that checks whether the stream has brought the event to fan-out."""
    return timers.fanout(event.id, event.scope, event.created_at + timers.NET_SECONDS)


class EventFilters(NamedTuple):
    """Events that match everything that is given.

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
            session_made = bound(EVENT, second_of(self.session) - CLOCK_SKEW)
            first = max(first or session_made, session_made)
        return Span(first, None if self.until is None else bound(EVENT, self.until + 1))

    @property
    def condition(self) -> ConditionBase | None:
        """What a range of ids can't express."""
        given = [
            Attr("type").eq(self.type) if self.type else None,
            Attr("session").eq(self.session) if self.session else None,
            IN_STATE[self.state] if self.state else None,
        ]
        return reduce(and_, filter(None, given)) if any(given) else None


ALL = EventFilters()

_FANNED_OUT = Attr("fanned_out_at").exists()
IN_STATE: dict[EventState, ConditionBase] = {
    EventState.PENDING: Attr("fanned_out_at").not_exists() | Attr("pending_webhooks").gt(0),
    EventState.DELIVERED: _FANNED_OUT
    & Attr("pending_webhooks").eq(0)
    & Attr("failed_webhooks").eq(0),
    EventState.FAILED: Attr("failed_webhooks").gt(0),
}


def list_page(table: Table, scope: str, cursor: Cursor, filters: EventFilters = ALL) -> Page[Event]:
    """The scope's events that match the filters."""
    only = filters.condition
    return read_page(
        table,
        EVENTS.listing(scope),
        cursor,
        EVENTS.load,
        only=only,
        within=filters.span,
        min_entries=FIRST_FILTERED if only else 0,
    )


def oldest_first(
    table: Table, scope: str, after: str | None, limit: int, filters: EventFilters
) -> tuple[list[Event], str | None]:
    """Events that follow the id `after`, oldest first, and the id that the next page follows.

    The filters must have a `since`. The id is None if no more events follow. There may be no event
    on this page although more follow, because a page reads a bounded number of items.
    """
    cursor = Cursor(limit, before=after or filters.span.first)
    page = list_page(table, scope, cursor, filters)
    return page.objects[::-1], page.next
