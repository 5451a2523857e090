"""Creating an object once: its idempotency record is part of the transaction that creates it."""

from collections.abc import Sequence
from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr

from checkout.domain.errors import IdempotencyError
from checkout.store import keys
from checkout.store.table import Action, ConditionFailedError, Put, Table

KEPT_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's idempotency key. `fingerprint` tells one request body from another."""

    scope: str
    route: str
    key: str
    fingerprint: str


def create(
    table: Table, actions: Sequence[Action], answer: str, once: Idempotency | None, now: int
) -> tuple[str, bool]:
    """Writes `actions` and returns `answer`; if they were written before under the same
    idempotency key, writes nothing and returns the first answer and True.

    Raises IdempotencyError when the key stood for another body, ConditionFailedError when one of
    `actions` was refused (numbered as in `actions`).
    """
    if once is None:
        table.write(*actions)
        return answer, False
    try:
        table.write(*actions, _record(once, answer, now))
    except ConditionFailedError as refusal:
        first = refusal.found.get(len(actions))
        if first is None:
            raise
        if first["fingerprint"] != once.fingerprint:
            raise IdempotencyError from None
        return first["answer"], True
    return answer, False


def _record(once: Idempotency, answer: str, now: int) -> Put:
    item = {
        **keys.idempotency(once.scope, once.route, once.key),
        "fingerprint": once.fingerprint,
        "answer": answer,
        "ttl": now + KEPT_SECONDS,
    }
    # A record outlives its time until DynamoDB gets round to deleting it.
    return Put(item, Attr("pk").not_exists() | Attr("ttl").lte(now))
