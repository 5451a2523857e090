"""Bad notifications of a processor get one answer, whether the merchant has Stripe or not."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from stripe import WebhookSignature

from checkout.processors import registry
from checkout.processors.protocol import ProcessorUnavailableError
from devstack.engines import Engine
from tests.processors.accounts import SIGNING, open_at_stripe
from tests.processors.notifications import HOOK, event_about
from tests.world import ACCRA, Response, World

WITH_STRIPE, WITHOUT = ACCRA.id, "merc_kumasi"
REFUSED = {
    "error": {
        "code": "body_invalid",
        "message": "There is no such account, or the signature is wrong.",
    }
}


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[World]:
    with World.open(engine) as world:
        open_at_stripe(world.table, WITH_STRIPE)
        yield world


def send(world: World, path: str, body: bytes, signature: str | None = None) -> Response:
    if signature is None:
        text = body.decode(errors="replace")
        signature = WebhookSignature.generate_signature_header(text, SIGNING)
    return world.post(path, body, key=None, headers={"stripe-signature": signature})


def assert_refused(world: World, path: str, body: bytes, signature: str | None = None) -> None:
    with world.untouched():
        response = send(world, path, body, signature)
    assert (response.status, response.json) == (400, REFUSED)


@pytest.mark.parametrize(
    "account",
    [
        "x" * 2100, f"merc_{'x' * 2100}.test", "merc_" + "x" * 2100 + ".live", f"{ACCRA.id}#x.test",
        f"{ACCRA.id}#live.test", f"{ACCRA.id}#test", "#.test", ".test", ".", "..", "\x00.test",
        f"{ACCRA.id}.test\n", f"{ACCRA.id}.TEST", "mérc.test", "💳" * 500 + ".test", "merc_.test",
    ],
    ids=lambda account: ascii(account[:20]),
)  # fmt: skip
def test_a_malformed_account_in_the_path_is_refused(shop: World, account: str) -> None:
    body = json.dumps(event_about({"object": "payment_intent"})).encode()

    assert_refused(shop, f"/processors/stripe/{quote(account, safe='')}", body)


@pytest.mark.parametrize(
    "signature",
    ["", "é", "t=1,v1=é", "t=1800000000,v1=" + "é" * 64, "💳", "t=1,v1=\x00", "t=" + "9" * 5000,
     "t=" + "9" * 5000 + ",v1=00", ",", "=", "t", "t=1,v1", "v1=" * 5000, "x" * 8000, "t=-1,v1=0",
     "t=٣,v1=00"],
    ids=lambda signature: ascii(signature[:12]),
)  # fmt: skip
@pytest.mark.parametrize("merchant", [WITH_STRIPE, WITHOUT])
def test_a_malformed_signature_is_refused(shop: World, merchant: str, signature: str) -> None:
    assert_refused(shop, f"/processors/stripe/{merchant}.test", b"{}", signature)


ODD = [
    b"", b"{}", b"[]", b"5", b"null", b"true", b'"text"', b"{", b"\xff\xfe", b"\x00", b"[" * 60_000,
    b'{"a":' * 10_000, b"9" * 5000, b'{"data": null}', b'{"data": []}', b'{"data": {}}',
    b'{"data": {"object": null}}', b'{"data": {"object": []}}', b'{"data": {"object": "x"}}',
    b'{"data": {"object": {"metadata": [1]}}}', b'{"data": {"object": {"metadata": "x"}}}',
    b'{"data": {"object": {"metadata": {"payment": 5}}}}',
    b'{"data": {"object": {"metadata": {"payment": ["pay"]}}}}',
    b'{"data": {"object": {"metadata": {"payment": {"id": "pay"}}}}}',
    b'{"data": {"object": {"metadata": {"payment": "x", "refund": [1]}}}}',
    b'{"object": "v2.core.event", "data": {"object": 1}}',
]  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=lambda body: ascii(body[:40]))
@pytest.mark.parametrize("merchant", [WITH_STRIPE, WITHOUT])
def test_a_signed_body_that_is_not_an_event_is_refused(
    shop: World, merchant: str, body: bytes
) -> None:
    assert_refused(shop, f"/processors/stripe/{merchant}.test", body)


@pytest.mark.parametrize(
    "id", ["pay_" + "1" * 2100, f"pay_{'1' * 32}#x", "\x00", "💳" * 500, "", "pay_\ud800"]
)
def test_a_signed_event_about_a_malformed_id_is_accepted_and_ignored(shop: World, id: str) -> None:
    """The merchant may use the same Stripe account for other purposes."""
    body = json.dumps(event_about({"metadata": {"payment": id, "refund": id}})).encode()

    with shop.untouched():
        assert send(shop, HOOK, body).status == 200


@pytest.mark.parametrize("merchant", [WITH_STRIPE, WITHOUT])
def test_a_body_that_is_too_large_is_refused(shop: World, merchant: str) -> None:
    path = f"/processors/stripe/{merchant}.test"

    assert send(shop, path, b"{}".ljust(70_000), "t=1,v1=00").status == 413


def test_a_notification_is_sent_again_if_stripe_does_not_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it is about a refund, whose status has to be looked up at Stripe."""
    id = world.create_session()["id"]
    world.pay(id)
    payment = world.session(id)["payment"]
    refund = world.post("/v1/refunds", {"payment": payment, "amount": 100}).json["id"]
    open_at_stripe(world.table, WITH_STRIPE)
    world.table.client.update_item(
        TableName=world.table.name,
        Key={"pk": {"S": f"PAYMENT#{payment}"}, "sk": {"S": "PAYMENT"}},
        UpdateExpression="SET #p = :p",
        ExpressionAttributeNames={"#p": "processor"},
        ExpressionAttributeValues={":p": {"S": registry.STRIPE}},
    )
    world.table.client.update_item(
        TableName=world.table.name,
        Key={"pk": {"S": f"REFUND#{refund}"}, "sk": {"S": "REFUND"}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "pending"}},
    )

    def fail(*_: Any) -> None:
        raise ProcessorUnavailableError

    monkeypatch.setattr(registry.ProcessorRouter, "look_up_refund", fail)
    event = event_about({"metadata": {"payment": payment, "refund": refund}})

    response = send(world, HOOK, json.dumps(event).encode())

    assert (response.status, response.json["error"]["code"]) == (503, "try_again")
