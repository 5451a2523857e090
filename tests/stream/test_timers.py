"""Timers, fired by the sweep or by the TTL alone, recover whatever stream and queue lose."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from checkout import firing
from checkout.api.dialects import render_events
from checkout.domain.event import ChangeContext
from checkout.domain.payment import ATTEMPT_SECONDS
from checkout.domain.timer import Timer, TimerKind
from checkout.firing import RESERVE_MS, Firing, TimersFailedError
from checkout.processors.registry import ProcessorRouter
from checkout.store import events, keys, sessions, table
from checkout.store.items import to_wire
from checkout.store.table import Delete, Update
from checkout.webhooks import resending
from checkout.webhooks.queue import open_queue
from devstack.stack import Stack
from tests.merchant import Merchant
from tests.receiver import Receiver
from tests.stream.conftest import new_stack
from tests.world import SESSIONS, World

DAY = 86_400


@pytest.fixture
def unswept(engine_name: str, tmp_path: Path) -> Iterator[Stack]:
    """A stack without the schedule: only DynamoDB's TTL fires timers."""
    with new_stack(engine_name, tmp_path, schedules=False) as running:
        yield running


def types(receiver: Receiver) -> list[str]:
    return sorted(json.loads(each.body)["type"] for each in receiver.received)


def test_the_ttl_alone_expires_a_session(unswept: Stack, receiver: Receiver) -> None:
    merchant = Merchant(unswept.url)
    merchant.subscribe(receiver.url)
    id = merchant.create_session()["id"]

    unswept.advance(DAY)
    assert merchant.session(id)["status"] == "expired"
    assert receiver.received == []
    unswept.advance(3600)

    assert types(receiver) == ["checkout.session.expired"]


def test_the_ttl_alone_ends_an_attempt(unswept: Stack, receiver: Receiver) -> None:
    merchant = Merchant(unswept.url)
    merchant.subscribe(receiver.url, "payment.failed", "payment.succeeded")
    merchant.pay_by_phone(merchant.create_session()["id"], "0240000002")
    merchant.pay_by_phone(merchant.create_session()["id"], "0240000005")

    unswept.advance(ATTEMPT_SECONDS + 3600)

    assert types(receiver) == ["payment.failed", "payment.succeeded"]


def test_the_ttl_alone_makes_the_next_attempt_of_a_delivery(
    unswept: Stack, receiver: Receiver
) -> None:
    merchant = Merchant(unswept.url)
    merchant.subscribe(receiver.url)
    receiver.statuses = [500]
    merchant.pay(merchant.create_session()["id"])
    assert unswept.settle()

    unswept.advance(3600)

    assert types(receiver) == ["checkout.session.completed"] * 2


def test_an_event_that_the_stream_lost_is_fanned_out_by_its_timer(world: World) -> None:
    world.post(
        "/v1/webhooks",
        {"url": "https://hooks.example.com", "events": ["checkout.session.completed"]},
    )
    world.pay(world.create_session()["id"])
    world.sweep()
    assert world.having("EVENT#", "DELIVERY#") == []

    world.now += 61
    world.sweep()

    (delivery,) = world.having("EVENT#", "DELIVERY#")
    assert delivery["state"] == "pending"
    assert len(world.messages()) == 1
    assert sorted(t["kind"] for t in world.having("TIMER#")) == ["delivery"]


def test_a_message_that_the_queue_lost_is_sent_again_by_its_timer(world: World) -> None:
    world.post(
        "/v1/webhooks",
        {"url": "https://hooks.example.com", "events": ["checkout.session.completed"]},
    )
    world.pay(world.create_session()["id"])
    world.now += 61
    world.sweep()
    first = world.messages()

    world.now += 61
    world.sweep()
    world.sweep()  # in the same second: the message is under way
    world.now += 61
    world.sweep()

    assert world.messages() == first * 2
    assert len(world.having("TIMER#")) == 1


def test_a_resend_that_fails_midway_keeps_a_timer_that_the_ttl_fired(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB has deleted the timer, so the first page that is recorded puts it again."""
    for _ in range(2):
        world.post(f"{SESSIONS}/{world.create_session()['id']}/expire")
    world.fan_out_all()
    id = world.post("/v1/events/resend", {"created_at": {"gte": 0}}).json["id"]
    (timer,) = [each for each in world.having("TIMER#") if each["kind"] == "resend"]
    world.table.write(Delete({"pk": timer["pk"], "sk": timer["sk"]}))
    read_page, pages = events.oldest_first, iter([True])

    def fail_on_the_second(*arguments: Any) -> Any:
        next(pages)
        return read_page(*arguments)

    monkeypatch.setattr(resending, "PAGE", 1)
    monkeypatch.setattr(events, "oldest_first", fail_on_the_second)
    record = {"dynamodb": {"OldImage": to_wire(timer), "SequenceNumber": "1"}}
    failed = world.invoke("FireTimers", {"Records": [record]})

    assert failed == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert timer in world.having("TIMER#")
    monkeypatch.undo()
    world.sweep()
    assert world.get(f"/v1/events/resends/{id}").json["status"] == "done"


def test_a_timer_that_fails_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [world.create_session()["id"] for _ in range(3)]
    world.now += DAY
    expiry = firing.FIRE[TimerKind.EXPIRY]

    def fail_one(self: Firing, timer: Timer) -> None:
        if timer.target == ids[1]:
            raise RuntimeError("poison")
        expiry(self, timer)

    monkeypatch.setitem(firing.FIRE, TimerKind.EXPIRY, fail_one)

    with pytest.raises(TimersFailedError):
        world.sweep()

    expired = {event["session"] for event in world.having("EVENT#", "EVENT")}
    assert expired == {ids[0], ids[2]}
    monkeypatch.undo()
    world.sweep()
    assert len(world.having("EVENT#", "EVENT")) == 3


def test_a_timer_that_meets_endless_conflicts_stays_and_is_fired_again(
    world: World, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    id = world.create_session()["id"]
    world.now += DAY
    never = Attr("pk").not_exists()
    impossible = Update(keys.session(id), {"status": "expired"}, never)
    monkeypatch.setattr(sessions, "transition", lambda *_: impossible)
    monkeypatch.setattr(table, "CONFLICT_PAUSE_SECONDS", 0)

    with pytest.raises(TimersFailedError):
        world.sweep()

    assert '"error":"BusyError"' in log.getvalue()
    assert [timer["target"] for timer in world.having("TIMER#")] == [id]
    monkeypatch.undo()
    world.sweep()
    assert world.event_types() == ["checkout.session.expired"]


def test_a_sweep_without_time_fires_nothing(world: World) -> None:
    world.create_session()
    world.now += DAY
    before = world.items()
    router = ProcessorRouter(world.table)
    context = ChangeContext(int(world.now), render_events)
    sweeper = Firing(world.table, open_queue(), router, context, lambda: RESERVE_MS - 1)

    assert firing.sweep(sweeper) == {"fired": 0, "failed": 0}
    assert world.items() == before


def test_the_sweep_reports_how_long_the_oldest_undelivered_event_has_waited(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "checkout-FireTimers")

    def oldest_undelivered() -> int:
        capsys.readouterr()
        world.sweep()
        (line,) = [each for each in capsys.readouterr().out.splitlines() if "_aws" in each]
        metric = json.loads(line)
        (directive,) = metric["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Checkout"
        assert directive["Metrics"] == [{"Name": "OldestUndelivered", "Unit": "Seconds"}]
        assert directive["Dimensions"] == [["FunctionName"]]
        assert metric["_aws"]["Timestamp"] == world.now * 1000
        assert metric["FunctionName"] == "checkout-FireTimers"
        waited: int = metric["OldestUndelivered"]
        return waited

    world.create_session()
    assert oldest_undelivered() == 0
    world.pay(world.create_session()["id"])
    world.now += 60 + 500
    assert oldest_undelivered() == 500
    assert oldest_undelivered() == 0
