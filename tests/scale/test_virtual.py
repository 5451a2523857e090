"""The virtual clock, and the DynamoDB, SQS and Lambda that follow it."""

from itertools import count
from random import Random
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, ConditionBase
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale.units import Layout
from benchmarks.scale.virtual.dynamodb import DynamoDB, Limits
from benchmarks.scale.virtual.schedule import Environment, Pool, Schedule
from benchmarks.scale.virtual.sqs import SQS, Faults, Queue
from checkout.store.table import ConditionFailedError, Delete, Put, Table, Update
from tests.world import World

KEY = {"pk": "A", "sk": "B"}
LAYOUT = Layout("pk", "sk", ())


def database(schedule: Schedule, partition: float = 1000) -> DynamoDB:
    return DynamoDB(schedule, LAYOUT, Random(1), Limits(partition))


def virtual_table() -> Table:
    client: Any = database(Schedule(0))
    return Table(client, "virtual")


numbers = st.integers(-3, 3)
conditions = st.recursive(
    st.one_of(
        st.sampled_from([Attr("n").exists(), Attr("n").not_exists(), Attr("m").exists()]),
        st.builds(lambda each, value: getattr(Attr("n"), each)(value),
                  st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte"]), numbers),
        st.builds(lambda low, more: Attr("n").between(low, low + more), numbers, st.integers(0, 3)),
        st.builds(lambda values: Attr("n").is_in(values), st.lists(numbers, min_size=1)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=4,
)  # fmt: skip


@given(conditions, st.none() | numbers)
def test_conditions_hold_as_in_a_real_engine(
    world: World, condition: ConditionBase, value: int | None
) -> None:
    def holds(table: Table) -> bool:
        table.write(Put(KEY | ({} if value is None else {"n": value})))
        return table.write_unless_conflict(Update(KEY, {"m2": 1}, condition))

    assert holds(virtual_table()) is holds(world.table)


def test_an_update_sets_removes_and_adds() -> None:
    table = virtual_table()
    table.write(Put(KEY | {"old": 1, "count": 2}))

    after = table.update(Update(KEY, {"old": None, "new": "x"}, add={"count": 3}))

    assert after == KEY | {"new": "x", "count": 5}


def test_a_transaction_is_all_or_nothing_and_returns_what_it_found() -> None:
    table = virtual_table()
    table.write(Put(KEY | {"n": 1}))
    other = {"pk": "C", "sk": "D"}

    with pytest.raises(ConditionFailedError) as failed:
        table.write(Put(other), Delete(KEY, Attr("n").eq(2)))

    assert failed.value.found == {1: KEY | {"n": 1}}
    assert table.get(other) is None


def in_process(schedule: Schedule, work: Any, times: int = 1) -> None:
    for _ in range(times):
        schedule.spawn(work, Environment())
    schedule.run(schedule.now + 3600)


def test_a_partition_carries_its_units_each_second_and_refuses_the_rest() -> None:
    schedule = Schedule(0)
    table = database(schedule, partition=10)
    written: list[float] = []

    numbers = count()

    def write() -> None:
        try:
            table.put_item(Item={"pk": {"S": "hot"}, "sk": {"S": str(next(numbers))}})
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ThrottlingException"
        else:
            written.append(schedule.now)

    in_process(schedule, write, 50)

    assert len(written) == 10
    assert sum(table.throttled.values()) == 40


def test_two_writes_of_one_item_at_once_conflict() -> None:
    schedule = Schedule(0)
    table = database(schedule)
    codes: list[str] = []

    def write() -> None:
        try:
            table.put_item(Item={"pk": {"S": "A"}, "sk": {"S": "B"}})
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    in_process(schedule, write, 2)

    assert codes == ["TransactionConflictException"]


def test_the_threads_of_a_pool_run_at_the_same_time() -> None:
    schedule, ended = Schedule(0), list[float]()
    pool = type("Pool", (Pool,), {"schedule": schedule})

    def double(number: int) -> int:
        schedule.sleep(10)
        return 2 * number

    def work() -> None:
        with pool(2) as opened:
            assert list(opened.map(double, range(4))) == [0, 2, 4, 6]
        ended.append(schedule.now)

    in_process(schedule, work)

    assert ended == [20]


def test_an_environment_that_dies_ends_all_its_processes() -> None:
    schedule, ended = Schedule(0), list[int]()
    environment = Environment()

    def work() -> None:
        schedule.sleep(10)
        ended.append(1)

    schedule.spawn(work, environment)
    schedule.at(5, setattr, environment, "dead", True)
    schedule.run(60)

    assert ended == []


def sent(faults: Faults, messages: int = 1000) -> tuple[Schedule, Queue]:
    schedule = Schedule(0)
    sqs = SQS(schedule, Random(1), faults)
    queue = sqs.queues["queue"] = Queue(schedule, visibility=30, receives=2)
    for number in range(messages):
        entry = {"Id": "1", "MessageBody": str(number), "DelaySeconds": 10, "MessageGroupId": "g"}
        sqs.send_message_batch(QueueUrl="queue", Entries=[entry])
    return schedule, queue


def test_a_message_is_visible_after_its_delay() -> None:
    schedule, queue = sent(Faults(), 1)
    schedule.run(9.9)
    assert len(queue) == 0
    schedule.run(10.2)
    assert len(queue) == 1


def test_messages_are_lost_and_doubled_at_their_rates() -> None:
    schedule, queue = sent(Faults(lost=0.1, doubled=0.2))
    schedule.run(60)

    assert len(queue) == pytest.approx(1000 * (0.9 + 0.2), rel=0.05)


def test_a_message_that_is_not_deleted_comes_again_and_then_is_a_dead_letter() -> None:
    schedule, queue = sent(Faults(), 1)
    schedule.run(11)

    for _ in range(2):
        assert [each.body for each in queue.receive(10)] == ["0"]
        assert queue.receive(10) == []
        schedule.run(schedule.now + 30)

    assert len(queue) == 0
    assert len(queue.dead) == 1
