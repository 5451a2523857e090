"""Lambda by a virtual clock: event source mappings of queues and of the table's stream.

The handlers are the functions' own. Each invocation is a process in an environment; an environment
that is free is used again, another one has a cold start.
"""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

from benchmarks.scale.virtual.schedule import Died, Environment, Schedule
from benchmarks.scale.virtual.sqs import Message, Queue
from devstack.template import FunctionDefinition

Handler = Callable[[Any, Any], Any]

INVOKE_SECONDS = 0.02
"""From a message's receipt to the handler's start."""
COLD_SECONDS = 0.45
ANSWER_SECONDS = 0.01


class Context:
    def __init__(self, schedule: Schedule, timeout: float) -> None:
        self._schedule, self._ends_at = schedule, schedule.now + timeout

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends_at - self._schedule.now) * 1000))


class Scaling(NamedTuple):
    """How many batches of a queue Lambda handles at once: `first`, and `a_second` more each second
    while messages wait; `most` at most. AWS documents 5, and 300 more a minute; in provisioned mode
    ten for each poller, and a thousand more a minute."""

    first: int = 5
    a_second: float = 5
    most: int = 100


class Invocation:
    """One call of a handler. `done` gets its result, or None if it failed or died."""

    def __init__(
        self,
        schedule: Schedule,
        environment: Environment,
        timeout: float,
        done: Callable[[Any], None],
    ) -> None:
        self._schedule, self._environment, self._done = schedule, environment, done
        self._timeout, self._over = timeout, False

    def start(self, handler: Handler, event: Any, delay: float) -> None:
        def run() -> None:
            result = None
            try:
                self._schedule.sleep(delay)
                self._schedule.at(self._schedule.now + self._timeout, self._time_out)
                result = handler(event, Context(self._schedule, self._timeout))
                self._schedule.sleep(ANSWER_SECONDS)
            except Died:
                self._environment.dead = True
            self._end(result)

        self._schedule.spawn(run, self._environment)

    def _time_out(self) -> None:
        if not self._over:
            self._environment.dead = True
            self._end(None)

    def _end(self, result: Any) -> None:
        if not self._over:
            self._over = True
            self._done(result)


class QueueFunction:
    """An SQS event source mapping with its function."""

    def __init__(
        self,
        schedule: Schedule,
        queue: Queue,
        handler: Handler,
        definition: FunctionDefinition,
        batch: int,
        scaling: Scaling,
    ) -> None:
        self.invocations = self.deaths = self.most_running = 0
        self.running = 0
        self.stopped = False
        self._schedule, self._queue, self._handler = schedule, queue, handler
        self._definition, self._batch, self._scaling = definition, batch, scaling
        self._allowed = float(scaling.first)
        self._free: list[Environment] = []
        self._grows = False
        queue.on_visible = self._poll

    def resume(self) -> None:
        self.stopped = False
        self._poll()

    def _poll(self) -> None:
        while len(self._queue) and self.running < int(self._allowed) and not self.stopped:
            self._invoke(self._queue.receive(self._batch))
        if len(self._queue) and not self._grows:
            self._grows = True
            self._schedule.at(self._schedule.now + 1, self._grow)

    def _grow(self) -> None:
        """Called each second for as long as messages wait."""
        self._grows = False
        if len(self._queue):
            scaling = self._scaling
            self._allowed = min(scaling.most, self._allowed + scaling.a_second)
            self._poll()
        elif self.running < self._scaling.first:
            self._allowed = float(self._scaling.first)

    def _invoke(self, messages: list[Message]) -> None:
        self.invocations += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        cold = not self._free
        environment = Environment(self._definition.memory) if cold else self._free.pop()

        def done(result: Any) -> None:
            self.running -= 1
            if environment.dead:
                self.deaths += 1
            else:
                self._free.append(environment)
            if result is not None:
                failed = {each["itemIdentifier"] for each in result["batchItemFailures"]}
                for message in messages:
                    if message.id not in failed:
                        self._queue.delete(message)
            self._poll()

        event = {"Records": [{"messageId": each.id, "body": each.body} for each in messages]}
        invocation = Invocation(self._schedule, environment, self._definition.timeout, done)
        invocation.start(self._handler, event, INVOKE_SECONDS + (COLD_SECONDS if cold else 0))


class StreamFunction:
    """A stream's event source mapping: in each lane one batch after the other, in order."""

    def __init__(
        self,
        schedule: Schedule,
        handler: Handler,
        definition: FunctionDefinition,
        batch: int,
        lanes: int,
        random: Random,
    ) -> None:
        self.records = 0
        self._schedule, self._handler, self._random = schedule, handler, random
        self._definition, self._batch = definition, batch
        self._waiting: list[deque[Any]] = [deque() for _ in range(lanes)]
        self._busy = [False] * lanes
        self._environments = [Environment(definition.memory) for _ in range(lanes)]

    def add(self, partition: str, record: Any) -> None:
        """A record of a change; it arrives a moment later."""
        self.records += 1
        lane = crc32(partition.encode()) % len(self._waiting)
        self._schedule.at(
            self._schedule.now + self._random.uniform(0.1, 0.5), self._arrive, lane, record
        )

    def _arrive(self, lane: int, record: Any) -> None:
        self._waiting[lane].append(record)
        self._next(lane)

    def _next(self, lane: int) -> None:
        waiting = self._waiting[lane]
        if self._busy[lane] or not waiting:
            return
        self._busy[lane] = True
        records = [waiting[number] for number in range(min(self._batch, len(waiting)))]

        def done(result: Any) -> None:
            self._busy[lane] = False
            if self._environments[lane].dead:
                self._environments[lane] = Environment(self._definition.memory)
            failures = [{"itemIdentifier": None}] if result is None else result["batchItemFailures"]
            first = failures[0]["itemIdentifier"] if failures else None
            numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
            handled = 0 if result is None else len(records)
            if result is not None and failures:
                handled = numbers.index(first)
            for _ in range(handled):
                waiting.popleft()
            self._next(lane)

        environment = self._environments[lane]
        invocation = Invocation(self._schedule, environment, self._definition.timeout, done)
        invocation.start(self._handler, {"Records": records}, INVOKE_SECONDS)
