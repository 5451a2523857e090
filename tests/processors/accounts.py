"""Merchants whose processor is Stripe."""

from dataclasses import replace

from checkout.domain.account import ProcessorAccount, scope_of
from checkout.encryption import encrypt
from checkout.processors import registry
from checkout.store import accounts
from checkout.store.table import Table

PUBLIC, SECRET, SIGNING = "pk_test_books", "sk_test_books", "whsec_books"


def open_at_stripe(table: Table, merchant_id: str) -> None:
    """Gives a merchant the same Stripe account in test and live mode."""
    merchant = accounts.merchant(table, merchant_id)
    assert merchant is not None
    test, live = (_account(scope_of(merchant_id, mode)) for mode in ("test", "live"))
    accounts.save_merchant(replace(merchant, processor="stripe", test=test, live=live), table)


def _account(scope: str) -> ProcessorAccount:
    return ProcessorAccount(
        public_key=PUBLIC,
        secret_key=encrypt(SECRET, encryption_context=registry.secret_context(scope, "secret_key")),
        signing_secret=encrypt(
            SIGNING, encryption_context=registry.secret_context(scope, "signing_secret")
        ),
    )
