"""SQS by a virtual clock: delays, receive counts, fair queues, and messages lost, doubled and late.

A queue is fair as AWS describes it: while a message group has more than a tenth of the messages in
flight, and 30 at least, messages of the other groups are received first.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, NamedTuple

from benchmarks.scale.virtual.schedule import Schedule

SEND_SECONDS = 0.012
ON_ITS_WAY = 0.1
"""The longest time that a message takes until it can be received."""
NOISY = 30
"""Messages in flight from which on a group may count as noisy."""


class Faults(NamedTuple):
    """The shares of messages that are lost, delivered twice, and up to `late_seconds` late."""

    lost: float = 0
    doubled: float = 0
    late: float = 0
    late_seconds: float = 4


@dataclass
class Message:
    id: str
    body: str
    group: str
    receives: int = 0


class Queue:
    """A standard queue. `on_visible` is called when a message can be received."""

    def __init__(self, schedule: Schedule, visibility: float, receives: int) -> None:
        self.dead: list[Message] = []
        self.on_visible: Callable[[], None] = lambda: None
        self._schedule, self._visibility, self._receives = schedule, visibility, receives
        self._in_flight: set[str] = set()
        self._in_flight_of: Counter[str] = Counter()
        """By message group."""
        self._visible: dict[str, deque[tuple[int, Message]]] = {}
        """By message group, with the order in which they became visible."""
        self._order = count()
        self._length = 0

    def __len__(self) -> int:
        """The messages that could be received now."""
        return self._length

    def add(self, message: Message, at: float) -> None:
        self._schedule.at(at, self._show, message)

    def receive(self, most: int) -> list[Message]:
        taken: list[Message] = []
        while self._length and len(taken) < most:
            taken.append(message := self._next())
            message.receives += 1
            self._in_flight.add(message.id)
            self._in_flight_of[message.group] += 1
            self._schedule.at(self._schedule.now + self._visibility, self._time_out, message)
        return taken

    def delete(self, message: Message) -> None:
        if message.id in self._in_flight:
            self._in_flight.discard(message.id)
            self._in_flight_of[message.group] -= 1

    def _next(self) -> Message:
        """The oldest message of a quiet group, or else of any."""
        groups = self._visible
        quiet = [each for each in groups if not self._is_noisy(each)]
        chosen = min(quiet or groups, key=lambda each: groups[each][0][0])
        _, message = groups[chosen].popleft()
        if not groups[chosen]:
            del groups[chosen]
        self._length -= 1
        return message

    def _is_noisy(self, group: str) -> bool:
        of_group = self._in_flight_of[group]
        return of_group >= NOISY and of_group > len(self._in_flight) / 10

    def _time_out(self, message: Message) -> None:
        if message.id not in self._in_flight:
            return
        self.delete(message)
        if message.receives >= self._receives:
            self.dead.append(message)
        else:
            self._show(message)

    def _show(self, message: Message) -> None:
        self._visible.setdefault(message.group, deque()).append((next(self._order), message))
        self._length += 1
        self.on_visible()


class SQS:
    """Has those methods of boto3's client that `checkout.queues` calls."""

    def __init__(self, schedule: Schedule, random: Random, faults: Faults) -> None:
        self.queues: dict[str, Queue] = {}
        self.sent: Counter[str] = Counter()
        """Messages, by body."""
        self._schedule, self._random, self._faults = schedule, random, faults
        self._ids = count()

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:
        self._schedule.sleep(self._schedule.compute(0.001) + self._latency())
        for entry in Entries:
            self.sent[entry["MessageBody"]] += 1
            for _ in range(self._copies()):
                at = self._schedule.now + entry["DelaySeconds"] + self._lateness()
                group = entry.get("MessageGroupId", "")
                message = Message(str(next(self._ids)), entry["MessageBody"], group)
                self.queues[QueueUrl].add(message, at)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Any:
        self._schedule.sleep(self._latency())
        count = len(self.queues[QueueUrl])
        return {"Attributes": dict.fromkeys(AttributeNames, str(count))}

    def _copies(self) -> int:
        chance = self._random.random()
        if chance < self._faults.lost:
            return 0
        return 2 if chance < self._faults.lost + self._faults.doubled else 1

    def _lateness(self) -> float:
        late = self._random.random() < self._faults.late
        return self._random.uniform(0, self._faults.late_seconds if late else ON_ITS_WAY)

    def _latency(self) -> float:
        return SEND_SECONDS * self._random.lognormvariate(0, 0.3)
