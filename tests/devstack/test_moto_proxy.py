"""Functions in containers reach moto's SQS and KMS, which live in this process, by a port."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from devstack import engines
from devstack.engines import Engine
from devstack.environment import applied
from devstack.relay import relaying
from devstack.secrets import create_key

HOST = "127.0.0.1"
ENTRY = {"Id": "0", "MessageBody": "a body", "MessageGroupId": "one"}


@pytest.fixture
def engine() -> Iterator[Engine]:
    with engines.open("moto") as opened, applied(opened.environment):
        yield opened


@pytest.fixture
def queues(engine: Engine) -> Any:
    return engine.client("sqs")


@pytest.fixture
def port(engine: Engine) -> Iterator[int]:
    with relaying(engine.calls, HOST) as port:
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


def test_what_is_sealed_outside_is_opened_here(engine: Engine, port: int) -> None:
    here, outside = engine.client("kms"), boto3.client("kms", endpoint_url=f"http://{HOST}:{port}")
    key, context = create_key(here), {"for": "we_1"}

    sealed = outside.encrypt(KeyId=key, Plaintext=b"a secret", EncryptionContext=context)

    blob = sealed["CiphertextBlob"]
    assert here.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"a secret"


def test_an_error_reaches_the_caller_as_sqs_says_it(outside: Any) -> None:
    with pytest.raises(ClientError) as refused:
        outside.send_message_batch(QueueUrl="https://sqs/1/nowhere", Entries=[ENTRY])
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.mark.parametrize("target", ["DynamoDB_20120810.GetItem", ""])
def test_what_is_for_another_service_is_refused(port: int, target: str) -> None:
    answer = urllib3.request("POST", f"http://{HOST}:{port}/", headers={"x-amz-target": target})
    assert answer.status == 400
