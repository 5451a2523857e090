"""Fires timers: those that DynamoDB's TTL deleted, and every minute those that are due."""

from typing import Any

from checkout.api.dialects import announce
from checkout.batches import stop_at_first_failure
from checkout.domain import clock
from checkout.domain.events import Occasion
from checkout.domain.records import Timer
from checkout.firing import Firing, sweep
from checkout.processors.choice import TheirProcessor
from checkout.store import timers
from checkout.store.items import from_wire
from checkout.store.table import open_table
from checkout.webhooks.queue import open_queue


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    table = open_table()
    firing = Firing(table, open_queue(), TheirProcessor(table), Occasion(clock.now(), announce))
    if "Records" not in event:
        return sweep(firing, context.get_remaining_time_in_millis)
    return stop_at_first_failure(event["Records"], lambda record: firing.fire(_timer(record)))


def _timer(record: dict[str, Any]) -> Timer:
    return timers.from_item(from_wire(record["dynamodb"]["OldImage"]))
