"""Compares processors' own lists of charges with our payments, once a day."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from checkout.domain.event import ChangeContext
from checkout.domain.reconciliation import Reconciliation, next_day
from checkout.domain.timer import Timer
from checkout.processors.attempts import Attempts
from checkout.processors.breaker import Breaker
from checkout.processors.protocol import (
    Processor,
    ProcessorClient,
    ProcessorUnavailableError,
    Receipt,
)
from checkout.processors.registry import ProcessorMissingError, processor_at
from checkout.store import payments, reconciliations, timers
from checkout.store.table import Table

PAUSE_SECONDS = 1
"""Seconds until the timer fires again for the rest of a list."""
RETRY_SECONDS = 300
"""Seconds until a page is read again that the processor did not answer."""


class Reconciliations(NamedTuple):
    table: Table
    processor: ProcessorClient
    context: ChangeContext
    has_time: Callable[[], bool]
    """Whether the invocation has time for another page."""

    def on_timer(self, timer: Timer) -> None:
        """Handles an account's timer: compares pages of the list as long as there is time.

        How far it has come is stored after each page, so that a later firing continues there.
        """
        found = reconciliations.find(self.table, timer)
        if found is None:
            self.table.write(timers.delete(timer))
            return
        try:
            listed = processor_at(self.table, found.processor, found.scope)
        except ProcessorMissingError:
            reconciliations.end(self.table, found)  # Adding the account again starts another one.
            return
        seen: set[str] = set()
        while found.timer_due == timer.due:
            after = self._compare_page(listed, found, seen)
            if not reconciliations.move_on(self.table, found, after):
                return  # Another firing of the timer was faster.
            found = after

    def _compare_page(
        self, listed: Processor, found: Reconciliation, seen: set[str]
    ) -> Reconciliation:
        """Compares one page of the list. Returns the state after it: the timer moves at the end of
        the list, without an answer, and if there is no time for another page."""
        now = self.context.now
        breaker = Breaker(self.table, found.processor, now)
        try:
            page = breaker.call(
                lambda: listed.list_receipts(found.since, found.until, found.cursor)
            )
            for receipt in page.receipts:
                self._compare(found, receipt, seen)
        except ProcessorUnavailableError:
            return replace(found, timer_due=now + RETRY_SECONDS)
        if page.cursor is None:
            return next_day(found, now)
        due = found.timer_due if self.has_time() else max(now, found.timer_due) + PAUSE_SECONDS
        return replace(found, cursor=page.cursor, timer_due=due)

    def _compare(self, found: Reconciliation, receipt: Receipt, seen: set[str]) -> None:
        """Settles the payment of a charge if it does not count as charged, or has another charge on
        record. A second charge in `seen`, the payments of this firing, is a task for a person. The
        account may have charges that are not ours."""
        payment = payments.find(self.table, receipt.payment or "")
        if payment is None or (payment.processor, payment.scope) != (found.processor, found.scope):
            return
        attempts = Attempts(self.table, self.processor, self.context)
        attempts.on_notification(payment, receipt.reference)
        if payment.id in seen:
            attempts.add_task(payment, payment.reference or "")
        seen.add(payment.id)
