"""Merchants and their API keys."""

from typing import NamedTuple, cast

from boto3.dynamodb.conditions import Attr

from checkout.domain.account import Caller, Merchant, Mode
from checkout.domain.ids import is_merchant_id
from checkout.store import keys
from checkout.store.items import to_item, to_record
from checkout.store.table import Put, Table, Update, open_table


def save_merchant(merchant: Merchant, table: Table | None = None) -> None:
    (table or open_table()).write(Put(to_item(merchant, **keys.merchant(merchant.id))))


def save_key(secret: str, merchant: Merchant, table: Table | None = None) -> None:
    """Stores an API key of the merchant. Its prefix tells kind and mode: `sk_test_…`."""
    kind, mode, _ = secret.split("_", 2)
    item = {"kind": kind, "mode": mode, "merchant": merchant.id, "api": merchant.api}
    (table or open_table()).write(Put(item | keys.api_key(secret)))


def revoke_key(secret: str, now: int, table: Table | None = None) -> None:
    """Revokes an API key. Processes that have cached it accept it for up to another minute.

    Raises ConditionFailedError if there is no such key.
    """
    change = Update(keys.api_key(secret), {"revoked_at": now}, Attr("pk").exists())
    (table or open_table()).write(change)


class ApiKey(NamedTuple):
    caller: Caller
    is_secret: bool
    """True for a secret key (for servers), False for a public key (for browsers)."""


def find_key(table: Table, secret: str) -> ApiKey | None:
    """An API key; None if it is unknown or revoked."""
    item = table.get(keys.api_key(secret))
    if item is None or "revoked_at" in item:
        return None
    caller = Caller(item["merchant"], cast(Mode, item["mode"]), item["api"])
    return ApiKey(caller, is_secret=item["kind"] == "sk")


def merchant(table: Table, id: str) -> Merchant | None:
    return to_record(Merchant, table.get(keys.merchant(id)) if is_merchant_id(id) else None)
