"""SQS, in moto, and the event source mappings that carry messages to functions.

moto hands out messages, counts receives and moves messages to dead-letter queues. The visibility
timeout of a failed message runs here, by the stack's clock, which moto's Lambda would not follow.
Delays follow the stack's clock too (`delays_follow`).
"""

import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from moto.sqs.models import Message, sqs_backends

from devstack.activity_counter import ActivityCounter
from devstack.aws.functions import Function, InvocationError
from devstack.template import ACCOUNT, REGION, Json, Queue, QueueMapping

log = logging.getLogger("devstack")

# Seconds of moto's own visibility timeout: longer than any invocation.
_MOTO_VISIBILITY = 43_200

# SQS's limit of messages in one call.
_MOST_RECEIVED = 10

# Seconds between polls. A message sent in this process is received at once.
_POLL_PAUSE = 0.25

# Seconds that invocations under way may take when a stack stops.
_STOP_TIMEOUT = 2.0

_SEND_OPERATIONS = {"SendMessage", "SendMessageBatch"}


def create_queues(client: Any, queues: Mapping[str, Queue]) -> dict[str, str]:
    """Create the template's queues. Returns their URLs by logical id."""
    urls: dict[str, str] = {}
    # Dead-letter queues first: a redrive policy has to name an existing queue.
    for name, queue in sorted(queues.items(), key=lambda each: each[1].dead_letters is not None):
        attributes = {
            "VisibilityTimeout": str(_MOTO_VISIBILITY),
            "MessageRetentionPeriod": str(queue.retention),
        }
        if queue.dead_letters:
            target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:devstack-{queue.dead_letters}"
            redrive = {"deadLetterTargetArn": target, "maxReceiveCount": queue.receives}
            attributes["RedrivePolicy"] = json.dumps(redrive)
        created = client.create_queue(QueueName=f"devstack-{name}", Attributes=attributes)
        urls[name] = created["QueueUrl"]
    return urls


@contextmanager
def delays_follow(read_time: Callable[[], float]) -> Iterator[None]:
    """Make moto end the delays of messages by this clock, for as long as the block runs."""

    def delay(message: Message, delay_seconds: int) -> None:
        message.delayed_until = (read_time() + delay_seconds) * 1000

    def delayed(message: Message) -> bool:
        return bool(read_time() * 1000 < message.delayed_until)

    with patch.object(Message, "delay", delay), patch.object(Message, "delayed", property(delayed)):
        yield


def delayed_until() -> list[float]:
    """When the messages that were sent with a delay become, or became, visible."""
    return [
        message.delayed_until / 1000
        for queue in list(sqs_backends[ACCOUNT][REGION].queues.values())
        for message in list(queue._messages)
        if message.delayed_until
    ]


@dataclass(frozen=True)
class OpenQueue:
    """A queue that was created, and the client that reaches it."""

    definition: Queue
    client: Any
    url: str


class QueuePoller:
    """One SQS event source mapping, which invokes its function from several threads at once."""

    def __init__(
        self,
        mapping: QueueMapping,
        function: Function,
        queue: OpenQueue,
        *,
        read_time: Callable[[], float],
        activity: ActivityCounter,
    ) -> None:
        self._mapping = mapping
        self._function = function
        self._queue = queue.definition
        self._client = queue.client
        self._url = queue.url
        self._read_time = read_time
        self._activity = activity
        self._concurrency = threading.Semaphore(mapping.concurrency)
        self._lock = threading.Lock()
        self._running = 0
        self._visible_at: dict[str, float] = {}  # when, by receipt handle
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
        with self._lock:
            now = self._read_time()
            if self._running or any(due <= now for due in self._visible_at.values()):
                return False
        name = "ApproximateNumberOfMessages"
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return int(answer["Attributes"][name]) == 0

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            self._make_visible()
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
        batches: list[list[Json]] = []
        try:
            messages = self._receive(reserved * size) if reserved else []
            batches = [messages[start : start + size] for start in range(0, len(messages), size)]
        finally:
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

    def _receive(self, most: int) -> list[Json]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,  # moto would hold its lock while it waits
        )
        received: list[Json] = answer.get("Messages", [])
        return received

    def _run(self, messages: list[Json]) -> None:
        try:
            failed = self._invoke(messages)
            if self._stopped.is_set():
                return  # the queue ends with the stack
            for message in messages:
                if message["MessageId"] in failed:
                    self._hide(message)
                else:
                    self._client.delete_message(
                        QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"]
                    )
        finally:
            self._activity.increment()
            self._release()

    def _invoke(self, messages: list[Json]) -> set[str]:
        """Call the function. Returns the ids of the messages that failed."""
        all_ids = {str(message["MessageId"]) for message in messages}
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

    def _hide(self, message: Json) -> None:
        """Keep a failed message invisible for the queue's visibility timeout."""
        count = int(message["Attributes"]["ApproximateReceiveCount"])
        if self._queue.dead_letters and count >= self._queue.receives:
            log.error(
                "%s: message %s failed %d times and goes to %s",
                self._mapping.name,
                message["MessageId"],
                count,
                self._queue.dead_letters,
            )
        with self._lock:
            visible_at = self._read_time() + self._queue.visibility
            self._visible_at[message["ReceiptHandle"]] = visible_at

    def _make_visible(self) -> None:
        """End the visibility timeouts that are over by the stack's clock."""
        now = self._read_time()
        with self._lock:
            due = [handle for handle, at in self._visible_at.items() if at <= now]
        for handle in due:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=0
            )
            with self._lock:
                del self._visible_at[handle]
        if due:
            time.sleep(0.005)  # moto compares milliseconds

    def _build_record(self, message: Json) -> Json:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {
                name: _build_attribute(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:devstack-{self._queue.name}",
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
