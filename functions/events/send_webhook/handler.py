"""The queue's messages: each is one try of one delivery."""

from typing import Any

from checkout.api.letters import letter
from checkout.batches import report_failures
from checkout.domain import clock
from checkout.settings import settings
from checkout.store.table import open_table
from checkout.webhooks.message import Message
from checkout.webhooks.queue import open_queue
from checkout.webhooks.sending import Sender


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return report_failures(event["Records"], _send)


def _send(record: dict[str, Any]) -> None:
    message = Message.from_body(record["body"])
    Sender(open_table(), open_queue(), letter, settings(), clock.now()).send(message)
