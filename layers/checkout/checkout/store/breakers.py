"""The state of each processor's circuit breaker. All processes share it."""

from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.store import keys
from checkout.store.items import to_record, unchanged
from checkout.store.table import Table, Update


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """The state of one processor's breaker. A processor without failures has no item."""

    failures: int = 0
    """Calls in a row that were not answered."""
    open_until: int = 0
    """Epoch seconds. The processor is not called before this time. After it, one call at a time
    is sent."""


def find(table: Table, processor: str) -> BreakerState:
    return to_record(BreakerState, table.get(keys.breaker(processor)) or {})


def count_failure(table: Table, processor: str) -> BreakerState:
    counted = table.update(Update(keys.breaker(processor), {}, add={"failures": 1}))
    return to_record(BreakerState, counted)


def open_until(table: Table, processor: str, read: BreakerState, until: int) -> bool:
    """Opens a breaker until `until`. Returns False if its state has changed since it was read."""
    opened = Update(keys.breaker(processor), {"open_until": until}, _as_read(read))
    return table.write_unless_conflict(opened)


def close(table: Table, processor: str) -> None:
    table.write(Update(keys.breaker(processor), {"failures": 0, "open_until": None}))


def _as_read(read: BreakerState) -> ConditionBase:
    return unchanged(read, "open_until") if read.open_until else Attr("open_until").not_exists()
