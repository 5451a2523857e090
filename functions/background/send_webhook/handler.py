"""Queue: makes the delivery attempts that its messages ask for."""

from collections import defaultdict
from collections.abc import Sequence
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


def _groups(records: Sequence[Record]) -> list[Group]:
    """The records by webhook endpoint."""
    of_endpoint: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        of_endpoint[_message(record).endpoint].append(record)
    sender = Sender(open_table(), open_queue(), build_request, settings())
    groups = sender.groups(map(_message, records))
    return [_group(groups[endpoint], each) for endpoint, each in of_endpoint.items()]


def _group(attempts: EndpointGroup, records: list[Record]) -> Group:
    return Group(records, lambda record: attempts.send(_message(record)), attempts.close)


def _message(record: Record) -> Message:
    return Message.from_body(record["body"])
