"""What the storage may do to a write, injected where botocore hands the answer back."""

from collections.abc import Callable
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError, ReadTimeoutError

from checkout.domain.errors import BusyError
from checkout.store import keys
from checkout.store.table import (
    WRITE_ATTEMPTS,
    Check,
    ConditionFailedError,
    Delete,
    Put,
    Table,
    Update,
)
from tests.world import KEY, ORDER, SESSIONS, World

A, B = {"pk": "A", "sk": "1"}, {"pk": "B", "sk": "1"}


class Faults:
    """Makes chosen calls fail: before they are sent, or after they were carried out."""

    def __init__(self, table: Table, pauses: list[float]) -> None:
        self.table = Table(_Faulty(table.client, self), table.name, pauses.append)
        self.before: list[Exception] = []
        self.after: list[Exception] = []
        self.calls = 0


class _Faulty:
    def __init__(self, client: Any, faults: Faults) -> None:
        self._client, self._faults = client, faults

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._client, name)

        def faulty(**request: Any) -> Any:
            self._faults.calls += 1
            if self._faults.before:
                raise self._faults.before.pop(0)
            answer = call(**request)
            if self._faults.after:
                raise self._faults.after.pop(0)
            return answer

        return faulty


def canceled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    response = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return ClientError(response, "TransactWriteItems")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "TransactWriteItems")


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def faults(world: World, pauses: list[float]) -> Faults:
    return Faults(world.table, pauses)


CONTENTION = [
    canceled("TransactionConflict", "None"),
    canceled("None", "ThrottlingError"),
    canceled("ProvisionedThroughputExceeded", "None"),
    refused("TransactionInProgressException"),
    refused("ThrottlingException"),
    refused("ProvisionedThroughputExceededException"),
]


@pytest.mark.parametrize("error", CONTENTION, ids=str)
def test_a_contended_write_is_tried_again(
    world: World, faults: Faults, pauses: list[float], error: ClientError
) -> None:
    faults.before = [error, error]

    faults.table.write(Put(A), Put(B))

    assert world.table.get(A) and world.table.get(B)
    assert len(pauses) == 2


def test_patience_ends_in_an_error_that_says_nothing_was_written(
    world: World, faults: Faults, pauses: list[float]
) -> None:
    faults.before = [canceled("TransactionConflict", "None")] * WRITE_ATTEMPTS

    with pytest.raises(BusyError):
        faults.table.write(Put(A), Put(B))

    assert world.table.get(A) is None
    assert len(pauses) == WRITE_ATTEMPTS
    assert max(pauses) < 3


def test_a_failed_condition_is_not_tried_again_and_shows_the_item(
    world: World, faults: Faults
) -> None:
    world.table.write(Put(A | {"colour": "red"}))

    with pytest.raises(ConditionFailedError) as caught:
        faults.table.write(Put(B), Put(A, Attr("pk").not_exists()))

    assert caught.value.found == {1: A | {"colour": "red"}}
    assert faults.calls == 1
    assert world.table.get(B) is None


def test_a_lone_write_needs_no_transaction_and_fails_the_same_way(
    world: World, faults: Faults
) -> None:
    world.table.write(Put(A | {"n": 1}))

    for action in (
        Put(A, Attr("pk").not_exists()),
        Update(A, {"n": 2}, Attr("n").eq(7)),
        Delete(A, Attr("n").eq(7)),
    ):
        with pytest.raises(ConditionFailedError) as caught:
            faults.table.write(action)
        assert caught.value.found == {0: A | {"n": 1}}


def test_a_check_alone_is_a_transaction(world: World) -> None:
    with pytest.raises(ConditionFailedError):
        world.table.write(Check(A, Attr("pk").exists()))


def test_an_unknown_error_is_not_swallowed(faults: Faults) -> None:
    faults.before = [refused("AccessDeniedException")]

    with pytest.raises(ClientError):
        faults.table.write(Put(A), Put(B))


def test_an_update_sets_removes_and_adds(world: World) -> None:
    world.table.write(Put(A | {"gone": "x", "n": 1}))

    world.table.write(Update(A, {"gone": None, "new": "y"}, None, {"n": 2}))

    assert world.table.get(A) == A | {"new": "y", "n": 3}


def test_an_answer_lost_after_the_commit_is_not_a_second_write(
    world: World, faults: Faults
) -> None:
    """botocore sends it again under the same client token; so does our own next try."""
    world.table.write(Put(A | {"n": 0}))
    faults.after = [refused("TransactionInProgressException")]

    faults.table.write(Update(A, {}, Attr("n").eq(0), {"n": 1}), Put(B))

    assert world.table.get(A) == A | {"n": 1}
    assert faults.calls == 2


def test_a_creation_whose_answer_was_lost_is_found_by_its_idempotency_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkout.store import idempotency

    lost = ReadTimeoutError(endpoint_url="https://table")
    write = Table.write

    def write_and_lose(table: Table, *actions: Any) -> None:
        write(table, *actions)
        raise lost

    monkeypatch.setattr(idempotency.Table, "write", write_and_lose)
    headers = {"idempotency-key": "order-1"}
    assert world.post(SESSIONS, ORDER, headers=headers).status == 500
    monkeypatch.undo()

    answer = world.post(SESSIONS, ORDER, headers=headers)

    assert answer.headers["idempotent-replayed"] == "true"
    assert [item["sk"] for item in world.having("SESSION#")] == ["SESSION"]
    assert world.get(f"{SESSIONS}/{answer.json['id']}", key=KEY).json == answer.json


def test_many_items_are_read_in_batches_and_come_as_they_were_asked_for(world: World) -> None:
    wanted = [{"pk": f"many-{number}", "sk": "1"} for number in range(130)]
    for key in wanted[10:]:
        world.table.write(Put(key))

    assert world.table.get_many(wanted) == [None] * 10 + wanted[10:]


def test_records_come_back_as_they_went(world: World) -> None:
    from checkout.domain.delivery import Delivery, DeliveryAttempt
    from checkout.store.items import to_item, to_record

    tries = (
        DeliveryAttempt(at=1, duration_ms=2, status=500),
        DeliveryAttempt(at=3, duration_ms=4, status=None, error="x"),
    )
    delivery = Delivery(
        event="evt", endpoint="we", scope="s", timer_due=9, next_attempt_at=8, attempts=tries
    )
    world.table.write(Put(to_item(delivery, **A)))

    assert to_record(Delivery, world.table.get(A) or {}) == delivery


def test_keys_keep_secrets_to_themselves() -> None:
    assert KEY not in str(keys.api_key(KEY))
