"""Dispatch: sends every timer to a queue, with a delay until the second at which it is due.

Once a minute a sweep (`checkout.sweep`) sends the timers that are due within the next minute and a
half. A timer that is due before the next sweep is sent by the function that writes it
(`handing_over`). So timers are fired on time, by many workers at once (`checkout.firing`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from checkout import queues
from checkout.activity import log_writes
from checkout.domain import clock
from checkout.domain.timer import Timer, TimerKind
from checkout.log import log_fault
from checkout.queues import MessagesRefusedError, QueueMessage
from checkout.settings import settings
from checkout.store import timers
from checkout.store.table import Table, recorded_writes

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

LOOK_AHEAD = 90
"""A sweep sends the timers that are due within this many seconds. That is more than the time until
the next sweep."""
SOON = LOOK_AHEAD + 10
"""A timer that is due within this many seconds is sent by its writer: the last sweep may have run
before the timer was written, and the next one may run too late. Ten of the seconds are for slow
writers and for clocks that differ."""

ASK_PROCESSORS = frozenset({TimerKind.ATTEMPT, TimerKind.REFUND, TimerKind.RECONCILIATION})
"""Timers that ask a processor. They have a queue of their own, so that a slow processor does not
delay other timers. Receipts have a third one, because SES takes few e-mails a second."""


class Dispatcher(NamedTuple):
    """Sends timers to their queues."""

    client: SQSClient
    timer_queue: str
    processor_queue: str
    receipt_queue: str

    def send(self, due: Iterable[Timer]) -> int:
        """Sends timers, and returns how many. Raises MessagesRefusedError."""
        by_queue: dict[str, list[Timer]] = defaultdict(list)
        for timer in due:
            by_queue[self.queue_of(timer.kind)].append(timer)
        # Each delay is counted when its batch is sent: many batches take seconds.
        return sum(
            queues.send(self.client, url, map(_to_message, each)) for url, each in by_queue.items()
        )

    @property
    def queues(self) -> tuple[str, ...]:
        return self.timer_queue, self.processor_queue, self.receipt_queue

    def queue_of(self, kind: TimerKind) -> str:
        if kind is TimerKind.RECEIPT:
            return self.receipt_queue
        return self.processor_queue if kind in ASK_PROCESSORS else self.timer_queue


@lru_cache(maxsize=1)
def open_dispatcher() -> Dispatcher:
    deployed = settings()
    client = queues.open_client()
    return Dispatcher(
        client,
        deployed.timer_queue_url,
        deployed.processor_queue_url,
        deployed.receipt_queue_url,
    )


def _to_message(timer: Timer) -> QueueMessage:
    """The delay is in whole seconds and rounded down: the worker waits for the rest."""
    delay = (timer.due * 1000 - clock.milliseconds()) // 1000
    return QueueMessage(to_body(timer), timer.scope, max(0, delay))


def to_body(timer: Timer) -> str:
    return json.dumps(astuple(timer), separators=(",", ":"))


def from_body(body: str) -> Timer:
    kind, *rest = json.loads(body)
    return Timer(TimerKind(kind), *rest)


@contextmanager
def handing_over() -> Iterator[None]:
    """Sends the timers that were written within the block and are due soon, and logs what was done.

    If sending fails, a later sweep sends them.
    """
    with recorded_writes() as actions:
        yield
    hand_over(timers.left_by(actions))
    log_writes(actions, clock.now())


def hand_over(written: Iterable[Timer]) -> None:
    soon = [timer for timer in written if timer.due <= clock.now() + SOON]
    if not soon:
        return
    try:
        open_dispatcher().send(soon)
    except (BotoCoreError, ClientError, MessagesRefusedError) as error:
        log_fault(error, where="handing over timers")


def restore(table: Table, timer: Timer) -> None:
    """Sends a timer that DynamoDB deleted because it was long overdue.

    The timer is put back first, so that a sweep sends it again if its message is lost.
    """
    table.write(timers.put(timer))
    open_dispatcher().send([timer])
