"""Concurrency leases of webhook endpoints. A sender makes attempts to an endpoint only while it
holds one of the endpoint's leases.

If the holder dies, the lease expires at its `until`.
"""

import random
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.ids import random_text
from checkout.store import keys
from checkout.store.table import Delete, Put, Table

FREE_LEASES_REQUESTED = 3
"""How many leases that look free are requested before the endpoint counts as busy."""


class Lease(NamedTuple):
    endpoint: str
    number: int
    holder: str

    def release(self, table: Table) -> None:
        """Releases the lease, unless it has expired and another sender holds it."""
        own = Attr("holder").eq(self.holder)
        table.write_unless_conflict(Delete(keys.lease(self.endpoint, self.number), own))


class NoFreeLease(NamedTuple):
    """No lease could be acquired. The oldest lease that is held was acquired at `since`."""

    since: int


def acquire(
    table: Table, endpoint_id: str, limit: int, until: int, now: int
) -> Lease | NoFreeLease:
    """Acquires one of the endpoint's `limit` leases, which is then held until `until`.

    This is mostly one write. If the first lease is held, all leases are read, and up to
    FREE_LEASES_REQUESTED free ones are requested.
    """
    if lease := _acquire(table, endpoint_id, random.randrange(limit), until, now):
        return lease
    held = _held_since(table, endpoint_id, now)
    free = sorted(set(range(limit)) - set(held))
    for number in random.sample(free, min(FREE_LEASES_REQUESTED, len(free))):
        if lease := _acquire(table, endpoint_id, number, until, now):
            return lease
    return NoFreeLease(min(held.values(), default=now))


def _acquire(table: Table, endpoint_id: str, number: int, until: int, now: int) -> Lease | None:
    """Acquires the lease with this number. Returns None if another sender holds it."""
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
    """The times at which the held leases were acquired, by the lease's number."""
    return {
        item["number"]: item["since"]
        for partition in keys.lease_partitions(endpoint_id)
        for item in table.query_all(Key("pk").eq(partition))
        if item["until"] > now
    }
