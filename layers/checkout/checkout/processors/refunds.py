"""Refunds: reserved on their payment, sent by the processor, and settled with its outcome.

A refund is stored with a timer before it is sent, and its id is the idempotency key at the
processor. So a repeated call after a crash refunds once.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from checkout.domain.errors import BusyError, ResourceMissingError
from checkout.domain.event import ChangeContext
from checkout.domain.ids import REFUND, new_id
from checkout.domain.payment import Payment
from checkout.domain.refund import (
    FIRST_CHECK_SECONDS,
    TOO_LATE,
    Refund,
    RefundOrder,
    RefundStatus,
    new_refund,
    refund_of_late,
)
from checkout.domain.session import Session
from checkout.domain.timer import Timer
from checkout.log import log_metric
from checkout.processors.protocol import ProcessorClient, ProcessorUnavailableError, RefundOutcome
from checkout.store import idempotency as creations
from checkout.store import payments, refunds, sessions, tasks, timers
from checkout.store.idempotency import Creation, IdempotentRequest
from checkout.store.table import ConditionFailedError, Table, until_no_conflict
from checkout.store.tasks import Task

TASKS_ADDED = "MoneyForAPerson"
"""The metric that counts tasks for a person."""


class Refunds(NamedTuple):
    table: Table
    processor: ProcessorClient
    context: ChangeContext

    def create(
        self,
        order: RefundOrder,
        idempotency: IdempotentRequest | None,
        render: Callable[[Refund], str],
    ) -> tuple[str, bool]:
        """Creates a refund and sends it. Returns the rendered refund and False.

        For a repeat under the same idempotency key, returns the first answer and True. Raises
        ReferenceMissingError, PaymentNotRefundableError, RefundTooLargeError or BusyError; then
        nothing was written and nothing was sent.
        """
        id, now = new_id(REFUND), self.context.now
        created: tuple[Session, Payment, Refund]

        def prepare() -> Creation:
            nonlocal created
            payment = payments.retrieve_referenced(
                self.table, order.scope, order.payment, order.named
            )
            refund = new_refund(payment, order, now, id)
            creation, session = refunds.prepare_creation(
                self._session(payment.session), payment, refund, render(refund), self.context
            )
            created = session, payment, refund
            return creation

        answer, repeated = until_no_conflict(
            self.table, lambda: creations.create(self.table, prepare, idempotency, now)
        )
        if repeated:
            return answer, True
        session, payment, refund = created
        sent = render(self.send(refund, payment, session))
        if idempotency and sent != answer:
            self.table.write(creations.replace_answer(idempotency, sent))
        return sent, False

    def send(self, refund: Refund, payment: Payment, session: Session | None = None) -> Refund:
        """Sends a stored refund to the processor. It stays pending if the processor is unavailable;
        the refund's timer retries. Without `session`, the session is read."""
        try:
            outcome = self.processor.refund(refund, payment, self.context.now)
            return self._conclude(refund, outcome, session)
        except (ProcessorUnavailableError, BusyError):
            return refund

    def return_late(self, session: Session, payment: Payment) -> Payment:
        """Records a payment that was charged too late, and sends its money back. Raises
        ConditionFailedError after a conflict."""
        refund = refund_of_late(payment, self.context.now)
        late = refunds.record_late(self.table, session, payment, refund, self.context)
        self.send(refund, late)
        return late

    def on_notification_of_any(self, payment: Payment) -> None:
        """Settles the pending refunds of a payment, for a notification that names none of them."""
        for refund in refunds.of_payment(self.table, payment):
            if refund.status is RefundStatus.PENDING:
                self._settle(refund, payment)

    def on_notification(self, id: str, payment: Payment) -> None:
        """Settles the refund of a processor's notification, if it belongs to the payment."""
        refund = refunds.find(self.table, id)
        if refund is None or refund.payment != payment.id:
            return
        if refund.status is RefundStatus.PENDING:
            self._settle(refund, payment)

    def on_timer(self, timer: Timer) -> None:
        """Handles a refund's timer: settles the refund, and moves the timer if it stays pending.

        Only deletes a timer of a refund that has ended or whose timer was moved.
        """
        refund = refunds.find(self.table, timer.target)
        if refund is None or not _is_current(refund, timer):
            self.table.write(timers.delete(timer))
            return
        payment = payments.retrieve(self.table, refund.scope, refund.payment)
        with suppress(ProcessorUnavailableError):
            if self._settle(refund, payment).status is not RefundStatus.PENDING:
                return
        try:
            refunds.check_later(self.table, refund, self.context.now)
        except ConditionFailedError:
            return  # The refund has ended, or another firing has moved the timer.

    def _settle(self, refund: Refund, payment: Payment) -> Refund:
        """Applies the processor's outcome to a refund, and sends a refund that the processor does
        not know. Raises ProcessorUnavailableError or BusyError."""
        now = self.context.now
        known = self.processor.look_up_refund(refund, payment, now)
        if known:
            return self._conclude(refund, known)
        if self.processor.repeats_refunds(payment):
            return self._conclude(refund, self.processor.refund(refund, payment, now))
        return self._send_missing(refund, payment)

    def _send_missing(self, refund: Refund, payment: Payment) -> Refund:
        """Sends a refund that the processor does not know and would execute twice.

        It waits until the last sender's lease is over and the refund was missing twice, with some
        time between: the sender's call may still be under way. Then one caller gets the lease,
        looks the refund up again and sends it.
        """
        now = self.context.now
        if (refund.leased_until or 0) > now:
            return refund
        try:
            if refund.missing_since is None:
                return refunds.note_missing(self.table, refund, now)
            if now < refund.missing_since + FIRST_CHECK_SECONDS:
                return refund
            leased = refunds.lease(self.table, refund, now)
        except ConditionFailedError:
            return refund  # Another caller was faster.
        known = self.processor.look_up_refund(leased, payment, now)
        return self._conclude(leased, known or self.processor.refund(leased, payment, now))

    def _conclude(
        self, refund: Refund, outcome: RefundOutcome, session: Session | None = None
    ) -> Refund:
        """Stores an outcome unless the refund has one already. Raises BusyError."""
        if outcome.status is RefundStatus.PENDING:
            if outcome.needs_person:
                self._add_task(refund)
            return refund

        def end(found: Refund, current: Session) -> Refund:
            task = self._task_of(found, outcome)
            status, failure = outcome.status, outcome.failure
            added = tasks.put(task) if task else None
            ended = refunds.end(self.table, current, found, status, failure, self.context, added)
            if task:
                log_metric(TASKS_ADDED, 1, "Count", self.context.now)
            return ended

        def write() -> Refund:
            return end(refund, session or self._session(refund.session))

        def again() -> Refund:
            found = refunds.retrieve(self.table, refund.scope, refund.id)
            if found.status is not RefundStatus.PENDING:
                return found
            return end(found, self._session(found.session))

        return until_no_conflict(self.table, write, again=again)

    def _task_of(self, refund: Refund, outcome: RefundOutcome) -> Task | None:
        """The task for a person if late money could not be sent back. The merchant did not ask for
        this refund, so it would not be noticed otherwise."""
        if outcome.status is not RefundStatus.FAILED or refund.reason != TOO_LATE:
            return None
        return self._task(refund, "refund_failed")

    def _add_task(self, refund: Refund) -> None:
        if tasks.add(self.table, self._task(refund, "refund_needs_account")):
            log_metric(TASKS_ADDED, 1, "Count", self.context.now)

    def _task(self, refund: Refund, reason: str) -> Task:
        payment = payments.find(self.table, refund.payment)
        return Task(
            id=f"{refund.payment}/{refund.id}",
            scope=refund.scope,
            payment=refund.payment,
            processor=payment.processor if payment else "",
            reference=payment.reference if payment else None,
            amount=refund.amount,
            currency=refund.currency,
            reason=reason,
            created_at=self.context.now,
        )

    def _session(self, id: str) -> Session:
        session = sessions.find(self.table, id)
        if session is None:
            raise ResourceMissingError("checkout session")
        return session


def _is_current(refund: Refund, timer: Timer) -> bool:
    return refund.status is RefundStatus.PENDING and refund.check_at == timer.due
