"""The simulated processor's own records of charges and refunds, as a real processor keeps them."""

from boto3.dynamodb.conditions import Attr

from checkout.store import keys
from checkout.store.items import Item
from checkout.store.table import ConditionFailedError, Put, Table, Update


def record_charge(table: Table, payment_id: str, charge: Item) -> Item:
    """The payment's charge: this one, or the one that was recorded first."""
    kept = _without_none(charge)
    try:
        table.write(Put(kept | keys.simulator(payment_id), Attr("pk").not_exists()))
    except ConditionFailedError as failed:
        return failed.found[0] or kept
    return kept


def find_charge(table: Table, payment_id: str) -> Item | None:
    return table.get(keys.simulator(payment_id))


def end_charge(table: Table, payment_id: str, failure: str | None, now: int) -> Item | None:
    """Ends a charge that is open at `now`, or whose money is held. Returns the charge as stored;
    None if there is none."""
    ended: Item = {"decided_at": now, "failure": failure, "held": None}
    is_open = Attr("decided_at").gt(now) | Attr("held").exists()
    try:
        return table.update(Update(keys.simulator(payment_id), ended, is_open))
    except ConditionFailedError as failed:
        return failed.found[0]


def capture_charge(table: Table, payment_id: str, amount: int, now: int) -> Item:
    """Takes `amount` of a charge whose money is held. Returns the charge as stored."""
    is_held = Attr("held").exists() & Attr("failure").not_exists() & Attr("decided_at").lte(now)
    captured: Item = {"amount": amount, "held": None}
    condition = is_held & Attr("amount").gte(amount)
    try:
        return table.update(Update(keys.simulator(payment_id), captured, condition))
    except ConditionFailedError as failed:
        found = failed.found[0]
        if found is None:
            raise
        return found


def record_refund(
    table: Table, refund_id: str, payment_id: str, charge: Item, refund: Item
) -> Item | None:
    """The refund's record: this one, or the one that was recorded first.

    Returns None if the refund's amount is more than is left of the charge. A refund that is going
    to fail does not reduce what is left.
    """
    kept = _without_none(refund)
    refunded = 0 if "failure" in kept else kept["amount"]
    enough_left = Attr("refunded").lte(charge["amount"] - kept["amount"])
    try:
        table.write(
            Put(kept | keys.simulator_refund(payment_id, refund_id), Attr("pk").not_exists()),
            Update(keys.simulator(payment_id), {}, enough_left, {"refunded": refunded}),
        )
    except ConditionFailedError as failed:
        return failed.found.get(0)
    return kept


def find_refund(table: Table, refund_id: str, payment_id: str) -> Item | None:
    return table.get(keys.simulator_refund(payment_id, refund_id))


def _without_none(item: Item) -> Item:
    return {name: value for name, value in item.items() if value is not None}
