"""What programs really send is taken for what it means, and what can't be is refused with the cure
(docs/contracts/paygate.md, sections 1 to 6; docs/contracts/payrex.md, sections 2 and 4)."""

from typing import Any

import pytest

from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import one_item, order
from tests.world import (
    FORM_TYPE,
    KEY,
    ORDER,
    PAYREX_KEY,
    SESSIONS,
    World,
    basic,
)

CUSTOMERS, REFUNDS, WEBHOOKS = "/v1/customers", "/v1/refunds", "/v1/webhooks"
TYPE = "invalid_request_error"
JSON = {"content-type": "application/json"}

# ------------------------------------------------------------------ parameters


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"order_id": 1234}, {"order_id": "1234"}),
        ({"weight": 12.5}, {"weight": "12.5"}),
        ({"gift": True, "express": False}, {"gift": "true", "express": "false"}),
        ({"order_id": "1234", "coupon": None}, {"order_id": "1234"}),
        ({"big": 10**20}, {"big": "100000000000000000000"}),
        ({"empty": ""}, {"empty": ""}),
        ([], {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_metadata_keeps_numbers_and_booleans_as_text_and_drops_nulls(
    world: World, sent: Any, kept: dict[str, str]
) -> None:
    session = world.create_session(metadata=sent)
    assert session["metadata"] == kept

    assert world.post(CUSTOMERS, {"metadata": sent}).json["metadata"] == kept

    world.pay(session["id"])
    payment = world.session(session["id"])["payment"]
    refund = world.post(REFUNDS, {"payment": payment, "amount": 1, "metadata": sent})
    assert refund.json["metadata"] == kept


def test_phps_empty_body_is_an_empty_object(world: World) -> None:
    """`json_encode([])` is `[]`."""
    id = world.create_session()["id"]

    assert world.post(CUSTOMERS, b" []").status == 201
    assert world.post(f"{SESSIONS}/{id}/expire", b"[]").json["status"] == "expired"
    missing = (400, TYPE, "parameter_missing", "amount")
    world.refused(missing, "POST", SESSIONS, b"[]")


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        ({"order_id": "1234", "order": {"id": "1234"}}, "metadata[order]"),
        ({"order": ["1234"]}, "metadata[order]"),
        ({"note": "x" * 501}, "metadata[note]"),
        ({"order": 10**600}, "metadata[order]"),
        ({"k" * 41: "1234"}, f"metadata[{'k' * 41}]"),
        ({"": "1234"}, "metadata[]"),
        ({"4242 4242 4242 4242": ["1234"]}, "metadata"),
    ],
)
def test_a_refused_key_of_metadata_is_named(world: World, metadata: Any, key: str) -> None:
    error = (400, TYPE, "parameter_invalid", key)

    for target, body in ((SESSIONS, ORDER), (CUSTOMERS, {})):
        response = world.refused(error, "POST", target, body | {"metadata": metadata})
        assert key in response.json["error"]["message"]
        assert "4242" not in response.text


def test_an_infinite_number_in_metadata_is_refused(world: World) -> None:
    error = (400, TYPE, "parameter_invalid", "metadata[weight]")

    world.refused(error, "POST", CUSTOMERS, b'{"metadata": {"weight": 1e400}}')


@pytest.mark.parametrize("amount", [5000.0, 5000])
def test_a_whole_amount_may_be_a_float(world: World, amount: float) -> None:
    session = world.create_session(amount=amount)
    world.pay(session["id"])
    payment = world.session(session["id"])["payment"]

    refund = world.post(REFUNDS, {"payment": payment, "amount": amount})

    assert (session["amount"], refund.json["amount"]) == (5000, 5000)
    assert "5000.0" not in refund.text


def test_a_whole_number_of_payrex_may_be_a_float(world: World) -> None:
    form = one_item("25000.0", "2.00")  # type: ignore[arg-type]  # as Python's SDK sends floats

    session = world.payrex("POST", PAYREX_SESSIONS, form).json

    assert session["amount"] == 50_000


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("+233 24 000 0001", "+233240000001"),
        ("024-000-0001", "0240000001"),
        ("(024) 000 0001", "0240000001"),
        ("024.000.0001\n", "0240000001"),
        ("+233\u00a024\u00a0000\u00a00001", "+233240000001"),
        ("", None),
        (None, None),
    ],
)
def test_a_phone_number_may_have_blanks_and_punctuation(
    world: World, sent: str | None, kept: str | None
) -> None:
    assert world.post(CUSTOMERS, {"phone": sent}).json["phone"] == kept

    world.create_session(customer_phone=sent)

    (session,) = world.having("SESSION#")
    assert session.get("customer_phone") == kept


def test_an_empty_email_address_is_none(world: World) -> None:
    assert world.create_session(customer_email="")["customer_email"] is None
    assert world.post(CUSTOMERS, {"email": ""}).json["email"] is None


@pytest.mark.parametrize(
    "mark",
    ["{CHECKOUT_SESSION_ID}", "%7BCHECKOUT_SESSION_ID%7D", "%7bCHECKOUT_SESSION_ID%7d"],
)
def test_the_placeholder_may_be_percent_encoded(world: World, mark: str) -> None:
    url = f"https://yoursite.com/{mark}?session_id={mark}"
    session = world.create_session(success_url=url, cancel_url=url)
    id = session["id"]
    expected = f"https://yoursite.com/{id}?session_id={id}"

    assert session["success_url"] == url
    assert f'href="{expected}"' in world.page(f"/checkout/{id}?canceled=1").text
    assert f"url={expected}" in world.page(world.pay(id).headers["location"]).text


@pytest.mark.parametrize("url", ["http://localhost:4000/hooks", "http://127.0.0.1:4000/hooks"])
def test_both_names_of_this_machine_are_accepted_in_devstack(world: World, url: str) -> None:
    hook = {"url": url, "events": ["payment.failed"]}
    assert world.post(WEBHOOKS, hook).json["url"] == url

    form = f"url={url}&events[]=refund.created"
    assert world.payrex("POST", "/webhooks", form).json["url"] == url


# ---------------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "body",
    [
        b"amount=5000&currency=GHS",
        b"metadata[order_id]=1234",
        b"metadata%5Border_id%5D=1234",
        b'--boundary\r\nContent-Disposition: form-data; name="amount"\r\n\r\n5000',
    ],
)
@pytest.mark.parametrize("headers", [JSON, {"content-type": FORM_TYPE}])
def test_a_form_sent_to_paygate_is_refused_with_the_cure(
    world: World, body: bytes, headers: dict[str, str]
) -> None:
    error = (400, TYPE, "body_invalid", None)

    response = world.refused(error, "POST", SESSIONS, body, headers=headers)

    message = response.json["error"]["message"]
    assert message.startswith("The body is a form; this API takes JSON bodies.")
    assert "application/json" in message


@pytest.mark.parametrize(
    "body", ['{"currency": "PHP"}', " []", '--b\r\nContent-Disposition: form-data; name="a"\r\n']
)
@pytest.mark.parametrize("headers", [JSON, {"content-type": FORM_TYPE}])
def test_json_sent_to_payrex_is_refused_with_the_cure(
    world: World, body: str, headers: dict[str, str]
) -> None:
    with world.untouched():
        response = world.payrex("POST", PAYREX_SESSIONS, body, headers=headers)

    assert response.errors == (400, [("parameter_invalid", None)])
    detail = response.json["errors"][0]["detail"]
    assert detail.startswith("This API takes form bodies.")
    assert FORM_TYPE in detail


# ---------------------------------------------------------------- credentials


def test_basic_credentials_for_paygate_are_refused_with_the_cure(world: World) -> None:
    response = world.get(SESSIONS, key=None, headers={"authorization": basic(KEY)})

    assert response.error == (401, "authentication_error", "invalid_api_key", None)
    assert "Authorization: Bearer sk_test_" in response.json["error"]["message"]


def test_bearer_credentials_for_payrex_are_refused_with_the_cure(world: World) -> None:
    header = {"authorization": f"Bearer {PAYREX_KEY}"}

    response = world.get(PAYREX_SESSIONS, key=None, headers=header)

    assert response.errors == (401, [("auth_invalid", None)])
    assert "HTTP Basic with the key as user name" in response.json["errors"][0]["detail"]


# ---------------------------------------------------------------------- routes


@pytest.mark.parametrize(
    ("method", "target", "location"),
    [
        ("POST", f"{SESSIONS}/", SESSIONS),
        ("GET", f"{SESSIONS}/?limit=1&status=open", f"{SESSIONS}?limit=1&status=open"),
        ("GET", f"{SESSIONS}/cs_1/", f"{SESSIONS}/cs_1"),
        ("POST", f"{SESSIONS}/cs_1/expire/", f"{SESSIONS}/cs_1/expire"),
        ("GET", "/v1/events/%0d%0ax%3a%20y/", "/v1/events/%0D%0Ax%3A%20y"),
        ("GET", "/v1/events/a/?x=\u20ac", "/v1/events/a?x=%E2%82%AC"),
    ],
)
def test_a_trailing_slash_leads_to_the_same_route(
    world: World, method: str, target: str, location: str
) -> None:
    with world.untouched():
        response = world.call(method, target, ORDER)

    assert (response.status, response.headers["location"]) == (308, location)


def test_a_trailing_slash_of_payrex_leads_to_the_same_route(world: World) -> None:
    for target in (PAYREX_SESSIONS, f"{PAYREX_SESSIONS}/cs_1/expire", "/payments/pay_1"):
        response = world.payrex("POST", f"{target}/", order())
        assert (response.status, response.headers["location"]) == (308, target)


def test_a_trailing_slash_of_the_page_needs_no_key(world: World) -> None:
    for target in ("/checkout/cs_1", "/c/cs_1_secret_2"):
        response = world.page(f"{target}/")
        assert (response.status, response.headers["location"]) == (308, target)


def test_a_browser_is_told_that_secret_keys_belong_on_servers(world: World) -> None:
    preflight = {"origin": "https://yoursite.com", "access-control-request-method": "POST"}

    paygate = world.call("OPTIONS", SESSIONS, key=None, headers=preflight)
    payrex = world.call("OPTIONS", PAYREX_SESSIONS, key=None, headers=preflight)

    assert paygate.error == (403, "permission_error", "server_side_only", None)
    assert payrex.errors == (401, [("auth_invalid", None)])
    for response in (paygate, payrex):
        assert "Secret keys don't belong in browsers" in response.text
        assert "from your server" in response.text
        assert not any(name.startswith("access-control-") for name in response.headers)


# ---------------------------------------------------------------------- events


def test_events_of_one_second_are_listed_in_the_order_they_happened(world: World) -> None:
    for _ in range(12):
        id = world.create_session()["id"]
        world.pay(id, "4000000000000002")  # is declined
        world.pay(id)

        events = world.get(f"/v1/events?checkout_session={id}").json["data"]

        assert [event["sequence"] for event in events] == [3, 2, 1]
