"""A running stack handles requests, stream records, messages and time as AWS does."""

import calendar
import json
import os
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


def test_request_reaches_its_function(stack: Stack) -> None:
    answer = call(stack, "POST", "/echo/a", body=b'{"x":1}',
                  headers={"content-type": "application/json"})  # fmt: skip
    event = json.loads(answer.data)
    assert answer.status == 201
    assert answer.headers["x-function"] == "Echo"
    assert answer.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert event["body"] == '{"x":1}'
    assert event["requestContext"]["domainName"] == stack.url.removeprefix("http://")


def test_exception_of_a_function_is_answered_with_500(stack: Stack) -> None:
    answer = call(stack, "GET", "/fail")
    assert (answer.status, json.loads(answer.data)) == (500, {"message": "Internal Server Error"})


def test_health_names_the_engine(stack: Stack) -> None:
    answer = call(stack, "GET", "/dev/health")
    found = answer.json()
    assert answer.status == 200
    assert (found["status"], found["engine"]) == ("ok", stack.engine.name)
    assert found["clock"] == "real time"


# --------------------------------------------------------------------- stream


def test_function_gets_the_records_that_match_its_filter(stack: Stack, read_log: Read) -> None:
    put("thing", "a")
    put("other", "b")
    put("thing", "c")
    assert stack.wait_until_idle()
    records = read_log("records")
    assert sort_keys(records) == ["a", "c"]
    first = records[0]
    assert len(first["eventID"]) == 32
    assert first["eventSource"] == "aws:dynamodb"
    assert first["awsRegion"] == "us-east-1"
    assert first["eventSourceARN"].startswith("arn:aws:dynamodb:us-east-1:123456789012:table/")
    assert first["dynamodb"]["NewImage"] == {"pk": {"S": "thing"}, "sk": {"S": "a"}}
    assert isinstance(first["dynamodb"]["ApproximateCreationDateTime"], float)
    assert "userIdentity" not in first


def test_canceled_transaction_writes_no_stream_record(stack: Stack, read_log: Read) -> None:
    client, table = boto3.client("dynamodb"), os.environ["TABLE_NAME"]
    put("thing", "before")
    assert stack.wait_until_idle()
    item = {"pk": {"S": "thing"}, "sk": {"S": "never"}}
    check: Any = {"TableName": table, "Key": {"pk": {"S": "x"}, "sk": {"S": "x"}},
             "ConditionExpression": "attribute_exists(pk)"}  # fmt: skip
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": item}}, {"ConditionCheck": check}]
        )
    put("thing", "after")
    assert stack.wait_until_idle()
    assert sort_keys(read_log("records")) == ["before", "after"]


def test_only_the_failing_record_is_dropped_after_its_retries(
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
    assert stack.wait_until_idle()
    handled = sort_keys(read_log("records"))
    assert handled.count("a") == 1
    assert handled.count("z") == 1
    assert handled.count("poison") >= 4  # the first call and three retries
    assert handled[-1] == "z"
    assert "drops 1 stream record" in caplog.text


# ---------------------------------------------------------------------- queue


def test_message_reaches_its_function_once(stack: Stack, read_log: Read) -> None:
    send("job")
    assert stack.wait_until_idle()
    (message,) = read_log("work")
    assert message["body"] == "job"
    assert message["eventSource"] == "aws:sqs"
    assert message["attributes"]["ApproximateReceiveCount"] == "1"
    stack.advance(3600)
    assert len(read_log("work")) == 1


def test_slow_message_does_not_delay_others(stack: Stack, read_log: Read) -> None:
    for body in ("slow", "slow", "quick"):
        send(body)
    wait_until(lambda: len(read_log("quick ran meanwhile")) == 2)
    assert read_log("quick ran meanwhile") == [True, True]


def test_failed_message_is_retried_after_its_visibility_timeout_and_becomes_a_dead_letter(
    stack: Stack, read_log: Read
) -> None:
    send("bad")
    assert stack.wait_until_idle()
    stack.advance(15)
    assert len(read_log("work")) == 1
    stack.advance(20)
    assert len(read_log("work")) == 2
    stack.advance(31)
    assert len(read_log("work")) == 2
    queue = boto3.client("sqs")
    dead = queue.get_queue_url(QueueName="devstack-Dead")["QueueUrl"]
    messages = queue.receive_message(QueueUrl=dead).get("Messages", [])
    assert [each["Body"] for each in messages] == ["bad"]


# ----------------------------------------------------------------------- time


def test_schedule_runs_at_start_and_when_the_clock_moves(stack: Stack, read_log: Read) -> None:
    wait_until(lambda: len(read_log("sweep")) == 1)
    assert call(stack, "POST", "/dev/clock", body='{"advance": 61}').status == 200
    assert len(read_log("sweep")) == 2
    event = read_log("sweep")[1]
    assert event["source"] == "aws.scheduler"
    invoked_at = calendar.timegm(time.strptime(event["time"], "%Y-%m-%dT%H:%M:%SZ"))
    assert 0 <= stack.clock.read() - invoked_at < 30


def test_clock_can_be_moved_and_read(stack: Stack) -> None:
    moved = call(stack, "POST", "/dev/clock", body='{"advance": 90000.5}').json()
    assert moved["offset"] == 90000.5
    assert abs(moved["now"] - time.time() - 90000.5) < 60
    assert call(stack, "GET", "/dev/clock").json()["offset"] == 90000.5


def test_time_to_live_deletes_late_and_marks_the_record(stack: Stack, read_log: Read) -> None:
    put("a", "expires", stack.clock.read() + 100)
    put("a", "stays", stack.clock.read() + 100_000)
    stack.advance(600)
    assert read_log("expired") == []
    stack.advance(110)
    (record,) = read_log("expired")
    assert sort_keys([record]) == ["expires"]
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert "OldImage" in record["dynamodb"]


def test_ordinary_deletion_is_not_marked_as_time_to_live(stack: Stack, read_log: Read) -> None:
    ttl = stack.clock.read() + 100
    put("a", "twice", ttl)
    delete("a", "twice")
    put("a", "twice", ttl)
    stack.advance(800)
    ordinary, expired = read_log("expired")
    assert "userIdentity" not in ordinary
    assert "userIdentity" in expired


def test_item_with_a_later_time_to_live_is_kept(stack: Stack, read_log: Read) -> None:
    put("a", "moved", stack.clock.read() + 100)
    put("a", "moved", stack.clock.read() + 10_000)
    stack.advance(800)
    assert read_log("expired") == []


def test_long_advance_stops_at_each_due_time(stack: Stack, read_log: Read) -> None:
    wait_until(lambda: len(read_log("sweep")) == 1)
    start = stack.clock.read()
    put("a", "first", start + 3600)
    put("a", "second", start + 7200)
    stack.advance(90_000)
    times = [time.strptime(each["time"], "%Y-%m-%dT%H:%M:%SZ") for each in read_log("sweep")]
    hours = {round((calendar.timegm(each) - calendar.timegm(times[0])) / 3600, 1) for each in times}
    assert {0.0, 1.0, 2.0, 25.0} <= hours
    assert sorted(sort_keys(read_log("expired"))) == ["first", "second"]


def test_advance_does_not_stop_again_for_what_an_hourly_schedule_has_not_seen(
    template: Path, read_log: Read
) -> None:
    every = "Every: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(1 minute) } }"
    hourly = every.replace("Every", "Hourly").replace("1 minute", "1 hour")
    template.write_text(template.read_text().replace(every, f"{every}\n        {hourly}"))
    with Stack(template=template, with_library=False) as stack:
        put("a", "expires", stack.clock.read() + 100)
        stack.advance(500)
    assert len(read_log("sweep")) < 30


def test_hanging_function_does_not_stop_the_clock(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "ADVANCE_BUDGET", 0.5)
    monkeypatch.setattr(background, "END_BUDGET", 0.5)
    handler = template.parent / "functions/work/handler.py"
    handler.write_text("import time\ndef handler(event, context):\n    time.sleep(60)\n")
    template.write_text(template.read_text().replace("Timeout: 25", "Timeout: 60"))
    with Stack(template=template, with_library=False) as stack:
        send("hangs")
        started_at = time.monotonic()
        stack.advance(60)
        assert 0.5 < time.monotonic() - started_at < 40


# -------------------------------------------------------------------- restart


@pytest.mark.dynoxide
def test_restarted_stack_continues_at_its_positions(
    template: Path, tmp_path: Path, read_log: Read
) -> None:
    def open_stack() -> Stack:
        return Stack(engine="dynoxide", data=tmp_path / "data", template=template,
                     with_library=False)  # fmt: skip

    with open_stack() as stack:
        put("thing", "a")
        put("a", "expires", stack.clock.read() + 100)
        stack.advance(50)
    with open_stack() as stack:
        assert stack.clock.offset == 50
        assert stack.wait_until_idle()
        assert sort_keys(read_log("records")) == ["a"]
        put("thing", "b")
        assert stack.wait_until_idle()
        assert sort_keys(read_log("records")) == ["a", "b"]
        stack.advance(1000)
        (record,) = read_log("expired")
        assert "userIdentity" in record
    with open_stack() as stack:
        assert stack.wait_until_idle()
        assert len(read_log("expired")) == 1
