"""Which processor a merchant uses. The only module that knows the adapters by name.

The Stripe adapter and its package are imported at first use, because the import would slow down the
cold start of all functions.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from checkout.domain.account import Merchant, is_live, merchant_of
from checkout.domain.payment import Payment
from checkout.domain.refund import Refund
from checkout.processors.breaker import Breaker
from checkout.processors.protocol import (
    Notification,
    Outcome,
    Processor,
    ProcessorClient,
    RefundOutcome,
)
from checkout.processors.simulator import Simulator
from checkout.store import accounts
from checkout.store.table import Table

T = TypeVar("T")

SIMULATOR, STRIPE = Simulator.name, "stripe"
ACCOUNTS = 256
"""Accounts whose adapters a process keeps, each with its open connections."""


class ProcessorMissingError(Exception):
    """The merchant's account at a payment's processor is no longer configured."""


def processor_of(table: Table, merchant: Merchant | None, scope: str) -> Processor | None:
    """The processor of a scope; None in live mode without an account at a processor."""
    account = merchant.account_for(scope) if merchant else None
    if merchant and account and merchant.processor == STRIPE:
        return _stripe(scope, account.public_key, account.secret_key)
    return None if is_live(scope) else Simulator(table)


def read_notification(table: Table, scope: str, body: bytes, signature: str) -> Notification | None:
    """Reads a Stripe webhook for a scope; None if the signature is not valid for its account, or
    the body is not an event."""
    merchant = accounts.merchant(table, merchant_of(scope))
    account = merchant.account_for(scope) if merchant else None
    if account is None:
        return None
    from checkout.encryption import decrypt  # noqa: PLC0415 - makes a KMS client
    from checkout.processors import stripe_intents  # noqa: PLC0415 - a big package

    secret = decrypt(
        account.signing_secret, encryption_context=secret_context(scope, "signing_secret")
    )
    try:
        return stripe_intents.read_notification(body, signature, secret)
    except stripe_intents.NotificationError:
        return None


def secret_context(scope: str, name: str) -> str:
    """The encryption context of a secret of a merchant's account."""
    return f"{scope}/{name}"


class ProcessorRouter:
    """Sends each call to the processor that has the payment, even if the merchant has changed to
    another one since. Each processor has a circuit breaker."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        return self._ask(payment, now, lambda client: client.look_up(payment, now))

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        return self._ask(payment, now, lambda client: client.cancel(payment, now))

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        return self._ask(payment, now, lambda client: client.refund(refund, payment, now))

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        return self._ask(payment, now, lambda client: client.look_up_refund(refund, payment, now))

    def is_remote(self, payment: Payment) -> bool:
        return payment.processor != SIMULATOR

    def approval_path(self, payment: Payment) -> str | None:
        return self._of(payment).approval_path(payment)

    def _ask(self, payment: Payment, now: int, ask: Callable[[ProcessorClient], T]) -> T:
        """What the payment's processor answers, through its circuit breaker."""
        client = self._of(payment)
        if not self.is_remote(payment):
            return ask(client)
        return Breaker(self._table, payment.processor, now).call(lambda: ask(client))

    def _of(self, payment: Payment) -> ProcessorClient:
        """Raises ProcessorMissingError. The payment's timer repeats the call until the account is
        configured again."""
        if payment.processor == SIMULATOR:
            return Simulator(self._table)
        merchant = accounts.merchant(self._table, merchant_of(payment.scope))
        account = merchant.account_for(payment.scope) if merchant else None
        if payment.processor != STRIPE or account is None:
            raise ProcessorMissingError(payment.processor)
        return _stripe(payment.scope, account.public_key, account.secret_key)


@lru_cache(maxsize=ACCOUNTS)
def _stripe(scope: str, public_key: str, encrypted_key: str) -> Processor:
    from checkout.encryption import decrypt  # noqa: PLC0415 - makes a KMS client
    from checkout.processors.stripe_intents import StripeIntents  # noqa: PLC0415 - a big package

    return StripeIntents(
        public_key, decrypt(encrypted_key, encryption_context=secret_context(scope, "secret_key"))
    )
