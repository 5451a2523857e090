"""Which processors a merchant uses. The only module that knows the adapters by name.

Adapters other than the simulator are imported at first use, because their imports would slow down
the cold start of all functions.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from checkout.domain.account import Merchant, ProcessorAccount, is_live, merchant_of
from checkout.domain.payment import Failure, Payment
from checkout.domain.refund import Refund
from checkout.processors.breaker import Breaker
from checkout.processors.protocol import (
    Notification,
    NotificationError,
    Outcome,
    Processor,
    ProcessorClient,
    RefundOutcome,
)
from checkout.processors.simulator import Simulator
from checkout.store import accounts
from checkout.store.table import Table

T = TypeVar("T")

SIMULATOR, STRIPE, PAYSTACK, PAYMONGO = Simulator.name, "stripe", "paystack", "paymongo"
METHODS = {
    STRIPE: ("card",),
    PAYSTACK: ("card", "mobile_money"),
    PAYMONGO: ("card", "gcash", "maya", "qrph", "grab_pay"),
}
"""The payment methods that each adapter supports. An account may be limited to some of them."""
HOLDING = (SIMULATOR, STRIPE)
"""Processors that can hold a card's money until it is captured."""
RECONCILED = (PAYSTACK, PAYMONGO)
"""Processors whose own lists of charges are compared with ours."""
ACCOUNTS = 256
"""The most accounts whose adapters a process keeps. Each adapter has open connections."""


class ProcessorMissingError(Exception):
    """The merchant's account at a payment's processor is no longer configured."""


def processors_of(table: Table, merchant: Merchant | None, scope: str) -> dict[str, Processor]:
    """The processor of each payment method that the merchant takes in a scope's mode.

    Without an account there is the simulator in test mode, and nothing in live mode. A suspended
    merchant takes no new payments at all.
    """
    if merchant and merchant.suspended_at:
        return {}
    found: dict[str, Processor] = {}
    for account in merchant.accounts_for(scope) if merchant else []:
        adapter = _open(scope, account) if account.methods else None
        for method in account.methods:
            if adapter and method not in found and adapter.supports(method):
                found[method] = adapter
    if found or is_live(scope):
        return found
    simulator = Simulator(table)
    return dict.fromkeys(simulator.methods, simulator)


def sees_cards(table: Table, scope: str) -> bool:
    """Whether the scope's shoppers type their cards on a page of this service, as they do for the
    simulator only."""
    merchant = accounts.merchant(table, merchant_of(scope))
    found = merchant.accounts_for(scope) if merchant else []
    return not is_live(scope) and not any("card" in account.methods for account in found)


def can_hold_cards(table: Table, scope: str) -> bool:
    """Whether the processor of the scope's cards can hold money. True if it takes no cards."""
    merchant = accounts.merchant(table, merchant_of(scope))
    found = merchant.accounts_for(scope) if merchant else []
    of_cards = [account.processor for account in found if "card" in account.methods]
    return not of_cards or of_cards[0] in HOLDING


def without_charging_cards(processors: dict[str, Processor]) -> dict[str, Processor]:
    """The processors, without one that would charge a card at once and hold no money."""
    return {
        method: processor
        for method, processor in processors.items()
        if method != "card" or processor.name in HOLDING
    }


def processor_at(table: Table, name: str, scope: str) -> Processor:
    """The adapter of a merchant's account at a processor. Raises ProcessorMissingError."""
    if name == SIMULATOR:
        return Simulator(table)
    merchant = accounts.merchant(table, merchant_of(scope))
    account = merchant.account_at(name, scope) if merchant else None
    if account is None:
        raise ProcessorMissingError(name)
    return _open(scope, account)


def read_notification(
    table: Table, name: str, scope: str, body: bytes, signature: str
) -> Notification | None:
    """Reads a processor's notification for a scope; None if the signature is not valid for its
    account, or the body is not an event."""
    merchant = accounts.merchant(table, merchant_of(scope))
    account = merchant.account_at(name, scope) if merchant else None
    if account is None:
        return None
    secret = _decrypt(account.signing_secret, scope, name, "signing_secret")
    try:
        return _reader(name)(body, signature, secret, is_live(scope))
    except NotificationError:
        return None


def secret_context(scope: str, processor: str, name: str) -> str:
    """The encryption context of a secret of a merchant's account."""
    return f"{scope}/{processor}/{name}"


class ProcessorRouter:
    """Sends each call to the processor that has the payment, even if the merchant uses another one
    by now. Each processor has a circuit breaker."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        return self._ask(payment, now, lambda client: client.look_up(payment, now))

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        return self._ask(payment, now, lambda client: client.cancel(payment, now))

    def capture(self, payment: Payment, now: int) -> Outcome:
        return self._ask(payment, now, lambda client: client.capture(payment, now))

    def submit_code(self, payment: Payment, code: str, now: int) -> Outcome:
        return self._ask(payment, now, lambda client: client.submit_code(payment, code, now))

    def refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome:
        return self._ask(payment, now, lambda client: client.refund(refund, payment, now))

    def look_up_refund(self, refund: Refund, payment: Payment, now: int) -> RefundOutcome | None:
        return self._ask(payment, now, lambda client: client.look_up_refund(refund, payment, now))

    def watch_until(self, payment: Payment, failure: Failure, now: int) -> int | None:
        return self._of(payment).watch_until(payment, failure, now)

    def repeats_refunds(self, payment: Payment) -> bool:
        return self._of(payment).repeats_refunds(payment)

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
        return processor_at(self._table, payment.processor, payment.scope)


@lru_cache(maxsize=ACCOUNTS)
def _open(scope: str, account: ProcessorAccount) -> Processor:
    """The adapter of an account. Its modules are imported here, at first use."""
    secret_key = _decrypt(account.secret_key, scope, account.processor, "secret_key")
    if account.processor == PAYSTACK:
        from checkout.processors.paystack import Paystack  # noqa: PLC0415 - see above

        return Paystack(secret_key, is_live(scope))
    if account.processor == PAYMONGO:
        from checkout.processors.paymongo import PayMongo  # noqa: PLC0415 - see above

        return PayMongo(secret_key, is_live(scope))
    from checkout.processors.stripe_intents import StripeIntents  # noqa: PLC0415 - see above

    return StripeIntents(account.public_key, secret_key)


def _reader(name: str) -> Callable[[bytes, str, str, bool], Notification]:
    """The function that verifies and reads a processor's notifications. Its arguments are the body,
    the signature, the secret, and whether the mode is live. It raises NotificationError."""
    if name == PAYSTACK:
        from checkout.processors import paystack  # noqa: PLC0415 - only its own notifications need it

        return paystack.read_notification
    if name == PAYMONGO:
        from checkout.processors import paymongo  # noqa: PLC0415 - only its own notifications need it

        return paymongo.read_notification
    from checkout.processors import stripe_intents  # noqa: PLC0415 - a big package

    return stripe_intents.read_notification


def _decrypt(encrypted: str, scope: str, processor: str, name: str) -> str:
    from checkout.encryption import decrypt  # noqa: PLC0415 - makes a KMS client

    return decrypt(encrypted, encryption_context=secret_context(scope, processor, name))
