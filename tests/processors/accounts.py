"""Merchants with accounts at processors."""

from checkout.domain.account import ProcessorAccount, scope_of
from checkout.encryption import encrypt
from checkout.processors import registry
from checkout.store import accounts
from checkout.store.table import Table
from devstack.fakes import paymongo, paystack

PUBLIC, SECRET, SIGNING = "pk_test_books", "sk_test_books", "whsec_books"


def open_at_stripe(table: Table, merchant_id: str) -> None:
    """Gives a merchant the same Stripe account in test and live mode."""
    merchant = accounts.merchant(table, merchant_id)
    assert merchant is not None
    for mode in ("test", "live"):
        merchant = merchant.with_account(
            account_at("stripe", merchant_id, mode, SECRET, SIGNING, PUBLIC)
        )
    accounts.save_merchant(merchant, table)


def open_at_paystack(table: Table, merchant_id: str) -> None:
    """Gives a merchant accounts at the fake of Paystack, which signs with the secret key."""
    for mode, secret in (("test", paystack.TEST_SECRET), ("live", paystack.LIVE_SECRET)):
        _open(table, merchant_id, account_at("paystack", merchant_id, mode, secret, secret))


def open_at_paymongo(table: Table, merchant_id: str) -> None:
    """Gives a merchant accounts at the fake of PayMongo."""
    for mode, secret in (("test", paymongo.TEST_SECRET), ("live", paymongo.LIVE_SECRET)):
        signing = paymongo.SIGNING
        _open(table, merchant_id, account_at("paymongo", merchant_id, mode, secret, signing))


def _open(table: Table, merchant_id: str, account: ProcessorAccount) -> None:
    merchant = accounts.merchant(table, merchant_id)
    assert merchant is not None
    accounts.save_merchant(merchant.with_account(account), table)


def account_at(
    processor: str,
    merchant_id: str,
    mode: str,
    secret_key: str,
    signing_secret: str,
    public_key: str = "",
) -> ProcessorAccount:
    """An account with encrypted secrets and all methods of its processor."""
    scope = scope_of(merchant_id, mode)

    def sealed(name: str, secret: str) -> str:
        context = registry.secret_context(scope, processor, name)
        return encrypt(secret, encryption_context=context)

    return ProcessorAccount(
        processor=processor,
        mode=mode,
        methods=registry.METHODS[processor],
        public_key=public_key,
        secret_key=sealed("secret_key", secret_key),
        signing_secret=sealed("signing_secret", signing_secret),
    )
