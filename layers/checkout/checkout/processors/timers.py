"""Fires the timers of payments, refunds and accounts, for which a processor is asked."""

from collections.abc import Callable, Mapping

from checkout.domain.event import ChangeContext
from checkout.domain.timer import Timer, TimerKind
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import ProcessorClient
from checkout.processors.reconciliation import Reconciliations
from checkout.processors.refunds import Refunds
from checkout.store.table import Table

RESERVE_MS = 30_000
"""With less time left than this, in milliseconds, a comparison begins no further page of a list. A
page has up to a hundred charges, of which few cause calls to the processor."""


def processor_timers(
    table: Table,
    processor: ProcessorClient,
    context: ChangeContext,
    time_left_ms: Callable[[], int],
) -> Mapping[TimerKind, Callable[[Timer], None]]:
    """The function that fires each kind of timer."""

    def has_time() -> bool:
        return time_left_ms() > RESERVE_MS

    return {
        TimerKind.ATTEMPT: Attempts(table, processor, context).on_timer,
        TimerKind.REFUND: Refunds(table, processor, context).on_timer,
        TimerKind.RECONCILIATION: Reconciliations(table, processor, context, has_time).on_timer,
    }
