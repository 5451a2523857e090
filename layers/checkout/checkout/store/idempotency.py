"""Idempotent creation: one transaction writes an object and the record of its idempotency key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr

from checkout.domain.errors import CheckoutError, IdempotencyError
from checkout.store import keys
from checkout.store.items import Item
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update

KEPT_SECONDS = 24 * 60 * 60


class IdempotentRequest(NamedTuple):
    """A request with an idempotency key. `fingerprint` is a hash of the request body."""

    scope: str
    route: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Creation:
    """The actions that create an object, and the answer to the request.

    `refusals` maps an action's index to the error to raise if the action's condition fails.
    """

    actions: Sequence[Action]
    answer: str
    refusals: dict[int, CheckoutError] = field(default_factory=dict)


def create(
    table: Table,
    prepare: Callable[[], Creation],
    idempotency: IdempotentRequest | None,
    now: int,
) -> tuple[str, bool]:
    """Writes the prepared creation. Returns its answer and False.

    If the request repeats an earlier one, writes nothing, and returns the earlier answer and True.
    Raises the errors of `prepare`; for a failed condition the creation's refusal, or
    ConditionFailedError if there is none; BusyError; and IdempotencyError if the idempotency key
    was used with another body.
    """
    try:
        return _write(table, prepare(), idempotency, now)
    except CheckoutError:
        # A repeat can fail although the first request succeeded, for example because a limit has
        # been reached meanwhile.
        first = _find_answer(table, idempotency, now) if idempotency else None
        if first is None:
            raise
        return first, True


def replace_answer(idempotency: IdempotentRequest, answer: str) -> Update:
    """Replaces the stored answer, for an object that changes after its creation (a refund)."""
    return Update(
        _key(idempotency), {"answer": answer}, Attr("fingerprint").eq(idempotency.fingerprint)
    )


def _write(
    table: Table, creation: Creation, idempotency: IdempotentRequest | None, now: int
) -> tuple[str, bool]:
    record = [_put_record(idempotency, creation.answer, now)] if idempotency else []
    try:
        table.write(*creation.actions, *record)
    except ConditionFailedError as failed:
        first = failed.found.get(len(creation.actions))
        if first is not None and idempotency is not None:
            return _answer(first, idempotency), True
        for index, refusal in creation.refusals.items():
            if index in failed.found:
                raise refusal from None
        raise
    return creation.answer, False


def _put_record(idempotency: IdempotentRequest, answer: str, now: int) -> Put:
    item = {
        **_key(idempotency),
        "fingerprint": idempotency.fingerprint,
        "answer": answer,
        "ttl": now + KEPT_SECONDS,
    }
    # An expired record stays until DynamoDB deletes it, which may take days.
    return Put(item, Attr("pk").not_exists() | Attr("ttl").lte(now))


def _find_answer(table: Table, idempotency: IdempotentRequest, now: int) -> str | None:
    record = table.get(_key(idempotency))
    return None if record is None or record["ttl"] <= now else _answer(record, idempotency)


def _answer(record: Item, idempotency: IdempotentRequest) -> str:
    if record["fingerprint"] != idempotency.fingerprint:
        raise IdempotencyError
    answer: str = record["answer"]
    return answer


def _key(idempotency: IdempotentRequest) -> keys.Key:
    return keys.idempotency(idempotency.scope, idempotency.route, idempotency.key)
