"""Reconciliations: each account has one item, which holds how far its comparison has come."""

from boto3.dynamodb.conditions import Attr

from checkout.domain.reconciliation import Reconciliation, new_reconciliation
from checkout.domain.timer import Timer
from checkout.store import keys, timers
from checkout.store.items import changes, to_item, to_record, unchanged
from checkout.store.table import Delete, Put, Table, Update


def start(table: Table, processor: str, scope: str, now: int) -> None:
    """Starts the daily comparisons of an account, unless it has them already."""
    new = new_reconciliation(processor, scope, now)
    item = to_item(new, **keys.reconciliation(processor, scope))
    table.write_unless_conflict(Put(item, Attr("pk").not_exists()), timers.put(_timer(new)))


def find(table: Table, timer: Timer) -> Reconciliation | None:
    """The reconciliation of a timer; None if it has ended, or has another timer by now."""
    processor, scope = keys.split_reconciliation_target(timer.target)
    found = to_record(Reconciliation, table.get(keys.reconciliation(processor, scope)))
    return found if found and found.timer_due == timer.due else None


def move_on(table: Table, before: Reconciliation, after: Reconciliation) -> bool:
    """Stores how far a comparison has come, and moves its timer. Returns False if another firing of
    the timer was faster."""
    update = Update(
        keys.reconciliation(before.processor, before.scope),
        changes(to_item(before), to_item(after)),
        unchanged(before, "timer_due", "cursor"),
    )
    return table.write_unless_conflict(update, *timers.move(_timer(before), _timer(after)))


def end(table: Table, ended: Reconciliation) -> None:
    key = keys.reconciliation(ended.processor, ended.scope)
    table.write(Delete(key), timers.delete(_timer(ended)))


def _timer(reconciliation: Reconciliation) -> Timer:
    return timers.reconciliation(
        reconciliation.processor, reconciliation.scope, reconciliation.timer_due
    )
