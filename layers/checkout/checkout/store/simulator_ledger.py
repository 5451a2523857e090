"""The simulated processor's own book of charges and of their refunds: what it would know if it were
somebody else's."""

from boto3.dynamodb.conditions import Attr

from checkout.store import keys
from checkout.store.items import Item
from checkout.store.table import ConditionFailedError, Put, Table, Update


def record_charge(table: Table, attempt: str, entry: Item) -> Item:
    """The entry of an attempt: this one, or the one that was there first."""
    kept = {name: value for name, value in entry.items() if value is not None}
    try:
        table.write(Put(kept | keys.simulator(attempt), Attr("pk").not_exists()))
    except ConditionFailedError as failed:
        return failed.found[0] or kept
    return kept


def find_charge(table: Table, attempt: str) -> Item | None:
    return table.get(keys.simulator(attempt))


def settle(table: Table, attempt: str, failure: str | None, now: int) -> Item | None:
    """Ends an entry that is open at `now`; the entry as it then is, if any."""
    ended: Item = {"settles_at": now, "failure": failure}
    try:
        table.write(Update(keys.simulator(attempt), ended, Attr("settles_at").gt(now)))
    except ConditionFailedError as failed:
        return failed.found[0]
    return {name: value for name, value in ended.items() if value is not None}


def record_refund(
    table: Table, refund: str, attempt: str, charge: Item, entry: Item
) -> Item | None:
    """The entry of a refund: this one, or the one that was there first. None for one of more than
    is left of the charge. A refund that is to fail takes nothing off it."""
    kept = {name: value for name, value in entry.items() if value is not None}
    taken = 0 if "failure" in kept else kept["amount"]
    left = Attr("refunded").lte(charge["amount"] - kept["amount"])
    try:
        table.write(
            Put(kept | keys.simulator_refund(attempt, refund), Attr("pk").not_exists()),
            Update(keys.simulator(attempt), {}, left, {"refunded": taken}),
        )
    except ConditionFailedError as failed:
        return failed.found.get(0)
    return kept


def find_refund(table: Table, refund: str, attempt: str) -> Item | None:
    return table.get(keys.simulator_refund(attempt, refund))
