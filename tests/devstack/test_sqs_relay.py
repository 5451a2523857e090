"""Functions in containers reach moto's SQS, which lives in this process, by way of a port."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from devstack import engines
from devstack.environment import applied
from devstack.sqs_relay import relaying

HOST = "127.0.0.1"
ENTRY = {"Id": "0", "MessageBody": "a body", "MessageGroupId": "one"}


@pytest.fixture
def queues() -> Iterator[Any]:
    with engines.open("moto") as engine, applied(engine.environment):
        yield engine.client("sqs")


@pytest.fixture
def port(queues: Any) -> Iterator[int]:
    with relaying(queues, HOST) as port:
        yield port


@pytest.fixture
def outside(port: int) -> Any:
    """A client as a container has it; moto leaves calls to this address alone."""
    return boto3.client("sqs", endpoint_url=f"http://{HOST}:{port}")


def test_a_message_sent_from_outside_is_received_here(queues: Any, outside: Any) -> None:
    url = queues.create_queue(QueueName="deliveries")["QueueUrl"]

    answer = outside.send_message_batch(QueueUrl=url, Entries=[ENTRY])

    assert [each["Id"] for each in answer["Successful"]] == ["0"]
    (message,) = queues.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "a body"


def test_an_error_reaches_the_caller_as_sqs_says_it(outside: Any) -> None:
    with pytest.raises(ClientError) as refused:
        outside.send_message_batch(QueueUrl="https://sqs/1/nowhere", Entries=[ENTRY])
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.mark.parametrize("target", ["DynamoDB_20120810.GetItem", "AmazonSQS.Nothing", ""])
def test_what_is_not_an_sqs_call_is_refused(port: int, target: str) -> None:
    answer = urllib3.request("POST", f"http://{HOST}:{port}/", headers={"x-amz-target": target})
    assert answer.status == 400
