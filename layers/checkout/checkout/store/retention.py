"""Retention: takes persons out of objects that ended long ago. Ids, amounts and states stay."""

from collections.abc import Callable, Mapping

from boto3.dynamodb.conditions import Attr

from checkout.domain.customer import Customer
from checkout.domain.payment import PaymentStatus
from checkout.domain.refund import RefundStatus
from checkout.domain.session import Status
from checkout.store import customers, keys, sessions
from checkout.store.items import Item, to_record
from checkout.store.paging import Cursor, SessionFilters
from checkout.store.table import Table, Update

DAY = 24 * 60 * 60


def forget(table: Table, item: Item, days: int, now: int) -> bool:
    """Takes the person out of the object in an item if the object ended more than `days` ago.

    Returns whether it changed. Nothing is written if the object is changed at the same time.
    """
    kind, before = keys.kind_of(item), now - days * DAY
    if kind not in ENDED or item["updated_at"] > before or not ENDED[kind](item, now):
        return False
    changed = {
        name: value
        for name, value in _without_person(kind, item).items()
        if item.get(name) != value and (value or item.get(name))
    }
    if not changed or (kind == "CUSTOMER" and _has_session_since(table, item, before, now)):
        return False
    unchanged = Attr("updated_at").eq(item["updated_at"])
    return table.write_unless_conflict(
        Update({"pk": item["pk"], "sk": item["sk"]}, changed, unchanged)
    )


ENDED: Mapping[str, Callable[[Item, int], bool]] = {
    "SESSION": lambda item, _now: item["status"] != Status.OPEN,
    "PAYMENT": lambda item, now: (
        item["status"] != PaymentStatus.PENDING and item.get("watch_until", 0) <= now
    ),
    "REFUND": lambda item, _now: item["status"] != RefundStatus.PENDING,
    "CUSTOMER": lambda _item, _now: True,
}
"""Whether an object has ended, by the kind of its item."""


def _without_person(kind: str, item: Item) -> Item:
    """The attributes of the item without the person; None stands for none."""
    details = item.get("details", {})
    if kind == "CUSTOMER":
        return customers.without_person(details)
    contact = dict.fromkeys(("customer_email", "customer_phone", "phone", "billing", "metadata"))
    if details.get("customer"):
        return contact | {"details": details | {"customer": None}}
    return contact


def _has_session_since(table: Table, item: Item, moment: int, now: int) -> bool:
    """Whether a session that names the customer was created since a moment."""
    customer = to_record(Customer, item)
    newest = sessions.list_page(
        table, customer.scope, SessionFilters(customer=customer.id), Cursor(1), now
    )
    return any(session.created_at > moment for session in newest.objects)
