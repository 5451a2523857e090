"""The hosted page's functions: every way an attempt can go, and what is on record after each."""

import re

import pytest

from checkout.domain.payment import ATTEMPT_SECONDS
from tests.world import CARD, LIVE_KEY, World


def attempt_of(location: str) -> str:
    return location.partition("?attempt=")[2]


def test_a_card_that_succeeds_completes_the_session(world: World) -> None:
    id = world.create_session()["id"]

    answer = world.pay(id)

    session = world.session(id)
    assert (answer.status, answer.headers["location"]) == (
        303,
        f"/checkout/{id}?attempt={session['payment']}",
    )
    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    payment = world.get(f"/v1/payments/{session['payment']}").json
    assert (payment["status"], payment["amount"]) == ("succeeded", 5000)
    assert world.event_types() == ["checkout.session.completed", "payment.succeeded"]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"fanout"}


def test_the_mark_is_replaced_everywhere_when_the_shopper_is_sent_back(world: World) -> None:
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
def test_a_declined_card_leaves_the_session_open_for_another(
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


def test_a_later_approval_is_found_by_the_page(world: World) -> None:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000002").headers["location"]
    assert "Waiting for your payment" in world.page(location).text
    assert world.get(f"/v1/payments/{attempt_of(location)}").json["status"] == "pending"

    world.now += 10

    assert "Payment received" in world.page(location).text
    assert world.session(id)["payment"] == attempt_of(location)


def test_a_later_approval_is_found_by_the_sweep_when_nobody_looks(world: World) -> None:
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000002")

    world.now += 60
    world.sweep()

    assert world.session(id)["status"] == "complete"


def test_an_attempt_nobody_approves_fails_at_its_deadline(world: World) -> None:
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
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"expiry", "fanout"}


def test_one_attempt_at_a_time(world: World) -> None:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000002").headers["location"]

    answer = world.pay(id)

    assert answer.headers["location"] == f"/checkout/{id}?stale=1&attempt={attempt_of(location)}"
    assert len(world.having("PAYMENT#")) == len(world.having("SIMULATOR#")) == 1


def test_an_approval_in_time_counts_though_the_session_would_have_lapsed(world: World) -> None:
    id = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    world.now += 1795
    world.pay_by_phone(id, "0240000002")

    world.now += 30
    world.sweep()

    assert world.session(id)["status"] == "complete"
    assert "checkout.session.expired" not in world.event_types()


def test_a_session_that_waited_for_its_attempt_expires_when_that_fails(world: World) -> None:
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
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"fanout"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"number": "4111111111111111"}, "test mode: use one of the test cards"),
        ({"number": "4242424242424241"}, "Check the card number"),
        ({"number": "4242"}, "Check the card number"),
        ({"expiry": "12 / 20"}, "Check the expiry date"),
        ({"expiry": "13 / 40"}, "Check the expiry date"),
        ({"code": "12"}, "Check the security code"),
        ({"email": "nobody"}, "Check the e-mail address"),
        ({"method": "mobile_money", "phone": "0240000009"}, "test mode: use one of the test numb"),
        ({"method": "mobile_money", "phone": "0110000001"}, "Check the number"),
        ({"method": "cheque"}, "Choose one of the ways"),
    ],
)
def test_a_form_with_a_mistake_says_so_and_stores_nothing(
    world: World, change: dict[str, str], words: str
) -> None:
    id = world.create_session()["id"]
    before = world.items()

    answer = world.submit(id, CARD | {"number": "4242424242424242"} | change)

    assert answer.status == 422
    assert words in answer.text
    numbers = re.findall(r'name="number"[^>]* value="([^"]*)"', answer.text)
    assert numbers == [""]
    assert world.items() == before


def test_no_card_number_is_in_the_table_in_a_log_or_on_a_page(world: World, log) -> None:
    id = world.create_session()["id"]

    answer = world.pay(id, "4242 4242 4242 4242")
    page = world.page(answer.headers["location"])

    assert world.session(id)["status"] == "complete"
    assert "POST /checkout/{id}" in log.getvalue()
    assert "4242" not in str(world.items()) + page.text + log.getvalue()


def test_a_method_the_session_does_not_allow_is_neither_shown_nor_taken(world: World) -> None:
    id = world.create_session(payment_method_types=["mobile_money"])["id"]

    assert "cc-number" not in world.page(f"/checkout/{id}").text
    assert world.pay(id).status == 422
    assert world.session(id)["status"] == "open"


def test_numbers_are_taken_however_they_are_written(world: World) -> None:
    for written in ("0240000001", "+233 24 000 0001", "233240000001", "024-000-0001"):
        id = world.create_session()["id"]
        world.pay_by_phone(id, written)
        payment = world.get(f"/v1/payments/{world.session(id)['payment']}").json
        assert (payment["phone"], payment["provider"]) == ("0240000001", "mtn")


def test_what_the_shopper_makes_of_the_email_is_the_sessions(world: World) -> None:
    id = world.create_session()["id"]
    assert 'value="customer@example.com"' in world.page(f"/checkout/{id}").text

    world.pay(id, email="ama@example.com")

    assert world.session(id)["customer_email"] == "ama@example.com"


def test_a_bank_transfer_is_found_later(world: World) -> None:
    id = world.create_session()["id"]
    location = world.submit(id, {"method": "bank_transfer"}).headers["location"]
    world.now += 10

    assert "Payment received" in world.page(location).text


def test_an_expired_session_cannot_be_paid_from_that_second_on(world: World) -> None:
    id = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    token = world.form_token(f"/checkout/{id}")
    world.now += 1800
    before = world.items()

    form = CARD | {"number": "4242424242424242"}
    assert world.submit(id, form, token).headers["location"] == f"/checkout/{id}"
    assert "has expired" in world.page(f"/checkout/{id}").text
    assert world.items() == before


def test_a_paid_session_says_so_and_takes_no_more(world: World) -> None:
    id = world.create_session()["id"]
    world.pay(id)
    before = world.items()

    world.pay(id)
    page = world.page(f"/checkout/{id}").text

    assert "This was paid already" in page
    assert "http-equiv" not in page
    assert world.items() == before


def test_a_live_session_takes_no_test_card(world: World) -> None:
    id = world.create_session(key=LIVE_KEY)["id"]

    assert "not available yet" in world.page(f"/checkout/{id}").text
    assert world.pay(id).headers["location"] == f"/checkout/{id}?stale=1"
    assert world.having("PAYMENT#") == []


@pytest.mark.parametrize("id", ["cs_nothing", "cs_" + "1" * 32, "%3Cscript%3E"])
def test_an_unknown_link_is_a_page_of_its_own(world: World, id: str) -> None:
    for answer in (world.page(f"/checkout/{id}"), world.pay(id)):
        assert answer.status == 404
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "This link is not right" in answer.text
        assert "<script>" not in answer.text


def test_what_a_merchant_sends_is_escaped(world: World) -> None:
    from checkout.domain.account import Merchant
    from checkout.store import accounts

    accounts.save_merchant(Merchant("merc_accra", "<script>x</script>", "paygate"), world.table)
    id = world.create_session(cancel_url="https://yoursite.com/?a='&b=%3Cx%3E")["id"]

    page = world.page(f"/checkout/{id}?canceled=1").text

    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert 'href="https://yoursite.com/?a=&#39;&amp;b=%3Cx%3E"' in page


def test_the_page_is_locked_down(world: World) -> None:
    headers = world.page(f"/checkout/{world.create_session()['id']}").headers

    policy = headers["content-security-policy"]
    nonce = re.search(r"'nonce-([\w-]{22})'", policy)[1]
    assert policy == (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "connect-src 'self'; form-action 'self'; img-src https: data:; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_another_sessions_attempt_shows_nothing_of_it(world: World) -> None:
    mine, other = (world.create_session()["id"] for _ in range(2))
    location = world.pay(other, "4000000000000002").headers["location"]

    page = world.page(f"/checkout/{mine}?attempt={attempt_of(location)}").text

    assert "declined. You" not in page
