"""The event source mappings that carry messages from SQS queues to functions.

Counts of receives, visibility timeouts and dead-letter queues work as on AWS, by the stack's clock.
"""

import base64
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from moto.sqs.models import Message

from devstack.activity_counter import ActivityCounter
from devstack.aws import timed_queue
from devstack.aws.functions import Function, InvocationError
from devstack.template import REGION, Json, Queue, QueueMapping

log = logging.getLogger("devstack")

# SQS's limit of messages in one call.
_MOST_RECEIVED = 10

# Seconds between polls. A message sent in this process is received at once.
_POLL_PAUSE = 0.25

# Seconds that invocations under way may take when a stack stops.
_STOP_TIMEOUT = 2.0

_SEND_OPERATIONS = {"SendMessage", "SendMessageBatch"}


def queue_name(logical_id: str) -> str:
    """The name of a template's queue."""
    return f"devstack-{logical_id}"


def create_queues(client: Any, queues: Mapping[str, Queue]) -> dict[str, str]:
    """Create the template's queues. Returns their URLs by logical id."""
    urls: dict[str, str] = {}
    for name, queue in queues.items():
        attributes = {"MessageRetentionPeriod": str(queue.retention)}
        created = client.create_queue(QueueName=queue_name(name), Attributes=attributes)
        urls[name] = created["QueueUrl"]
    return urls


class QueuePoller:
    """One SQS event source mapping, which invokes its function from several threads at once."""

    def __init__(
        self,
        mapping: QueueMapping,
        function: Function,
        queues: Mapping[str, Queue],
        *,
        activity: ActivityCounter,
    ) -> None:
        self._mapping = mapping
        self._function = function
        self._definition = queues[mapping.queue]
        self._queue = timed_queue.find(queue_name(mapping.queue))
        dead_letters = self._definition.dead_letters
        self._dead_letters = timed_queue.find(queue_name(dead_letters)) if dead_letters else None
        self._activity = activity
        self._concurrency = threading.Semaphore(mapping.concurrency)
        self._lock = threading.Lock()
        self._running = 0
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._work, name=f"queue-{mapping.name}", daemon=True
        )

    def start(self) -> None:
        """Start to receive messages."""
        self._thread.start()

    def stop(self) -> None:
        """Receive no further message. Invocations under way have a moment to end."""
        self._stopped.set()
        self._wake.set()
        self._thread.join()
        ends_at = time.monotonic() + _STOP_TIMEOUT
        while self._running and time.monotonic() < ends_at:
            time.sleep(0.01)

    def on_operation(self, operation: str) -> None:
        """Poll at once after a message was sent in this process."""
        if operation in _SEND_OPERATIONS:
            self._wake.set()

    def poll_now(self) -> None:
        """Poll at once: the clock may have moved."""
        self._wake.set()

    def is_idle(self) -> bool:
        """Whether no invocation runs and no message is visible."""
        return not self._running and not self._queue.approximate_number_of_messages

    def next_visible(self) -> float | None:
        """When the next message becomes visible that is not, in unix seconds."""
        return self._queue.next_visible()

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            while not self._stopped.is_set() and self._poll():
                pass
            self._wake.wait(_POLL_PAUSE)

    def _poll(self) -> bool:
        """Receive what may run at once, and run each batch in a thread.

        Returns whether there was a batch. As on Lambda, batches of one message are received
        together too.
        """
        size = min(_MOST_RECEIVED, self._mapping.batch_size)
        reserved = self._reserve(_MOST_RECEIVED // size)
        messages = self._queue.take(reserved * size)
        batches = [messages[start : start + size] for start in range(0, len(messages), size)]
        for _ in range(reserved - len(batches)):
            self._release()
        for batch in batches:
            self._activity.increment()
            threading.Thread(target=self._run, args=(batch,), daemon=True).start()
        return bool(batches)

    def _reserve(self, most: int) -> int:
        """Reserve up to `most` concurrent invocations; 0 if none is free for a while."""
        reserved = int(self._concurrency.acquire(timeout=_POLL_PAUSE))
        while 0 < reserved < most and self._concurrency.acquire(blocking=False):
            reserved += 1
        with self._lock:
            # Before messages are received: a received message is not counted by is_idle.
            self._running += reserved
        return reserved

    def _run(self, messages: list[Message]) -> None:
        try:
            failed = self._invoke(messages)
            for message in messages:
                if message.id in failed:
                    self._retry(message)
                else:
                    self._queue.delete(message)
        finally:
            self._activity.increment()
            self._release()

    def _invoke(self, messages: list[Message]) -> set[str]:
        """Call the function. Returns the ids of the messages that failed."""
        all_ids = {str(message.id) for message in messages}
        event = {"Records": [self._build_record(message) for message in messages]}
        try:
            result = self._function.invoke(event)
        except InvocationError:
            return all_ids
        if not self._mapping.reports_failures:
            return set()
        failures = (result or {}).get("batchItemFailures") or []
        failed = {str(each.get("itemIdentifier")) for each in failures}
        return failed if failed <= all_ids else all_ids

    def _retry(self, message: Message) -> None:
        """Keep a failed message invisible for the queue's visibility timeout.

        After as many receives as the redrive policy allows, it becomes a dead letter.
        """
        receives = message.approximate_receive_count
        if self._dead_letters is None or receives < self._definition.receives:
            self._queue.hide(message, self._definition.visibility)
            return
        log.error(
            "%s: message %s failed %d times and goes to %s",
            self._mapping.name,
            message.id,
            receives,
            self._definition.dead_letters,
        )
        self._queue.move(message, self._dead_letters)

    def _build_record(self, message: Message) -> Json:
        attributes = {
            "ApproximateReceiveCount": message.approximate_receive_count,
            "ApproximateFirstReceiveTimestamp": message.approximate_first_receive_timestamp,
            "SentTimestamp": message.sent_timestamp,
            "SenderId": message.sender_id,
            "MessageGroupId": message.group_id,
        }
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": {name: str(each) for name, each in attributes.items() if each},
            "messageAttributes": {
                name: _build_attribute(value) for name, value in message.message_attributes.items()
            },
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self._queue.queue_arn,
            "awsRegion": REGION,
        }

    def _release(self) -> None:
        with self._lock:
            self._running -= 1
        self._concurrency.release()


def _build_attribute(value: Json) -> Json:
    built: Json = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        built["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        built["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return built
