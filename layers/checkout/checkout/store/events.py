"""Events. Each is written in the transaction of the change that it reports, and never changes."""

from collections.abc import Iterable

from checkout.domain.event import KEPT_SECONDS, Event
from checkout.domain.ids import EVENT
from checkout.store import keys, timers
from checkout.store.objects import Collection
from checkout.store.table import Action, Put

EVENTS = Collection(Event, keys.event, EVENT, kind="event", name="event")

find = EVENTS.find


def writes(events: Iterable[Event]) -> list[Action]:
    """The actions that write events, each with its index attributes and its timer."""
    actions: list[Action] = []
    for event in events:
        item = EVENTS.item(event, ttl=event.created_at + KEPT_SECONDS)
        actions += [Put(item), timers.put(timers.event(event))]
    return actions
