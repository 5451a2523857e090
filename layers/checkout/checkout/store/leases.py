"""How many tries are under way to one endpoint: each holds one of its leases, as a lease.

A lease is given back in the transaction that records the try; one whose holder died is free again
when its lease ends.
"""

import random
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.ids import random_text
from checkout.store import keys
from checkout.store.table import ConditionFailedError, Delete, Put, Table

CHOICES = 3
"""How many leases that look free are tried before the endpoint counts as busy."""


class Lease(NamedTuple):
    endpoint: str
    number: int
    holder: str

    def release(self) -> Delete:
        """Holds only while the lease is this holder's."""
        return Delete(keys.lease(self.endpoint, self.number), Attr("holder").eq(self.holder))

    def give_back(self, table: Table) -> None:
        try:
            table.write(self.release())
        except ConditionFailedError:
            return  # The lease had ended, and the lease may be another's.


class AllLeased(NamedTuple):
    """Every lease is taken, one of them since `since`."""

    since: int


def acquire(table: Table, endpoint_id: str, bound: int, until: int, now: int) -> Lease | AllLeased:
    """One of the endpoint's `bound` leases, leased to `until`.

    An endpoint that is not busy costs one write; another one a look at its leases besides.
    """
    if lease := _acquire(table, endpoint_id, random.randrange(bound), until, now):
        return lease
    held = _held(table, endpoint_id, now)
    free = sorted(set(range(bound)) - set(held))
    for number in random.sample(free, min(CHOICES, len(free))):
        if lease := _acquire(table, endpoint_id, number, until, now):
            return lease
    return AllLeased(min(held.values(), default=now))


def _acquire(table: Table, endpoint_id: str, number: int, until: int, now: int) -> Lease | None:
    lease = Lease(endpoint_id, number, random_text(12))
    item = {
        **keys.lease(endpoint_id, number),
        "number": number,
        "holder": lease.holder,
        "since": now,
        "until": until,
        "ttl": until,
    }
    try:
        table.write(Put(item, Attr("pk").not_exists() | Attr("until").lte(now)))
    except ConditionFailedError:
        return None
    return lease


def _held(table: Table, endpoint_id: str, now: int) -> dict[int, int]:
    """By number: since when a lease is taken."""
    page = table.query(Key("pk").eq(keys.leases(endpoint_id)))
    return {item["number"]: item["since"] for item in page.items if item["until"] > now}
