"""Concurrency leases: a sender holds one of a webhook endpoint's while it makes attempts to it.

If the holder dies, the lease is free again when its time is over.
"""

import random
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.ids import random_text
from checkout.store import keys
from checkout.store.table import Delete, Put, Table

CHOICES = 3
"""Attempts to acquire a lease that looks free, before the endpoint counts as busy."""


class Lease(NamedTuple):
    endpoint: str
    number: int
    holder: str

    def release(self, table: Table) -> None:
        """Releases the lease unless its time was over and another sender holds it."""
        own = Attr("holder").eq(self.holder)
        table.write_unless_conflict(Delete(keys.lease(self.endpoint, self.number), own))


class NoLease(NamedTuple):
    """No lease could be acquired. The oldest one that is held was acquired at `since`."""

    since: int


def acquire(table: Table, endpoint_id: str, bound: int, until: int, now: int) -> Lease | NoLease:
    """One of the endpoint's `bound` leases, held until `until`.

    This is mostly one write. If the first lease that is tried is held, all are read, and up to
    CHOICES free ones are tried.
    """
    if lease := _acquire(table, endpoint_id, random.randrange(bound), until, now):
        return lease
    held = _held_since(table, endpoint_id, now)
    free = sorted(set(range(bound)) - set(held))
    for number in random.sample(free, min(CHOICES, len(free))):
        if lease := _acquire(table, endpoint_id, number, until, now):
            return lease
    return NoLease(min(held.values(), default=now))


def _acquire(table: Table, endpoint_id: str, number: int, until: int, now: int) -> Lease | None:
    """This lease; None if another sender holds it."""
    lease = Lease(endpoint_id, number, random_text(12))
    item = {
        **keys.lease(endpoint_id, number),
        "number": number,
        "holder": lease.holder,
        "since": now,
        "until": until,
        "ttl": until,
    }
    free = Attr("pk").not_exists() | Attr("until").lte(now)
    return lease if table.write_unless_conflict(Put(item, free)) else None


def _held_since(table: Table, endpoint_id: str, now: int) -> dict[int, int]:
    """By number: the time since which a lease is held."""
    items = table.query_all(Key("pk").eq(keys.leases(endpoint_id)))
    return {item["number"]: item["since"] for item in items if item["until"] > now}
