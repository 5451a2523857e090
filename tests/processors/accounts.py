"""Merchants whose processor is Stripe."""

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
    for mode in ("test", "live"):
        merchant = merchant.with_account(
            account_at("stripe", merchant_id, mode, SECRET, SIGNING, PUBLIC)
        )
    accounts.save_merchant(merchant, table)


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
