"""Whatever is lost on the way, a timer finds it: with the sweep, or with nothing but the TTL."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout.domain.payment import ATTEMPT_SECONDS
from devstack.stack import Stack
from tests.merchant import Merchant
from tests.receiver import Receiver
from tests.stream.conftest import new_stack
from tests.world import World

DAY = 86_400


@pytest.fixture
def unswept(engine_name: str, tmp_path: Path) -> Iterator[Stack]:
    """A stack whose scheduler never comes: only DynamoDB's TTL fires timers."""
    with new_stack(engine_name, tmp_path, schedules=False) as running:
        yield running


def types(receiver: Receiver) -> list[str]:
    return sorted(json.loads(each.body)["type"] for each in receiver.received)


def test_the_ttl_alone_announces_an_expiry(unswept: Stack, receiver: Receiver) -> None:
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


def test_the_ttl_alone_tries_a_delivery_again(unswept: Stack, receiver: Receiver) -> None:
    merchant = Merchant(unswept.url)
    merchant.subscribe(receiver.url)
    receiver.statuses = [500]
    merchant.pay(merchant.create_session()["id"])
    assert unswept.settle()

    unswept.advance(3600)

    assert types(receiver) == ["checkout.session.completed"] * 2


def test_an_event_the_stream_lost_is_found_by_its_timer(world: World) -> None:
    """Here no stream runs at all."""
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


def test_a_message_the_queue_lost_is_sent_again_by_its_timer(world: World) -> None:
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
    world.sweep()  # at the same moment: the message is on its way
    world.now += 61
    world.sweep()

    assert world.messages() == first * 2
    assert len(world.having("TIMER#")) == 1


def test_one_timer_that_fails_stops_no_other(world: World, monkeypatch) -> None:
    from checkout import firing
    from checkout.firing import Firing, TimersFailedError

    ids = [world.create_session()["id"] for _ in range(3)]
    world.now += DAY
    expiry = firing.FIRE["expiry"]

    def fail_one(self: Firing, timer) -> None:
        if timer.target == ids[1]:
            raise RuntimeError("poison")
        expiry(self, timer)

    monkeypatch.setitem(firing.FIRE, "expiry", fail_one)

    with pytest.raises(TimersFailedError):
        world.sweep()

    announced = {event["session"] for event in world.having("EVENT#", "EVENT")}
    assert announced == {ids[0], ids[2]}
    monkeypatch.undo()
    world.sweep()
    assert len(world.having("EVENT#", "EVENT")) == 3


def test_a_sweep_without_time_begins_nothing(world: World) -> None:
    from checkout.firing import RESERVE_MS, sweep

    class Refusing:
        table = world.table
        context = type("ChangeContext", (), {"now": int(world.now)})

        def fire(self, timer) -> None:
            raise AssertionError

    world.create_session()
    world.now += DAY
    Refusing.context.now = int(world.now)

    assert sweep(Refusing(), lambda: RESERVE_MS - 1) == {"fired": 0, "failed": 0}


def test_the_sweep_says_how_long_the_oldest_undelivered_event_has_waited(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "checkout-FireTimers")

    def said() -> int:
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
    assert said() == 0
    world.pay(world.create_session()["id"])
    world.now += 60 + 500
    assert said() == 500
    assert said() == 0
