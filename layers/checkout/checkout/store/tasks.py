"""Tasks: amounts of money that only a person can return, because no API call can."""

from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr, Key

from checkout.store import keys
from checkout.store.items import to_item, to_record
from checkout.store.table import Delete, Put, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Times are epoch seconds, `amount` is in the currency's minor unit."""

    id: str
    """The payment's id and, after a slash, the refund or charge that the task is about."""
    scope: str
    payment: str
    processor: str
    reference: str | None = None
    """The processor's own id of the charge."""
    amount: int
    currency: str
    reason: str
    """`refund_failed`: late money could not be sent back. `refund_needs_account`: the merchant has
    to name the shopper's bank account at the processor. `charged_twice`: one payment has two
    successful charges. `payment_rebuilt`, `payment_lost`, `session_lost`: see
    `checkout.repairs`."""
    created_at: int


def put(task: Task) -> Put:
    """The write of a task, in place of an earlier one with its id."""
    return Put(to_item(task, **keys.task(task.id)))


def add(table: Table, task: Task) -> bool:
    """Adds a task; False if it was on the list before."""
    return table.add(put(task).item)


def list_all(table: Table) -> list[Task]:
    """The open tasks of all merchants, the oldest payments first."""
    items = table.query_all(Key("pk").eq(keys.TASKS))
    return [to_record(Task, item) for item in items]


def close(table: Table, id: str) -> bool:
    """Takes a task off the list; False if it is not there."""
    return table.write_unless_conflict(Delete(keys.task(id), Attr("pk").exists()))
