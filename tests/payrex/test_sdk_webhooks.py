"""Webhooks managed and received with PayRex's official Python SDK."""

import re

import payrex
import pytest

from devstack.stack import Stack
from tests.payrex.conftest import shopper_pays
from tests.payrex.forms import HOOK, ORDER
from tests.receiver import Receiver


def test_the_sdk_creates_updates_disables_enables_and_deletes_a_webhook(
    client: payrex.Client,
) -> None:
    hook = client.webhooks.create(HOOK)
    assert (hook.status, hook.events, hook.url) == ("enabled", HOOK["events"], HOOK["url"])

    changed = {"description": "Orders", "events": ["payment_intent.succeeded"]}
    updated = client.webhooks.update(hook.id, changed)
    assert (updated.description, updated.events) == ("Orders", ["payment_intent.succeeded"])
    assert client.webhooks.disable(hook.id).status == "disabled"
    assert client.webhooks.enable(hook.id).status == "enabled"
    assert client.webhooks.retrieve(hook.id).secret_key == hook.secret_key
    assert hook.id in [each.id for each in client.webhooks.list({"description": "Orders"}).data]

    assert client.webhooks.delete(hook.id).deleted is True
    with pytest.raises(payrex.ResourceNotFoundException):
        client.webhooks.retrieve(hook.id)


def test_the_sdk_verifies_and_parses_a_delivered_event(
    stack: Stack, client: payrex.Client, receiver: Receiver
) -> None:
    hook = client.webhooks.create({"url": receiver.url, "events": ["payment_intent.succeeded"]})
    session = client.checkout_sessions.create(ORDER | {"metadata": {"order_id": "42"}})
    shopper_pays(session)
    assert stack.wait_until_idle()

    (delivered,) = receiver.received
    body, signature = delivered.body.decode(), delivered.headers["payrex-signature"]
    event = client.webhooks.parse_event(body, signature, hook.secret_key)
    assert event.type == "payment_intent.succeeded"
    assert (event.data["resource"], event.data["status"]) == ("payment_intent", "succeeded")
    assert event.data["metadata"] == {"order_id": "42"}
    assert event.previous_attributes["status"] == "processing"
    assert event.pending_webhooks == 1
    for forged in (body.replace("42", "43"), body + " "):
        with pytest.raises(payrex.SignatureInvalidException):
            client.webhooks.parse_event(forged, signature, hook.secret_key)
    client.webhooks.delete(hook.id)


def test_a_live_event_is_signed_in_the_live_part_of_the_header(
    stack: Stack, live: payrex.Client, client: payrex.Client, receiver: Receiver
) -> None:
    hook = live.webhooks.create({"url": receiver.url, "events": ["checkout_session.expired"]})
    live.checkout_sessions.expire(live.checkout_sessions.create(ORDER).id)
    client.checkout_sessions.expire(client.checkout_sessions.create(ORDER).id)
    assert stack.wait_until_idle()

    (delivered,) = receiver.received
    signature = delivered.headers["payrex-signature"]
    assert re.fullmatch(r"t=\d+,te=,li=[0-9a-f]{64}", signature)
    event = live.webhooks.parse_event(delivered.body.decode(), signature, hook.secret_key)
    assert (event.type, event.data["livemode"]) == ("checkout_session.expired", True)
    live.webhooks.delete(hook.id)


def test_a_disabled_webhook_is_sent_nothing(
    stack: Stack, client: payrex.Client, receiver: Receiver
) -> None:
    hook = client.webhooks.create({"url": receiver.url, "events": ["checkout_session.expired"]})
    client.webhooks.disable(hook.id)

    client.checkout_sessions.expire(client.checkout_sessions.create(ORDER).id)
    assert stack.wait_until_idle()

    assert receiver.received == []
    client.webhooks.delete(hook.id)
