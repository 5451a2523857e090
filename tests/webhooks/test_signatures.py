"""Signatures of webhooks, verified by the packages that receivers use."""

import hmac
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
    """Both packages compare the signature's time with the real clock."""
    import time

    world.now = time.time()


def subscribe(world: World, receiver: Receiver) -> tuple[str, str]:
    hook = {"url": receiver.url, "events": ["checkout.session.completed"]}
    made = world.post(WEBHOOKS, hook).json
    return made["id"], made["secret"]


def rotate(world: World, id: str) -> str:
    """Rotates an endpoint's secret; returns the new one."""
    secret: str = world.post(f"{WEBHOOKS}/{id}/rotate").json["secret"]
    return secret


def complete(world: World, receiver: Receiver) -> Received:
    """Pays a session; returns the request that the endpoint receives."""
    world.pay(world.create_session()["id"])
    world.fan_out_all()
    world.send_all()
    return receiver.received[-1]


def stripe_verifies(sent: Received, secret: str) -> bool:
    header = sent.headers["x-paygate-signature"]
    try:
        stripe.WebhookSignature.verify_header(sent.body.decode(), header, secret, tolerance=300)
    except stripe.SignatureVerificationError:
        return False
    return True


def standard_webhooks_verifies(sent: Received, secret: str) -> bool:
    try:
        payload = standardwebhooks.Webhook(secret).verify(sent.body, sent.headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return bool(payload == json.loads(sent.body))


VERIFIERS = [stripe_verifies, standard_webhooks_verifies]


@pytest.mark.parametrize("verifies", VERIFIERS)
def test_other_packages_verify_the_signature(
    world: World, receiver: Receiver, verifies: Any
) -> None:
    _, secret = subscribe(world, receiver)

    sent = complete(world, receiver)

    assert verifies(sent, secret)
    assert not verifies(sent, signing.new_secret())
    forged = Received(sent.path, sent.headers, sent.body.replace(b"5000", b"5001"))
    assert forged.body != sent.body
    assert not verifies(forged, secret)


@pytest.mark.parametrize("verifies", VERIFIERS)
def test_the_old_secret_is_valid_for_a_day_after_a_rotation(
    world: World, receiver: Receiver, verifies: Any
) -> None:
    id, old = subscribe(world, receiver)
    new = rotate(world, id)

    during = complete(world, receiver)
    world.now += DAY
    after = complete(world, receiver)

    assert verifies(during, old)
    assert verifies(during, new)
    # The packages can't verify a request of tomorrow.
    assert after.headers["x-paygate-signature"].count("v1=") == 1
    assert after.headers["webhook-signature"].count("v1,") == 1


@pytest.mark.parametrize("verifies", VERIFIERS)
def test_each_old_secret_signs_for_its_own_day_after_two_rotations(
    world: World, receiver: Receiver, verifies: Any
) -> None:
    id, first = subscribe(world, receiver)
    now = world.now
    world.now = now - DAY + 10  # the packages cannot verify a request of tomorrow
    second = rotate(world, id)
    world.now = now - 10
    third = rotate(world, id)

    world.now = now
    during = complete(world, receiver)
    world.now = now + 20
    after = complete(world, receiver)

    secrets = (first, second, third)
    assert [verifies(during, each) for each in secrets] == [True, True, True]
    assert [verifies(after, each) for each in secrets] == [False, True, True]


def test_the_newest_secret_signs_first(world: World, receiver: Receiver) -> None:
    id, first = subscribe(world, receiver)
    second, third = rotate(world, id), rotate(world, id)

    sent = complete(world, receiver)

    moment, *signatures = sent.headers["x-paygate-signature"].split(",")
    signed = f"{moment.removeprefix('t=')}.".encode() + sent.body
    expected = [
        hmac.new(each.encode(), signed, "sha256").hexdigest() for each in (third, second, first)
    ]
    assert signatures == [f"v1={each}" for each in expected]
    assert len(sent.headers["webhook-signature"].split()) == 3


def test_a_rotation_is_refused_while_four_former_secrets_sign(
    world: World, receiver: Receiver
) -> None:
    id, _ = subscribe(world, receiver)
    for _ in range(4):
        rotate(world, id)
        world.now += 60
    target, error = f"{WEBHOOKS}/{id}/rotate", (422, "invalid_request_error", "limit_reached", None)

    world.refused(error, "POST", target)
    world.now += DAY - 4 * 60 - 1
    world.refused(error, "POST", target)
    world.now += 1

    assert world.post(target).status == 200
    world.refused(error, "POST", target)


def test_stripes_package_constructs_the_event(world: World, receiver: Receiver) -> None:
    _, secret = subscribe(world, receiver)

    sent = complete(world, receiver)

    header = sent.headers["x-paygate-signature"]
    event = stripe.Webhook.construct_event(sent.body, header, secret)
    assert event["type"] == "checkout.session.completed"
    assert event["data"]["object"]["id"] == json.loads(sent.body)["data"]["object"]["id"]
