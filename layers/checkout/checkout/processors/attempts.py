"""The life of a payment attempt: taken, charged, concluded, and looked after if nobody else does.

Whatever dies in between, the attempt is in the table with a timer, and the processor knows it by
its id; so an outcome is always found, and money that came too late is always sent back.
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
from checkout.store.table import ConditionFailedError, Table

RACES = 5


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
        """Pays a session. The attempt is on record before the processor hears of it.

        Raises InstrumentRefusedError, SessionNotOpenError, PaymentInProgressError or
        TooManyAttemptsError, each before anything was written or charged.
        """
        now = self.context.now
        processor.check(instrument)
        payment = _new_payment(session, instrument, processor.name, now)
        taken = payments.begin(self.table, session, payment, now, email)
        try:
            outcome = processor.charge(payment, instrument, now)
        except ProcessorUnavailableError:
            return payment  # Whether it was charged, the next look says: the page's or the timer's.
        return self._conclude(payment, outcome, taken)

    def settle(self, id: str) -> Payment | None:
        """Brings a payment to what its processor says; gives it up when its deadline passed."""
        return self.watch(id)[0]

    def watch(self, id: str) -> tuple[Payment | None, NextStep | None]:
        """Settles a payment; what its shopper has yet to do, where it is still pending."""
        payment = payments.find(self.table, id)
        if payment is None or payment.status is not PaymentStatus.PENDING:
            return payment, None
        return self._settle(payment)

    def on_notification(self, payment: Payment) -> None:
        """Settles a payment that its processor told something about, even one that failed here:
        money that comes after all is sent back."""
        if not payment.was_charged:
            self._settle(payment)

    def _settle(self, payment: Payment) -> tuple[Payment, NextStep | None]:
        outcome = self._known_outcome(payment)
        concluded = self._conclude(payment, outcome)
        return concluded, outcome.next if concluded.status is PaymentStatus.PENDING else None

    def on_timer(self, timer: Timer) -> None:
        """What an attempt's timer does: settles it, or comes back."""
        payment = self.settle(timer.target)
        if payment is None or payment.status is not PaymentStatus.PENDING:
            self.table.write(timers.delete(timer))
            return
        next_check = self.context.now + ATTEMPT_CHECK_SECONDS
        if payment.deadline_at > self.context.now:
            next_check = min(next_check, payment.deadline_at)
        try:
            payments.check_later(self.table, payment, next_check)
        except ConditionFailedError:
            return  # It ended this moment, and its timer with it.

    def _known_outcome(self, payment: Payment) -> Outcome:
        """What the processor says. Nothing is given up while it can't be asked."""
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
        """Writes an outcome down. When somebody else was faster, goes on from where they left."""
        for _ in range(RACES):
            session = session or sessions.find(self.table, payment.session)
            if session is None:
                raise ResourceMissingError("checkout session")
            try:
                return self._step(self._named(payment, outcome), outcome, session)
            except ConditionFailedError:
                session = None
                payment = payments.retrieve(self.table, payment.scope, payment.id)
        raise RuntimeError(f"payment {payment.id} kept changing while it was concluded")

    def _named(self, payment: Payment, outcome: Outcome) -> Payment:
        """The payment with its processor's name for it: written down before the shopper is given
        anything to pay it with, so that nothing is ever paid that can't be found again."""
        if payment.reference or not outcome.reference:
            return payment
        return payments.set_reference(self.table, payment, outcome.reference)

    def _step(self, payment: Payment, outcome: Outcome, session: Session) -> Payment:
        if outcome.state is State.PENDING or payment.was_charged:
            return payment
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
            # It outlived its time only for this attempt.
            expiry = timers.expiry(session.id, session.scope, session.expires_at)
            sessions.lapse(self.table, expiry, self.context)
        return failed


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
