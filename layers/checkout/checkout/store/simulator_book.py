"""The simulated processor's own book of charges: what it would know if it were somebody else's."""

from boto3.dynamodb.conditions import Attr

from checkout.store import keys
from checkout.store.items import Item
from checkout.store.table import ConditionFailedError, Put, Table, Update


def enter(table: Table, attempt: str, entry: Item) -> Item:
    """The entry of an attempt: this one, or the one that was there first."""
    kept = {name: value for name, value in entry.items() if value is not None}
    try:
        table.write(Put(kept | keys.simulator(attempt), Attr("pk").not_exists()))
    except ConditionFailedError as failed:
        return failed.found[0] or kept
    return kept


def read(table: Table, attempt: str) -> Item | None:
    return table.get(keys.simulator(attempt))


def settle_early(table: Table, attempt: str, failure: str | None, now: int) -> Item | None:
    """Ends an entry that is open at `now`; the entry as it then is, if any."""
    ended: Item = {"settles_at": now, "failure": failure}
    try:
        table.write(Update(keys.simulator(attempt), ended, Attr("settles_at").gt(now)))
    except ConditionFailedError as failed:
        return failed.found[0]
    return {name: value for name, value in ended.items() if value is not None}


def mark_refunded(table: Table, attempt: str, now: int) -> None:
    """Raises ConditionFailedError for an attempt that was never charged."""
    table.write(Update(keys.simulator(attempt), {"refunded_at": now}, Attr("pk").exists()))
