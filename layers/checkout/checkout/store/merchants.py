"""Changes of merchants and their API keys by an operator.

Each change is one transaction with an audit record, conditional on the merchant's revision, so that
two operators do not undo each other's changes. No function imports this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.account import Merchant, ProcessorAccount
from checkout.domain.ids import MERCHANT, is_merchant_id, new_id, random_text
from checkout.store import accounts, keys
from checkout.store.items import Item, to_item, to_record
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update

KEY_LENGTH = 32
HINT_LENGTH = 4
"""The last characters of a key, which are shown so that a merchant can tell keys apart."""
MAX_KEYS = 40
"""Keys of a merchant that are not revoked. A suspension writes all of them in one transaction."""
DAY = 24 * 60 * 60
KINDS = ("sk", "pk")
MODES = ("test", "live")


class ChangeRefusedError(Exception):
    """The change is not possible. The text is for the operator; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is known of an API key; the key itself is not stored. Times are epoch seconds."""

    id: str
    kind: str
    """`sk` for a secret key, `pk` for a public one."""
    mode: str
    hint: str
    """The key's last characters. Empty for a key that was made before they were kept."""
    digest: str
    created_at: int
    revoked_at: int | None = None
    """When it stops to be accepted. In the future for a key that was rolled."""

    def is_revoked_at(self, now: int) -> bool:
        return self.revoked_at is not None and self.revoked_at <= now


@dataclass(frozen=True, slots=True)
class ManagedMerchant(Merchant):
    """A merchant with what only operators see."""

    keys: tuple[KeyRecord, ...] = ()
    """Its keys, the oldest first. Revoked ones are dropped a month later."""
    revision: int = 0
    """Counts the changes."""
    created_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """A change of a merchant. It has no secret."""

    id: str
    at: int
    by: str
    """The operator."""
    action: str
    details: dict[str, Any]


class Operator(NamedTuple):
    """An operator who changes merchants now."""

    table: Table
    name: str
    """For the audit record."""
    now: int

    def create(self, merchant: Merchant) -> tuple[ManagedMerchant, list[str]]:
        """Creates a merchant with a secret and a public key for each mode. Returns it and its keys,
        which are stored as digests only."""
        pairs = [(kind, mode) for mode in MODES for kind in KINDS]
        secrets = [_new_key(kind, mode) for kind, mode in pairs]
        created = ManagedMerchant(
            **{name: getattr(merchant, name) for name in Merchant.__slots__},
            keys=tuple(self._record(secret) for secret in secrets),
            created_at=self.now,
        )
        puts = [Put(_key_item(each, created)) for each in secrets]
        self._write(None, created, "create", {"name": created.name, "api": created.api}, puts)
        return created, secrets

    def change(self, id: str, **fields: Any) -> ManagedMerchant:
        """Sets the merchant's name, branding or links, where None removes a field."""
        merchant = find(self.table, id)
        return self._write(merchant, replace(merchant, **fields), "change", fields)

    def add_key(self, id: str, kind: str, mode: str) -> tuple[KeyRecord, str]:
        """Creates another key of the merchant. Returns what is kept of it, and the key."""
        merchant = find(self.table, id)
        record, secret, put = self._new_key(merchant, kind, mode)
        self._write(merchant, self._with_keys(merchant, record), "keys add", _about(record), [put])
        return record, secret

    def roll_key(self, id: str, key_id: str, overlap: int) -> tuple[KeyRecord, str]:
        """Creates a key of the same kind and mode. The old key is accepted for `overlap` more
        seconds."""
        merchant = find(self.table, id)
        old = replace(self._active_key(merchant, key_id), revoked_at=self.now + overlap)
        record, secret, put = self._new_key(merchant, old.kind, old.mode)
        details = _about(record) | {"replaces": old.id, "revoked_at": old.revoked_at}
        actions: list[Action] = [put, _update_key(old, {"revoked_at": old.revoked_at})]
        self._write(merchant, self._with_keys(merchant, old, record), "keys roll", details, actions)
        return record, secret

    def revoke_key(self, id: str, key_id: str) -> KeyRecord:
        """Revokes a key. Processes that have seen it accept it for up to another minute."""
        merchant = find(self.table, id)
        revoked = replace(self._active_key(merchant, key_id), revoked_at=self.now)
        update = _update_key(revoked, {"revoked_at": self.now})
        changed = self._with_keys(merchant, revoked)
        self._write(merchant, changed, "keys revoke", _about(revoked), [update])
        return revoked

    def suspend(self, id: str, reason: str) -> ManagedMerchant:
        """Refuses the merchant's keys and new payments. Payments in flight, refunds that were
        begun, and webhooks go on."""
        merchant = find(self.table, id)
        if merchant.suspended_at:
            raise ChangeRefusedError("The merchant is suspended already.")
        suspended = replace(merchant, suspended_at=self.now)
        return self._write(
            merchant, suspended, "suspend", {"reason": reason}, self._mark_keys(suspended)
        )

    def resume(self, id: str, reason: str) -> ManagedMerchant:
        merchant = find(self.table, id)
        if not merchant.suspended_at:
            raise ChangeRefusedError("The merchant is not suspended.")
        resumed = replace(merchant, suspended_at=None)
        return self._write(
            merchant, resumed, "resume", {"reason": reason}, self._mark_keys(resumed)
        )

    def set_account(self, id: str, account: ProcessorAccount) -> ManagedMerchant:
        """Sets the merchant's account at a processor."""
        merchant = find(self.table, id)
        details = {
            "processor": account.processor,
            "mode": account.mode,
            "methods": [*account.methods],
        }
        changed = merchant.with_account(account)
        return self._write(merchant, changed, "processor", details)

    def remove_accounts(self, id: str) -> ManagedMerchant:
        """Keeps the merchant's accounts only for payments in flight and for refunds."""
        merchant = find(self.table, id)
        details = {"processor": "simulator"}
        return self._write(merchant, merchant.without_processors(), "processor", details)

    def adopt_key(self, digest: str) -> bool:
        """Lists a key that was stored without a record. Returns False if it has one."""
        item = self.table.get(keys.api_key_of(digest))
        merchant = find(self.table, item["merchant"]) if item else None
        if item is None or merchant is None or any(k.digest == digest for k in merchant.keys):
            return False
        record = KeyRecord(
            id=new_id("key"),
            kind=item["kind"],
            mode=item["mode"],
            hint="",
            digest=digest,
            created_at=0,
            revoked_at=item.get("revoked_at"),
        )
        changed = replace(merchant, keys=(*merchant.keys, record))
        update = _update_key(record, {"schema": accounts.LISTED})
        self._write(merchant, changed, "keys adopt", _about(record), [update])
        return True

    def record(self, id: str, action: str, details: Item) -> None:
        """Writes an audit record of something that changed no field of the merchant."""
        self.table.write(self._put_record(id, action, details))

    def _put_record(self, id: str, action: str, details: Item) -> Put:
        record = AuditRecord(
            id=new_id("aud"), at=self.now, by=self.name, action=action, details=details
        )
        return Put(to_item(record, **keys.audit_record(id, record.id)))

    def _new_key(
        self, merchant: ManagedMerchant, kind: str, mode: str
    ) -> tuple[KeyRecord, str, Put]:
        active = [key for key in merchant.keys if not key.is_revoked_at(self.now)]
        if len(active) >= MAX_KEYS:
            raise ChangeRefusedError(f"The merchant has {MAX_KEYS} keys. Revoke one first.")
        secret = _new_key(kind, mode)
        item = _key_item(secret, merchant) | {"suspended_at": merchant.suspended_at}
        return self._record(secret), secret, Put(item)

    def _record(self, secret: str) -> KeyRecord:
        kind, mode, text = secret.split("_", 2)
        return KeyRecord(
            id=new_id("key"),
            kind=kind,
            mode=mode,
            hint=text[-HINT_LENGTH:],
            digest=keys.api_key_digest(secret),
            created_at=self.now,
        )

    def _active_key(self, merchant: ManagedMerchant, key_id: str) -> KeyRecord:
        for key in merchant.keys:
            if key.id == key_id and not key.is_revoked_at(self.now):
                return key
        raise ChangeRefusedError("The merchant has no such key, or it was revoked.")

    def _with_keys(self, merchant: ManagedMerchant, *changed: KeyRecord) -> ManagedMerchant:
        """The merchant with these keys added or replaced, without those that were revoked a month
        ago."""
        by_id = {key.id: key for key in (*merchant.keys, *changed)}
        kept = [key for key in by_id.values() if not key.is_revoked_at(self.now - 30 * DAY)]
        return replace(merchant, keys=tuple(kept))

    def _mark_keys(self, merchant: ManagedMerchant) -> list[Action]:
        """Stores with each key whether the merchant is suspended, so that a request reads no more
        than its key."""
        changes = {"suspended_at": merchant.suspended_at}
        active = [key for key in merchant.keys if not key.is_revoked_at(self.now)]
        return [_update_key(key, changes) for key in active]

    def _write(
        self,
        before: ManagedMerchant | None,
        after: ManagedMerchant,
        action: str,
        details: Item,
        others: Sequence[Action] = (),
    ) -> ManagedMerchant:
        """Writes the merchant, the audit record and `others` if the merchant is unchanged since it
        was read. Raises ChangeRefusedError otherwise."""
        changed = replace(after, revision=after.revision + 1)
        put_record = self._put_record(after.id, action, details)
        put = Put(accounts.merchant_item(changed), _is_unchanged(before))
        try:
            self.table.write(put, put_record, *others)
        except ConditionFailedError:
            raise ChangeRefusedError("The merchant was changed meanwhile. Try again.") from None
        return changed


def new_merchant(name: str, api: str, **fields: Any) -> Merchant:
    return Merchant(new_id(MERCHANT), name, api, **fields)


def find(table: Table, id: str) -> ManagedMerchant:
    """A merchant. Raises ChangeRefusedError if there is none with this id."""
    found = to_record(ManagedMerchant, table.get(keys.merchant(id)) if is_merchant_id(id) else None)
    if found is None:
        raise ChangeRefusedError("No such merchant.")
    return found


def list_all(table: Table) -> list[ManagedMerchant]:
    """All merchants, the oldest first. One that was created a moment ago may be missing."""
    entries = table.query_all(Key("gsi1pk").eq(keys.MERCHANTS), index="gsi1")
    items = table.get_many([keys.merchant(entry["gsi1sk"]) for entry in entries])
    return [to_record(ManagedMerchant, item) for item in items if item]


def list_audit_records(table: Table, id: str) -> list[AuditRecord]:
    """The changes of a merchant, the oldest first."""
    of_merchant = Key("pk").eq(keys.merchant(id)["pk"])
    records = table.query_all(of_merchant & Key("sk").begins_with(keys.AUDIT_PREFIX))
    return [to_record(AuditRecord, item) for item in records]


def _new_key(kind: str, mode: str) -> str:
    return f"{kind}_{mode}_{random_text(KEY_LENGTH)}"


def _key_item(secret: str, merchant: Merchant) -> Item:
    return accounts.key_item(secret, merchant) | {"schema": accounts.LISTED}


def _update_key(key: KeyRecord, changes: Item) -> Update:
    return Update(keys.api_key_of(key.digest), changes, Attr("pk").exists())


def _about(key: KeyRecord) -> Item:
    return {"key": key.id, "kind": key.kind, "mode": key.mode, "hint": key.hint}


def _is_unchanged(before: ManagedMerchant | None) -> Any:
    if before is None:
        return Attr("pk").not_exists()
    same = Attr("revision").eq(before.revision)
    # A merchant that was never changed by an operator has no revision.
    return same if before.revision else same | Attr("revision").not_exists()
