"""SQS, played by moto in this process, and the pollers that carry messages to functions.

moto hands out messages, counts receives and moves to the dead letters; visibility after a failure
is timed here, by the stack's clock, so that moving the clock brings the next try.
"""

import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devstack.activity import Activity
from devstack.functions import Function, InvocationError
from devstack.template import ACCOUNT, REGION, Json, Queue, QueueMapping

log = logging.getLogger("devstack")

# moto's own visibility timeout only has to be longer than any invocation.
_HELD_SECONDS = 43_200

# SQS's limit of messages in one call.
_RECEIVED = 10

# Idle poll, in seconds; a message sent in this process is fetched at once.
_PAUSE = 0.25

# What a stack that stops grants its invocations, in seconds.
_LAST_WORDS = 2.0

_QUICK = {"SendMessage", "SendMessageBatch"}


def create_queues(client: Any, queues: Mapping[str, Queue]) -> dict[str, str]:
    """Create the template's queues; answers their URLs by logical id."""
    urls: dict[str, str] = {}
    # Dead letters first: a redrive policy names a queue that is there.
    for name, queue in sorted(queues.items(), key=lambda each: each[1].dead_letters is not None):
        attributes = {
            "VisibilityTimeout": str(_HELD_SECONDS),
            "MessageRetentionPeriod": str(queue.retention),
        }
        if queue.dead_letters:
            target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:devstack-{queue.dead_letters}"
            redrive = {"deadLetterTargetArn": target, "maxReceiveCount": queue.receives}
            attributes["RedrivePolicy"] = json.dumps(redrive)
        created = client.create_queue(QueueName=f"devstack-{name}", Attributes=attributes)
        urls[name] = created["QueueUrl"]
    return urls


@dataclass(frozen=True)
class OpenQueue:
    """A queue that was created, and the client to reach it by."""

    definition: Queue
    client: Any
    url: str


class Poller:
    """One SQS event source."""

    def __init__(
        self,
        definition: QueueMapping,
        function: Function,
        queue: OpenQueue,
        *,
        read_time: Callable[[], float],
        activity: Activity,
    ) -> None:
        self._definition = definition
        self._function = function
        self._queue = queue.definition
        self._client = queue.client
        self._url = queue.url
        self._read_time = read_time
        self._activity = activity
        self._free = threading.Semaphore(definition.concurrency)
        self._lock = threading.Lock()
        self._running = 0
        self._failed: dict[str, float] = {}
        self._bell = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._work, name=f"queue-{definition.name}", daemon=True
        )

    def start(self) -> None:
        """Begin to take messages."""
        self._thread.start()

    def stop(self) -> None:
        """Take no further message; those that run get a moment to end."""
        self._stopped.set()
        self._bell.set()
        self._thread.join()
        ends_at = time.monotonic() + _LAST_WORDS
        while self._running and time.monotonic() < ends_at:
            time.sleep(0.01)

    def hear(self, operation: str) -> None:
        """Look at once when somebody sends."""
        if operation in _QUICK:
            self._bell.set()

    def is_idle(self) -> bool:
        """Whether nothing runs and no message waits to be taken."""
        with self._lock:
            now = self._read_time()
            if self._running or any(due <= now for due in self._failed.values()):
                return False
        name = "ApproximateNumberOfMessages"
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return int(answer["Attributes"][name]) == 0

    def nudge(self) -> None:
        """Look at once: the clock may have moved."""
        self._bell.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._bell.clear()
            self._show_again()
            while not self._stopped.is_set() and self._take():
                pass
            self._bell.wait(_PAUSE)

    def _take(self) -> bool:
        """Fetch what there is and may run, and run each batch in a thread; answers whether there
        was one. As Lambda's pollers do, in one call also for batches of one."""
        size = min(_RECEIVED, self._definition.batch_size)
        reserved = self._reserve(_RECEIVED // size)
        batches: list[list[Json]] = []
        try:
            messages = self._receive(reserved * size) if reserved else []
            batches = [messages[start : start + size] for start in range(0, len(messages), size)]
        finally:
            for _ in range(reserved - len(batches)):
                self._release()
        for batch in batches:
            self._activity.note()
            threading.Thread(target=self._run, args=(batch,), daemon=True).start()
        return bool(batches)

    def _reserve(self, most: int) -> int:
        """Places for invocations, `most` at most; 0 when none comes free in a while."""
        reserved = int(self._free.acquire(timeout=_PAUSE))
        while 0 < reserved < most and self._free.acquire(blocking=False):
            reserved += 1
        with self._lock:
            self._running += reserved  # before messages are out of sight, or nobody would see them
        return reserved

    def _receive(self, most: int) -> list[Json]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,  # a longer one would sleep with moto's lock in hand
        )
        received: list[Json] = answer.get("Messages", [])
        return received

    def _run(self, messages: list[Json]) -> None:
        try:
            failed = self._invoke(messages)
            if self._stopped.is_set():
                return  # the queue is going, and with it the message
            for message in messages:
                if message["MessageId"] in failed:
                    self._put_back(message)
                else:
                    self._client.delete_message(
                        QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"]
                    )
        finally:
            self._activity.note()
            self._release()

    def _invoke(self, messages: list[Json]) -> set[str]:
        """Call the function; answers the ids of the messages that failed."""
        everything = {str(message["MessageId"]) for message in messages}
        event = {"Records": [self._shape(message) for message in messages]}
        try:
            answer = self._function.invoke(event)
        except InvocationError:
            return everything
        if not self._definition.reports_failures:
            return set()
        failures = (answer or {}).get("batchItemFailures") or []
        named = {str(each.get("itemIdentifier")) for each in failures}
        return named if named <= everything else everything

    def _put_back(self, message: Json) -> None:
        count = int(message["Attributes"]["ApproximateReceiveCount"])
        if self._queue.dead_letters and count >= self._queue.receives:
            log.error(
                "%s: message %s failed %d times and goes to %s",
                self._definition.name,
                message["MessageId"],
                count,
                self._queue.dead_letters,
            )
        with self._lock:
            due = self._read_time() + self._queue.visibility
            self._failed[message["ReceiptHandle"]] = due

    def _show_again(self) -> None:
        now = self._read_time()
        with self._lock:
            due = [handle for handle, at in self._failed.items() if at <= now]
        for handle in due:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=0
            )
            with self._lock:
                del self._failed[handle]
        if due:
            time.sleep(0.005)  # moto compares milliseconds

    def _shape(self, message: Json) -> Json:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {
                name: _shape_attribute(value)
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
        self._free.release()


def _shape_attribute(value: Json) -> Json:
    shaped: Json = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        shaped["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        shaped["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return shaped
