"""How many tries are under way to one endpoint: each holds one of its slots, as a lease.

A slot is given back in the transaction that records the try; one whose holder died is free again
when its lease ends.
"""

import random
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr, Key

from checkout.domain.ids import random_text
from checkout.store import keys
from checkout.store.table import ConditionFailedError, Delete, Put, Table

CHOICES = 3
"""How many slots that look free are tried before the endpoint counts as busy."""


class Slot(NamedTuple):
    endpoint: str
    number: int
    holder: str

    def release(self) -> Delete:
        """Holds only while the lease is this holder's."""
        return Delete(keys.slot(self.endpoint, self.number), Attr("holder").eq(self.holder))

    def give_back(self, table: Table) -> None:
        try:
            table.write(self.release())
        except ConditionFailedError:
            return  # The lease had ended, and the slot may be another's.


class Busy(NamedTuple):
    """Every slot is taken, one of them since `since`."""

    since: int


def take(table: Table, endpoint_id: str, bound: int, until: int, now: int) -> Slot | Busy:
    """One of the endpoint's `bound` slots, leased to `until`.

    An endpoint that is not busy costs one write; another one a look at its slots besides.
    """
    if slot := _take(table, endpoint_id, random.randrange(bound), until, now):
        return slot
    held = _held(table, endpoint_id, now)
    free = sorted(set(range(bound)) - set(held))
    for number in random.sample(free, min(CHOICES, len(free))):
        if slot := _take(table, endpoint_id, number, until, now):
            return slot
    return Busy(min(held.values(), default=now))


def _take(table: Table, endpoint_id: str, number: int, until: int, now: int) -> Slot | None:
    slot = Slot(endpoint_id, number, random_text(12))
    item = {
        **keys.slot(endpoint_id, number),
        "number": number,
        "holder": slot.holder,
        "since": now,
        "until": until,
        "ttl": until,
    }
    try:
        table.write(Put(item, Attr("pk").not_exists() | Attr("until").lte(now)))
    except ConditionFailedError:
        return None
    return slot


def _held(table: Table, endpoint_id: str, now: int) -> dict[int, int]:
    """By number: since when a slot is taken."""
    page = table.query(Key("pk").eq(keys.slots(endpoint_id)))
    return {item["number"]: item["since"] for item in page.items if item["until"] > now}
