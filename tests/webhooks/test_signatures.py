"""What we send, on a real socket, verified by the code that receivers really use."""

import json
from typing import Any

import pytest
import standardwebhooks
import stripe

from checkout.webhooks import signing
from tests.receiver import Received, Receiver
from tests.world import World

WEBHOOKS = "/v1/webhooks"
DAY = 86_400


@pytest.fixture(autouse=True)
def _todays_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both packages hold the signature's time against the clock on the wall."""
    import time

    world.now = time.time()


def subscribe(world: World, receiver: Receiver) -> tuple[str, str]:
    hook = {"url": receiver.url, "events": ["checkout.session.completed"]}
    made = world.post(WEBHOOKS, hook).json
    return made["id"], made["secret"]


def roll(world: World, id: str) -> str:
    secret: str = world.post(f"{WEBHOOKS}/{id}/rotate").json["secret"]
    return secret


def complete(world: World, receiver: Receiver) -> Received:
    """Pays a session, and what the endpoint receives of it."""
    world.pay(world.create_session()["id"])
    world.fan_out_all()
    world.send_all()
    return receiver.received[-1]


def by_stripe(sent: Received, secret: str) -> bool:
    header = sent.headers["x-paygate-signature"]
    try:
        stripe.WebhookSignature.verify_header(sent.body.decode(), header, secret, tolerance=300)
    except stripe.SignatureVerificationError:
        return False
    return True


def by_standard_webhooks(sent: Received, secret: str) -> bool:
    try:
        told = standardwebhooks.Webhook(secret).verify(sent.body, sent.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return bool(told == json.loads(sent.body))


VERIFIERS = [by_stripe, by_standard_webhooks]


@pytest.mark.parametrize("verified", VERIFIERS)
def test_a_package_of_others_verifies_what_we_send(
    world: World, receiver: Receiver, verified: Any
) -> None:
    _, secret = subscribe(world, receiver)

    sent = complete(world, receiver)

    assert verified(sent, secret)
    assert not verified(sent, signing.new_secret())
    forged = Received(sent.path, sent.headers, sent.body.replace(b"5000", b"5001"))
    assert forged.body != sent.body
    assert not verified(forged, secret)


@pytest.mark.parametrize("verified", VERIFIERS)
def test_the_old_secret_verifies_for_a_day_after_it_was_rolled(
    world: World, receiver: Receiver, verified: Any
) -> None:
    id, old = subscribe(world, receiver)
    new = roll(world, id)

    during = complete(world, receiver)
    world.now += DAY
    after = complete(world, receiver)

    assert verified(during, old)
    assert verified(during, new)
    # By its own time: the packages would refuse one of tomorrow.
    assert after.headers["x-paygate-signature"].count("v1=") == 1
    assert after.headers["webhook-signature"].count("v1,") == 1


@pytest.mark.parametrize("verified", VERIFIERS)
def test_of_two_rotations_in_a_day_the_newest_two_secrets_sign(
    world: World, receiver: Receiver, verified: Any
) -> None:
    id, first = subscribe(world, receiver)
    second, third = roll(world, id), roll(world, id)

    sent = complete(world, receiver)

    assert [verified(sent, each) for each in (first, second, third)] == [False, True, True]


def test_stripes_own_constructor_takes_the_event(world: World, receiver: Receiver) -> None:
    _, secret = subscribe(world, receiver)

    sent = complete(world, receiver)

    header = sent.headers["x-paygate-signature"]
    event = stripe.Webhook.construct_event(sent.body, header, secret)
    assert event["type"] == "checkout.session.completed"
    assert event["data"]["object"]["id"] == json.loads(sent.body)["data"]["object"]["id"]
