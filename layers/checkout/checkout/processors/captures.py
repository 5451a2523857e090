"""Captures: what becomes of money that a processor holds.

A capture or a void is stored before the processor is called, so one of several that are asked for
at once is decided, and after a crash the payment's timer repeats the call.
"""

from contextlib import suppress
from typing import NamedTuple

from checkout.domain.errors import (
    BusyError,
    CaptureRefusedError,
    CaptureTooLargeError,
    NothingHeldError,
    ResourceMissingError,
)
from checkout.domain.event import ChangeContext
from checkout.domain.payment import ATTEMPT_CHECK_SECONDS, Payment, PaymentStatus
from checkout.domain.session import Session
from checkout.processors.protocol import (
    Outcome,
    ProcessorClient,
    ProcessorUnavailableError,
    State,
)
from checkout.processors.refunds import Refunds
from checkout.store import payments, sessions
from checkout.store.table import ConditionFailedError, Table, until_no_conflict

DECIDED = {
    PaymentStatus.CAPTURING: PaymentStatus.SUCCEEDED,
    PaymentStatus.VOIDING: PaymentStatus.VOIDED,
}
"""Where a decision leads to."""
NOTHING_HELD = {
    None: "No money is held: a card payment with manual capture holds some once it is authorized.",
    PaymentStatus.CAPTURING: "A capture of this payment is under way.",
    PaymentStatus.VOIDING: "This payment is being canceled, or its time to capture has ended.",
    PaymentStatus.SUCCEEDED: "This payment has been captured, which is possible once.",
    PaymentStatus.VOIDED: "This payment was canceled, or its time to capture has ended.",
}
"""Why a payment with manual capture can't be captured or canceled, by its status."""


class Captures(NamedTuple):
    table: Table
    processor: ProcessorClient
    context: ChangeContext

    def capture(self, scope: str, session_id: str, amount: int) -> Session:
        """Takes `amount` of the money that a session's payment holds, and releases the rest.

        If the processor is unavailable, the capture stays decided and a timer repeats it. Raises
        ResourceMissingError, NothingHeldError, CaptureTooLargeError, CaptureRefusedError or
        BusyError.
        """
        return self._end(scope, session_id, PaymentStatus.CAPTURING, amount)

    def void(self, scope: str, session_id: str) -> Session:
        """Releases all of the money that a session's payment holds. As with `capture`."""
        return self._end(scope, session_id, PaymentStatus.VOIDING)

    def _end(
        self, scope: str, session_id: str, decision: PaymentStatus, amount: int | None = None
    ) -> Session:
        def decide() -> Payment:
            session = sessions.retrieve(self.table, scope, session_id)
            held = session.hold_at(self.context.now)
            if held is not PaymentStatus.AUTHORIZED or session.payment is None:
                raise NothingHeldError(NOTHING_HELD[held])
            if amount is not None and amount > session.amount:
                raise CaptureTooLargeError(session.amount)
            payment = payments.retrieve(self.table, scope, session.payment)
            return payments.move_hold(self.table, session, payment, decision, self.context, amount)

        ended = self.finish(until_no_conflict(self.table, decide))
        if ended.status is PaymentStatus.AUTHORIZED:
            raise CaptureRefusedError
        if ended.status not in (decision, DECIDED[decision]):
            raise NothingHeldError(NOTHING_HELD[ended.status])
        return sessions.retrieve(self.table, scope, session_id)

    def finish(self, payment: Payment) -> Payment:
        """Has the processor do what was decided. The payment stays as it is if the processor is
        unavailable, and the timer repeats the call."""
        now = self.context.now
        try:
            if payment.status is PaymentStatus.CAPTURING:
                outcome = self.processor.capture(payment, now)
            else:
                outcome = self.processor.cancel(payment, now) or Outcome(State.DECLINED)
            return self._conclude(payment, outcome)
        except (ProcessorUnavailableError, BusyError):
            return payment

    def _conclude(self, payment: Payment, outcome: Outcome) -> Payment:
        refused = payment.status is PaymentStatus.CAPTURING and outcome.state is State.AUTHORIZED

        def write(found: Payment) -> Payment:
            if refused and found.status is PaymentStatus.CAPTURING:
                session = self._session(found)
                status = PaymentStatus.AUTHORIZED
                return payments.move_hold(
                    self.table, session, found, status, self.context, session.amount
                )
            return self.record(found, outcome)

        def again() -> Payment:
            return write(payments.retrieve(self.table, payment.scope, payment.id))

        return until_no_conflict(self.table, lambda: write(payment), again=again)

    def record(self, payment: Payment, outcome: Outcome) -> Payment:
        """Stores the processor's outcome of a payment with manual capture. Raises
        ConditionFailedError after a conflict."""
        if not payment.is_held or outcome.state not in (State.APPROVED, State.DECLINED):
            return payment
        session = self._session(payment)
        if outcome.state is State.DECLINED:
            status = PaymentStatus.VOIDED
        elif session.payment == payment.id:
            status = PaymentStatus.SUCCEEDED
        else:  # It came too late to be held, and was captured at the processor's dashboard.
            return Refunds(*self).return_late(session, payment)
        return payments.move_hold(
            self.table, session, payment, status, self.context, outcome.amount
        )

    def on_timer(self, payment: Payment) -> None:
        """Handles the timer of held money: voids it at its end, and repeats what was decided."""
        now = self.context.now
        until = payment.capture_before_at or now
        if payment.status is PaymentStatus.AUTHORIZED and until > now:
            self._check_later(payment, until)
            return
        if payment.status is PaymentStatus.AUTHORIZED:
            session, decision = self._session(payment), PaymentStatus.VOIDING
            try:
                payment = payments.move_hold(self.table, session, payment, decision, self.context)
            except ConditionFailedError:
                return  # Another caller decided.
        ended = self.finish(payment)
        if ended.status is payment.status:
            self._check_later(ended, now + ATTEMPT_CHECK_SECONDS)

    def _check_later(self, payment: Payment, at: int) -> None:
        with suppress(ConditionFailedError):  # Another caller has moved the timer.
            payments.check_later(self.table, payment, at)

    def _session(self, payment: Payment) -> Session:
        session = sessions.find(self.table, payment.session)
        if session is None:
            raise ResourceMissingError("checkout session")
        return session
