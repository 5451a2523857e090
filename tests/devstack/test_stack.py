"""A running stack does with requests, records, messages and time what AWS would."""

import calendar
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from devstack import background
from devstack.stack import Stack
from tests.devstack.conftest import Read, wait_until

ENGINES = ["moto", pytest.param("dynoxide", marks=pytest.mark.dynoxide)]


@pytest.fixture(params=ENGINES)
def stack(request: pytest.FixtureRequest, template: Path) -> Iterator[Stack]:
    with Stack(engine=request.param, template=template, with_library=False) as opened:
        yield opened


def call(stack: Stack, method: str, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
    return urllib3.PoolManager().request(method, stack.url + path, retries=False, **more)


def put(pk: str, sk: str, ttl: float | None = None) -> None:
    item = {"pk": {"S": pk}, "sk": {"S": sk}}
    if ttl is not None:
        item["ttl"] = {"N": str(int(ttl))}
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE_NAME"], Item=item)


def delete(pk: str, sk: str) -> None:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    boto3.client("dynamodb").delete_item(TableName=os.environ["TABLE_NAME"], Key=key)


def send(body: str) -> None:
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=body)


def sort_keys(records: list[Any]) -> list[str]:
    return [record["dynamodb"]["Keys"]["sk"]["S"] for record in records]


# ------------------------------------------------------------------- requests


def test_a_request_reaches_its_function_and_its_answer_comes_back(stack: Stack) -> None:
    answer = call(stack, "POST", "/echo/a", body=b'{"x":1}',
                  headers={"content-type": "application/json"})  # fmt: skip
    event = json.loads(answer.data)
    assert answer.status == 201
    assert answer.headers["x-function"] == "Echo"
    assert answer.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert event["body"] == '{"x":1}'
    assert event["requestContext"]["domainName"] == stack.url.removeprefix("http://")


def test_a_failing_function_is_an_internal_error(stack: Stack) -> None:
    answer = call(stack, "GET", "/fail")
    assert (answer.status, json.loads(answer.data)) == (500, {"message": "Internal Server Error"})


def raw_exchange(stack: Stack, sent: bytes) -> bytes:
    host, port = stack.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def test_a_body_in_chunks_is_put_together(stack: Stack) -> None:
    received = raw_exchange(
        stack,
        b"POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
    )
    assert json.loads(received.partition(b"\r\n\r\n")[2])["body"] == "abcde"


def test_a_client_that_waits_for_100_continue_gets_it_before_it_sends(stack: Stack) -> None:
    host, port = stack.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                           b"Expect: 100-continue\r\nConnection: close\r\n\r\n")  # fmt: skip
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ab")
        assert connection.recv(100).startswith(b"HTTP/1.1 201 ")


def test_a_connection_is_kept_for_the_next_request(stack: Stack) -> None:
    one = b"GET /fail HTTP/1.1\r\nHost: x\r\n"
    received = raw_exchange(stack, one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert received.count(b"HTTP/1.1 500") == 2


@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked"}])
def test_a_body_over_ten_megabytes_is_refused(stack: Stack, headers: dict[str, str]) -> None:
    answer = call(stack, "POST", "/echo/a", body=b"x" * 10_000_001, headers=headers)
    assert (answer.status, answer.json()) == (413, {"message": "Request Entity Too Large"})


def test_health_names_the_engine(stack: Stack) -> None:
    answer = call(stack, "GET", "/dev/health")
    assert (answer.status, answer.json()) == (200, {"status": "ok", "engine": stack.engine.name})


# --------------------------------------------------------------------- stream


def test_a_mapping_gets_the_records_its_filter_takes(stack: Stack, read_log: Read) -> None:
    put("thing", "a")
    put("other", "b")
    put("thing", "c")
    assert stack.settle()
    records = read_log("take")
    assert sort_keys(records) == ["a", "c"]
    first = records[0]
    assert len(first["eventID"]) == 32
    assert first["eventSource"] == "aws:dynamodb"
    assert first["awsRegion"] == "us-east-1"
    assert first["eventSourceARN"].startswith("arn:aws:dynamodb:us-east-1:123456789012:table/")
    assert first["dynamodb"]["NewImage"] == {"pk": {"S": "thing"}, "sk": {"S": "a"}}
    assert isinstance(first["dynamodb"]["ApproximateCreationDateTime"], float)
    assert "userIdentity" not in first


def test_a_refused_transaction_leaves_no_record(stack: Stack, read_log: Read) -> None:
    client, table = boto3.client("dynamodb"), os.environ["TABLE_NAME"]
    put("thing", "before")
    assert stack.settle()
    item = {"pk": {"S": "thing"}, "sk": {"S": "never"}}
    check = {"TableName": table, "Key": {"pk": {"S": "x"}, "sk": {"S": "x"}},
             "ConditionExpression": "attribute_exists(pk)"}  # fmt: skip
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": item}}, {"ConditionCheck": check}]
        )
    put("thing", "after")
    assert stack.settle()
    assert sort_keys(read_log("take")) == ["before", "after"]


def test_a_poisoned_record_is_dropped_after_its_tries_and_no_other_is(
    stack: Stack, read_log: Read, caplog: pytest.LogCaptureFixture
) -> None:
    table = os.environ["TABLE_NAME"]
    boto3.client("dynamodb").batch_write_item(
        RequestItems={
            table: [
                {"PutRequest": {"Item": {"pk": {"S": "thing"}, "sk": {"S": sk}}}}
                for sk in ("a", "poison", "z")
            ]
        }
    )
    assert stack.settle()
    taken = sort_keys(read_log("take"))
    assert taken.count("a") == 1
    assert taken.count("z") == 1
    assert taken.count("poison") >= 4  # once, and three times again
    assert taken[-1] == "z"
    assert "gives up 1 stream record" in caplog.text


# ---------------------------------------------------------------------- queue


def test_a_message_reaches_its_function_once(stack: Stack, read_log: Read) -> None:
    send("job")
    assert stack.settle()
    (message,) = read_log("work")
    assert message["body"] == "job"
    assert message["eventSource"] == "aws:sqs"
    assert message["attributes"]["ApproximateReceiveCount"] == "1"
    stack.advance(3600)
    assert len(read_log("work")) == 1


def test_a_slow_message_holds_no_other_up(stack: Stack, read_log: Read) -> None:
    for body in ("slow", "slow", "quick"):
        send(body)
    wait_until(lambda: len(read_log("quick came meanwhile")) == 2)
    assert read_log("quick came meanwhile") == [True, True]


def test_a_failed_message_comes_again_after_its_visibility_and_ends_as_a_dead_letter(
    stack: Stack, read_log: Read
) -> None:
    send("bad")
    assert stack.settle()
    stack.advance(15)
    assert len(read_log("work")) == 1
    stack.advance(20)
    assert len(read_log("work")) == 2
    stack.advance(31)
    assert len(read_log("work")) == 2
    queue = boto3.client("sqs")
    dead = queue.get_queue_url(QueueName="devstack-Dead")["QueueUrl"]
    letters = queue.receive_message(QueueUrl=dead).get("Messages", [])
    assert [each["Body"] for each in letters] == ["bad"]


# ----------------------------------------------------------------------- time


def test_a_schedule_fires_at_start_and_with_the_clock(stack: Stack, read_log: Read) -> None:
    wait_until(lambda: len(read_log("sweep")) == 1)
    assert call(stack, "POST", "/dev/clock", body='{"advance": 61}').status == 200
    assert len(read_log("sweep")) == 2
    event = read_log("sweep")[1]
    assert event["source"] == "aws.scheduler"
    fired_at = calendar.timegm(time.strptime(event["time"], "%Y-%m-%dT%H:%M:%SZ"))
    assert 0 <= stack.clock.read() - fired_at < 30


def test_the_clock_is_moved_and_told(stack: Stack) -> None:
    moved = call(stack, "POST", "/dev/clock", body='{"advance": 90000.5}').json()
    assert moved["offset"] == 90000.5
    assert abs(moved["now"] - time.time() - 90000.5) < 5
    assert call(stack, "GET", "/dev/clock").json()["offset"] == 90000.5


def test_time_to_live_deletes_late_and_signs_its_deletion(stack: Stack, read_log: Read) -> None:
    put("a", "expires", stack.clock.read() + 100)
    put("a", "stays", stack.clock.read() + 100_000)
    stack.advance(690)
    assert read_log("expired") == []
    stack.advance(20)
    (record,) = read_log("expired")
    assert sort_keys([record]) == ["expires"]
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert "OldImage" in record["dynamodb"]


def test_a_deletion_of_somebody_else_is_not_signed(stack: Stack, read_log: Read) -> None:
    ttl = stack.clock.read() + 100
    put("a", "twice", ttl)
    delete("a", "twice")
    put("a", "twice", ttl)
    stack.advance(800)
    own, expired = read_log("expired")
    assert "userIdentity" not in own
    assert "userIdentity" in expired


def test_a_time_to_live_that_was_moved_spares_the_item(stack: Stack, read_log: Read) -> None:
    put("a", "moved", stack.clock.read() + 100)
    put("a", "moved", stack.clock.read() + 10_000)
    stack.advance(800)
    assert read_log("expired") == []


def test_a_long_advance_stops_where_something_falls_due(stack: Stack, read_log: Read) -> None:
    wait_until(lambda: len(read_log("sweep")) == 1)
    start = stack.clock.read()
    put("a", "first", start + 3600)
    put("a", "second", start + 7200)
    stack.advance(90_000)
    times = [time.strptime(each["time"], "%Y-%m-%dT%H:%M:%SZ") for each in read_log("sweep")]
    hours = {round((time.mktime(each) - time.mktime(times[0])) / 3600, 1) for each in times}
    assert {0.0, 1.0, 2.0, 25.0} <= hours
    assert sorted(sort_keys(read_log("expired"))) == ["first", "second"]


def test_a_hanging_delivery_does_not_hold_the_clock(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "ADVANCE_BUDGET", 0.5)
    monkeypatch.setattr(background, "END_BUDGET", 0.5)
    handler = template.parent / "functions/work/handler.py"
    handler.write_text("import time\ndef handler(event, context):\n    time.sleep(60)\n")
    template.write_text(template.read_text().replace("Timeout: 5", "Timeout: 60"))
    with Stack(template=template, with_library=False) as stack:
        send("hangs")
        started_at = time.monotonic()
        stack.advance(60)
        assert 0.5 < time.monotonic() - started_at < 5


# -------------------------------------------------------------------- restart


@pytest.mark.dynoxide
def test_a_restart_goes_on_where_it_was(template: Path, tmp_path: Path, read_log: Read) -> None:
    def open_stack() -> Stack:
        return Stack(engine="dynoxide", data=tmp_path / "data", template=template,
                     with_library=False)  # fmt: skip

    with open_stack() as stack:
        put("thing", "a")
        put("a", "expires", stack.clock.read() + 100)
        stack.advance(50)
    with open_stack() as stack:
        assert stack.clock.offset == 50
        assert stack.settle()
        assert sort_keys(read_log("take")) == ["a"]
        put("thing", "b")
        assert stack.settle()
        assert sort_keys(read_log("take")) == ["a", "b"]
        stack.advance(1000)
        (record,) = read_log("expired")
        assert "userIdentity" in record
    with open_stack() as stack:
        assert stack.settle()
        assert len(read_log("expired")) == 1
