"""PayRex's objects, key by key (docs/contracts/payrex.md, sections 6 to 9)."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.payrex.conftest import Create
from tests.payrex.forms import CUSTOMER, SESSIONS, encode, order
from tests.world import CARD, PAYREX_LIVE_KEY, START, World

BASE58 = "[1-9A-HJ-NP-Za-km-z]{32}"
PAGE = "https://api.example.com/c/"

DOCUMENTED: dict[str, Any] = json.loads("""
{"id": "cs_", "resource": "checkout_session", "customer_reference_id": null,
 "client_secret": "cs_secret", "status": "active", "currency": "PHP",
 "line_items": [
  {"id": "cs_li_", "resource": "checkout_session_line_item", "name": "Some name", "amount": 10000,
   "quantity": 5, "description": null, "image": "https://some-url.com/1.jpg"},
  {"id": "cs_li_", "resource": "checkout_session_line_item", "name": "Some name", "amount": 10000,
   "quantity": 5, "description": null, "image": null}],
 "livemode": false, "url": "page",
 "payment_intent": {
  "id": "pi_", "amount": 100000, "capture_type": null, "client_secret": "pi_secret",
  "currency": "PHP", "description": "Some description", "livemode": false, "metadata": null,
  "next_action": null, "payment_method_id": null, "payment_methods": ["card", "gcash"],
  "payment_method_options": {"card": {"capture_type": "automatic"}},
  "status": "awaiting_payment_method", "return_url": null, "capture_before_at": null,
  "created_at": 1800000000, "updated_at": 1800000000},
 "metadata": null, "success_url": "http://some-url.com", "cancel_url": "http://some-url.com",
 "payment_methods": ["card", "gcash"], "description": "Some description", "submit_type": "pay",
 "expires_at": 1800086400, "created_at": 1800000000, "updated_at": 1800000000}
""")
"""The session that PayRex's documentation shows, at the test's time and after `anonymous`."""
SESSION_KEYS = [
    "id", "resource", "amount", "billing_details_collection", "customer_reference_id",
    "customer_id", "customer", "client_secret", "status", "currency", "line_items", "livemode",
    "url", "payment_intent", "metadata", "statement_descriptor", "success_url", "cancel_url",
    "payment_methods", "payment_method_options", "description", "submit_type", "expires_at",
    "created_at", "updated_at",
]  # fmt: skip
INTENT_KEYS = {
    *DOCUMENTED["payment_intent"], "resource", "amount_received", "amount_capturable", "customer",
    "last_payment_error", "latest_payment", "statement_descriptor",
}  # fmt: skip

Pay = Callable[..., None]


def anonymous(value: Any) -> Any:
    """The value with ids, secrets and URLs replaced by their kind. Fails if one is malformed."""
    text = json.dumps(value)
    text = re.sub(rf"{PAGE}cs_{BASE58}_secret_{BASE58}(?=\")", "page", text)
    text = re.sub(rf"\b(cs|pi)_{BASE58}_secret_{BASE58}(?=\")", r"\1_secret", text)
    text = re.sub(rf"\b(cs_li|cs|pi|pay|cus)_{BASE58}(?=\")", r"\1_", text)
    return json.loads(text)


def test_a_created_session_has_the_documented_keys(create: Create) -> None:
    session = create()

    found = anonymous(session)
    assert {key: found[key] for key in DOCUMENTED if key != "payment_intent"} == {
        key: value for key, value in DOCUMENTED.items() if key != "payment_intent"
    }
    intent = found["payment_intent"]
    assert {key: intent[key] for key in DOCUMENTED["payment_intent"]} == DOCUMENTED[
        "payment_intent"
    ]
    assert session["amount"] == 100_000
    assert session["expires_at"] == session["created_at"] + 86_400


def test_every_key_is_present_and_null_without_a_value(create: Create) -> None:
    session = create(description=None, payment_methods=None)

    assert list(session) == SESSION_KEYS
    assert set(session["payment_intent"]) == INTENT_KEYS
    for name in ("customer_reference_id", "customer_id", "customer", "metadata", "description"):
        assert session[name] is None
    for name in ("metadata", "description", "customer", "last_payment_error", "latest_payment"):
        assert session["payment_intent"][name] is None
    assert session["payment_methods"] == ["gcash", "card", "maya", "qrph"]


def test_session_and_payment_intent_have_different_client_secrets(create: Create) -> None:
    session = create()
    intent = session["payment_intent"]

    assert session["client_secret"].startswith(f"{session['id']}_secret_")
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")
    assert session["url"] == PAGE + session["client_secret"]
    assert intent["client_secret"][-32:] != session["client_secret"][-32:]
    assert len({item["id"] for item in session["line_items"]}) == 2


def test_a_session_is_retrieved_and_listed_as_it_was_created(world: World, create: Create) -> None:
    session = create(metadata={"order": "1"}, customer_reference_id="42")

    assert world.payrex("GET", f"{SESSIONS}/{session['id']}").json == session
    assert world.payrex("GET", SESSIONS).json["data"] == [session]
    intent = session["payment_intent"]
    assert world.payrex("GET", f"/payment_intents/{intent['id']}").json == intent


def test_a_payment_intent_is_found_only_by_its_own_id(world: World, create: Create) -> None:
    id = create()["id"].partition("_")[2]

    for other in (f"cs_{id}", f"pay_{id}", id, f"pi_{id}1", f"pi_cs_{id}", "pi_"):
        for method, target in (("GET", other), ("POST", f"{other}/cancel")):
            response = world.payrex(method, f"/payment_intents/{target}")
            assert response.errors == (404, [("resource_not_found", None)])


def test_objects_of_a_live_session_have_livemode(create: Create) -> None:
    session = create(key=PAYREX_LIVE_KEY)

    assert (session["livemode"], session["payment_intent"]["livemode"]) == (True, True)


# -------------------------------------------------------------------- statuses


def test_a_paid_session_is_completed_and_its_intent_succeeded(
    world: World, create: Create, pay: Pay
) -> None:
    session = create(metadata={"order": "1"})
    world.now += 60
    pay(session)

    paid = world.payrex("GET", f"{SESSIONS}/{session['id']}").json
    intent = paid["payment_intent"]
    assert (paid["status"], intent["status"]) == ("completed", "succeeded")
    assert (intent["amount_received"], intent["amount_capturable"]) == (100_000, 0)
    assert intent["return_url"] == session["url"]
    assert (paid["updated_at"], paid["created_at"]) == (START + 60, START)
    assert paid["metadata"] == intent["metadata"] == {"order": "1"}
    payment = world.payrex("GET", f"/payments/{intent['latest_payment']}").json
    assert anonymous(payment) == {
        "id": "pay_",
        "resource": "payment",
        "amount": 100_000,
        "amount_refunded": 0,
        "billing": {
            "name": "Ama Sample",
            "email": "ama@example.com",
            "phone": None,
            "address": {
                "line1": "1 Sample Street",
                "line2": None,
                "city": "Manila",
                "state": None,
                "postal_code": "1000",
                "country": "PH",
            },
        },
        "currency": "PHP",
        "description": "Some description",
        "fee": 0,
        "livemode": False,
        "metadata": {"order": "1"},
        "net_amount": 100_000,
        "payment_intent_id": "pi_",
        "status": "paid",
        "customer": None,
        "payment_method": {
            "type": "card",
            "card": {"first6": None, "last4": "4242", "brand": "visa"},
        },
        "refunded": False,
        "page_session": None,
        "created_at": START + 60,
        "updated_at": START + 60,
    }
    assert payment["payment_intent_id"] == intent["id"]


def test_a_payment_has_the_customer_of_its_session(world: World, create: Create, pay: Pay) -> None:
    customer = world.payrex("POST", "/customers", encode(CUSTOMER)).json
    session = create(customer_id=customer["id"])
    pay(session)

    intent = world.payrex("GET", f"{SESSIONS}/{session['id']}").json["payment_intent"]
    payment = world.payrex("GET", f"/payments/{intent['latest_payment']}").json

    assert payment["customer"] == intent["customer"] == customer


@pytest.mark.parametrize("missing", ["name", "email", "line1", "city", "postal_code"])
def test_a_page_that_always_collects_billing_details_requires_them(
    world: World, create: Create, missing: str
) -> None:
    session = create()

    with world.untouched():
        response = world.submit(
            session["client_secret"], CARD | {"number": "4242424242424242", missing: ""}
        )

    assert response.status == 422
    assert f'id="{missing}-error">Please fill this in.' in response.text


def test_a_page_that_collects_what_the_method_needs_asks_for_the_email_alone(
    world: World, create: Create
) -> None:
    session = create(billing_details_collection="auto")
    page = world.page(f"/c/{session['client_secret']}").text
    assert 'name="email"' in page
    assert 'name="line1"' not in page

    world.submit(session["client_secret"], CARD | {"number": "4242424242424242"})

    intent = world.payrex("GET", f"{SESSIONS}/{session['id']}").json["payment_intent"]
    billing = world.payrex("GET", f"/payments/{intent['latest_payment']}").json["billing"]
    assert (billing["email"], billing["name"]) == ("ama@example.com", None)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000000000001000", "blocked"),
        ("4005550000000019", "generic_decline"),
        ("4503300000000008", "funds_insufficient"),
        ("4205260000000005", "cvc_incorrect"),
        ("4001270000000000", "processing_error"),
        ("4012000033330026", "system_error"),
        ("4000000000000077", "generic_decline"),
    ],
)
def test_a_declined_card_shows_its_code_and_another_card_can_pay(
    world: World, create: Create, pay: Pay, number: str, code: str
) -> None:
    session = create()
    pay(session, number)

    intent = world.payrex("GET", f"{SESSIONS}/{session['id']}").json["payment_intent"]
    assert intent["status"] == "awaiting_payment_method"
    assert intent["last_payment_error"]["failed_code"] == code
    failed = world.payrex("GET", f"/payments/{intent['latest_payment']}").json
    assert (failed["status"], failed["refunded"]) == ("failed", False)

    pay(session, "4311780000241409")
    paid = world.payrex("GET", f"{SESSIONS}/{session['id']}").json
    assert (paid["status"], paid["payment_intent"]["last_payment_error"]) == ("completed", None)


@pytest.mark.parametrize(
    "number",
    ["4242424242424242", "4701322211111234", "5425233430109903", "5200828282828210",
     "4000000760000002", "4311780000241409"],
)  # fmt: skip
def test_every_documented_successful_card_pays(
    world: World, create: Create, pay: Pay, number: str
) -> None:
    session = create()
    pay(session, number)

    assert world.payrex("GET", f"{SESSIONS}/{session['id']}").json["status"] == "completed"


@pytest.mark.parametrize("wallet", ["gcash", "maya", "qrph"])
def test_a_wallet_payment_awaits_the_next_action(world: World, create: Create, wallet: str) -> None:
    session = create(payment_methods=[wallet])
    world.submit(session["client_secret"], {"method": wallet})

    intent = world.payrex("GET", f"/payment_intents/{session['payment_intent']['id']}").json
    assert intent["status"] == "awaiting_next_action"
    assert intent["next_action"] == {"type": "redirect", "redirect_url": session["url"]}
    payment = world.payrex("GET", f"/payments/{intent['latest_payment']}").json
    assert (payment["status"], payment["payment_method"]) == ("pending", {"type": wallet})


@pytest.mark.parametrize("lifetime", [1, 86_400, 5 * 365 * 86_400])
def test_a_session_may_live_a_second_to_five_years(create: Create, lifetime: int) -> None:
    assert create(expires_at=START + lifetime)["expires_at"] == START + lifetime


@pytest.mark.parametrize("way", ["expire", "cancel", "time"])
def test_expiring_cancels_the_payment_intent_and_keeps_expires_at(
    world: World, create: Create, way: str
) -> None:
    session = create()
    intent_id = session["payment_intent"]["id"]
    world.now += 86_400 if way == "time" else 60
    if way == "expire":
        response = world.payrex("POST", f"{SESSIONS}/{session['id']}/expire").json
        assert (response["status"], response["updated_at"]) == ("expired", START + 60)
    elif way == "cancel":
        assert world.payrex("POST", f"/payment_intents/{intent_id}/cancel").json["status"] == (
            "canceled"
        )

    found = world.payrex("GET", f"{SESSIONS}/{session['id']}").json
    assert (found["status"], found["payment_intent"]["status"]) == ("expired", "canceled")
    assert found["expires_at"] == session["expires_at"]


# ------------------------------------------------------------------- customers


def test_the_customer_has_no_id_in_the_session_and_one_in_the_payment_intent(world: World) -> None:
    customer = world.payrex("POST", "/customers", encode(CUSTOMER | {"metadata": {"a": "b"}})).json

    session = world.payrex("POST", SESSIONS, order(customer_id=customer["id"])).json

    assert session["customer_id"] == customer["id"]
    assert session["payment_intent"]["customer"] == customer
    assert session["customer"] == {k: customer[k] for k in customer if k not in ("id", "resource")}


def test_a_customer_has_every_key_and_its_billing_details_as_billing(world: World) -> None:
    minimal = world.payrex("POST", "/customers", encode(CUSTOMER)).json
    billing = {"phone": "0917", "address": {"city": "Manila"}}
    billed = world.payrex("POST", "/customers", encode(CUSTOMER | {"billing_details": billing}))

    assert list(minimal) == [
        "id", "resource", "billing", "billing_statement_prefix", "currency", "email", "livemode",
        "name", "next_billing_statement_sequence_number", "metadata", "created_at", "updated_at",
    ]  # fmt: skip
    assert (minimal["billing"], minimal["metadata"]) == (None, None)
    assert minimal["next_billing_statement_sequence_number"] == "1"
    assert re.fullmatch("[A-Z0-9]{8}", minimal["billing_statement_prefix"])
    assert billed.json["billing"] == billing
