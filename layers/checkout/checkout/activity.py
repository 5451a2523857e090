"""What an invocation did, told by the writes that it carried out: metrics, and a log line with ids.

The line names sessions, payments, refunds and events by the beginnings of their ids. That is enough
to find them, and not enough to open a PayGate session's page, whose address is the session's id.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from checkout.domain.ids import shortened
from checkout.log import about, log_metric, logger, subjects
from checkout.store import keys
from checkout.store.items import Item
from checkout.store.table import Action, Put, Update

SESSIONS, DELIVERY_ATTEMPTS = "Sessions", "DeliveryAttempts"
NAMED = ("session", "payment", "refund", "event")
"""The kinds of objects that the log line names."""


class Metric(NamedTuple):
    """Something that is counted, with the dimension that tells its kinds apart."""

    name: str
    outcome: str


def log_writes(actions: Iterable[Action], now: int) -> None:
    """Logs what these actions did, if they changed an object of a merchant."""
    changes = [each for each in map(_change_of, actions) if each]
    for metric, count in Counter(filter(None, map(_metric_of, changes))).items():
        log_metric(metric.name, count, "Count", now, Outcome=metric.outcome)
    if _name(changes):
        logger.info("changed", extra=subjects())


class Change(NamedTuple):
    kind: str
    """The kind of the item, as `keys.kind_of` tells it."""
    id: str
    fields: Item
    """The item, or the fields that an update set."""
    is_new: bool


def _change_of(action: Action) -> Change | None:
    match action:
        case Put(item):
            return Change(keys.kind_of(item), keys.id_in(item), item, is_new=True)
        case Update(key, changes):
            return Change(keys.kind_of(key), keys.id_in(key), changes, is_new=False)
    return None


def _metric_of(change: Change) -> Metric | None:
    kind, _, fields, is_new = change
    if kind == "SESSION" and (is_new or "status" in fields):
        return Metric(SESSIONS, "created" if is_new else fields["status"])
    if kind == "DELIVERY" and fields.get("attempt_count"):
        state = fields.get("state", "pending")
        return Metric(DELIVERY_ATTEMPTS, "retried" if state == "pending" else state)
    return None


def _name(changes: Iterable[Change]) -> bool:
    """Names the merchants and shortened ids of the changed objects, and of the sessions that they
    belong to. Returns whether there are any."""
    is_named = False
    for kind, id, fields, _ in changes:
        name = "event" if kind in ("DELIVERY", "FANOUT") else kind.lower()
        if name not in NAMED:
            continue
        is_named = True
        about(**{name: shortened(id)})
        if "session" in fields:
            about(session=shortened(fields["session"]))
        if "scope" in fields:
            about(merchant=fields["scope"])
        if fields.get("request_id"):
            about(request_id=fields["request_id"])
    return is_named
