"""Events, each written in the transaction of the state it announces."""

from collections.abc import Iterable
from functools import reduce
from operator import and_
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain.errors import ResourceMissingError
from checkout.domain.event import KEPT_SECONDS, Event, EventState
from checkout.domain.ids import EVENT, bound, is_id
from checkout.store import keys, timers
from checkout.store.items import to_item, to_record
from checkout.store.paging import Cursor, Span, read_page
from checkout.store.table import (
    Action,
    Put,
    Table,
)

FAN_OUT_GRACE = 60
"""Seconds the stream has to carry an event on before its timer looks after it."""


def writes(events: Iterable[Event]) -> list[Action]:
    """What goes into the transaction of the state that the events announce."""
    actions: list[Action] = []
    for event in events:
        item = to_item(
            event,
            **keys.event(event.id),
            gsi1pk=keys.by_kind(event.scope, "event"),
            gsi1sk=event.id,
            ttl=event.created_at + KEPT_SECONDS,
        )
        actions += [
            Put(item),
            timers.put(timers.fanout(event.id, event.created_at + FAN_OUT_GRACE)),
        ]
    return actions


def find(table: Table, id: str) -> Event | None:
    return to_record(Event, table.get(keys.event(id)))


def retrieve(table: Table, scope: str, id: str) -> Event:
    event = find(table, id) if is_id(id, EVENT) else None
    if event is None or event.scope != scope:
        raise ResourceMissingError("event")
    return event


FILTERED_READS = 200
"""Items that one query reads where most of them may not belong to the list."""


class EventFilters(NamedTuple):
    """Those that have all that is given. `since` and `until` are epoch seconds of `created_at`,
    both included."""

    type: str | None = None
    session: str | None = None
    state: EventState | None = None
    since: int | None = None
    until: int | None = None

    @property
    def span(self) -> Span:
        """The time range, as the ids of its events."""
        return Span(
            None if self.since is None else bound(EVENT, self.since),
            None if self.until is None else bound(EVENT, self.until + 1),
        )

    @property
    def condition(self) -> ConditionBase | None:
        """What the ids can't say."""
        given = [
            Attr("type").eq(self.type) if self.type else None,
            Attr("session").eq(self.session) if self.session else None,
            EVENT_STATES[self.state] if self.state else None,
        ]
        return reduce(and_, filter(None, given)) if any(given) else None


ALL = EventFilters()
_FANNED_OUT = Attr("fanned_out_at").exists()
EVENT_STATES: dict[EventState, ConditionBase] = {
    EventState.PENDING: Attr("fanned_out_at").not_exists() | Attr("pending_webhooks").gt(0),
    EventState.DELIVERED: _FANNED_OUT
    & Attr("pending_webhooks").eq(0)
    & Attr("failed_webhooks").eq(0),
    EventState.FAILED: Attr("failed_webhooks").gt(0),
}


def list_page(
    table: Table, scope: str, cursor: Cursor, filters: EventFilters = ALL
) -> tuple[list[Event], bool]:
    """Events, newest first, and whether more follow."""
    only = filters.condition
    items, more = read_page(
        table,
        "gsi1",
        keys.by_kind(scope, "event"),
        cursor,
        only,
        within=filters.span,
        reads=FILTERED_READS if only else 0,
    )
    return [to_record(Event, item) for item in items], more


def oldest_first(
    table: Table, scope: str, after: str | None, limit: int, filters: EventFilters
) -> tuple[list[Event], bool]:
    """Events that follow `after` in the order oldest to newest, of a range that has a `since`."""
    cursor = Cursor(limit, before=after or filters.span.first)
    found, more = list_page(table, scope, cursor, filters)
    return found[::-1], more
