"""Creating an object once: its idempotency record is part of the transaction that creates it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr

from checkout.domain.errors import CheckoutError, IdempotencyError
from checkout.store import keys
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update

KEPT_SECONDS = 24 * 60 * 60


class IdempotentRequest(NamedTuple):
    """A caller's idempotency key. `fingerprint` tells one request body from another."""

    scope: str
    route: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Creation:
    """What creating an object writes, and what it is answered with.

    `refusals` says, by an action's place, what it means when its condition does not hold.
    """

    actions: Sequence[Action]
    answer: str
    refusals: dict[int, CheckoutError] = field(default_factory=dict)


def create(
    table: Table, prepare: Callable[[], Creation], once: IdempotentRequest | None, now: int
) -> tuple[str, bool]:
    """Writes what `prepare` says and returns its answer, and False. If the same request was
    answered before under the same idempotency key: that answer, True, and nothing is written.

    Raises IdempotencyError when the key stood for another body, and what `prepare` raises.
    """
    try:
        return _write(table, prepare(), once, now)
    except CheckoutError:
        # A repeat may fail where its first call did not: time has passed, a limit was reached.
        first = _find(table, once, now) if once else None
        if first is None:
            raise
        return first, True


def _write(
    table: Table, creation: Creation, once: IdempotentRequest | None, now: int
) -> tuple[str, bool]:
    record = [_record(once, creation.answer, now)] if once else []
    try:
        table.write(*creation.actions, *record)
    except ConditionFailedError as failed:
        first = failed.found.get(len(creation.actions))
        if first is not None and once is not None:
            return _answer(first, once), True
        for place, refusal in creation.refusals.items():
            if place in failed.found:
                raise refusal from None
        raise
    return creation.answer, False


def replace_answer(once: IdempotentRequest, answer: str) -> Update:
    """The write for a creation that went on after its transaction: what repeats are answered."""
    record = keys.idempotency(once.scope, once.route, once.key)
    return Update(record, {"answer": answer}, Attr("fingerprint").eq(once.fingerprint))


def _find(table: Table, once: IdempotentRequest, now: int) -> str | None:
    record = table.get(keys.idempotency(once.scope, once.route, once.key))
    return None if record is None or record["ttl"] <= now else _answer(record, once)


def _answer(record: dict[str, str], once: IdempotentRequest) -> str:
    if record["fingerprint"] != once.fingerprint:
        raise IdempotencyError
    return record["answer"]


def _record(once: IdempotentRequest, answer: str, now: int) -> Put:
    item = {
        **keys.idempotency(once.scope, once.route, once.key),
        "fingerprint": once.fingerprint,
        "answer": answer,
        "ttl": now + KEPT_SECONDS,
    }
    # A record outlives its time until DynamoDB gets round to deleting it.
    return Put(item, Attr("pk").not_exists() | Attr("ttl").lte(now))
