"""Paying on the hosted page: the outcomes of an attempt, and what is stored after each."""

import re
from io import StringIO

import pytest

from checkout.domain.payment import ATTEMPT_SECONDS
from tests.world import CARD, LIVE_KEY, World


def attempt_of(location: str) -> str:
    return location.partition("?attempt=")[2]


def test_a_card_that_succeeds_completes_the_session(world: World) -> None:
    id = world.create_session()["id"]

    response = world.pay(id)

    session = world.session(id)
    assert (response.status, response.headers["location"]) == (
        303,
        f"/checkout/{id}?attempt={session['payment']}",
    )
    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    payment = world.get(f"/v1/payments/{session['payment']}").json
    assert (payment["status"], payment["amount"]) == ("succeeded", 5000)
    assert world.event_types() == ["checkout.session.completed", "payment.succeeded"]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"event"}


def test_the_session_id_placeholder_is_replaced_everywhere_on_redirect(world: World) -> None:
    mark = "{CHECKOUT_SESSION_ID}"
    session = world.create_session(
        success_url=f"https://yoursite.com/{mark}/ok?a=1&b={mark}",
        cancel_url=f"https://yoursite.com/cart?s={mark}",
    )
    id = session["id"]
    assert session["success_url"] == f"https://yoursite.com/{mark}/ok?a=1&b={mark}"
    left = world.page(f"/checkout/{id}?canceled=1").text
    assert f'href="https://yoursite.com/cart?s={id}"' in left

    page = world.page(world.pay(id).headers["location"]).text

    assert f'content="0; url=https://yoursite.com/{id}/ok?a=1&amp;b={id}"' in page


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("4000000000000002", "The payment was declined"),
        ("4000000000009995", "There is not enough money"),
    ],
)
def test_a_declined_card_leaves_the_session_open_for_another_attempt(
    world: World, number: str, reason: str
) -> None:
    id = world.create_session()["id"]

    location = world.pay(id, number).headers["location"]

    assert reason in world.page(location).text
    assert world.session(id)["status"] == "open"
    assert world.get(f"/v1/payments/{attempt_of(location)}").json["status"] == "failed"
    assert world.event_types() == ["payment.failed"]
    world.pay(id)
    assert world.session(id)["status"] == "complete"


def test_the_page_finds_a_later_approval(world: World) -> None:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000002").headers["location"]
    assert "Waiting for your payment" in world.page(location).text
    assert world.get(f"/v1/payments/{attempt_of(location)}").json["status"] == "pending"

    world.now += 10

    assert "Payment received" in world.page(location).text
    assert world.session(id)["payment"] == attempt_of(location)


def test_the_sweep_finds_a_later_approval_without_a_page_view(world: World) -> None:
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000002")

    world.now += 60
    world.sweep()

    assert world.session(id)["status"] == "complete"


def test_an_attempt_that_is_not_approved_fails_at_its_deadline(world: World) -> None:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000005").headers["location"]

    world.now += ATTEMPT_SECONDS - 1
    world.sweep()
    assert "Waiting" in world.page(location).text
    world.now += 1
    world.sweep()

    assert "not approved in time" in world.page(location).text
    assert world.session(id)["status"] == "open"
    assert world.event_types() == ["payment.failed"]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"expiry", "event"}


def test_a_session_has_one_attempt_in_flight_at_most(world: World) -> None:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000002").headers["location"]

    response = world.pay(id)

    assert response.headers["location"] == f"/checkout/{id}?stale=1&attempt={attempt_of(location)}"
    assert len(world.having("PAYMENT#")) == len(world.having("SIMULATOR#")) == 1


def test_an_approval_before_the_attempts_deadline_counts_after_expires_at(world: World) -> None:
    id = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    world.now += 1795
    world.pay_by_phone(id, "0240000002")

    world.now += 30
    world.sweep()

    assert world.session(id)["status"] == "complete"
    assert "checkout.session.expired" not in world.event_types()


def test_a_session_past_expires_at_expires_when_its_attempt_fails(world: World) -> None:
    id = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    world.now += 1795
    world.pay_by_phone(id, "0240000005")
    world.now += 60
    world.sweep()
    assert world.session(id)["status"] == "open"

    world.now += ATTEMPT_SECONDS
    assert world.session(id)["status"] == "expired"
    world.sweep()
    world.sweep()

    assert world.event_types() == ["checkout.session.expired", "payment.failed"]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"event"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"number": "4111111111111111"}, "test mode: use one of the test cards"),
        ({"number": "4242424242424241"}, "Check the card number"),
        ({"number": "4242"}, "Check the card number"),
        ({"expiry": "12 / 20"}, "Check the date"),
        ({"expiry": "13 / 40"}, "Check the date"),
        ({"code": "12"}, "Check the code"),
        ({"email": "nobody"}, "Check the e-mail address"),
        ({"method": "mobile_money", "phone": "0240000009"}, "test mode: use one of the test numb"),
        ({"method": "mobile_money", "phone": "0110000001"}, "Check the number"),
        ({"method": "cheque"}, "Choose one of the ways"),
    ],
)
def test_a_form_with_a_mistake_shows_it_and_stores_nothing(
    world: World, change: dict[str, str], text: str
) -> None:
    id = world.create_session()["id"]
    before = world.items()

    response = world.submit(id, CARD | {"number": "4242424242424242"} | change)

    assert response.status == 422
    assert text in response.text
    numbers = re.findall(r'name="number"[^>]* value="([^"]*)"', response.text)
    assert numbers == [""]
    assert world.items() == before


def test_no_card_number_is_in_the_table_in_a_log_or_on_a_page(world: World, log: StringIO) -> None:
    id = world.create_session()["id"]

    response = world.pay(id, "4242 4242 4242 4242")
    page = world.page(response.headers["location"])

    assert world.session(id)["status"] == "complete"
    assert "POST /checkout/{id}" in log.getvalue()
    shown = str(world.items()) + page.text + log.getvalue()
    assert "42424242" not in shown.replace(" ", "")


def test_a_method_the_session_does_not_allow_is_neither_shown_nor_accepted(world: World) -> None:
    id = world.create_session(payment_method_types=["mobile_money"])["id"]

    assert "cc-number" not in world.page(f"/checkout/{id}").text
    assert world.pay(id).status == 422
    assert world.session(id)["status"] == "open"


def test_card_and_phone_numbers_are_accepted_in_any_notation(world: World) -> None:
    for written in ("0240000001", "+233 24 000 0001", "233240000001", "024-000-0001"):
        id = world.create_session()["id"]
        world.pay_by_phone(id, written)
        payment = world.get(f"/v1/payments/{world.session(id)['payment']}").json
        assert (payment["phone"], payment["provider"]) == ("0240000001", "mtn")


def test_the_email_that_the_shopper_enters_replaces_the_sessions(world: World) -> None:
    id = world.create_session()["id"]
    assert 'value="customer@example.com"' in world.page(f"/checkout/{id}").text

    world.pay(id, email="ama@example.com")

    assert world.session(id)["customer_email"] == "ama@example.com"


def test_a_bank_transfer_succeeds_later(world: World) -> None:
    id = world.create_session()["id"]
    location = world.submit(id, {"method": "bank_transfer"}).headers["location"]
    world.now += 10

    assert "Payment received" in world.page(location).text


def test_a_session_cannot_be_paid_from_the_second_it_expires(world: World) -> None:
    id = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    token = world.form_token(f"/checkout/{id}")
    world.now += 1800
    before = world.items()

    form = CARD | {"number": "4242424242424242"}
    assert world.submit(id, form, token).headers["location"] == f"/checkout/{id}"
    assert "has expired" in world.page(f"/checkout/{id}").text
    assert world.items() == before


def test_the_page_of_a_paid_session_shows_it_and_accepts_no_payment(world: World) -> None:
    id = world.create_session()["id"]
    world.pay(id)
    before = world.items()

    world.pay(id)
    page = world.page(f"/checkout/{id}").text

    assert "This was paid already" in page
    assert "http-equiv" not in page
    assert world.items() == before


def test_a_live_session_accepts_no_test_card(world: World) -> None:
    id = world.create_session(key=LIVE_KEY)["id"]

    assert "not available yet" in world.page(f"/checkout/{id}").text
    assert world.pay(id).headers["location"] == f"/checkout/{id}?stale=1"
    assert world.having("PAYMENT#") == []


@pytest.mark.parametrize("id", ["cs_nothing", "cs_" + "1" * 32, "%3Cscript%3E"])
def test_an_unknown_link_shows_a_not_found_page(world: World, id: str) -> None:
    for response in (world.page(f"/checkout/{id}"), world.pay(id)):
        assert response.status == 404
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "This link is not right" in response.text
        assert "<script>" not in response.text


def test_a_merchants_texts_and_urls_are_escaped(world: World) -> None:
    from checkout.domain.account import Merchant
    from checkout.store import accounts

    accounts.save_merchant(Merchant("merc_accra", "<script>x</script>", "paygate"), world.table)
    id = world.create_session(cancel_url="https://yoursite.com/?a='&b=%3Cx%3E")["id"]

    page = world.page(f"/checkout/{id}?canceled=1").text

    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert 'href="https://yoursite.com/?a=&#39;&amp;b=%3Cx%3E"' in page


def test_the_page_has_a_strict_content_security_policy(world: World) -> None:
    headers = world.page(f"/checkout/{world.create_session()['id']}").headers

    policy = headers["content-security-policy"]
    found = re.search(r"'nonce-([\w-]{22})'", policy)
    assert found
    nonce = found[1]
    assert policy == (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "connect-src 'self'; form-action 'self'; img-src https: data:; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_an_attempt_of_another_session_is_not_shown(world: World) -> None:
    own, other = (world.create_session()["id"] for _ in range(2))
    location = world.pay(other, "4000000000000002").headers["location"]

    page = world.page(f"/checkout/{own}?attempt={attempt_of(location)}").text

    assert "declined. You" not in page
