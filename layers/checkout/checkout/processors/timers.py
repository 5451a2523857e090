"""Fires the timers of payments, refunds and accounts, for which a processor is asked."""

from collections.abc import Callable, Mapping

from checkout.domain.event import ChangeContext
from checkout.domain.timer import Timer, TimerKind
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import ProcessorClient
from checkout.processors.reconciliation import Reconciliations
from checkout.processors.refunds import Refunds
from checkout.store.table import Table


def processor_timers(
    table: Table, processor: ProcessorClient, context: ChangeContext
) -> Mapping[TimerKind, Callable[[Timer], None]]:
    """The function that fires each kind of timer."""
    return {
        TimerKind.ATTEMPT: Attempts(table, processor, context).on_timer,
        TimerKind.REFUND: Refunds(table, processor, context).on_timer,
        TimerKind.RECONCILIATION: Reconciliations(table, processor, context).on_timer,
    }
