"""Queue: makes the delivery attempts that its messages request."""

from typing import Any

from checkout.api.webhook_requests import build_request
from checkout.partial_batches import Group, Record, report_failures_of_groups
from checkout.settings import settings
from checkout.store.table import open_table
from checkout.webhooks.message import Message
from checkout.webhooks.queue import open_queue
from checkout.webhooks.sending import RESERVE_MS, EndpointGroup, Sender


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    time_left_ms = context.get_remaining_time_in_millis
    return report_failures_of_groups(event["Records"], _groups, time_left_ms, RESERVE_MS)


def _groups(records: list[Record]) -> list[Group]:
    """The records by webhook endpoint."""
    sender = Sender(open_table(), open_queue(), build_request, settings())
    groups = sender.groups(map(_message, records))
    return [_group(id, attempts, records) for id, attempts in groups.items()]


def _group(endpoint_id: str, attempts: EndpointGroup, records: list[Record]) -> Group:
    own = [record for record in records if _message(record).endpoint == endpoint_id]
    return Group(own, lambda record: attempts.send(_message(record)), attempts.close)


def _message(record: Record) -> Message:
    return Message.from_body(record["body"])
