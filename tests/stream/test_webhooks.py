"""Events on their way to the merchant's server: stream, fan-out, queue, sender, timers."""

import hashlib
import hmac
import json

from checkout.webhooks.retry import DELAYS
from devstack.stack import Stack
from tests.merchant import Merchant
from tests.receiver import Receiver
from tests.world import SESSIONS

MINUTE, DAY = 60, 86_400


def verified(secret: str, header: str, body: bytes) -> bool:
    """Checks a signature as a merchant does (docs/contracts/paygate.md, section 5)."""
    fields = dict(part.split("=", 1) for part in header.split(","))
    signed = hmac.new(secret.encode(), f"{fields['t']}.".encode() + body, hashlib.sha256)
    return hmac.compare_digest(signed.hexdigest(), fields["v1"])


def test_a_payments_events_reach_every_endpoint_that_subscribes(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    all_types = ("checkout.session.completed", "payment.succeeded", "payment.failed")
    secret = merchant.subscribe(f"{receiver.url}/all", *all_types)["secret"]
    merchant.subscribe(f"{receiver.url}/expiries", "checkout.session.expired")
    id = merchant.create_session()["id"]

    merchant.pay(id, "4000000000000002")
    merchant.pay(id)
    assert stack.wait_until_idle()

    sent = {json.loads(each.body)["type"]: each for each in receiver.received}
    assert sorted(sent) == sorted(all_types)
    assert {each.path for each in receiver.received} == {"/hooks/all"}
    for each in receiver.received:
        assert verified(secret, each.headers["x-paygate-signature"], each.body)
        assert each.headers["content-type"] == "application/json"
        assert each.headers["webhook-id"] == json.loads(each.body)["id"]
    completed = json.loads(sent["checkout.session.completed"].body)
    assert completed["data"]["object"] == merchant.session(id)
    assert completed["pending_webhooks"] == 1


def test_the_api_shows_how_many_deliveries_are_pending(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    merchant.subscribe(f"{receiver.url}/a")
    merchant.subscribe(f"{receiver.url}/b")
    receiver.statuses = [200, 500]
    merchant.pay(merchant.create_session()["id"])
    assert stack.wait_until_idle()

    events = {event["type"]: event["pending_webhooks"] for event in merchant.events()}

    assert events == {"checkout.session.completed": 1, "payment.succeeded": 0}


def test_a_delivery_that_fails_is_attempted_again_with_the_same_id_and_body(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    secret = merchant.subscribe(receiver.url)["secret"]
    receiver.statuses = [500, 302, 404]
    merchant.pay(merchant.create_session()["id"])
    assert stack.wait_until_idle()
    assert len(receiver.received) == 1

    stack.advance(80)
    stack.advance(420)
    stack.advance(2400)

    assert len(receiver.received) == 4
    assert len({each.body for each in receiver.received}) == 1
    assert len({each.headers["x-paygate-signature"] for each in receiver.received}) == 4
    assert all(
        verified(secret, each.headers["x-paygate-signature"], each.body)
        for each in receiver.received
    )
    stack.advance(3 * DAY)
    assert len(receiver.received) == 4


def test_a_delivery_fails_after_its_last_attempt(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    merchant.subscribe(receiver.url)
    receiver.statuses = [500] * 99
    merchant.pay(merchant.create_session()["id"])

    stack.advance(5 * DAY)

    assert len(receiver.received) == len(DELAYS) + 1
    assert {event["pending_webhooks"] for event in merchant.events()} == {0}


def test_an_expiry_has_its_event_within_about_a_minute(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    merchant.subscribe(receiver.url)
    id = merchant.create_session()["id"]

    stack.advance(DAY - MINUTE)
    assert receiver.received == []
    stack.advance(2 * MINUTE)

    (sent,) = receiver.received
    event = json.loads(sent.body)
    assert event["type"] == "checkout.session.expired"
    assert event["data"]["object"] == merchant.session(id)
    assert event["request"] == {"id": None, "idempotency_key": None}


def test_an_expiry_by_request_has_one_event(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    merchant.subscribe(receiver.url)
    id = merchant.create_session()["id"]
    merchant.call("POST", f"{SESSIONS}/{id}/expire")
    merchant.call("POST", f"{SESSIONS}/{id}/expire")

    stack.advance(2 * DAY)

    assert [json.loads(each.body)["type"] for each in receiver.received] == [
        "checkout.session.expired"
    ]


def test_an_endpoint_receives_parked_events_when_it_is_enabled(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    endpoint = merchant.subscribe(receiver.url)["id"]
    receiver.statuses = [500]
    merchant.pay(merchant.create_session()["id"])
    assert stack.wait_until_idle()
    merchant.call("PATCH", f"/v1/webhooks/{endpoint}", {"status": "disabled"})
    stack.advance(7200)
    assert len(receiver.received) == 1

    merchant.call("PATCH", f"/v1/webhooks/{endpoint}", {"status": "enabled"})
    stack.advance(3700)

    assert len(receiver.received) == 2


def test_a_deleted_endpoint_receives_nothing(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    endpoint = merchant.subscribe(receiver.url)["id"]
    receiver.statuses = [500]
    merchant.pay(merchant.create_session()["id"])
    assert stack.wait_until_idle()
    merchant.call("DELETE", f"/v1/webhooks/{endpoint}")

    stack.advance(DAY)

    assert len(receiver.received) == 1
    assert {event["pending_webhooks"] for event in merchant.events()} == {0}


def test_endpoints_of_other_merchants_and_modes_receive_nothing(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    for key in ("sk_test_paygate_two", "sk_live_paygate"):
        Merchant(stack.url, key).subscribe(receiver.url)

    merchant.pay(merchant.create_session()["id"])

    assert stack.wait_until_idle()
    assert receiver.received == []


def test_a_delivery_to_an_endpoint_that_is_down_stays_pending(
    stack: Stack, merchant: Merchant, receiver: Receiver
) -> None:
    merchant.subscribe("http://127.0.0.1:1/hooks")
    endpoint = merchant.subscribe(receiver.url)
    merchant.pay(merchant.create_session()["id"])
    assert stack.wait_until_idle()
    assert len(receiver.received) == 1

    assert merchant.call("DELETE", f"/v1/webhooks/{endpoint['id']}")[0] == 200
    pending = {event["type"]: event["pending_webhooks"] for event in merchant.events()}
    assert pending["checkout.session.completed"] == 1
