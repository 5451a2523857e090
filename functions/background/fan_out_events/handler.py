"""DynamoDB stream: fans out each new event, and queues its deliveries."""

from typing import Any

from checkout.domain import clock
from checkout.domain.event import Event
from checkout.partial_batches import stop_at_first_failure
from checkout.store.items import from_wire, to_record
from checkout.store.table import open_table
from checkout.webhooks.fan_out import RESERVE_MS, fan_out
from checkout.webhooks.queue import open_queue


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    time_left_ms = context.get_remaining_time_in_millis
    return stop_at_first_failure(event["Records"], _fan_out, time_left_ms, RESERVE_MS)


def _fan_out(record: dict[str, Any]) -> None:
    event = to_record(Event, from_wire(record["dynamodb"]["NewImage"]))
    fan_out(open_table(), open_queue(), event, clock.now())
