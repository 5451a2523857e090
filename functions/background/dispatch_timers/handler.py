"""Schedule: sends the timers that are due soon to their queues, every minute. DynamoDB stream: puts
timers back that TTL deleted, and sends them."""

from typing import Any

from checkout.dispatch import open_dispatcher, restore
from checkout.domain import clock
from checkout.partial_batches import stop_at_first_failure
from checkout.settings import IN_LAMBDA
from checkout.store import timers
from checkout.store.items import from_wire
from checkout.store.table import open_table
from checkout.sweep import RESERVE_MS, sweep

if IN_LAMBDA:
    open_dispatcher()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    time_left_ms = context.get_remaining_time_in_millis
    if "Records" in event:
        return stop_at_first_failure(event["Records"], _restore, time_left_ms, RESERVE_MS)
    return sweep(open_table(), open_dispatcher(), clock.now(), time_left_ms)


def _restore(record: dict[str, Any]) -> None:
    restore(open_table(), timers.from_item(from_wire(record["dynamodb"]["OldImage"])))
