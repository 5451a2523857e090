"""Queue: makes one delivery attempt for each message."""

from typing import Any

from checkout.api.webhook_requests import build_request
from checkout.domain import clock
from checkout.partial_batches import report_failures
from checkout.settings import settings
from checkout.store.table import open_table
from checkout.webhooks.message import Message
from checkout.webhooks.queue import open_queue
from checkout.webhooks.sending import RESERVE_MS, Sender


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    time_left_ms = context.get_remaining_time_in_millis
    return report_failures(event["Records"], _send, time_left_ms, RESERVE_MS)


def _send(record: dict[str, Any]) -> None:
    message = Message.from_body(record["body"])
    Sender(open_table(), open_queue(), build_request, settings(), clock.now()).send(message)
