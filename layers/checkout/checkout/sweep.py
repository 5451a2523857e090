"""The sweep: once a minute it sends the timers of every shard that are due soon to their queues.

It stores how far it came, so it sends each timer once. Messages can be lost and workers can die, so
it sends overdue timers again. If their queue has a backlog, their messages probably wait in it, and
only a few of them are sent again; otherwise each sweep would lengthen the backlog.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from random import random
from typing import NamedTuple

from checkout import queues
from checkout.dispatch import LOOK_AHEAD, Dispatcher
from checkout.domain.timer import Timer, TimerKind
from checkout.log import log_fault, log_metric
from checkout.settings import settings
from checkout.store import timers
from checkout.store.table import Table
from checkout.store.timers import Progress

PERIOD = 60
"""Seconds between two sweeps: the schedule of template.yaml."""
OVERDUE = 120
"""Seconds after which a timer that was sent, and is still there, may have lost its message."""
BACKLOG = 100
"""A queue with this many visible messages has a backlog."""
BACKLOG_SECONDS = 10
"""The messages that a queue carries in this time are no backlog."""
SENT_AGAIN_OF = 500
"""A sweep sends again one in this many timers of a backlog: an eighth of them in an hour."""

SHARDS_AT_ONCE = 16
"""Shards that a sweep reads at the same time."""
THREAD_PREFIX = "shard"
"""The beginning of the names of the threads that read shards."""
RESERVE_MS = 5_000
"""With less time left than this, a sweep stops, and the next sweep continues."""

UNDELIVERED = frozenset({TimerKind.EVENT, TimerKind.DELIVERY})
OLDEST_UNDELIVERED = "OldestUndelivered"
"""A metric: the seconds for which the longest overdue event or delivery has waited."""
LATENESS = "Lateness"
"""A metric of each kind of timer: the seconds for which the longest overdue one has waited."""


class ShardsFailedError(Exception):
    """Some shards could not be read or sent. Each failure was logged; the next sweep continues."""


class Swept(NamedTuple):
    """What a sweep did in one shard."""

    until: int
    """The time up to which every timer was sent."""
    sent: int = 0
    sent_again: int = 0
    late: Mapping[TimerKind, int] = {}
    """The seconds for which the longest overdue timer of each kind has waited."""


class Sweep(NamedTuple):
    """One sweep of all shards."""

    table: Table
    dispatcher: Dispatcher
    now: int
    time_left_ms: Callable[[], int]
    visible: Mapping[str, int]
    """About how many messages each queue has, by its URL."""
    shards: int

    def shard(self, number: int, until: int) -> Swept:
        """Sends the timers of a shard that are due after `until`, and those that are overdue."""
        sent: Counter[str] = Counter()
        swept = self._send_ahead(number, Swept(until), sent)
        if self._is_over():
            return swept
        return self._send_overdue(number, min(until, self.now - OVERDUE), swept, sent)

    def _send_ahead(self, number: int, swept: Swept, by_queue: Counter[str]) -> Swept:
        """Sends what is due until LOOK_AHEAD from now and was not sent yet; counts it by queue."""
        ahead = max(swept.until, self.now + LOOK_AHEAD)
        for page in self._pages(number, swept.until, ahead):
            if self._is_over():
                return swept._replace(until=page[0].due - 1)
            sent = swept.sent + self.dispatcher.send(page)
            by_queue.update(self.dispatcher.queue_of(each.kind) for each in page)
            swept = swept._replace(sent=sent, late=self._latest(page, swept.late))
        return swept._replace(until=ahead)

    def _send_overdue(self, number: int, until: int, swept: Swept, sent: Counter[str]) -> Swept:
        """Sends overdue timers again, which an earlier sweep has sent and no worker has ended."""
        allowed = {queue: self._may_send_again(queue, sent[queue]) for queue in self.visible}
        for page in self._pages(number, -1, until):
            if self._is_over():
                break
            again = swept.sent_again + self.dispatcher.send(self._first(page, allowed))
            swept = swept._replace(sent_again=again, late=self._latest(page, swept.late))
        return swept

    def _may_send_again(self, queue: str, sent: int) -> float:
        """How many overdue timers of a shard may be sent again: all, or few of a backlog.

        `sent` is what the shard has just sent to the queue, about a minute's timers.
        """
        visible = self.visible[queue]
        carried = sent * self.shards * BACKLOG_SECONDS / PERIOD
        if visible < max(BACKLOG, carried):
            return math.inf
        # Rounded at random, because the share of one shard is mostly less than one.
        return int(visible / SENT_AGAIN_OF / self.shards + random())

    def _latest(
        self, page: Iterable[Timer], late: Mapping[TimerKind, int]
    ) -> Mapping[TimerKind, int]:
        """`late`, with the longest time for which a timer of this page is overdue."""
        latest = dict(late)
        for timer in page:
            latest[timer.kind] = max(latest.get(timer.kind, 0), self.now - timer.due)
        return latest

    def _first(self, overdue: Iterable[Timer], allowed: dict[str, float]) -> Iterator[Timer]:
        """Of each queue's overdue timers, as many as are allowed, which are counted down."""
        for timer in overdue:
            queue = self.dispatcher.queue_of(timer.kind)
            if allowed[queue]:
                allowed[queue] -= 1
                yield timer

    def _pages(self, number: int, after: int, until: int) -> Iterator[list[Timer]]:
        due = timers.due_between(self.table, number, after, until)
        while page := list(islice(due, timers.PAGE_SIZE)):
            yield page

    def _is_over(self) -> bool:
        return self.time_left_ms() < RESERVE_MS


def sweep(
    table: Table, dispatcher: Dispatcher, now: int, time_left_ms: Callable[[], int]
) -> dict[str, int]:
    """Sends the timers that are due soon or overdue, in every shard, and counts them.

    Raises ShardsFailedError at the end if some shards failed.
    """
    progress = timers.read_progress(table)
    visible = {url: queues.count_visible(dispatcher.client, url) for url in dispatcher.queues}
    # Shards that are no longer in use may still have timers.
    shards = range(max(len(progress.until), settings().timer_shards))
    run = Sweep(table, dispatcher, now, time_left_ms, visible, len(shards))
    with ThreadPoolExecutor(SHARDS_AT_ONCE, THREAD_PREFIX) as pool:
        results = list(pool.map(lambda number: _shard(run, progress, number), shards))
    swept = [each for each in results if each is not None]
    reached = {number: each.until for number, each in zip(shards, results, strict=True) if each}
    timers.write_progress(table, Progress(progress.until | reached))
    _log_lateness(swept, now)
    if len(swept) < len(shards):
        raise ShardsFailedError(f"{len(shards) - len(swept)} of {len(shards)}")
    return {
        "sent": sum(each.sent for each in swept),
        "sent_again": sum(each.sent_again for each in swept),
        "shards_left": sum(each.until < now + LOOK_AHEAD for each in swept),
    }


def _log_lateness(swept: Iterable[Swept], now: int) -> None:
    late = dict.fromkeys(TimerKind, 0)
    for each in swept:
        late |= {kind: max(late[kind], seconds) for kind, seconds in each.late.items()}
    log_metric(OLDEST_UNDELIVERED, max(late[kind] for kind in UNDELIVERED), "Seconds", now)
    for kind, seconds in late.items():
        log_metric(LATENESS, seconds, "Seconds", now, Kind=kind)


def _shard(run: Sweep, progress: Progress, number: int) -> Swept | None:
    """What the sweep did in this shard; None if it failed there."""
    try:
        return run.shard(number, progress.until.get(number, -1))
    except Exception as error:  # counted and raised for all shards at the end of the sweep
        log_fault(error, where=f"timer shard {number}")
        return None
