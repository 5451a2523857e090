"""Queue: fires the timers of sessions, events and deliveries that are due."""

from typing import Any

from checkout.api.dialects import render_events
from checkout.domain.event import ChangeContext
from checkout.domain.timer import TimerKind
from checkout.firing import Kinds, fire_messages
from checkout.store import sessions
from checkout.store.table import open_table
from checkout.webhooks.queue import open_queue
from checkout.webhooks.timers import webhook_timers


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    table, queue, time_left_ms = open_table(), open_queue(), context.get_remaining_time_in_millis

    def kinds(now: int) -> Kinds:
        change_context = ChangeContext(now, render_events)
        return {
            TimerKind.EXPIRY: lambda timer: sessions.lapse(table, timer, change_context),
            **webhook_timers(table, queue, now, time_left_ms),
        }

    return fire_messages(event["Records"], kinds, time_left_ms)
