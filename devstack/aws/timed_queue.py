"""moto's SQS queues, with messages that become visible by the stack's clock, and with many of them.

moto looks at all messages of a queue several times for each message: ten thousand take minutes.
Here messages wait in a heap until they are visible.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from moto.sqs import models
from moto.sqs.models import Message, sqs_backends

from devstack.template import ACCOUNT, REGION


class TimedQueue(models.Queue):  # type: ignore[misc]
    """A standard queue. `take`, `delete` and `hide` are for pollers in this process.

    Of moto's own calls, CreateQueue, SendMessage, SendMessageBatch, ReceiveMessage, DeleteMessage
    and GetQueueAttributes work.
    """

    def __init__(self, read_time: Callable[[], float], *arguments: Any, **attributes: Any) -> None:
        self._read_time = read_time
        self._waiting: list[tuple[float, int, Message]] = []  # a heap: when visible, then in order
        self._numbers = itertools.count()
        self._visible: deque[Message] = deque()
        self._in_flight = 0
        super().__init__(*arguments, **attributes)

    def add_message(self, message: Message) -> None:
        """Called by moto for each message that is sent."""
        # moto adds the delay to the real time, a moment after it has set the time of sending.
        sent = message.sent_timestamp or 0
        self._wait(message, round(max(0, message.delayed_until - sent) / 1000))

    def take(self, most: int) -> list[Message]:
        """Up to `most` visible messages. No other call gets them until they are hidden."""
        with self._messages_lock:
            self._show()
            taken = [self._visible.popleft() for _ in range(min(most, len(self._visible)))]
            self._in_flight += len(taken)
        for message in taken:
            message.mark_received()
        return taken

    def delete(self, _taken: Message) -> None:
        """Forgets a message that was taken and handled."""
        with self._messages_lock:
            self._in_flight -= 1

    def hide(self, taken: Message, seconds: float) -> None:
        """Makes a message that was taken visible again after `seconds`."""
        self.delete(taken)
        self._wait(taken, seconds)

    def move(self, taken: Message, target: "TimedQueue") -> None:
        """Moves a message that was taken to another queue."""
        self.delete(taken)
        target._wait(taken, 0)

    def clear(self) -> None:
        """Forgets the messages that were not taken."""
        with self._messages_lock:
            self._waiting.clear()
            self._visible.clear()

    def next_visible(self) -> float | None:
        """When the next message becomes visible that is not, in unix seconds."""
        with self._messages_lock:
            self._show()
            return self._waiting[0][0] if self._waiting else None

    def delete_message(self, receipt_handle: str) -> None:
        """Called by moto for DeleteMessage."""
        with self._messages_lock:
            kept = [each for each in self._visible if not each.had_receipt_handle(receipt_handle)]
            self._visible = deque(kept)

    @property
    def messages(self) -> list[Message]:
        """The messages that moto's ReceiveMessage may return."""
        with self._messages_lock:
            self._show()
            return [each for each in self._visible if each.visible]

    @property
    def approximate_number_of_messages(self) -> int:
        with self._messages_lock:
            self._show()
            return len(self._visible)

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        return len(self._waiting)

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        return self._in_flight

    def _wait(self, message: Message, seconds: float) -> None:
        with self._messages_lock:
            entry = (self._read_time() + seconds, next(self._numbers), message)
            heapq.heappush(self._waiting, entry)

    def _show(self) -> None:
        now = self._read_time()
        while self._waiting and self._waiting[0][0] <= now:
            self._visible.append(heapq.heappop(self._waiting)[2])


@contextmanager
def timed_queues(read_time: Callable[[], float]) -> Iterator[None]:
    """Makes moto create timed queues for as long as the block runs."""
    with patch.object(models, "Queue", partial(TimedQueue, read_time)):
        yield


def find(name: str) -> TimedQueue:
    """A queue that was created within `timed_queues`."""
    queue = sqs_backends[ACCOUNT][REGION].get_queue(name)
    assert isinstance(queue, TimedQueue)
    return queue
