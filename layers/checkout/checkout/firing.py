"""Firing timers: what a timer names is looked at, what is due is done, and the timer is ended.

A timer may be fired twice, late, or when there is nothing left to do. So the sweep and DynamoDB's
TTL can both fire timers.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

from checkout.domain.event import ChangeContext
from checkout.domain.timer import Timer, TimerKind
from checkout.log import log_fault, log_metric
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import ProcessorClient
from checkout.processors.refunds import Refunds
from checkout.store import keys, sessions, timers
from checkout.store.table import Table
from checkout.webhooks import fan_out, resending
from checkout.webhooks.queue import Queue


class Firing(NamedTuple):
    """What timers need to be fired. There is one method for each kind of timer."""

    table: Table
    queue: Queue
    processor: ProcessorClient
    context: ChangeContext

    def fire(self, timer: Timer) -> None:
        FIRE[timer.kind](self, timer)

    def expiry(self, timer: Timer) -> None:
        sessions.lapse(self.table, timer, self.context)

    def attempt(self, timer: Timer) -> None:
        Attempts(self.table, self.processor, self.context).on_timer(timer)

    def refund(self, timer: Timer) -> None:
        Refunds(self.table, self.processor, self.context).on_timer(timer)

    def fanout(self, timer: Timer) -> None:
        fan_out.on_fan_out_timer(self.table, self.queue, timer, self.context.now)

    def delivery(self, timer: Timer) -> None:
        fan_out.on_delivery_timer(self.table, self.queue, timer, self.context.now)

    def resume(self, timer: Timer) -> None:
        fan_out.on_resume_timer(self.table, self.queue, timer, self.context.now)

    def resend(self, timer: Timer) -> None:
        resending.on_resend_timer(self.table, self.queue, timer, self.context.now)


FIRE: dict[TimerKind, Callable[[Firing, Timer], None]] = {
    TimerKind.EXPIRY: Firing.expiry,
    TimerKind.ATTEMPT: Firing.attempt,
    TimerKind.REFUND: Firing.refund,
    TimerKind.FANOUT: Firing.fanout,
    TimerKind.DELIVERY: Firing.delivery,
    TimerKind.RESUME: Firing.resume,
    TimerKind.RESEND: Firing.resend,
}

RESERVE_MS = 10_000
"""A sweep starts no timer with less time left than this. The next sweep continues."""

UNDELIVERED = (TimerKind.FANOUT, TimerKind.DELIVERY)
OLDEST_UNDELIVERED = "OldestUndelivered"
"""A metric: the seconds for which the longest overdue event or delivery has waited."""


class TimersFailedError(Exception):
    """Some timers could not be fired. Each failure was logged, and the timers are still there."""


def sweep(firing: Firing, time_left_ms: Callable[[], int]) -> dict[str, int]:
    """Fires the timers that are due, in every shard, and counts them.

    Raises TimersFailedError at the end if some failed.
    """
    fired = failed = late = 0
    # In random order, so that sweeps that run out of time do not always miss the same shards.
    for shard in random.sample(keys.timer_shards(), keys.SHARDS):
        for timer in timers.due(firing.table, shard, firing.context.now):
            if timer.kind in UNDELIVERED:
                late = max(late, firing.context.now - timer.due)
            if time_left_ms() < RESERVE_MS:
                log_metric(OLDEST_UNDELIVERED, late, "Seconds", firing.context.now)
                return {"fired": fired, "failed": failed}
            try:
                firing.fire(timer)
                fired += 1
            except Exception as error:  # raised for all timers together at the end
                log_fault(error, where=timer.kind)
                failed += 1
    log_metric(OLDEST_UNDELIVERED, late, "Seconds", firing.context.now)
    if failed:
        raise TimersFailedError(f"{failed} of {fired + failed}")
    return {"fired": fired, "failed": failed}
