"""Firing timers: what a timer names is looked at, what is due is done, and the timer is ended.

A timer may be fired twice, late, or when there is nothing left to do. So the sweep and DynamoDB's
TTL can both fire timers.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
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
    time_left_ms: Callable[[], int]
    """The milliseconds until this invocation's timeout."""

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
        now, has_time = self.context.now, self._time_for_bulk()
        fan_out.on_resume_timer(self.table, self.queue, timer, now, has_time)

    def resend(self, timer: Timer) -> None:
        now, has_time = self.context.now, self._time_for_bulk()
        resending.on_resend_timer(self.table, self.queue, timer, now, has_time)

    def _time_for_bulk(self) -> Callable[[], bool]:
        """Whether a timer that may stand for thousands of deliveries, fired now, may go on."""
        least = max(self.time_left_ms() - BULK_MS, BULK_RESERVE_MS)
        return lambda: self.time_left_ms() > least


FIRE: dict[TimerKind, Callable[[Firing, Timer], None]] = {
    TimerKind.EXPIRY: Firing.expiry,
    TimerKind.ATTEMPT: Firing.attempt,
    TimerKind.REFUND: Firing.refund,
    TimerKind.FANOUT: Firing.fanout,
    TimerKind.DELIVERY: Firing.delivery,
    TimerKind.RESUME: Firing.resume,
    TimerKind.RESEND: Firing.resend,
}

BULK_MS = 5_000
"""The longest that one firing of a resend's or of an endpoint's resume timer takes."""
BULK_RESERVE_MS = 25_000
"""With less time left than this, neither of them does anything: the rest is for other timers."""

MAX_OF_A_SHARD = 10_000
"""Timers of a shard that one sweep reads, which bounds its memory and takes about a second."""
SHARE = 100
"""Timers of each owner that one sweep fires before it fires more of anybody's."""
FIRST, THEN, LAST = range(3)
PRIORITY = {
    TimerKind.EXPIRY: FIRST,
    TimerKind.ATTEMPT: FIRST,
    TimerKind.REFUND: FIRST,
    TimerKind.FANOUT: THEN,
    TimerKind.DELIVERY: THEN,
    TimerKind.RESUME: LAST,
    TimerKind.RESEND: LAST,
}
"""Money before webhooks, and single deliveries before those in bulk."""

RESERVE_MS = 10_000
"""A sweep starts no timer with less time left than this. The next sweep continues."""

UNDELIVERED = (TimerKind.FANOUT, TimerKind.DELIVERY)
OLDEST_UNDELIVERED = "OldestUndelivered"
"""A metric: the seconds for which the longest overdue event or delivery has waited."""


class TimersFailedError(Exception):
    """Some timers could not be fired. Each failure was logged, and the timers are still there."""


def sweep(firing: Firing) -> dict[str, int]:
    """Fires the timers that are due, in every shard, and counts them.

    Raises TimersFailedError at the end if some failed.
    """
    now, fired, failed = firing.context.now, 0, 0
    # In random order, so that sweeps that run out of time do not always miss the same shards.
    shards = random.sample(keys.timer_shards(), keys.SHARDS)
    due = [each for shard in shards for each in _longest_overdue(firing, shard)]
    late = max((now - timer.due for timer in due if timer.kind in UNDELIVERED), default=0)
    log_metric(OLDEST_UNDELIVERED, late, "Seconds", now)
    for timer in in_turn(due):
        if firing.time_left_ms() < RESERVE_MS:
            break
        try:
            firing.fire(timer)
            fired += 1
        except Exception as error:  # raised for all timers together at the end
            log_fault(error, where=timer.kind)
            failed += 1
    if failed:
        raise TimersFailedError(f"{failed} of {fired + failed}")
    return {"fired": fired, "failed": failed}


def _longest_overdue(firing: Firing, shard: str) -> Iterator[Timer]:
    return islice(timers.due(firing.table, shard, firing.context.now), MAX_OF_A_SHARD)


def in_turn(due: Iterable[Timer]) -> list[Timer]:
    """The timers in the order to fire them in.

    The first SHARE timers of each owner and priority come before all others. Both parts are in the
    order of priority, and within a priority the owners take turns, the longest overdue first.
    """
    counts: Counter[tuple[int, str]] = Counter()
    numbered: list[tuple[tuple[bool, int, int], Timer]] = []
    for timer in sorted(due, key=lambda timer: timer.due):
        priority = PRIORITY[timer.kind]
        turn = counts[priority, _owner(timer)]
        counts[priority, _owner(timer)] += 1
        numbered.append(((turn >= SHARE, priority, turn), timer))
    return [timer for _, timer in sorted(numbered, key=lambda each: each[0])]


def _owner(timer: Timer) -> str:
    """The merchant and mode of an expiry timer, the endpoint of a delivery's; otherwise the object
    that the timer is for."""
    if timer.kind is TimerKind.DELIVERY:
        return keys.split_delivery_target(timer.target)[1]
    return timer.shard_by
