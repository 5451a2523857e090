"""Merchants and their API keys, as the API and the page read them.

An operator changes them with `checkout.store.merchants`, which keeps a record of each change.
"""

from typing import NamedTuple, cast

from boto3.dynamodb.conditions import Attr

from checkout.domain.account import Caller, Merchant, Mode
from checkout.domain.ids import is_merchant_id
from checkout.store import keys
from checkout.store.items import Item, to_item, to_record
from checkout.store.table import Put, Table, Update, open_table

LISTED = 2
"""The schema of merchants and keys that are in a list; see `checkout.store.migrations`."""


def save_merchant(merchant: Merchant, table: Table | None = None) -> None:
    """Writes a merchant in place of the one that is stored, with what only operators see of it."""
    (table or open_table()).write(Put(merchant_item(merchant)))


def merchant_item(merchant: Merchant) -> Item:
    """The merchant's item, with the attributes that list it."""
    listed = {"gsi1pk": keys.MERCHANTS, "gsi1sk": merchant.id, "schema": LISTED}
    return to_item(merchant, **keys.merchant(merchant.id), **listed)


def save_key(secret: str, merchant: Merchant, table: Table | None = None) -> None:
    """Stores an API key of the merchant. Its prefix tells kind and mode: `sk_test_…`."""
    (table or open_table()).write(Put(key_item(secret, merchant)))


def key_item(secret: str, merchant: Merchant) -> Item:
    kind, mode, _ = secret.split("_", 2)
    item = {"kind": kind, "mode": mode, "merchant": merchant.id, "api": merchant.api}
    return item | keys.api_key(secret)


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
    revoked_at: int | None
    """In the future while a key that was rolled is still accepted."""
    is_suspended: bool

    def is_revoked_at(self, now: int) -> bool:
        return self.revoked_at is not None and self.revoked_at <= now


def find_key(table: Table, secret: str) -> ApiKey | None:
    """An API key; None if it is unknown."""
    item = table.get(keys.api_key(secret))
    if item is None:
        return None
    caller = Caller(item["merchant"], cast(Mode, item["mode"]), item["api"])
    return ApiKey(
        caller,
        is_secret=item["kind"] == "sk",
        revoked_at=item.get("revoked_at"),
        is_suspended="suspended_at" in item,
    )


def merchant(table: Table, id: str) -> Merchant | None:
    return to_record(Merchant, table.get(keys.merchant(id)) if is_merchant_id(id) else None)
