"""Timers, fired by the sweep or by the TTL alone, recover whatever stream and queue lose."""

import json
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from checkout import dispatch, firing, sweep
from checkout.dispatch import open_dispatcher
from checkout.domain.event import ChangeContext
from checkout.domain.payment import ATTEMPT_SECONDS
from checkout.domain.timer import Timer, TimerKind
from checkout.store import keys, sessions, table, timers
from checkout.store.items import to_wire
from checkout.store.table import Delete, Table, Update
from checkout.store.timers import NET_SECONDS
from devstack.stack import Stack
from tests.merchant import Merchant
from tests.receiver import Receiver
from tests.stopped_time import stopped_time
from tests.stream.conftest import new_stack
from tests.world import SCOPE, START, World

DAY = 86_400


@pytest.fixture
def unswept(engine_name: str, tmp_path: Path) -> Iterator[Stack]:
    """A stack without the schedule: only DynamoDB's TTL fires timers."""
    with stopped_time(), new_stack(engine_name, tmp_path, schedules=False) as running:
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
    assert unswept.wait_until_idle()

    unswept.advance(3600)

    assert types(receiver) == ["checkout.session.completed"] * 2


def test_an_event_that_the_stream_lost_is_fanned_out_by_its_timer(world: World) -> None:
    world.post(
        "/v1/webhooks",
        {"url": "https://hooks.example.com", "events": ["checkout.session.completed"]},
    )
    world.pay(world.create_session()["id"])
    world.sweep()
    assert world.having("EVENT#", "FANOUT") == []

    world.now += NET_SECONDS + 1
    world.sweep()

    fan_outs = sorted(len(each["endpoints"]) for each in world.having("EVENT#", "FANOUT"))
    assert fan_outs == [0, 1]  # of payment.succeeded, and of checkout.session.completed
    assert len(world.messages()) == 1
    assert [timer["kind"] for timer in world.having("TIMER#")] == ["event"]


def test_a_message_that_the_queue_lost_is_sent_again_by_its_timer(world: World) -> None:
    world.post(
        "/v1/webhooks",
        {"url": "https://hooks.example.com", "events": ["checkout.session.completed"]},
    )
    world.pay(world.create_session()["id"])
    world.now += NET_SECONDS + 1
    world.sweep()
    first = world.messages()

    world.now += NET_SECONDS + 1
    world.sweep()
    world.sweep()  # in the same second: the message is under way
    world.now += 2 * NET_SECONDS + 2  # the time doubles
    world.sweep()

    assert world.messages() == first * 2
    assert len(world.having("TIMER#")) == 1


@pytest.fixture
def event_record(world: World) -> dict[str, Any]:
    """The stream's record of an event that one endpoint subscribes to. The event's timer is due."""
    hook = {"url": "https://hooks.example.com", "events": ["checkout.session.completed"]}
    world.post("/v1/webhooks", hook)
    world.pay(world.create_session()["id"])
    events = world.having("EVENT#", "EVENT")
    (event,) = [each for each in events if each["type"] == "checkout.session.completed"]
    world.now += NET_SECONDS + 1
    return {"dynamodb": {"NewImage": to_wire(event), "SequenceNumber": "1"}}


def test_deliveries_that_were_queued_a_moment_ago_are_not_queued_by_the_events_timer(
    world: World, event_record: dict[str, Any]
) -> None:
    world.invoke("FanOutEvents", {"Records": [event_record]})
    assert len(world.messages()) == 1

    world.sweep()
    assert world.messages() == []

    world.now += NET_SECONDS + 1
    world.sweep()
    assert len(world.messages()) == 1


def test_an_events_timer_that_is_fired_twice_queues_the_deliveries_once(
    world: World, event_record: dict[str, Any]
) -> None:
    world.invoke("FanOutEvents", {"Records": [event_record]})
    world.now += NET_SECONDS
    world.messages()
    world.dispatch()
    bodies = world.messages(open_dispatcher().timer_queue)
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies * 2)]

    world.invoke("FireTimers", {"Records": records})

    assert len(world.messages()) == 1


def test_a_timer_that_the_ttl_deleted_is_put_back_and_fired(world: World) -> None:
    id = world.create_session()["id"]
    world.now += DAY
    (timer,) = world.having("TIMER#")
    world.table.write(Delete({"pk": timer["pk"], "sk": timer["sk"]}))
    record = {"dynamodb": {"OldImage": to_wire(timer), "SequenceNumber": "1"}}

    done = world.invoke("DispatchTimers", {"Records": [record]})

    assert done == {"batchItemFailures": []}
    assert world.having("TIMER#") == [timer]
    world.fire_due()
    assert world.session(id)["status"] == "expired"
    assert world.event_types() == ["checkout.session.expired"]


def test_a_timer_that_fails_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [world.create_session()["id"] for _ in range(3)]
    world.now += DAY
    lapse = sessions.lapse

    def fail_one(table: Table, timer: Timer, context: ChangeContext) -> None:
        if timer.target == ids[1]:
            raise RuntimeError("poison")
        lapse(table, timer, context)

    monkeypatch.setattr(sessions, "lapse", fail_one)
    world.dispatch()
    bodies = world.messages(open_dispatcher().timer_queue)
    records = [{"messageId": body, "body": body} for body in bodies]

    done = world.invoke("FireTimers", {"Records": records})

    (poisoned,) = [body for body in bodies if ids[1] in body]
    assert done == {"batchItemFailures": [{"itemIdentifier": poisoned}]}
    expired = {event["session"] for event in world.having("EVENT#", "EVENT")}
    assert expired == {ids[0], ids[2]}
    monkeypatch.undo()
    world.now += sweep.OVERDUE
    world.sweep()
    assert len(world.having("EVENT#", "EVENT")) == 3


def test_a_timer_whose_firing_ends_in_conflicts_is_fired_again(
    world: World, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    id = world.create_session()["id"]
    world.now += DAY
    never = Attr("pk").not_exists()
    impossible = Update(keys.session(id), {"status": "expired"}, never)
    monkeypatch.setattr(sessions, "transition", lambda *_: impossible)
    monkeypatch.setattr(table, "CONFLICT_PAUSE_SECONDS", 0)
    world.dispatch()
    (body,) = world.messages(open_dispatcher().timer_queue)

    done = world.invoke("FireTimers", {"Records": [{"messageId": "1", "body": body}]})

    assert done == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert '"error":"BusyError"' in log.getvalue()
    assert [timer["target"] for timer in world.having("TIMER#")] == [id]
    monkeypatch.undo()
    world.fire("FireTimers", body)
    assert world.event_types() == ["checkout.session.expired"]


def test_a_worker_without_time_fires_nothing_and_reports_its_messages(world: World) -> None:
    world.create_session()
    world.now += DAY
    world.dispatch()
    before = world.items()
    records = [
        {"messageId": "1", "body": body} for body in world.messages(open_dispatcher().timer_queue)
    ]

    def kinds(_now: int) -> Any:
        raise AssertionError("fired")

    done = firing.fire_messages(records, kinds, lambda: firing.RESERVE_MS - 1)

    assert done == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert world.items() == before


def test_the_sweep_reports_how_long_the_oldest_undelivered_event_has_waited(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "checkout-DispatchTimers")
    monkeypatch.setenv("STACK", "checkout-test")

    def oldest_undelivered() -> int:
        capsys.readouterr()
        world.sweep()
        lines = capsys.readouterr().out.splitlines()
        (line,) = [each for each in lines if "OldestUndelivered" in each]
        metric = json.loads(line)
        (directive,) = metric["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Checkout"
        assert directive["Metrics"] == [{"Name": "OldestUndelivered", "Unit": "Seconds"}]
        assert directive["Dimensions"] == [["Stack"]]
        assert metric["_aws"]["Timestamp"] == world.now * 1000
        assert metric["Stack"] == "checkout-test"
        waited: int = metric["OldestUndelivered"]
        return waited

    world.create_session()
    assert oldest_undelivered() == 0
    world.pay(world.create_session()["id"])
    world.now += NET_SECONDS + 500
    assert oldest_undelivered() == 500
    assert oldest_undelivered() == 0


def test_the_sweep_reports_the_lateness_of_each_kind_of_timer(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "checkout-DispatchTimers")
    world.table.write(timers.put(timers.expiry("cs_gone", SCOPE, START)))
    world.now += 700

    world.dispatch()

    printed = map(
        json.loads, filter(lambda line: "Lateness" in line, capsys.readouterr().out.splitlines())
    )
    late = {each["Kind"]: each["Lateness"] for each in printed}
    assert late == dict.fromkeys(TimerKind, 0) | {"expiry": 700}


def test_the_timers_of_a_batch_are_fired_at_the_same_time(world: World) -> None:
    """One after the other, a burst would wait for the slow start of Lambda's concurrency."""
    added = [timers.expiry(f"cs_{number}", SCOPE, START) for number in range(10)]
    records = [
        {"messageId": each.target, "body": dispatch.to_body(each)} for each in reversed(added)
    ]
    all_under_way = threading.Barrier(10)

    def fire(timer: Timer) -> None:
        all_under_way.wait(60)
        if timer.target in ("cs_3", "cs_7"):
            raise RuntimeError("broken")

    done = firing.fire_messages(records, lambda _: {TimerKind.EXPIRY: fire}, lambda: 30_000)

    failed = [each["itemIdentifier"] for each in done["batchItemFailures"]]
    assert failed == ["cs_7", "cs_3"]
