"""Sends messages to SQS queues.

No work depends on a message alone. If one is lost, a timer in the table finds the work that was not
done.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import boto3

from checkout.aws import CLIENT_CONFIG

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""Messages in one call, at most: SQS's limit."""
MAX_DELAY = 900
"""The longest delay of a message, in seconds: SQS's limit."""


class MessagesRefusedError(Exception):
    """SQS refused some of a batch's messages."""


class QueueMessage(NamedTuple):
    body: str
    group: str
    """SQS's fair queues keep a group with many messages from delaying the others."""
    delay: int = 0
    """Seconds until the message is visible, MAX_DELAY at most."""


def send(client: SQSClient, url: str, messages: Iterable[QueueMessage]) -> int:
    """Sends messages in batches, and returns how many. Raises MessagesRefusedError."""
    remaining, count = iter(messages), 0
    while batch := list(islice(remaining, BATCH)):
        entries = [_entry(str(number), each) for number, each in enumerate(batch)]
        answer = client.send_message_batch(QueueUrl=url, Entries=entries)
        if answer.get("Failed"):
            raise MessagesRefusedError(f"{len(answer['Failed'])} of {len(batch)}")
        count += len(batch)
    return count


def count_visible(client: SQSClient, url: str) -> int:
    """About how many of the queue's messages could be received now."""
    name: Final = "ApproximateNumberOfMessages"
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(answer["Attributes"][name])


@lru_cache(maxsize=1)
def open_client() -> SQSClient:
    return boto3.client("sqs", config=CLIENT_CONFIG)


def _entry(id: str, message: QueueMessage) -> SendMessageBatchRequestEntryTypeDef:
    return {
        "Id": id,
        "MessageBody": message.body,
        "MessageGroupId": message.group,
        "DelaySeconds": message.delay,
    }
