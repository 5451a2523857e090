"""Fires timers: reads the object that a timer names, does what is due, and ends the timer.

A timer may be fired twice, late, a moment early (if a clock is behind), or although nothing is due.
"""

from collections.abc import Callable, Mapping
from typing import Any

from checkout import deadline
from checkout.dispatch import from_body
from checkout.domain import clock
from checkout.domain.ids import shortened
from checkout.domain.timer import Timer, TimerKind
from checkout.log import about
from checkout.partial_batches import Record, report_failures

RESERVE_MS = 10_000
"""With less time left than this, a worker fires no further timer. The queue delivers it again."""

TARGETS = {
    TimerKind.EXPIRY: "session",
    TimerKind.ATTEMPT: "payment",
    TimerKind.REFUND: "refund",
    TimerKind.EVENT: "event",
    TimerKind.DELIVERY: "event",
    TimerKind.RECEIPT: "session",
}
"""What a timer's target is, or begins with, for the log."""

Kinds = Mapping[TimerKind, Callable[[Timer], None]]
"""The function that fires a timer, by kind."""


def fire_messages(
    records: list[Record],
    kinds: Callable[[int], Kinds],
    time_left_ms: Callable[[], int],
) -> dict[str, Any]:
    """Fires the timers in a queue's messages. Failures are reported to SQS, which delivers those
    messages again.

    `kinds` is called with the current time for each timer, and returns the function for each kind.
    """

    def fire(record: Record) -> None:
        timer = from_body(record["body"])
        about(merchant=timer.scope)
        if timer.kind in TARGETS:
            about(**{TARGETS[timer.kind]: shortened(timer.target.partition("/")[0])})
        _wait_for_its_second(timer)
        kinds(clock.now())[timer.kind](timer)

    return report_failures(records, fire, time_left_ms, RESERVE_MS)


def _wait_for_its_second(timer: Timer) -> None:
    """Waits if the timer is due within a second: its message's delay was rounded down."""
    early = timer.due - clock.milliseconds() / 1000
    if 0 < early < 1:
        deadline.pause(early)
