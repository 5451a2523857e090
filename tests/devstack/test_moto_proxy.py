"""Functions in containers reach moto's SQS and KMS, which are in this process, by a port."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from devstack import engines
from devstack.aws.kms import create_key
from devstack.engines import Engine, moto_proxy
from devstack.environment import applied

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
    with moto_proxy.serving(engine.calls, HOST) as port:
        yield port


@pytest.fixture
def outside(port: int) -> Any:
    """The SQS client of a container. moto does not intercept calls to its endpoint."""
    return boto3.client("sqs", endpoint_url=f"http://{HOST}:{port}")


def test_message_sent_through_the_proxy_is_received(queues: Any, outside: Any) -> None:
    url = queues.create_queue(QueueName="deliveries")["QueueUrl"]

    answer = outside.send_message_batch(QueueUrl=url, Entries=[ENTRY])

    assert [each["Id"] for each in answer["Successful"]] == ["0"]
    (message,) = queues.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "a body"


def test_text_encrypted_through_the_proxy_is_decrypted(engine: Engine, port: int) -> None:
    here, outside = engine.client("kms"), boto3.client("kms", endpoint_url=f"http://{HOST}:{port}")
    key, context = create_key(here), {"for": "we_1"}

    encrypted = outside.encrypt(KeyId=key, Plaintext=b"a secret", EncryptionContext=context)

    blob = encrypted["CiphertextBlob"]
    assert here.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"a secret"


def test_sqs_error_reaches_the_caller(outside: Any) -> None:
    with pytest.raises(ClientError) as refused:
        outside.send_message_batch(QueueUrl="https://sqs/1/nowhere", Entries=[ENTRY])
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.mark.parametrize("target", ["DynamoDB_20120810.GetItem", ""])
def test_calls_of_other_services_are_refused(port: int, target: str) -> None:
    answer = urllib3.request("POST", f"http://{HOST}:{port}/", headers={"x-amz-target": target})
    assert answer.status == 400
