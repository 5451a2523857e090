"""Schedule: fires all timers that are due, every minute. DynamoDB stream: fires a timer that TTL
deleted."""

from typing import Any

from checkout.api.dialects import render_events
from checkout.domain import clock
from checkout.domain.event import ChangeContext
from checkout.domain.timer import Timer
from checkout.firing import Firing, sweep
from checkout.partial_batches import stop_at_first_failure
from checkout.processors.registry import ProcessorRouter
from checkout.store import timers
from checkout.store.items import from_wire
from checkout.store.table import open_table
from checkout.webhooks.queue import open_queue


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    table, change_context = open_table(), ChangeContext(clock.now(), render_events)
    time_left_ms = context.get_remaining_time_in_millis
    firing = Firing(table, open_queue(), ProcessorRouter(table), change_context, time_left_ms)
    if "Records" not in event:
        return sweep(firing)
    return stop_at_first_failure(event["Records"], lambda record: firing.fire(_timer(record)))


def _timer(record: dict[str, Any]) -> Timer:
    return timers.from_item(from_wire(record["dynamodb"]["OldImage"]))
