"""Queues whose messages become visible by a clock of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from devstack.aws import timed_queue
from devstack.aws.timed_queue import TimedQueue
from devstack.template import REGION


@dataclass
class Queues:
    """Two queues, and the clock of both. `reads` counts how often it was read."""

    client: Any
    now: float = 1000.0
    reads: int = 0

    def read_time(self) -> float:
        self.reads += 1
        return self.now

    def send(self, body: str, delay: int = 0) -> None:
        url = self.client.get_queue_url(QueueName="work")["QueueUrl"]
        self.client.send_message(QueueUrl=url, MessageBody=body, DelaySeconds=delay)

    def take(self, most: int = 10, name: str = "work") -> list[str]:
        return [message.body for message in timed_queue.find(name).take(most)]

    @property
    def work(self) -> TimedQueue:
        return timed_queue.find("work")


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        opened = Queues(boto3.client("sqs", region_name=REGION))
        with timed_queue.timed_queues(opened.read_time):
            for name in ("work", "dead"):
                opened.client.create_queue(QueueName=name)
        yield opened


def test_messages_are_taken_once_and_in_the_order_in_which_they_were_sent(queues: Queues) -> None:
    for body in "abc":
        queues.send(body)
    assert queues.take(2) == ["a", "b"]
    assert queues.take(2) == ["c"]
    assert queues.take(2) == []


def test_delay_ends_by_the_queues_clock(queues: Queues) -> None:
    queues.send("later", delay=60)
    queues.send("sooner", delay=30)
    assert queues.work.next_visible() == 1030
    queues.now += 59
    assert queues.take() == ["sooner"]
    queues.now += 1
    assert queues.take() == ["later"]
    assert queues.work.next_visible() is None


def test_hidden_message_is_visible_again_after_its_timeout_and_counts_receives(
    queues: Queues,
) -> None:
    queues.send("again")
    (message,) = queues.work.take(1)
    queues.work.hide(message, 30)
    queues.now += 29
    assert queues.take() == []
    queues.now += 1
    (message,) = queues.work.take(1)
    assert message.approximate_receive_count == 2


def test_moved_message_is_in_the_other_queue_at_once(queues: Queues) -> None:
    queues.send("bad", delay=5)
    queues.now += 6
    (message,) = queues.work.take(1)
    queues.work.move(message, timed_queue.find("dead"))
    assert queues.take(name="dead") == ["bad"]


def test_counts_tell_visible_delayed_and_taken_messages_apart(queues: Queues) -> None:
    for body, delay in (("a", 0), ("b", 0), ("c", 9)):
        queues.send(body, delay)
    queues.take(1)
    url = queues.client.get_queue_url(QueueName="work")["QueueUrl"]
    attributes = queues.client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    counts = {
        name.removeprefix("ApproximateNumberOfMessages"): count
        for name, count in attributes["Attributes"].items()
        if name.startswith("ApproximateNumberOfMessages")
    }
    assert counts == {"": "1", "Delayed": "1", "NotVisible": "1"}


def test_receive_and_delete_calls_work_too(queues: Queues) -> None:
    queues.send("a")
    url = queues.client.get_queue_url(QueueName="work")["QueueUrl"]
    (message,) = queues.client.receive_message(QueueUrl=url)["Messages"]
    assert "Messages" not in queues.client.receive_message(QueueUrl=url)
    queues.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert queues.take() == []


def test_cost_of_a_message_does_not_depend_on_how_many_wait(queues: Queues) -> None:
    for count in (1, 200):
        for _ in range(count):
            queues.send("waits", delay=60)
        queues.reads = 0
        queues.send("now")
        assert queues.take(1) == ["now"]
        assert queues.reads < 10, count
