"""Refunds: reserved on their payment, sent by the processor, and settled with its outcome.

A refund is stored with a timer before it is sent, and its id is the idempotency key at the
processor. So a repeated call after a crash refunds once.
"""

from collections.abc import Callable
from typing import NamedTuple

from checkout.domain.errors import BusyError, ResourceMissingError
from checkout.domain.event import ChangeContext
from checkout.domain.ids import REFUND, new_id
from checkout.domain.payment import Payment
from checkout.domain.refund import Refund, RefundOrder, RefundStatus, new_refund
from checkout.domain.session import Session
from checkout.domain.timer import Timer
from checkout.processors.protocol import ProcessorClient, ProcessorUnavailableError, RefundOutcome
from checkout.store import idempotency as creations
from checkout.store import payments, refunds, sessions, timers
from checkout.store.idempotency import Creation, IdempotentRequest
from checkout.store.table import ConditionFailedError, Table


class Refunds(NamedTuple):
    table: Table
    processor: ProcessorClient
    context: ChangeContext

    def create(
        self,
        order: RefundOrder,
        once: IdempotentRequest | None,
        word: Callable[[Refund], str],
    ) -> tuple[str, bool]:
        """Sends money back, and returns the refund as `word` renders it, and False; or, if the same
        was asked under the same idempotency key before, the answer it got then, and True.

        Raises ReferenceMissingError, PaymentNotRefundableError, RefundTooLargeError or BusyError;
        then nothing was written and nothing sent.
        """
        id, now = new_id(REFUND), self.context.now

        def prepare() -> Creation:
            payment = payments.retrieve_referenced(
                self.table, order.scope, order.payment, order.named
            )
            session = self._session(payment.session)
            refund = new_refund(payment, order, now, id)
            return refunds.prepare_creation(session, payment, refund, word(refund), self.context)

        answer, repeated = refunds.until_first(
            self.table, lambda: creations.create(self.table, prepare, once, now)
        )
        if repeated:
            return answer, True
        refund = refunds.retrieve(self.table, order.scope, id)
        answer = word(self.send(refund, self._payment(refund)))
        if once:
            self.table.write(creations.replace_answer(once, answer))
        return answer, False

    def send(self, refund: Refund, payment: Payment) -> Refund:
        """Sends a stored refund to the processor. It stays pending if the processor is unavailable;
        the refund's timer retries."""
        try:
            outcome = self.processor.refund(refund, payment, self.context.now)
            return self._conclude(refund, outcome)
        except (ProcessorUnavailableError, BusyError):
            return refund

    def settle(self, id: str) -> Refund | None:
        """Applies the processor's outcome to a refund, and sends it if the processor does not know
        it. Raises ProcessorUnavailableError."""
        refund = refunds.find(self.table, id)
        if refund is None or refund.status is not RefundStatus.PENDING:
            return refund
        payment, now = self._payment(refund), self.context.now
        known = self.processor.look_up_refund(refund, payment, now)
        return self._conclude(refund, known or self.processor.refund(refund, payment, now))

    def on_notification(self, id: str, payment: Payment) -> None:
        """Settles the refund of a processor's notification, if it belongs to the payment."""
        refund = refunds.find(self.table, id)
        if refund is not None and refund.payment == payment.id:
            self.settle(id)

    def on_timer(self, timer: Timer) -> None:
        """Handles a refund's timer: settles the refund, or moves the timer if it is pending."""
        refund = self.settle(timer.target)
        if refund is None or refund.status is not RefundStatus.PENDING:
            self.table.write(timers.delete(timer))
            return
        try:
            refunds.check_later(self.table, refund, self.context.now)
        except ConditionFailedError:
            return  # It ended meanwhile, which deletes its timer.

    def _payment(self, refund: Refund) -> Payment:
        return payments.retrieve(self.table, refund.scope, refund.payment)

    def _conclude(self, refund: Refund, outcome: RefundOutcome) -> Refund:
        """Stores an outcome unless the refund has one already. Raises BusyError."""
        if outcome.status is RefundStatus.PENDING:
            return refund

        def write() -> Refund:
            found = refunds.retrieve(self.table, refund.scope, refund.id)
            if found.status is not RefundStatus.PENDING:
                return found
            session = self._session(found.session)
            return refunds.end(self.table, session, found, *outcome, self.context)

        return refunds.until_first(self.table, write)

    def _session(self, id: str) -> Session:
        session = sessions.find(self.table, id)
        if session is None:
            raise ResourceMissingError("checkout session")
        return session
