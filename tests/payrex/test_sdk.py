"""PayRex's official Python SDK, with another base URL and key, against a stack on real sockets."""

import re

import payrex
import pytest

from devstack.files import ROOT
from devstack.stack import Stack
from tests.payrex.conftest import client_of, shopper_pays
from tests.payrex.forms import CUSTOMER, ORDER


def test_the_readmes_program_creates_a_session(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(import payrex\n.*?)```", readme, re.S)

    exec(program.replace("http://127.0.0.1:3000", stack.url), {})

    assert re.fullmatch(rf"{stack.url}/c/cs_\w+\n", capsys.readouterr().out)


# ----------------------------------------------------------- checkout sessions


def test_a_session_is_created_retrieved_listed_and_expired(client: payrex.Client) -> None:
    created = client.checkout_sessions.create(ORDER | {"metadata": {"order_id": "42"}})
    assert (created.status, created.livemode, created.currency) == ("active", False, "PHP")
    assert created.payment_intent["amount"] == 100_000
    assert created.metadata == {"order_id": "42"}
    assert created.url.endswith(f"/c/{created.client_secret}")

    retrieved = client.checkout_sessions.retrieve(created.id)
    assert vars(retrieved) == vars(created)

    listed = client.checkout_sessions.list({"limit": 1})
    assert [each.id for each in listed.data] == [created.id]

    expired = client.checkout_sessions.expire(created.id)
    assert (expired.status, expired.payment_intent["status"]) == ("expired", "canceled")
    assert expired.expires_at == created.created_at + 86_400


def test_lists_are_paged_by_after_and_before(client: payrex.Client) -> None:
    ids = [client.checkout_sessions.create(ORDER).id for _ in range(3)][::-1]

    first = client.checkout_sessions.list({"limit": 2})
    assert ([each.id for each in first.data], first.has_more) == (ids[:2], True)
    (following, *_) = client.checkout_sessions.list({"after": ids[1]}).data
    assert following.id == ids[2]
    before = client.checkout_sessions.list({"before": ids[2]})
    assert ([each.id for each in before.data], before.has_more) == (ids[:2], False)
    assert client.checkout_sessions.list().data[0].id == ids[0]


@pytest.mark.parametrize("count", [1, 10, 11, 30])
def test_line_items_keep_their_order(client: payrex.Client, count: int) -> None:
    items = [{"name": f"Mug {n}", "amount": 5000 + n, "quantity": 1 + n % 3} for n in range(count)]

    session = client.checkout_sessions.create(ORDER | {"line_items": items})

    assert [
        {name: item[name] for name in ("name", "amount", "quantity")} for item in session.line_items
    ] == items


def test_none_booleans_and_options_are_accepted_as_the_sdk_sends_them(
    client: payrex.Client,
) -> None:
    session = client.checkout_sessions.create(
        ORDER
        | {
            "description": None,
            "customer_reference_id": "ord 1/é & co.",
            "submit_type": "donate",
            "billing_details_collection": "auto",
            "metadata": {"gift": True, "note": "a=b&c"},
            "payment_method_options": {"card": {"allowed_bins": ["424242", "555555"]}},
        }
    )

    assert session.description is None
    assert session.customer_reference_id == "ord 1/é & co."
    assert (session.submit_type, session.billing_details_collection) == ("donate", "auto")
    assert session.metadata == {"gift": "True", "note": "a=b&c"}


# ------------------------------------------------ payment intents and payments


def test_a_paid_session_names_its_payment_intent_and_payment(client: payrex.Client) -> None:
    session = client.checkout_sessions.create(ORDER | {"metadata": {"order_id": "42"}})
    shopper_pays(session)

    intent = client.payment_intents.retrieve(session.payment_intent["id"])
    assert (intent.status, intent.amount_received) == ("succeeded", 100_000)
    assert client.checkout_sessions.retrieve(session.id).status == "completed"

    payment = client.payments.retrieve(intent.latest_payment)
    assert (payment.status, payment.amount, payment.refunded) == ("paid", 100_000, False)
    assert (payment.payment_intent_id, payment.metadata) == (intent.id, {"order_id": "42"})

    changed = {"description": "Two mugs", "metadata": {"shipped": "yes"}}
    updated = client.payments.update(payment.id, changed)
    assert (updated.description, updated.metadata) == ("Two mugs", {"shipped": "yes"})
    assert vars(client.payments.retrieve(payment.id)) == vars(updated)


def test_canceling_a_payment_intent_expires_its_session(client: payrex.Client) -> None:
    session = client.checkout_sessions.create(ORDER)

    assert client.payment_intents.cancel(session.payment_intent["id"]).status == "canceled"

    assert client.checkout_sessions.retrieve(session.id).status == "expired"


def test_authorized_money_is_captured_in_part_or_released(client: payrex.Client) -> None:
    manual = ORDER | {"payment_method_options": {"card": {"capture_type": "manual"}}}
    captured, canceled = (client.checkout_sessions.create(manual) for _ in range(2))
    for session in (captured, canceled):
        shopper_pays(session)
        held = client.payment_intents.retrieve(session.payment_intent["id"])
        assert (held.status, held.amount_capturable) == ("awaiting_capture", 100_000)

    taken = client.payment_intents.capture(captured.payment_intent["id"], {"amount": 30_000})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == (
        "succeeded",
        30_000,
        0,
    )
    assert client.payments.retrieve(taken.latest_payment).amount == 30_000
    assert client.payment_intents.cancel(canceled.payment_intent["id"]).status == "canceled"

    with pytest.raises(payrex.RequestInvalidException) as raised:
        client.payment_intents.capture(captured.payment_intent["id"], {"amount": 1})
    (error,) = raised.value.errors
    assert error.code == "resource_invalid_state"


# ------------------------------------------------------------------- customers


def test_a_customer_is_created_listed_changed_and_deleted(client: payrex.Client) -> None:
    ana = client.customers.create(CUSTOMER | {"metadata": {"city": "Manila"}})
    assert (ana.name, ana.email, ana.currency) == ("Ana Cruz", "ana@example.com", "PHP")

    updated = client.customers.update(ana.id, {"name": "Ana Reyes"})
    assert (updated.name, updated.metadata) == ("Ana Reyes", {"city": "Manila"})
    assert vars(client.customers.retrieve(ana.id)) == vars(updated)
    assert [each.id for each in client.customers.list({"name": "Ana Reyes"}).data] == [ana.id]

    session = client.checkout_sessions.create(ORDER | {"customer_id": ana.id})
    assert session.payment_intent["customer"]["id"] == ana.id

    deleted = client.customers.delete(ana.id)
    assert (deleted.id, deleted.deleted) == (ana.id, True)
    assert client.customers.retrieve(ana.id).name is None  # deletion removes personal data
    assert client.customers.list({"name": "Ana Reyes"}).data == []


# ------------------------------------------------------------------ exceptions


def test_the_sdks_exception_lists_all_bad_parameters(client: payrex.Client) -> None:
    item = {"name": "Mug", "amount": 0, "quantity": 1}

    with pytest.raises(payrex.RequestInvalidException) as raised:
        client.checkout_sessions.create({"line_items": [item], "cancel_url": "shop"})

    assert sorted((error.code, error.parameter) for error in raised.value.errors) == [
        ("parameter_below_minimum", "line_items[0][amount]"),
        ("parameter_invalid", "cancel_url"),
        ("parameter_required", "currency"),
        ("parameter_required", "success_url"),
    ]
    assert all(error.detail for error in raised.value.errors)


def test_an_expired_session_cannot_be_expired_again(client: payrex.Client) -> None:
    id = client.checkout_sessions.create(ORDER).id
    client.checkout_sessions.expire(id)

    with pytest.raises(payrex.RequestInvalidException) as raised:
        client.checkout_sessions.expire(id)

    (error,) = raised.value.errors
    assert (error.code, error.parameter) == ("resource_invalid_state", None)


@pytest.mark.parametrize("key", ["sk_test_nobody", "sk_test_paygate", "", "pk_test_payrex"])
def test_an_unknown_key_raises_authentication_invalid(stack: Stack, key: str) -> None:
    with pytest.raises(payrex.AuthenticationInvalidException) as raised:
        client_of(stack, key).checkout_sessions.create(ORDER)

    (error,) = raised.value.errors
    assert error.code == "auth_invalid"


def test_unknown_objects_and_those_of_the_other_mode_raise_resource_not_found(
    client: payrex.Client, live: payrex.Client
) -> None:
    of_live = live.checkout_sessions.create(ORDER).id

    for id in (of_live, "cs_" + "1" * 32, "nope"):
        with pytest.raises(payrex.ResourceNotFoundException) as raised:
            client.checkout_sessions.retrieve(id)
        assert [error.code for error in raised.value.errors] == ["resource_not_found"]


def test_an_unsupported_service_raises_route_not_found(client: payrex.Client) -> None:
    with pytest.raises(payrex.ResourceNotFoundException) as raised:
        client.billing_statements.create({"customer_id": "cus_1", "currency": "PHP"})

    (error,) = raised.value.errors
    assert (error.code, "POST: /billing_statements" in error.detail) == ("route_not_found", True)
