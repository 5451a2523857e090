"""Stream and queue deliver at least once. Repeated records and messages change nothing."""

from typing import Any

import pytest

from checkout.store.items import to_wire
from tests.receiver import Receiver
from tests.world import World


@pytest.fixture
def completed(world: World, receiver: Receiver) -> dict[str, Any]:
    """The stream's record of a completed session's event, to which one endpoint subscribes."""
    hook = {"url": receiver.url, "events": ["checkout.session.completed"]}
    world.post("/v1/webhooks", hook)
    world.pay(world.create_session()["id"])
    (event,) = [
        item
        for item in world.having("EVENT#", "EVENT")
        if item["type"] == "checkout.session.completed"
    ]
    return {"dynamodb": {"NewImage": to_wire(event), "SequenceNumber": "1"}}


def deliver(world: World, body: str) -> None:
    record = {"messageId": "1", "body": body}
    assert world.invoke("SendWebhook", {"Records": [record]}) == {"batchItemFailures": []}


def test_an_event_that_is_streamed_twice_is_fanned_out_once(
    world: World, receiver: Receiver, completed: dict[str, Any]
) -> None:
    world.invoke("FanOutEvents", {"Records": [completed]})
    (message,) = world.messages()
    deliver(world, message)
    before = world.items()

    world.invoke("FanOutEvents", {"Records": [completed]})

    assert world.messages() == []
    assert world.items() == before
    assert len(receiver.received) == 1


def test_a_repeated_message_sends_no_second_request(
    world: World, receiver: Receiver, completed: dict[str, Any]
) -> None:
    receiver.statuses = [500]
    world.invoke("FanOutEvents", {"Records": [completed]})
    (message,) = world.messages()
    deliver(world, message)
    before = world.items()

    deliver(world, message)

    assert len(receiver.received) == 1
    assert world.items() == before
