"""Stripe PaymentIntents: an attempt is an intent. The shopper types the card into Stripe's own
fields, so that no number ever comes here.

An intent's client secret, the one thing it can be paid with, leaves this service only after the
intent's id is on the payment (`Outcome.reference`). So an intent that nobody wrote down is never
paid, and making one again under the same idempotency key is safe whatever became of the first call.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import stripe
from stripe import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    IdempotencyError,
    InvalidRequestError,
    RateLimitError,
)
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

from checkout.domain.payment import Failure, Payment
from checkout.domain.refund import Refund, RefundFailure, RefundStatus
from checkout.log import log_fault
from checkout.processors.protocol import (
    CardEntry,
    Instrument,
    InstrumentRefusedError,
    Notification,
    Outcome,
    ProcessorUnavailableError,
    RefundOutcome,
    State,
)
from checkout.settings import settings

CONNECT_SECONDS, READ_SECONDS = 2, 5
RETRIES = 1
"""Stripe's package repeats a call that got no answer, under the same idempotency key."""
SIGNATURE_SECONDS = 300
"""How old a notification may be: Stripe's own tolerance, by the machine's clock."""
LISTED = 100
FRAMES = ("https://*.js.stripe.com", "https://hooks.stripe.com")
"""What Stripe's script frames beside its own origin: the card's fields, and 3-D Secure."""

UNANSWERED = (APIConnectionError, APIError, IdempotencyError, RateLimitError)
"""What was asked for may have happened or not; the next look says."""
LOCKED_OUT = (AuthenticationError, stripe.PermissionError)
"""The key we have is not good any more: nothing happened, and nothing can be known."""

FAILURES = {
    "insufficient_funds": Failure.INSUFFICIENT_FUNDS,
    "incorrect_cvc": Failure.CODE_INCORRECT,
    "invalid_cvc": Failure.CODE_INCORRECT,
    "card_not_supported": Failure.BLOCKED,
    "restricted_card": Failure.BLOCKED,
    "processing_error": Failure.PROCESSING_ERROR,
    "issuer_not_available": Failure.SYSTEM_ERROR,
    "reenter_transaction": Failure.SYSTEM_ERROR,
    "try_again_later": Failure.SYSTEM_ERROR,
}
"""By Stripe's `decline_code`, or `code`. Every other one is a plain decline: a shopper is not told
that a card is reported stolen."""
REFUND_STATUSES = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
REFUND_FAILURES = {
    "declined": RefundFailure.DECLINED,
    "expired_or_canceled_card": RefundFailure.CARD_CLOSED,
    "insufficient_funds": RefundFailure.INSUFFICIENT_FUNDS,
    "lost_or_stolen_card": RefundFailure.CARD_CLOSED,
}

Json = dict[str, Any]

stripe.enable_telemetry = False  # It asks the machine for its name before each call.


class SignatureError(Exception):
    """Not from Stripe, too old, or not for this account."""


class StripeIntents:
    name = "stripe"
    asks_for_cards = True

    def __init__(self, public_key: str, secret_key: str) -> None:
        self._public_key = public_key
        client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": settings().stripe_api},
            http_client=_Client(),
            max_network_retries=RETRIES,
        )
        self._intents, self._refunds = client.v1.payment_intents, client.v1.refunds

    def supports(self, method: str) -> bool:
        return method == "card"

    def check(self, instrument: Instrument) -> None:
        if not self.supports(instrument.method) or instrument.number:
            raise InstrumentRefusedError("method_not_allowed")

    def charge(self, payment: Payment, instrument: Instrument, now: int) -> Outcome:
        """Makes the intent. No money moves before the shopper confirms it at Stripe."""
        with _answered():
            try:
                return self._outcome(self._make(payment))
            except (InvalidRequestError, *LOCKED_OUT) as error:
                log_fault(error, where=payment.id)
                return Outcome(State.DECLINED, Failure.SYSTEM_ERROR)

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        with _answered():
            if payment.reference is None:
                return self._outcome(self._make(payment))
            intent = self._intents.retrieve(payment.reference).to_dict()
            # A declined one could be tried again behind the back of the session's next attempt.
            return self._stop(intent["id"]) if _was_declined(intent) else self._outcome(intent)

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        if payment.reference is None:
            return None  # Nobody was ever given what it could be paid with.
        with _answered():
            return self._stop(payment.reference)

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        with _answered():
            try:
                return _refund_outcome(self._send(refund, payment))
            except InvalidRequestError as error:
                log_fault(error, where=refund.id)
                return RefundOutcome(RefundStatus.FAILED, RefundFailure.DECLINED)

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        """By the list of the intent's refunds: Stripe forgets an idempotency key after a day."""
        with _answered():
            found = self._refunds.list({"payment_intent": payment.reference or "", "limit": LISTED})
            for each in found.auto_paging_iter():
                kept: Json = each.to_dict()
                if (kept["metadata"] or {}).get("refund") == refund.id:
                    return _refund_outcome(kept)
        return None

    def _make(self, payment: Payment) -> Json:
        """Everything here stays the same for as long as the payment lives: Stripe refuses to repeat
        a call whose parameters changed."""
        made = self._intents.create(
            {
                "amount": payment.amount,
                "currency": payment.currency.lower(),
                "allowed_payment_method_types": ["card"],
                "metadata": {"payment": payment.id, "session": payment.session},
            },
            {"idempotency_key": payment.id},
        )
        return made.to_dict()

    def _stop(self, intent_id: str) -> Outcome:
        try:
            return self._outcome(self._intents.cancel(intent_id).to_dict())
        except InvalidRequestError:  # It succeeded, is being charged, or was canceled before.
            return self._outcome(self._intents.retrieve(intent_id).to_dict())

    def _send(self, refund: Refund, payment: Payment) -> Json:
        sent = self._refunds.create(
            {
                "payment_intent": payment.reference or "",
                "amount": refund.amount,
                "metadata": {"refund": refund.id, "payment": payment.id},
            },
            {"idempotency_key": refund.id},
        )
        return sent.to_dict()

    def _outcome(self, intent: Json) -> Outcome:
        if intent["status"] == "succeeded":
            return Outcome(State.APPROVED, reference=intent["id"])
        if intent["status"] == "canceled":
            return Outcome(State.DECLINED, _failure(intent), intent["id"])
        waits = intent["status"].startswith("requires_")
        step = self._card_entry(intent["client_secret"]) if waits else None
        return Outcome(State.PENDING, reference=intent["id"], next=step)

    def _card_entry(self, client_secret: str) -> CardEntry:
        script = settings().stripe_script
        return CardEntry(
            script=script,
            connects=(_origin(settings().stripe_api),),
            frames=(_origin(script), *FRAMES),
            public_key=self._public_key,
            client_secret=client_secret,
        )


def read_notification(body: bytes, signature: str | None, secret: str) -> Notification:
    """What a webhook of Stripe's is about. Raises SignatureError."""
    try:
        event = stripe.Webhook.construct_event(body, signature, secret, SIGNATURE_SECONDS)
    except (stripe.SignatureVerificationError, ValueError):
        raise SignatureError from None
    metadata = event.data.object.to_dict().get("metadata") or {}
    return Notification(payment=metadata.get("payment"), refund=metadata.get("refund"))


@contextmanager
def _answered() -> Iterator[None]:
    """Raises ProcessorUnavailableError for every answer that nothing can be built on."""
    try:
        yield
    except UNANSWERED as error:
        raise ProcessorUnavailableError from error
    except LOCKED_OUT as error:
        log_fault(error, where="stripe")
        raise ProcessorUnavailableError from error


def _was_declined(intent: Json) -> bool:
    return intent["status"] == "requires_payment_method" and bool(_error(intent))


def _error(intent: Json) -> Json:
    """What went wrong with the last try to pay it; empty where nobody tried."""
    return intent.get("last_payment_error") or {}


def _failure(intent: Json) -> Failure:
    """Why a canceled intent was not paid."""
    error = _error(intent)
    if not error:
        return Failure.TIMED_OUT
    return FAILURES.get(error.get("decline_code") or error.get("code", ""), Failure.DECLINED)


def _refund_outcome(refund: Json) -> RefundOutcome:
    status = REFUND_STATUSES.get(refund["status"], RefundStatus.PENDING)
    if status is not RefundStatus.FAILED:
        return RefundOutcome(status)
    reason = refund.get("failure_reason") or ""
    return RefundOutcome(status, REFUND_FAILURES.get(reason, RefundFailure.UNKNOWN))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _Client(stripe.HTTPClient):
    """Stripe's package over the urllib3 that is here anyway, with time-outs: its own client over
    urllib has none, and `requests` would be one more package to start."""

    name = "urllib3"

    def __init__(self) -> None:
        super().__init__()
        self._pool = PoolManager(
            timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            cert_reqs="CERT_REQUIRED",
            ca_certs=stripe.ca_bundle_path,
        )

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Any]:
        try:
            answer = self._pool.request(
                method.upper(), url, headers=headers, body=post_data, redirect=False
            )
        except HTTPError as error:
            # Without the error's own text: it repeats the address, and an intent's id with it.
            raise APIConnectionError("No answer.", should_retry=True) from error
        return answer.data.decode(), answer.status, answer.headers

    def close(self) -> None:
        self._pool.clear()
