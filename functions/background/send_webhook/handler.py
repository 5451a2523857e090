"""Queue: makes one delivery attempt for each message."""

from typing import Any

from checkout.api.webhook_requests import build_request
from checkout.domain import clock
from checkout.partial_batches import report_failures
from checkout.settings import settings
from checkout.store.table import open_table
from checkout.webhooks.message import Message
from checkout.webhooks.queue import open_queue
from checkout.webhooks.sending import Sender


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return report_failures(event["Records"], _send)


def _send(record: dict[str, Any]) -> None:
    message = Message.from_body(record["body"])
    Sender(open_table(), open_queue(), build_request, settings(), clock.now()).send(message)
