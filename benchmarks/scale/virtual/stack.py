"""The template's background functions, on DynamoDB, SQS and Lambda by a virtual clock.

The handlers, the store, the dispatch and the circuit breaker are the real code. Replaced are
boto3's clients, the clock, `sleep`, threads and the processor's adapter. Concurrency, batch sizes,
timeouts and the table's indexes are read from template.yaml.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import boto3

from benchmarks.scale.units import Layout
from benchmarks.scale.virtual.dynamodb import DynamoDB, Limits
from benchmarks.scale.virtual.expressions import Wire
from benchmarks.scale.virtual.functions import Context, QueueFunction, Scaling, StreamFunction
from benchmarks.scale.virtual.schedule import Environment, Pool, Schedule
from benchmarks.scale.virtual.sqs import SQS, Faults, Queue
from checkout import deadline, partial_batches, queues, sweep
from checkout.dispatch import open_dispatcher
from checkout.domain import clock, ids
from checkout.domain.payment import Payment
from checkout.log import logger
from checkout.processors import breaker, registry
from checkout.processors.protocol import CONNECT_SECONDS, READ_SECONDS, ProcessorSilentError
from checkout.settings import settings
from checkout.store.table import Table, open_table
from checkout.webhooks.queue import open_queue
from devstack.aws.functions import Function
from devstack.environment import applied
from devstack.template import load_template

TEMPLATE = load_template(Path(__file__).resolve().parents[3] / "template.yaml")
START = 1_800_000_000
PERIOD = 60
"""Seconds between two sweeps."""
STREAM_LANES = 40
"""Stream shards times ParallelizationFactor."""

_handlers: dict[str, Any] = {}


class Conditions(NamedTuple):
    """What a run is done under."""

    seed: int = 1
    shards: int = int(TEMPLATE.parameters["TimerShards"])
    limits: Limits = Limits()
    faults: Faults = Faults()
    death_rate: float = 0
    """The share of a worker's calls in the middle of which it dies."""
    timers: Scaling = Scaling(most=int(TEMPLATE.parameters["TimerConcurrency"]))
    processors: Scaling = Scaling(most=int(TEMPLATE.parameters["ProcessorConcurrency"]))
    memory: int = TEMPLATE.functions["FireTimers"].memory
    """Megabytes of FireTimers."""
    sweep_phase: float = 13.4
    """When in each minute the sweep runs."""


class SilentProcessor:
    """Does not answer until the time is over that each adapter waits."""

    def __init__(self, schedule: Schedule) -> None:
        self.calls = 0
        self._schedule = schedule

    def look_up(self, payment: Payment, now: int) -> None:
        del payment, now
        self.calls += 1
        self._schedule.sleep(CONNECT_SECONDS + READ_SECONDS)
        raise ProcessorSilentError


class _Seeded(random.Random):
    """Takes the place of `secrets`, so that the same ids are made in each run."""

    def randbelow(self, below: int) -> int:
        return self.randrange(below)


class PerEnvironment:
    """A process's memory: a dictionary for each environment."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._values: dict[Any, Any] = {}

    def get(self, key: Any, default: Any) -> Any:
        return self._values.get((self._environment, key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._values[self._environment, key] = value

    def pop(self, key: Any, default: Any) -> Any:
        return self._values.pop((self._environment, key), default)

    def clear(self) -> None:
        self._values.clear()

    @property
    def _environment(self) -> Environment | None:
        current = self._schedule.current
        return current.environment if current else None


class VirtualStack:
    def __init__(self, conditions: Conditions) -> None:
        self.schedule = Schedule(START)
        seeded = random.Random(conditions.seed)
        self.database = DynamoDB(
            self.schedule, Layout.of(TEMPLATE.table.definition), seeded, conditions.limits
        )
        self.sqs = SQS(self.schedule, seeded, conditions.faults)
        self.processor = SilentProcessor(self.schedule)
        self.swept: list[Any] = []
        """What each sweep returned; None for one that failed."""
        self._conditions = conditions
        self._environments: list[Environment] = []
        self.timers = self._queue_function("FireTimers", conditions.timers)
        self.processors = self._queue_function("AskProcessors", conditions.processors)
        for name in ("DeliveryQueue", "ReceiptQueue"):
            definition = TEMPLATE.queues[name]
            self.sqs.queues[name] = Queue(self.schedule, definition.visibility, definition.receives)
        fan_out = next(each for each in TEMPLATE.streams if each.function == "FanOutEvents")
        self.stream = StreamFunction(
            self.schedule,
            _handler("FanOutEvents"),
            TEMPLATE.functions["FanOutEvents"],
            fan_out.batch_size,
            STREAM_LANES,
            seeded,
        )
        self.database.on_change.append(self._to_stream)

    @property
    def table(self) -> Table:
        return open_table()

    def client(self, service: str, **_: Any) -> Any:
        return {"dynamodb": self.database, "sqs": self.sqs}[service]

    def begin(self) -> None:
        """Starts the faults and the sweeps, when everything is set up."""
        self.database.death_rate = self._conditions.death_rate
        self.schedule.at(START + self._conditions.sweep_phase, self._sweep)

    def _queue_function(self, name: str, scaling: Scaling) -> QueueFunction:
        source = next(each for each in TEMPLATE.queue_sources if each.function == name)
        definition = TEMPLATE.queues[source.queue]
        queue = Queue(self.schedule, definition.visibility, definition.receives)
        self.sqs.queues[source.queue] = queue
        return QueueFunction(
            self.schedule,
            queue,
            _handler(name),
            replace(TEMPLATE.functions[name], memory=self._conditions.memory),
            source.batch_size,
            scaling,
        )

    def _sweep(self) -> None:
        self.schedule.at(self.schedule.now + PERIOD, self._sweep)
        definition = TEMPLATE.functions["DispatchTimers"]

        def run() -> None:
            context = Context(self.schedule, definition.timeout)
            try:
                self.swept.append(_handler("DispatchTimers")({"source": "aws.scheduler"}, context))
            except sweep.ShardsFailedError:
                self.swept.append(None)

        self.schedule.spawn(run, Environment(definition.memory))

    def _to_stream(self, before: Wire | None, after: Wire | None) -> None:
        """Sends new events to FanOutEvents."""
        if before is None and after is not None and after["sk"]["S"] == "EVENT":
            number = str(self.stream.records)
            record = {"dynamodb": {"NewImage": after, "SequenceNumber": number}}
            self.stream.add(after["pk"]["S"], record)


@contextmanager
def running(conditions: Conditions) -> Iterator[VirtualStack]:
    variables = {
        "TABLE_NAME": "virtual",
        "QUEUE_URL": "DeliveryQueue",
        "TIMER_QUEUE_URL": "TimerQueue",
        "PROCESSOR_QUEUE_URL": "ProcessorQueue",
        "RECEIPT_QUEUE_URL": "ReceiptQueue",
        "TIMER_SHARDS": str(conditions.shards),
    }
    state, level = random.getstate(), logger.log_level
    with ExitStack() as opened:
        opened.enter_context(applied(variables, keep_aws=True))
        opened.callback(_forget)
        _forget()
        stack = VirtualStack(conditions)
        schedule = stack.schedule
        opened.callback(random.setstate, state)
        random.seed(conditions.seed)
        opened.callback(logger.setLevel, level)
        logger.setLevel("CRITICAL")
        pool = type("Pool", (Pool,), {"schedule": schedule})
        for place, name, value in (
            (boto3, "client", stack.client),
            (clock, "read", schedule.read),
            (deadline, "read", schedule.read),
            (deadline, "sleep", schedule.sleep),
            (ids, "secrets", _Seeded(conditions.seed)),
            (sweep, "ThreadPoolExecutor", pool),
            (partial_batches, "ThreadPoolExecutor", pool),
            (breaker, "_cache", PerEnvironment(schedule)),
            (registry, "_open", lambda *_: stack.processor),
        ):
            opened.enter_context(patch.object(place, name, value))
        yield stack


def _handler(name: str) -> Any:
    if name not in _handlers:
        _handlers[name] = Function(TEMPLATE.functions[name])._handler
    return _handlers[name]


def _forget() -> None:
    for cached in (settings, open_table, queues.open_client, open_queue, open_dispatcher):
        cached.cache_clear()
