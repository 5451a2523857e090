"""Fires timers: those that DynamoDB's TTL deleted, and every minute those that are due."""

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
    table = open_table()
    firing = Firing(
        table, open_queue(), ProcessorRouter(table), ChangeContext(clock.now(), render_events)
    )
    if "Records" not in event:
        return sweep(firing, context.get_remaining_time_in_millis)
    return stop_at_first_failure(event["Records"], lambda record: firing.fire(_timer(record)))


def _timer(record: dict[str, Any]) -> Timer:
    return timers.from_item(from_wire(record["dynamodb"]["OldImage"]))
