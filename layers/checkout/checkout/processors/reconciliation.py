"""A daily comparison of a processor's own list of charges with our payments.

It finds money that no webhook and no look at a payment has found, for example of a page that stayed
open for longer than failed payments are watched.
"""

from typing import NamedTuple

from checkout.domain.event import ChangeContext
from checkout.domain.timer import Timer
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import ProcessorClient, Receipt
from checkout.processors.registry import ProcessorMissingError, processor_at
from checkout.store import payments, timers
from checkout.store.table import Table

DAY = 24 * 60 * 60
OVERLAP = 2 * DAY
"""How far a comparison goes back behind the one before it. Lists are by the time of creation, and a
page may be paid long after it was created."""


class Reconciliation(NamedTuple):
    table: Table
    processor: ProcessorClient
    context: ChangeContext

    def on_timer(self, timer: Timer) -> None:
        """Compares the charges since the last time, and moves the timer by a day.

        Raises ProcessorUnavailableError; the timer is then fired again.
        """
        name, _, scope = timer.target.partition("/")
        now = self.context.now
        try:
            listed = processor_at(self.table, name, scope)
        except ProcessorMissingError:
            self.table.write(timers.delete(timer))  # A new account gets a new timer.
            return
        receipts = listed.list_receipts(timer.due - DAY - OVERLAP, now, now)
        if receipts is None:
            self.table.write(timers.delete(timer))
            return
        compared: set[str] = set()
        for receipt in receipts:
            self._compare(name, scope, receipt, receipt.payment in compared)
            compared.add(receipt.payment or "")
        self.table.write(*timers.move(timer, timers.reconciliation(scope, name, now + DAY)))

    def _compare(self, name: str, scope: str, receipt: Receipt, is_second: bool) -> None:
        """Settles the payment of a charge if it does not count as charged, or has another charge on
        record. A second charge in the list is a task for a person. The account may have charges
        that are not ours."""
        payment = payments.find(self.table, receipt.payment or "")
        if payment is None or (payment.scope, payment.processor) != (scope, name):
            return
        attempts = Attempts(self.table, self.processor, self.context)
        attempts.on_notification(payment, receipt.reference)
        if is_second:
            attempts.add_task(payment, payment.reference or "")
