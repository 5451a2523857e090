"""Queue: asks processors about the payments and refunds whose timers are due."""

from typing import Any

from checkout.api.dialects import render_events
from checkout.dispatch import open_dispatcher
from checkout.domain.event import ChangeContext
from checkout.firing import Kinds, fire_messages
from checkout.processors.registry import ProcessorRouter
from checkout.processors.timers import processor_timers
from checkout.settings import IN_LAMBDA
from checkout.store.table import open_table

if IN_LAMBDA:
    open_dispatcher()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    table, time_left_ms = open_table(), context.get_remaining_time_in_millis

    def kinds(now: int) -> Kinds:
        change_context = ChangeContext(now, render_events)
        return processor_timers(table, ProcessorRouter(table), change_context, time_left_ms)

    return fire_messages(event["Records"], kinds, time_left_ms)
