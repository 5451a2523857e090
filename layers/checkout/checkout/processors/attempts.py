"""Payment attempts: stored, charged at the processor, and settled with the processor's outcome.

An attempt is stored with a timer before it is charged, and the processor knows it by its id. So the
outcome is found even if a process dies at any point, and money that arrives too late is refunded.
"""

from dataclasses import replace
from typing import NamedTuple

from checkout.domain import session as machine
from checkout.domain.errors import ResourceMissingError
from checkout.domain.event import ChangeContext
from checkout.domain.ids import PAYMENT, new_id
from checkout.domain.mobile_networks import network_of
from checkout.domain.payment import (
    ATTEMPT_CHECK_SECONDS,
    ATTEMPT_SECONDS,
    Failure,
    Payment,
    PaymentStatus,
)
from checkout.domain.refund import refund_of_late
from checkout.domain.session import Session
from checkout.domain.timer import Timer
from checkout.processors.protocol import (
    Instrument,
    NextStep,
    Outcome,
    Processor,
    ProcessorClient,
    ProcessorUnavailableError,
    State,
)
from checkout.processors.refunds import Refunds
from checkout.store import payments, refunds, sessions, timers
from checkout.store.table import ConditionFailedError, Table, until_no_conflict


class Look(NamedTuple):
    """What a page finds out about a payment."""

    payment: Payment | None
    next_step: NextStep | None = None
    """What the shopper of a pending payment does next."""
    is_too_soon: bool = False
    """Whether the processor was not asked, because another page asked it a moment ago."""


class Attempts(NamedTuple):
    table: Table
    processor: ProcessorClient
    context: ChangeContext

    def pay(
        self,
        processor: Processor,
        session: Session,
        instrument: Instrument,
        email: str | None = None,
    ) -> Payment:
        """Pays a session. The attempt is stored before the processor is called.

        Raises InstrumentRefusedError, SessionNotOpenError, PaymentInProgressError or
        TooManyAttemptsError; then nothing was stored or charged.
        """
        now = self.context.now
        processor.check(instrument)
        payment = _new_payment(session, instrument, processor.name, now)
        begun = payments.begin(self.table, session, payment, now, email)
        try:
            outcome = processor.charge(payment, instrument, now)
        except ProcessorUnavailableError:
            return payment  # The page or the timer looks up later whether it was charged.
        return self._conclude(payment, outcome, begun)

    def settle(self, id: str) -> Payment | None:
        """Applies the processor's outcome to a payment, or cancels it after its deadline."""
        payment = payments.find(self.table, id)
        if payment is None or payment.status is not PaymentStatus.PENDING:
            return payment
        return self._settle(payment).payment

    def look(self, id: str) -> Look:
        """Settles a payment for its page, unless another page had it looked up a moment ago."""
        payment = payments.find(self.table, id)
        if payment is None or payment.status is not PaymentStatus.PENDING:
            return Look(payment)
        is_remote = self.processor.is_remote(payment)
        if is_remote and not payments.claim_look(self.table, payment, self.context.now):
            return Look(payment, is_too_soon=True)
        return self._settle(payment)

    def on_notification(self, payment: Payment) -> None:
        """Settles the payment of a processor's notification. A failed payment is settled too, as it
        may have been charged late, and is then refunded."""
        if not payment.was_charged:
            self._settle(payment)

    def _settle(self, payment: Payment) -> Look:
        outcome = self._look_up_or_cancel(payment)
        concluded = self._conclude(payment, outcome)
        is_pending = concluded.status is PaymentStatus.PENDING
        return Look(concluded, outcome.next if is_pending else None)

    def on_timer(self, timer: Timer) -> None:
        """Handles a payment's timer: settles the payment, and moves the timer if it stays pending.

        Only deletes a timer of a payment that has ended or whose timer was moved.
        """
        payment, now = payments.find(self.table, timer.target), self.context.now
        if payment is None or not _is_current(payment, timer):
            self.table.write(timers.delete(timer))
            return
        settled = self._settle(payment).payment
        if settled is None or settled.status is not PaymentStatus.PENDING:
            return
        next_check = now + ATTEMPT_CHECK_SECONDS
        if settled.deadline_at > now:
            next_check = min(next_check, settled.deadline_at)
        try:
            payments.check_later(self.table, settled, next_check)
        except ConditionFailedError:
            return  # The payment has ended, or another firing has moved the timer.

    def _look_up_or_cancel(self, payment: Payment) -> Outcome:
        """Looks up the outcome. After the deadline, cancels a payment that is still pending.

        A payment stays pending while the processor is unavailable, even after its deadline.
        """
        now = self.context.now
        try:
            outcome = self.processor.look_up(payment, now) or Outcome(State.PENDING)
            if outcome.state is State.PENDING and payment.deadline_at <= now:
                known = replace(payment, reference=payment.reference or outcome.reference)
                canceled = self.processor.cancel(known, now)
                return canceled or Outcome(State.DECLINED, Failure.TIMED_OUT)
        except ProcessorUnavailableError:
            return Outcome(State.PENDING)
        return outcome

    def _conclude(
        self, payment: Payment, outcome: Outcome, session: Session | None = None
    ) -> Payment:
        """Stores an outcome. If the payment or session changed meanwhile, reads both again and
        retries. Raises BusyError."""

        def write() -> Payment:
            return self._apply(self._store_reference(payment, outcome), outcome, session)

        def again() -> Payment:
            found = payments.retrieve(self.table, payment.scope, payment.id)
            return self._apply(self._store_reference(found, outcome), outcome)

        return until_no_conflict(self.table, write, again=again)

    def _store_reference(self, payment: Payment, outcome: Outcome) -> Payment:
        """Stores the processor's reference before the shopper gets a client secret to pay with, so
        that every payment that may be charged can be found again."""
        if payment.reference or not outcome.reference:
            return payment
        return payments.set_reference(self.table, payment, outcome.reference)

    def _apply(self, payment: Payment, outcome: Outcome, session: Session | None = None) -> Payment:
        if outcome.state is State.PENDING or payment.was_charged:
            return payment
        session = session or sessions.find(self.table, payment.session)
        if session is None:
            raise ResourceMissingError("checkout session")
        if outcome.state is State.DECLINED:
            return self._decline(payment, outcome, session)
        pending = payment.status is PaymentStatus.PENDING
        if pending and machine.allows(machine.COMPLETE, session, self.context.now, payment.id):
            return payments.succeed(self.table, session, payment, self.context)
        refund = refund_of_late(payment, self.context.now)
        late = refunds.record_late(self.table, session, payment, refund, self.context)
        Refunds(*self).send(refund, late)
        return late

    def _decline(self, payment: Payment, outcome: Outcome, session: Session) -> Payment:
        if payment.status is not PaymentStatus.PENDING:
            return payment
        failure = outcome.failure or Failure.DECLINED
        failed = payments.fail(self.table, session, payment, failure, self.context)
        if session.expires_at <= self.context.now:
            # It stayed open after its time only because of this attempt.
            sessions.lapse(self.table, sessions.expiry_timer(session), self.context)
        return failed


def _is_current(payment: Payment, timer: Timer) -> bool:
    return payment.status is PaymentStatus.PENDING and payment.check_at == timer.due


def _new_payment(session: Session, instrument: Instrument, processor: str, now: int) -> Payment:
    phone = instrument.number if instrument.method == "mobile_money" else None
    return Payment(
        id=new_id(PAYMENT),
        scope=session.scope,
        api=session.api,
        session=session.id,
        amount=session.amount,
        currency=session.currency,
        method=instrument.method,
        provider=network_of(phone) if phone else None,
        phone=phone,
        customer=session.customer,
        metadata=session.metadata,
        description=session.description,
        processor=processor,
        deadline_at=now + ATTEMPT_SECONDS,
        check_at=now + ATTEMPT_CHECK_SECONDS,
        created_at=now,
        updated_at=now,
    )
