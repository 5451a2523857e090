"""Which processor an account uses. The only place that knows the adapters by name.

An adapter with a package of its own is imported when the first account needs it, so that no other
account's functions start later for it.
"""

from functools import lru_cache

from checkout.domain.account import Merchant, is_live, merchant_of
from checkout.domain.payment import Payment
from checkout.domain.refund import Refund
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

SIMULATOR, STRIPE = Simulator.name, "stripe"
ACCOUNTS = 256
"""How many accounts' adapters a process keeps, each with its open connections."""


class ProcessorMissingError(Exception):
    """The account at a processor that a payment was made at is not in the settings any more."""


def processor_of(table: Table, merchant: Merchant | None, scope: str) -> Processor | None:
    """What takes the payments of a scope; None where nothing can: live mode without an account."""
    account = merchant.account_for(scope) if merchant else None
    if merchant and account and merchant.processor == STRIPE:
        return _stripe(scope, account.public_key, account.secret_key)
    return None if is_live(scope) else Simulator(table)


def read_notification(
    table: Table, scope: str, body: bytes, signature: str | None
) -> Notification | None:
    """What Stripe's webhook about a scope says; None for one that no account here was sent."""
    merchant = accounts.merchant(table, merchant_of(scope))
    account = merchant.account_for(scope) if merchant else None
    if account is None:
        return None
    from checkout.encryption import decrypt  # noqa: PLC0415 - a client of KMS's
    from checkout.processors import stripe_intents  # noqa: PLC0415 - a big package

    secret = decrypt(
        account.signing_secret, encryption_context=secret_context(scope, "signing_secret")
    )
    try:
        return stripe_intents.read_notification(body, signature, secret)
    except stripe_intents.SignatureError:
        return None


def secret_context(scope: str, name: str) -> str:
    """What a secret of an account's is encrypted for."""
    return f"{scope}/{name}"


class ProcessorRouter:
    """Every account's processor as one: each call goes to whoever has the payment, also after its
    merchant went back to the simulator."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        return self._of(payment).look_up(payment, now)

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        return self._of(payment).cancel(payment, now)

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        return self._of(payment).refund(refund, payment, now)

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        return self._of(payment).look_up_refund(refund, payment, now)

    def _of(self, payment: Payment) -> ProcessorClient:
        """Raises ProcessorMissingError; the payment's timer is still there when it is back."""
        if payment.processor == SIMULATOR:
            return Simulator(self._table)
        merchant = accounts.merchant(self._table, merchant_of(payment.scope))
        account = merchant.account_for(payment.scope) if merchant else None
        if payment.processor != STRIPE or account is None:
            raise ProcessorMissingError(payment.processor)
        return _stripe(payment.scope, account.public_key, account.secret_key)


@lru_cache(maxsize=ACCOUNTS)
def _stripe(scope: str, public_key: str, encrypted_key: str) -> Processor:
    from checkout.encryption import decrypt  # noqa: PLC0415 - a client of KMS's
    from checkout.processors.stripe_intents import StripeIntents  # noqa: PLC0415 - a big package

    return StripeIntents(
        public_key, decrypt(encrypted_key, encryption_context=secret_context(scope, "secret_key"))
    )
