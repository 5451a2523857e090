"""Fires the timers of events, deliveries, webhook endpoints and resends."""

from collections.abc import Callable, Mapping

from checkout.domain.timer import Timer, TimerKind
from checkout.store.table import Table
from checkout.webhooks.fan_out import on_delivery_timer, on_fan_out_timer, on_resume_timer
from checkout.webhooks.queue import Queue
from checkout.webhooks.resending import on_resend_timer


def webhook_timers(
    table: Table, queue: Queue, now: int
) -> Mapping[TimerKind, Callable[[Timer], None]]:
    """What fires each kind of timer."""
    return {
        TimerKind.FANOUT: lambda timer: on_fan_out_timer(table, queue, timer, now),
        TimerKind.DELIVERY: lambda timer: on_delivery_timer(table, queue, timer, now),
        TimerKind.RESUME: lambda timer: on_resume_timer(table, queue, timer, now),
        TimerKind.RESEND: lambda timer: on_resend_timer(table, queue, timer, now),
    }
