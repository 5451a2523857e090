"""The SQS queue between fan-out and sender. If it loses a message, the delivery's timer queues
another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import boto3

from checkout.aws import CLIENT_CONFIG
from checkout.domain.delivery import Delivery
from checkout.settings import IN_LAMBDA, settings
from checkout.webhooks.message import Message

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""Messages in one call, at most: SQS's limit."""


class MessagesRefusedError(Exception):
    """SQS refused some of a batch's messages. Their deliveries' timers queue them again."""


class Queue(NamedTuple):
    client: SQSClient
    url: str

    def send(self, deliveries: Sequence[Delivery], delay: int = 0) -> None:
        """Queues a message for each delivery, visible after `delay` seconds (900 at most).

        Raises MessagesRefusedError.
        """
        for start in range(0, len(deliveries), BATCH):
            batch = deliveries[start : start + BATCH]
            entries = [_entry(str(number), each, delay) for number, each in enumerate(batch)]
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            if answer.get("Failed"):
                raise MessagesRefusedError(f"{len(answer['Failed'])} of {len(batch)}")


@lru_cache(maxsize=1)
def open_queue() -> Queue:
    return Queue(boto3.client("sqs", config=CLIENT_CONFIG), settings().queue_url)


def _entry(id: str, delivery: Delivery, delay: int) -> SendMessageBatchRequestEntryTypeDef:
    return {
        "Id": id,
        "MessageBody": Message.of(delivery).to_body(),
        # Makes it a fair queue: one endpoint's backlog does not delay the others.
        "MessageGroupId": delivery.endpoint,
        "DelaySeconds": delay,
    }


if IN_LAMBDA:
    open_queue()
