"""Fires the timers of events, deliveries, webhook endpoints and resends."""

from collections.abc import Callable, Mapping

from checkout.domain.timer import Timer, TimerKind
from checkout.store.table import Table
from checkout.webhooks.fan_out import on_delivery_timer, on_event_timer, on_resume_timer
from checkout.webhooks.queue import Queue
from checkout.webhooks.resending import on_resend_timer

BULK_MS = 1_000
"""The longest that one firing of a resend's timer or of a resume timer takes, in milliseconds. Such
a timer may stand for thousands of deliveries, and other timers wait behind it."""
RESERVE_MS = 5_000
"""With less time left than this, in milliseconds, a firing of a resend's timer or of a resume timer
has no effect. The timer is fired again later."""


def webhook_timers(
    table: Table, queue: Queue, now: int, time_left_ms: Callable[[], int]
) -> Mapping[TimerKind, Callable[[Timer], None]]:
    """The function that fires each kind of timer."""
    bulk_ends_at = max(time_left_ms() - BULK_MS, RESERVE_MS)

    def has_time() -> bool:
        return time_left_ms() > bulk_ends_at

    return {
        TimerKind.EVENT: lambda timer: on_event_timer(table, queue, timer, now),
        TimerKind.DELIVERY: lambda timer: on_delivery_timer(table, queue, timer, now),
        TimerKind.RESUME: lambda timer: on_resume_timer(table, queue, timer, now, has_time),
        TimerKind.RESEND: lambda timer: on_resend_timer(table, queue, timer, now, has_time),
    }
