"""Faults of the storage, injected between botocore and our code, and conflicts of writers."""

from collections.abc import Callable
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError, ReadTimeoutError

from checkout.domain.delivery import Delivery, DeliveryAttempt
from checkout.domain.errors import BusyError
from checkout.store import keys
from checkout.store.items import to_item, to_record
from checkout.store.table import (
    CALL_ATTEMPTS,
    CONFLICT_ATTEMPTS,
    LONGEST_BACKOFF_SECONDS,
    Check,
    ConditionFailedError,
    Delete,
    Put,
    Table,
    Update,
    recorded_writes,
    until_no_conflict,
)
from tests.world import KEY, ORDER, SESSIONS, World

A, B = {"pk": "A", "sk": "1"}, {"pk": "B", "sk": "1"}


class Faults:
    """Makes calls fail, before they are sent or after they were carried out."""

    def __init__(self, table: Table, pauses: list[float]) -> None:
        client: Any = _FaultyClient(table.client, self)
        self.table = Table(client, table.name, pauses.append)
        self.before: list[Exception] = []
        self.after: list[Exception] = []
        self.calls = 0


class _FaultyClient:
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
    response: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
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
def test_a_contended_write_is_sent_again(
    world: World, faults: Faults, pauses: list[float], error: ClientError
) -> None:
    faults.before = [error, error]

    faults.table.write(Put(A), Put(B))

    assert world.table.get(A) and world.table.get(B)
    assert len(pauses) == 2


def test_a_write_that_stays_contended_ends_in_busy_error(
    world: World, faults: Faults, pauses: list[float]
) -> None:
    faults.before = [canceled("TransactionConflict", "None")] * CALL_ATTEMPTS

    with pytest.raises(BusyError):
        faults.table.write(Put(A), Put(B))

    assert world.table.get(A) is None
    assert len(pauses) == CALL_ATTEMPTS
    assert max(pauses) <= LONGEST_BACKOFF_SECONDS


def test_a_failed_condition_is_not_retried_and_returns_the_item(
    world: World, faults: Faults
) -> None:
    world.table.write(Put(A | {"colour": "red"}))

    with pytest.raises(ConditionFailedError) as caught:
        faults.table.write(Put(B), Put(A, Attr("pk").not_exists()))

    assert caught.value.found == {1: A | {"colour": "red"}}
    assert faults.calls == 1
    assert world.table.get(B) is None


def test_the_failed_condition_of_a_lone_write_returns_the_item(
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


def test_an_unknown_error_is_raised(faults: Faults) -> None:
    faults.before = [refused("AccessDeniedException")]

    with pytest.raises(ClientError):
        faults.table.write(Put(A), Put(B))


def test_an_update_sets_removes_and_adds(world: World) -> None:
    world.table.write(Put(A | {"gone": "x", "n": 1}))

    written = world.table.update(Update(A, {"gone": None, "new": "y"}, None, {"n": 2}))

    assert written == world.table.get(A) == A | {"new": "y", "n": 3}


def test_an_update_that_returns_its_item_fails_like_other_writes(
    world: World, faults: Faults
) -> None:
    world.table.write(Put(A | {"n": 1}))
    faults.before = [refused("ThrottlingException")]

    with pytest.raises(ConditionFailedError) as caught:
        faults.table.update(Update(A, {"n": 2}, Attr("n").eq(7)))

    assert caught.value.found == {0: A | {"n": 1}}
    assert faults.calls == 2


def test_a_commit_whose_answer_was_lost_is_not_written_twice(world: World, faults: Faults) -> None:
    """Both botocore and our own retry send it again under the same client token."""
    world.table.write(Put(A | {"n": 0}))
    faults.after = [refused("TransactionInProgressException")]

    faults.table.write(Update(A, {}, Attr("n").eq(0), {"n": 1}), Put(B))

    assert world.table.get(A) == A | {"n": 1}
    assert faults.calls == 2


def test_a_repeat_finds_a_creation_whose_answer_was_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Table.write

    def write_and_lose(table: Table, *actions: Any) -> None:
        write(table, *actions)
        raise ReadTimeoutError(endpoint_url="https://table")

    monkeypatch.setattr(Table, "write", write_and_lose)
    headers = {"idempotency-key": "order-1"}
    assert world.post(SESSIONS, ORDER, headers=headers).status == 500
    monkeypatch.undo()

    answer = world.post(SESSIONS, ORDER, headers=headers)

    assert answer.headers["idempotent-replayed"] == "true"
    assert [item["sk"] for item in world.having("SESSION#")] == ["SESSION"]
    assert world.get(f"{SESSIONS}/{answer.json['id']}", key=KEY).json == answer.json


def test_write_unless_conflict_returns_whether_it_wrote(world: World) -> None:
    new = Put(A, Attr("pk").not_exists())

    assert world.table.write_unless_conflict(new)
    assert not world.table.write_unless_conflict(new, Put(B))
    assert world.table.get(B) is None


def test_a_read_and_its_write_are_repeated_after_conflicts(
    world: World, pauses: list[float]
) -> None:
    table = world.table._replace(pause=pauses.append)
    table.write(Put(A | {"n": 0}))
    written_by_others = [10, 20]

    def increment() -> int:
        number: int = (table.get(A) or {})["n"]
        if written_by_others:
            table.write(Put(A | {"n": written_by_others.pop(0)}))
        table.write(Update(A, {"n": number + 1}, Attr("n").eq(number)))
        return number + 1

    assert until_no_conflict(table, increment) == 21
    assert table.get(A) == A | {"n": 21}
    assert len(pauses) == 2


def test_after_a_conflict_again_is_called_instead_of_write(
    world: World, pauses: list[float]
) -> None:
    table = world.table._replace(pause=pauses.append)
    calls: list[str] = []

    def conflict() -> str:
        calls.append("first")
        raise ConditionFailedError({0: None})

    def again() -> str:
        calls.append("again")
        if len(calls) < 3:
            raise ConditionFailedError({0: None})
        return "written"

    assert until_no_conflict(table, conflict, again=again) == "written"
    assert calls == ["first", "again", "again"]


def test_conflicts_that_do_not_end_are_a_busy_error(world: World, pauses: list[float]) -> None:
    table = world.table._replace(pause=pauses.append)

    def conflict() -> None:
        table.write(Check(A, Attr("pk").exists()))

    with pytest.raises(BusyError):
        until_no_conflict(table, conflict)

    assert len(pauses) == CONFLICT_ATTEMPTS


def test_a_query_reads_further_pages_only_when_they_are_needed(
    world: World, faults: Faults
) -> None:
    for number in range(5):
        world.table.write(Put({"pk": "many", "sk": str(number)}))

    items = faults.table.query_all(Key("pk").eq("many"), page_size=2)

    assert faults.calls == 0
    assert next(items)["sk"] == "0"
    assert faults.calls == 1
    assert [item["sk"] for item in items] == ["1", "2", "3", "4"]
    assert faults.calls == 3


def test_many_items_are_read_in_batches_and_returned_in_the_order_of_their_keys(
    world: World,
) -> None:
    wanted = [{"pk": f"many-{number}", "sk": "1"} for number in range(130)]
    for key in wanted[10:]:
        world.table.write(Put(key))

    assert world.table.get_many(wanted) == [None] * 10 + wanted[10:]


def test_a_record_is_read_as_it_was_written(world: World) -> None:
    attempts = (
        DeliveryAttempt(at=1, duration_ms=2, status=500),
        DeliveryAttempt(at=3, duration_ms=4, status=None, error="x"),
    )
    delivery = Delivery(
        event="evt", endpoint="we", scope="s", timer_due=9, next_attempt_at=8, attempts=attempts
    )
    world.table.write(Put(to_item(delivery, **A)))

    assert to_record(Delivery, world.table.get(A) or {}) == delivery


def test_the_key_of_an_api_key_does_not_contain_it() -> None:
    assert KEY not in str(keys.api_key(KEY))


# ------------------------------------------------------------------- add_many


def stored(world: World, count: int) -> list[Any]:
    return [world.table.get({"pk": "A", "sk": str(number)}) for number in range(count)]


def numbered(count: int, value: str) -> list[dict[str, Any]]:
    """Items with values of each type that the records have."""
    attempts = [{"at": 5, "answer": 'it\'s "fine"; ?'}]
    return [
        {"pk": "A", "sk": str(number), "value": value, "attempts": attempts, "is_new": True}
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 26])
def test_items_that_are_added_together_do_not_replace_one_that_exists(
    world: World, count: int
) -> None:
    world.table.write(Put(A | {"sk": "0", "value": "old"}))

    world.table.add_many(numbered(count, "new"))

    assert stored(world, count) == [A | {"sk": "0", "value": "old"}, *numbered(count, "new")[1:]]


@pytest.mark.parametrize("code", ["ThrottlingError", "InternalServerError"])
def test_an_item_that_is_throttled_among_others_is_added_alone(
    world: World, faults: Faults, code: str
) -> None:
    items = numbered(3, "new")

    def answer(**_: Any) -> Any:
        for item in (items[0], items[2]):
            world.table.write(Put(item))
        return {"Responses": [{}, {"Error": {"Code": code}}, {}]}

    table = faults.table._replace(has_statements=True)
    setattr(table.client, "batch_execute_statement", answer)  # noqa: B010 (mypy)
    with recorded_writes() as actions:
        table.add_many(items)

    assert stored(world, 3) == items
    assert {each.item["sk"] for each in actions if isinstance(each, Put)} == {"0", "1", "2"}


def test_an_item_that_was_added_before_is_not_reported_as_written(
    world: World, faults: Faults
) -> None:
    table = faults.table._replace(has_statements=True)
    duplicate = {"Error": {"Code": "DuplicateItem"}}
    setattr(  # noqa: B010 (mypy)
        table.client, "batch_execute_statement", lambda **_: {"Responses": [duplicate, {}]}
    )
    with recorded_writes() as actions:
        table.add_many(numbered(2, "new"))

    assert [each.item["sk"] for each in actions if isinstance(each, Put)] == ["1"]
