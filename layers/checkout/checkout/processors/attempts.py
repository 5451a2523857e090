"""Payment attempts: stored, charged at the processor, and settled with the processor's outcome.

An attempt is stored with a timer before it is charged, and the processor knows it by its id. So the
outcome is found even if a process dies at any point, and money that arrives too late is refunded.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from checkout.domain import session as machine
from checkout.domain.card_brands import brand_of
from checkout.domain.errors import ResourceMissingError
from checkout.domain.event import ChangeContext
from checkout.domain.ids import PAYMENT, new_id
from checkout.domain.mobile_networks import network_of
from checkout.domain.payment import (
    ATTEMPT_CHECK_SECONDS,
    LONGER_CHECKS,
    LONGEST_WATCH_SECONDS,
    Failure,
    Payment,
    PaymentStatus,
    next_watch_at,
)
from checkout.domain.session import Session
from checkout.domain.timer import Timer
from checkout.log import log_fault, log_metric
from checkout.processors.breaker import Breaker, BreakerOpenError
from checkout.processors.captures import Captures
from checkout.processors.protocol import (
    CodeEntry,
    Instrument,
    InstrumentRefusedError,
    NextStep,
    Order,
    Outcome,
    Processor,
    ProcessorClient,
    ProcessorUnavailableError,
    State,
)
from checkout.processors.refunds import TASKS_ADDED, Refunds
from checkout.store import payments, sessions, tasks, timers
from checkout.store.table import ConditionFailedError, Table, until_no_conflict
from checkout.store.tasks import Task

LONG_AGO = 0
"""The deadline of a payment that is given up: no processor grants it more time."""
ATTEMPTS = "Attempts"
"""A metric: payments that ended, by processor and outcome."""


class Lookup(NamedTuple):
    """The result of a page's lookup of a payment."""

    payment: Payment | None
    next_step: NextStep | None = None
    """What the shopper of a pending payment does next."""
    is_skipped: bool = False
    """Whether the lookup was skipped, because another page made one less than PAGE_LOOKUP_SECONDS
    ago."""
    is_unknown: bool = False
    """Whether the processor was asked and gave no outcome."""


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
        billing: dict[str, Any] | None = None,
        receipt_language: str | None = None,
    ) -> Payment:
        """Pays a session. The attempt is stored before the processor is called.

        Raises InstrumentRefusedError, SessionNotOpenError, PaymentInProgressError or
        TooManyAttemptsError; then nothing was stored or charged.
        """
        now = self.context.now
        processor.check(instrument)
        _check_limits(session, instrument, processor)
        payment = replace(
            _new_payment(session, instrument, processor, now),
            billing=billing,
            receipt_language=receipt_language,
        )
        begun = payments.begin(self.table, session, payment, now, email)
        return_url = f"{session.url}?attempt={payment.id}"
        order = Order(payment, instrument, return_url, email or session.customer_email)
        try:
            outcome = self._charge(processor, order)
        except BreakerOpenError:
            outcome = Outcome(State.DECLINED, Failure.SYSTEM_ERROR)  # Nothing was asked.
        except ProcessorUnavailableError:
            return payment  # The page or the timer looks up later whether it was charged.
        return self._conclude(payment, outcome, begun)

    def _charge(self, processor: Processor, order: Order) -> Outcome:
        """Charges, through the processor's circuit breaker if it is another service."""
        now = self.context.now
        if not processor.is_remote(order.payment):
            return processor.charge(order, now)
        breaker = Breaker(self.table, processor.name, now)
        return breaker.call(lambda: processor.charge(order, now))

    def submit_code(self, payment: Payment, code: str) -> None:
        """Forwards the code that the shopper typed, unless none is wanted or one is under way."""
        now = self.context.now
        try:
            sent = payments.claim_code(self.table, payment, now)
        except ConditionFailedError:
            return
        try:
            outcome = self.processor.submit_code(sent, code, now)
        except ProcessorUnavailableError:
            return  # It may have arrived: the processor is asked before a code is wanted again.
        self._conclude(sent, outcome)

    def give_up(self, payment: Payment) -> bool:
        """Ends a pending payment because its shopper wants to pay otherwise. Money that is approved
        later is refunded.

        False if the processor does not allow it at the moment. The payment then stays pending.
        """
        outcome = self._look_up_or_cancel(replace(payment, deadline_at=LONG_AGO))
        if outcome is None or outcome.state is State.PENDING:
            return False
        if outcome.failure is Failure.TIMED_OUT:
            outcome = outcome._replace(failure=Failure.CANCELED)
        self._conclude(payment, outcome)
        return True

    def settle(self, id: str) -> Payment | None:
        """Applies the processor's outcome to a payment, or cancels it after its deadline."""
        payment = payments.find(self.table, id)
        if payment is None or payment.status is not PaymentStatus.PENDING:
            return payment
        return self._settle(payment).payment

    def look_up_for_page(self, id: str) -> Lookup:
        """Settles a payment for its page, unless another page had it looked up a moment ago."""
        payment = payments.find(self.table, id)
        if payment is None or payment.status is not PaymentStatus.PENDING:
            return Lookup(payment)
        is_remote = self.processor.is_remote(payment)
        if is_remote and not payments.claim_lookup(self.table, payment, self.context.now):
            return Lookup(payment, is_skipped=True)
        return self._settle(payment)

    def on_notification(self, payment: Payment, reference: str | None = None) -> None:
        """Settles the payment of a processor's notification. A failed payment is settled too: if it
        was charged late, it is refunded.

        `reference` is that of the charge which the notification is about, if it names one. Raises
        ProcessorUnavailableError if the notification has to come again: there was no answer, and no
        timer will repeat the lookup.
        """
        if reference and payment.reference and payment.reference != reference:
            self._settle_other_charge(payment, reference)
        elif not payment.was_charged:
            is_unknown = self._settle(payment, reference).is_unknown
            if is_unknown and not self._is_looked_up_later(payment):
                raise ProcessorUnavailableError

    def _is_looked_up_later(self, payment: Payment) -> bool:
        """Whether the payment has a timer that looks it up."""
        if payment.status is PaymentStatus.FAILED:
            return (payment.watch_until or 0) > self.context.now
        return True

    def _settle(self, payment: Payment, reference: str | None = None) -> Lookup:
        outcome = self._look_up_or_cancel(payment, reference)
        if outcome is None:
            return Lookup(payment, is_unknown=True)
        concluded = self._conclude(payment, outcome)
        is_own = outcome.reference in (None, concluded.reference)
        is_pending = concluded.status is PaymentStatus.PENDING
        return Lookup(concluded, outcome.next if is_pending and is_own else None)

    def on_timer(self, timer: Timer) -> None:
        """Handles a payment's timer: settles the payment, and moves the timer if it stays pending.
        A failed payment is looked up until it can no longer be paid at the processor.

        Only deletes a timer of a payment that has ended or whose timer was moved.
        """
        payment, now = payments.find(self.table, timer.target), self.context.now
        if payment is None or not _is_current(payment, timer):
            self.table.write(timers.delete(timer))
            return
        if payment.is_held:
            Captures(*self).on_timer(payment)
            return
        lookup = self._settle(payment)
        settled = lookup.payment
        if settled is None or not _is_current(settled, timer):
            return
        next_check = _next_check(lookup, settled, now)
        if next_check is None:
            self.table.write(timers.delete(timer))
            return
        try:
            payments.check_later(self.table, settled, next_check)
        except ConditionFailedError:
            return  # The payment has ended, or another firing has moved the timer.

    def _look_up_or_cancel(self, payment: Payment, reference: str | None = None) -> Outcome | None:
        """Looks up the outcome. After the deadline, cancels a payment that is still pending.

        None while the processor is unavailable: a payment then stays pending, even after its
        deadline.
        """
        now = self.context.now
        named = replace(payment, reference=payment.reference or reference)
        try:
            outcome = self.processor.look_up(named, now) or Outcome(State.PENDING)
            is_over = payment.deadline_at <= now and not payment.is_held
            if outcome.state is State.PENDING and is_over:
                known = replace(named, reference=named.reference or outcome.reference)
                canceled = self.processor.cancel(known, now)
                return canceled or Outcome(State.DECLINED, Failure.TIMED_OUT)
        except ProcessorUnavailableError:
            return None
        return outcome

    def _settle_other_charge(self, payment: Payment, reference: str) -> None:
        """Settles a charge that was made for the payment but is not the one on record. If only this
        charge was paid, it becomes the one on record. If both were, a person has to refund it."""
        now = self.context.now
        other = replace(payment, reference=reference)
        outcome = self.processor.look_up(other, now)
        if outcome is None or outcome.state is State.DECLINED:
            return
        if outcome.state is State.PENDING:
            self._end(other)
            return
        own = payments.retrieve(self.table, payment.scope, payment.id)
        if not own.was_charged:
            ended = self._look_up_or_cancel(replace(own, deadline_at=now))
            if ended is None or ended.state is State.PENDING:
                raise ProcessorUnavailableError
            if ended.state is State.APPROVED:
                own = self._conclude(own, ended)
        if own.was_charged:
            if own.reference != reference:
                self.add_task(own, reference)
            return
        try:
            adopted = payments.set_reference(self.table, own, reference)
        except ConditionFailedError:
            # The payment changed meanwhile. The caller repeats this.
            raise ProcessorUnavailableError from None
        self._conclude(adopted, outcome)

    def _end(self, charge: Payment) -> None:
        """Ends a charge at the processor whose page was never shown."""
        try:
            ended = self.processor.cancel(charge, self.context.now)
        except ProcessorUnavailableError as error:
            log_fault(error, where=charge.id)
            return
        if ended and ended.state is State.APPROVED and charge.reference:
            self.add_task(charge, charge.reference)

    def add_task(self, payment: Payment, reference: str) -> None:
        """Puts a second charge of a payment on the list for a person, once."""
        task = Task(
            id=f"{payment.id}/{reference}",
            scope=payment.scope,
            payment=payment.id,
            processor=payment.processor,
            reference=reference,
            amount=payment.amount,
            currency=payment.currency,
            reason="charged_twice",
            created_at=self.context.now,
        )
        if tasks.add(self.table, task):
            log_metric(TASKS_ADDED, 1, "Count", self.context.now)

    def _conclude(
        self, payment: Payment, outcome: Outcome, session: Session | None = None
    ) -> Payment:
        """Stores an outcome. If the payment or session changed meanwhile, reads both again and
        retries. Raises BusyError."""

        def write() -> Payment:
            return self._record(payment, outcome, session)

        def again() -> Payment:
            return self._record(
                payments.retrieve(self.table, payment.scope, payment.id), outcome, None
            )

        concluded = until_no_conflict(self.table, write, again=again)
        if concluded.status is not payment.status:
            labels = {"Processor": concluded.processor, "Outcome": concluded.status}
            log_metric(ATTEMPTS, 1, "Count", self.context.now, **labels)
        if outcome.is_charged_twice and outcome.reference:
            self.add_task(concluded, outcome.reference)
        return concluded

    def _record(self, payment: Payment, outcome: Outcome, session: Session | None) -> Payment:
        """Stores an outcome of the payment as it was read.

        Stores the processor's reference before the shopper gets a link or secret to pay with, so
        that every charge that may be paid can be looked up. A charge that is not the one on record
        is ended, and so is one whose payment was given up before there was a reference.
        """
        new = outcome.reference
        if new and payment.reference and new != payment.reference:
            self._end(replace(payment, reference=new))
            return payment
        if new and not payment.reference:
            payment = payments.set_reference(self.table, payment, new)
            if payment.status is PaymentStatus.FAILED and outcome.state is State.PENDING:
                self._end(payment)
        if outcome.state is State.PENDING and payment.status is PaymentStatus.PENDING:
            return self._record_step(payment, outcome)
        return self._apply(payment, outcome, session)

    def _record_step(self, payment: Payment, outcome: Outcome) -> Payment:
        """Stores whether the shopper of a pending payment has to type a code."""
        if not outcome.is_step_known:
            return payment
        wanted = isinstance(outcome.next, CodeEntry)
        if wanted == (payment.code_wanted_at is not None) and payment.code_sent_at is None:
            return payment
        now = self.context.now
        return payments.set_code_step(self.table, payment, now if wanted else None)

    def _apply(self, payment: Payment, outcome: Outcome, session: Session | None = None) -> Payment:
        if payment.is_held:
            return Captures(*self).record(payment, outcome)
        can_change = payment.status in (PaymentStatus.PENDING, PaymentStatus.FAILED)
        if outcome.state is State.PENDING or not can_change:
            return payment
        session = session or sessions.find(self.table, payment.session)
        if session is None:
            raise ResourceMissingError("checkout session")
        if outcome.state is State.DECLINED:
            return self._decline(payment, outcome, session)
        return self._take(payment, outcome, session)

    def _take(self, payment: Payment, outcome: Outcome, session: Session) -> Payment:
        """Completes the session with money that was charged or is held, or sends it back."""
        pending = payment.status is PaymentStatus.PENDING
        completes = machine.allows(machine.COMPLETE, session, self.context.now, payment)
        if outcome.state is State.AUTHORIZED:
            if pending and completes:
                return payments.authorize(self.table, session, payment, self.context)
            late = payments.void_late(self.table, session, payment, self.context)
            return Captures(*self).finish(late)
        if pending and completes:
            return payments.succeed(self.table, session, payment, self.context)
        return Refunds(*self).return_late(session, payment)

    def _decline(self, payment: Payment, outcome: Outcome, session: Session) -> Payment:
        if payment.status is not PaymentStatus.PENDING:
            return payment
        failure = outcome.failure or Failure.DECLINED
        watch_until = self.processor.watch_until(payment, failure, self.context.now)
        failed = payments.fail(self.table, session, payment, failure, self.context, watch_until)
        if session.expires_at <= self.context.now:
            # Only this attempt has kept the session open beyond its `expires_at`.
            sessions.lapse(self.table, sessions.expiry_timer(session), self.context)
        return failed


def _is_current(payment: Payment, timer: Timer) -> bool:
    watched = payment.status is PaymentStatus.FAILED and payment.watch_until is not None
    is_open = payment.status is PaymentStatus.PENDING or payment.is_held
    return (is_open or watched) and payment.check_at == timer.due


def _next_check(lookup: Lookup, payment: Payment, now: int) -> int | None:
    """When a payment's timer is due next; None if nothing more can happen to it."""
    if payment.status is PaymentStatus.PENDING:
        if payment.deadline_at <= now:
            return now + ATTEMPT_CHECK_SECONDS
        wait = max(ATTEMPT_CHECK_SECONDS, (now - payment.created_at) // LONGER_CHECKS)
        return min(now + wait, payment.deadline_at)
    if lookup.is_unknown and (payment.watch_until or 0) <= now:
        return now + LONGEST_WATCH_SECONDS  # The last lookup was not answered.
    return next_watch_at(payment, now)


def _check_limits(session: Session, instrument: Instrument, processor: Processor) -> None:
    """Raises InstrumentRefusedError for a card that the session does not admit."""
    number, limits = instrument.number, session.card_limits
    if instrument.method != "card" or limits is None:
        return
    if not limits.admit(number, processor.funding_of(number)):
        raise InstrumentRefusedError("card_not_admitted")


def _new_payment(
    session: Session, instrument: Instrument, processor: Processor, now: int
) -> Payment:
    phone = instrument.number if instrument.method == "mobile_money" else None
    card = instrument.number if instrument.method == "card" else ""
    return Payment(
        id=new_id(PAYMENT),
        scope=session.scope,
        api=session.api,
        session=session.id,
        amount=session.amount,
        currency=session.currency,
        method=instrument.method,
        provider=instrument.network or (network_of(phone) if phone else None),
        phone=phone,
        card_brand=brand_of(card),
        card_last4=card[-4:] or None,
        customer=session.customer,
        metadata=session.metadata,
        description=session.description,
        statement_descriptor=session.statement_descriptor,
        processor=processor.name,
        manual_capture=session.manual_capture if instrument.method == "card" else None,
        deadline_at=now + processor.attempt_seconds(instrument),
        check_at=now + ATTEMPT_CHECK_SECONDS,
        created_at=now,
        updated_at=now,
    )
