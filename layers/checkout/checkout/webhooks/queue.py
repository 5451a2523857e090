"""The SQS queue between fan-out and sender. If a message is lost, the timer of the event or of the
delivery queues another one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from checkout import queues
from checkout.domain.delivery import Delivery
from checkout.queues import BATCH, MessagesRefusedError, QueueMessage
from checkout.settings import IN_LAMBDA, settings
from checkout.webhooks.message import Message

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

__all__ = ["BATCH", "MessagesRefusedError", "Queue", "open_queue"]


class Queue(NamedTuple):
    client: SQSClient
    url: str

    def send(self, deliveries: Sequence[Delivery], delay: int = 0) -> None:
        """Queues a message for each delivery, visible after `delay` seconds (900 at most).

        Raises MessagesRefusedError.
        """
        messages = [
            QueueMessage(Message.of(each).to_body(), each.endpoint, delay) for each in deliveries
        ]
        queues.send(self.client, self.url, messages)


@lru_cache(maxsize=1)
def open_queue() -> Queue:
    return Queue(queues.open_client(), settings().queue_url)


if IN_LAMBDA:
    open_queue()
