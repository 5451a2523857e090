"""Firing timers: what a timer names is looked at, what is due is done, and the timer is ended.

A timer may be fired twice, late, a moment early where a clock is behind, or when there is nothing
left to do.
"""

from collections.abc import Callable, Mapping
from typing import Any

from checkout import deadline
from checkout.dispatch import from_body
from checkout.domain import clock
from checkout.domain.timer import Timer, TimerKind
from checkout.partial_batches import Record, report_failures

RESERVE_MS = 10_000
"""A worker starts no timer with less time left than this. The queue brings it again."""

Kinds = Mapping[TimerKind, Callable[[Timer], None]]
"""By kind: what fires a timer."""


def fire_messages(
    records: list[Record],
    kinds: Callable[[int], Kinds],
    time_left_ms: Callable[[], int],
) -> dict[str, Any]:
    """Fires the timers of a queue's messages. Those that fail are reported and come again.

    `kinds` takes the time and returns what fires each kind of timer; it is called for each timer.
    """

    def fire(record: Record) -> None:
        timer = from_body(record["body"])
        _wait_for_its_second(timer)
        kinds(clock.now())[timer.kind](timer)

    return report_failures(records, fire, time_left_ms, RESERVE_MS)


def _wait_for_its_second(timer: Timer) -> None:
    """Waits if the timer is due within a second: its message's delay was rounded down."""
    early = timer.due - clock.milliseconds() / 1000
    if 0 < early < 1:
        deadline.pause(early)
