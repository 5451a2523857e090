"""Customers."""

from boto3.dynamodb.conditions import Attr

from checkout.domain.customer import Customer
from checkout.domain.errors import ReferenceMissingError
from checkout.domain.ids import CUSTOMER
from checkout.store import keys
from checkout.store.idempotency import Creation
from checkout.store.items import Item
from checkout.store.objects import Collection
from checkout.store.paging import Cursor, Keep, keep_all
from checkout.store.table import Check, Put, Table

CUSTOMERS = Collection(Customer, keys.customer, CUSTOMER, kind="customer", name="customer")

retrieve = CUSTOMERS.retrieve

_NOT_DELETED = Attr("deleted_at").not_exists()


def prepare_creation(customer: Customer, answer: str) -> Creation:
    # Without a condition: the id is new, and a put that is sent twice changes nothing.
    return Creation([Put(CUSTOMERS.item(customer))], answer)


def check_exists(scope: str, id: str) -> Check:
    """The part of a transaction that fails unless the scope has this customer."""
    return Check(keys.customer(id), Attr("scope").eq(scope) & _NOT_DELETED)


def retrieve_referenced(table: Table, scope: str, id: str, parameter: str) -> Customer:
    """The customer that a parameter names. Raises ReferenceMissingError, also for a deleted one."""
    customer = CUSTOMERS.retrieve_referenced(table, scope, id, parameter)
    if customer.deleted_at:
        raise ReferenceMissingError(CUSTOMERS.name, parameter)
    return customer


def list_page(
    table: Table, scope: str, cursor: Cursor, keep: Keep = keep_all
) -> tuple[list[Customer], bool]:
    """Customers that are not deleted, newest first, and whether more follow."""
    return CUSTOMERS.list_page(table, scope, cursor, keep, only=_NOT_DELETED)


def update(table: Table, scope: str, id: str, changes: Item, now: int) -> Customer:
    """Sets fields of a customer that is not deleted. Raises ResourceMissingError."""
    return CUSTOMERS.update(table, scope, id, changes, now, _NOT_DELETED)
