"""Races between a resend and other changes of a delivery, on an engine with atomic transactions.

An event's counts must agree with its deliveries, and every delivery under way must have a timer.
Each of the four races with resends has a quarter of the rounds.
"""

from collections.abc import Iterator

import pytest

from checkout.store import tracked_events
from checkout.store.items import to_wire
from tests.racing import ROUNDS, race, worlds
from tests.receiver import Receiver, listening
from tests.world import World

pytestmark = pytest.mark.dynoxide

COMPLETED = "checkout.session.completed"
ROUNDS_OF_A_TABLE = 25
"""The number of rounds. There are fewer than in other races, because each round reads the whole
table several times."""


def quarter() -> Iterator[tuple[World, range]]:
    yield from worlds(max(1, ROUNDS // 4), ROUNDS_OF_A_TABLE)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened


def subscribe(world: World, url: str) -> str:
    id: str = world.post("/v1/webhooks", {"url": url, "events": [COMPLETED]}).json["id"]
    return id


def record(world: World) -> tuple[str, dict[str, object]]:
    """The id of a new event and its record on the stream."""
    session = world.create_session()["id"]
    world.pay(session)
    (item,) = [
        item
        for item in world.having("EVENT#", "EVENT")
        if (item["session"], item["type"]) == (session, COMPLETED)
    ]
    content = {"NewImage": to_wire(item), "SequenceNumber": "1"}
    return item["id"], {"Records": [{"dynamodb": content}]}


def fan_out(world: World, event: dict[str, object]) -> None:
    assert world.invoke("FanOutEvents", event) == {"batchItemFailures": []}


def send(world: World, bodies: list[str]) -> None:
    for body in bodies:
        world.invoke("SendWebhook", {"Records": [{"messageId": "1", "body": body}]})


def resend(world: World, event: str) -> None:
    assert world.post(f"/v1/events/{event}/resend").status in (202, 503)


def check(world: World, event: str) -> None:
    """Asserts that a timer covers each delivery that is under way."""
    tracked = tracked_events.find(world.table, event)
    assert tracked is not None
    targets = {timer["target"] for timer in world.having("TIMER#")}
    for delivery in tracked.deliveries:
        if delivery.is_scheduled:
            stored = f"{event}/{delivery.endpoint}"
            assert (stored if delivery.is_stored else event) in targets


def finish(world: World, event: str) -> None:
    """Sends and sweeps until each delivery is delivered, or canceled with its endpoint."""
    for _ in range(4):
        send(world, world.messages())
        world.now += 61
        world.sweep()
    check(world, event)
    assert {item["state"] for item in world.having(f"EVENT#{event}", "DELIVERY#")} <= {
        "delivered",
        "canceled",
    }


def test_resends_during_an_attempt_keep_a_timer_for_each_delivery(receiver: Receiver) -> None:
    for world, rounds in quarter():
        subscribe(world, receiver.url)
        for round in rounds:
            event, stream = record(world)
            fan_out(world, stream)
            first = world.messages()
            receiver.statuses = [500] * (round % 2)

            race(
                lambda: send(world, first),
                lambda: resend(world, event),
                lambda: resend(world, event),
            )

            check(world, event)
            finish(world, event)


def test_concurrent_resends_of_an_ended_delivery_keep_a_timer_for_each_delivery(
    receiver: Receiver,
) -> None:
    for world, rounds in quarter():
        for name in ("a", "b"):
            subscribe(world, f"{receiver.url}/{name}")
        for _ in rounds:
            event, stream = record(world)
            fan_out(world, stream)
            send(world, world.messages())
            world.now += 1

            race(*[lambda: resend(world, event)] * 4)

            check(world, event)
            finish(world, event)


def test_resends_during_the_fan_out_keep_a_timer_for_each_delivery(receiver: Receiver) -> None:
    for world, rounds in quarter():
        subscribe(world, receiver.url)
        for _ in rounds:
            event, stream = record(world)

            race(
                lambda: fan_out(world, stream),
                lambda: resend(world, event),
                lambda: resend(world, event),
            )

            check(world, event)
            finish(world, event)


def test_a_resend_during_the_deletion_of_its_endpoint_keeps_a_timer_for_each_delivery(
    receiver: Receiver,
) -> None:
    for world, rounds in quarter():
        for _ in rounds:
            hook = subscribe(world, receiver.url)
            event, stream = record(world)
            fan_out(world, stream)
            send(world, world.messages())

            race(
                lambda: world.call("DELETE", f"/v1/webhooks/{hook}"),
                lambda: resend(world, event),
                world.sweep,
            )

            check(world, event)
            finish(world, event)


def test_concurrent_firings_of_a_resend_count_each_event_once(receiver: Receiver) -> None:
    for world, rounds in worlds(max(1, ROUNDS // 50), ROUNDS_OF_A_TABLE):
        subscribe(world, receiver.url)
        events = [record(world) for _ in range(6)]
        for _, stream in events:
            fan_out(world, stream)
        send(world, world.messages())
        body = {"created_at": {"gte": 0}, "type": COMPLETED}
        for _ in rounds:
            world.now += 61
            id = world.post("/v1/events/resend", body).json["id"]

            race(*[world.sweep] * 3)

            found = world.get(f"/v1/events/resends/{id}").json
            assert (found["status"], found["sent_count"]) == ("done", 6)
            for event, _ in events:
                check(world, event)
                finish(world, event)
