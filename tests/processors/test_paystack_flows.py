"""Payments of a merchant whose processor is Paystack: through the page, against the fake.

The numbered races are those of the fact sheet's list.
"""

import json
import re
from io import StringIO
from typing import Any

import pytest

from checkout.domain.payment import CODE_SECONDS, PAGE_LOOKUP_SECONDS
from checkout.domain.refund import FIRST_CHECK_SECONDS, LEASE_SECONDS
from checkout.processors import registry
from checkout.processors.breaker import FAILURES, OPEN_SECONDS
from checkout.processors.paystack import (
    ARRIVED_SECONDS,
    CARD_SECONDS,
    CREATION_SECONDS,
    GRACE_SECONDS,
    PHONE_SECONDS,
    PROMPT_SECONDS,
)
from checkout.store import accounts, reconciliations, tasks
from devstack.fakes.paymongo import PayMongoFake
from devstack.fakes.paystack import (
    AT_ONCE,
    CODE,
    FAILS,
    GOOD_CODE,
    LIVE_SECRET,
    NEVER,
    PROMPT,
    REFUSED,
    SLOW,
    TEST_SECRET,
    TIMES_OUT,
    PaystackFake,
)
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import order
from tests.processors.accounts import account_at, open_at_stripe
from tests.world import ACCRA, LIVE_KEY, Response, World, constant, token_in

HOOK = f"/processors/paystack/{ACCRA.id}.test"
DAY = 86_400


@pytest.fixture
def id(world: World, paystack_side: PaystackFake) -> str:
    found: str = world.create_session()["id"]
    return found


def begin(world: World, id: str, phone: str | None = None) -> str:
    """Chooses mobile money, or a card; returns the location that the browser is redirected to."""
    form = {"method": "mobile_money", "phone": phone} if phone else {"method": "card"}
    answer = world.submit(id, form)
    assert answer.status == 303
    return answer.headers["location"]


def page_later(world: World, target: str) -> Response:
    """The page, as soon as it may call Paystack again."""
    world.now += PAGE_LOOKUP_SECONDS
    return world.page(target)


def payment(world: World) -> dict[str, Any]:
    (item,) = world.having("PAYMENT#")
    return item


def refund(world: World) -> dict[str, Any]:
    (item,) = world.having("REFUND#")
    return item


def reference(fake: PaystackFake) -> str:
    (found,) = fake.transactions
    return found


def type_code(world: World, page: str, code: str) -> Response:
    token = token_in(world.page(page).text)
    path = page.partition("?")[0]
    return world._send(path, {"token": token, "one_time_code": code})


def sweep_for(world: World, seconds: int, step: int = 600) -> None:
    for _ in range(0, seconds, step):
        world.now += step
        world.sweep()


def posts(fake: PaystackFake, path: str) -> int:
    return len(fake.calls_of("POST", path))


# ------------------------------------------------------------------------------ payments


def test_a_card_is_paid_on_paystacks_page(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    page = begin(world, id)
    made = paystack_side.transactions[reference(paystack_side)]
    assert (made["requested_amount"], made["currency"]) == (5000, "GHS")
    assert made["customer"] == {"email": "customer@example.com"}
    assert made["callback_url"].endswith(page)
    assert f"{paystack_side.url}/page/ac_" in world.page(page).text

    paystack_side.pay(reference(paystack_side))

    assert "Payment received" in page_later(world, page).text
    assert world.session(id)["status"] == "complete"
    assert "_" not in reference(paystack_side)


def test_the_page_has_no_card_fields(world: World, paystack_side: PaystackFake, id: str) -> None:
    text = world.page(f"/checkout/{id}").text

    assert not re.search(r"cc-number|cc-csc|name=.number", text)
    assert "on the next page" in text


@pytest.mark.parametrize(
    ("phone", "network"),
    [(PROMPT, "mtn"), ("0200000108", "vod"), ("0260000109", "atl")],
)
def test_a_prompt_is_sent_to_the_phone(
    world: World, paystack_side: PaystackFake, id: str, phone: str, network: str
) -> None:
    page = begin(world, id, phone)
    (call,) = paystack_side.calls_of("POST", "/charge")
    assert call.body and call.body["mobile_money"] == {"phone": phone, "provider": network}
    assert "Approve the prompt" in world.page(page).text

    paystack_side.pay(reference(paystack_side))

    assert "Payment received" in page_later(world, page).text


def test_a_phone_that_approves_at_once_completes_the_session(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    assert "Payment received" in world.page(begin(world, id, AT_ONCE)).text


@pytest.mark.parametrize("phone", [FAILS, REFUSED])
def test_a_declined_wallet_leaves_the_session_open(
    world: World, paystack_side: PaystackFake, id: str, phone: str
) -> None:
    page = begin(world, id, phone)

    assert "not enough money" in world.page(page).text
    assert world.session(id)["status"] == "open"
    assert payment(world)["failure"] == "insufficient_funds"


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("Insufficient funds", "insufficient_funds"),
        ("Invalid OTP", "code_incorrect"),
        ("System malfunction", "system_error"),
        ("Expired card", "declined"),
        ("Transaction not permitted", "declined"),
        ("Restricted, reported stolen", "declined"),
    ],
)
def test_a_decline_has_a_reason_that_tells_a_thief_nothing(
    world: World, paystack_side: PaystackFake, id: str, text: str, failure: str
) -> None:
    page = begin(world, id, PROMPT)
    paystack_side.decline(reference(paystack_side), text)

    page_later(world, page)

    assert payment(world)["failure"] == failure


def test_a_wallet_that_times_out_is_reported_as_such(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    assert "not approved in time" in world.page(begin(world, id, TIMES_OUT)).text


@pytest.mark.parametrize("phone", [PROMPT, SLOW])
def test_a_prompt_that_nobody_answers_fails_after_three_minutes(
    world: World, paystack_side: PaystackFake, id: str, phone: str
) -> None:
    begin(world, id, phone)

    sweep_for(world, PROMPT_SECONDS + 30, 30)

    assert payment(world)["failure"] == "timed_out"
    assert world.session(id)["status"] == "open"


def test_a_prompt_that_never_ends_is_given_up_after_its_deadline(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id, NEVER)

    sweep_for(world, PHONE_SECONDS, 30)
    assert payment(world)["status"] == "pending"
    sweep_for(world, GRACE_SECONDS, 30)

    assert payment(world)["failure"] == "timed_out"


def test_fees_on_the_shopper_do_not_prevent_an_approval(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    paystack_side.fees_on_shopper = 97
    page = begin(world, id)
    paystack_side.pay(reference(paystack_side))

    assert "Payment received" in page_later(world, page).text


@pytest.mark.parametrize(
    "other", [{"domain": "live"}, {"currency": "NGN"}, {"requested_amount": 1}]
)
def test_another_sum_or_mode_is_neither_approved_nor_declined(
    world: World, paystack_side: PaystackFake, id: str, other: dict[str, Any], log: StringIO
) -> None:
    begin(world, id)
    found = paystack_side.transactions[reference(paystack_side)]
    paystack_side.pay(found["reference"])
    if "domain" in other:
        paystack_side.keys[TEST_SECRET] = "live"
    found.update(other)

    world.now += CARD_SECONDS
    world.sweep()

    assert payment(world)["status"] == "pending"
    assert "UnexpectedAnswerError" in log.getvalue()


def test_a_shopper_without_an_address_gets_one_of_the_pages_domain(
    world: World, paystack_side: PaystackFake
) -> None:
    id = world.create_session(customer_email=None)["id"]
    begin(world, id, PROMPT)

    (call,) = paystack_side.calls_of("POST", "/charge")

    assert call.body and call.body["email"] == f"{payment(world)['id']}@api.example.com"


def test_an_account_is_used_for_its_methods_beside_another_account(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    """Cards at Stripe, wallets at Paystack: the page offers both."""
    open_at_stripe(world.table, ACCRA.id)

    text = world.page(f"/checkout/{id}").text

    assert "Mobile money" in text and "Card" in text
    merchant = accounts.merchant(world.table, ACCRA.id)
    chosen = registry.processors_of(world.table, merchant, f"{ACCRA.id}#test")
    assert {method: each.name for method, each in chosen.items()} == {
        "card": "stripe",
        "mobile_money": "paystack",
    }


def test_a_refused_key_fails_the_attempt_and_charges_nothing(
    world: World, paystack_side: PaystackFake, id: str, log: StringIO
) -> None:
    paystack_side.keys.clear()

    assert "cannot be reached just now" in world.page(begin(world, id, PROMPT)).text

    assert paystack_side.transactions == {}
    assert "UnexpectedAnswerError" in log.getvalue()


@pytest.mark.parametrize("fault", ["busy", "edge", "broken", "rate limit"])
@pytest.mark.parametrize("phone", [None, PROMPT])
def test_an_answer_without_an_outcome_is_looked_up(
    world: World, paystack_side: PaystackFake, id: str, fault: str, phone: str | None
) -> None:
    paystack_side.faults.append(fault)

    begin(world, id, phone)

    assert payment(world)["status"] == "pending"
    sweep_for(world, ARRIVED_SECONDS + 30, 30)
    assert payment(world)["status"] == "failed"
    assert paystack_side.transactions == {}


def test_a_silent_paystack_is_asked_little_and_holds_up_no_other_processor(
    world: World, paystack_side: PaystackFake, paymongo_side: PayMongoFake, id: str
) -> None:
    paystack_side.choose_fault = lambda _call: "lost"
    others = [world.create_session()["id"] for _ in range(20)]

    pages = [begin(world, each, PROMPT) for each in [id, *others]]
    sweep_for(world, 10, 1)

    assert len(paystack_side.calls) <= FAILURES
    assert "cannot be reached just now" in world.page(pages[-1]).text
    mug = world.payrex("POST", PAYREX_SESSIONS, order()).json["client_secret"]
    page = world.submit(mug, {"method": "gcash"}).headers["location"]
    paymongo_side.pay(*paymongo_side.sessions)
    assert "Payment received" in world.page(page).text


def test_payments_go_on_when_paystack_answers_again(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    paystack_side.choose_fault = lambda _call: "lost"
    for _ in range(FAILURES + 1):
        begin(world, world.create_session()["id"], PROMPT)
    paystack_side.choose_fault = None
    world.now += OPEN_SECONDS

    assert "Payment received" in world.page(begin(world, id, AT_ONCE)).text


# --------------------------------------------------------------------------------- codes


def test_a_voucher_is_typed_on_the_page(
    world: World, paystack_side: PaystackFake, id: str, log: StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    voucher = "Vou4829130"  # so long that no random text contains it
    monkeypatch.setattr("devstack.fakes.paystack.GOOD_CODE", voucher)
    page = begin(world, id, CODE)
    screen = world.page(page).text
    assert 'autocomplete="one-time-code"' in screen
    assert "*110#" in screen

    type_code(world, page, voucher)

    assert "Approve the prompt" in page_later(world, page).text
    paystack_side.pay(reference(paystack_side))
    assert "Payment received" in page_later(world, page).text
    assert voucher not in str(world.items()) + log.getvalue()


def test_a_wrong_voucher_ends_the_attempt(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    page = begin(world, id, CODE)

    type_code(world, page, "111111")

    assert payment(world)["failure"] == "code_incorrect"
    assert "The code is wrong." in world.page(page).text
    assert world.session(id)["status"] == "open"


@pytest.mark.parametrize("code", ["", "q1", "1" * 21, "12345é", "١٢٣٤٥٦", "12 34'5"])
def test_a_malformed_code_is_refused_and_not_sent(
    world: World, paystack_side: PaystackFake, id: str, code: str
) -> None:
    page = begin(world, id, CODE)
    form = {"token": token_in(world.page(page).text), "one_time_code": code}

    with world.untouched():
        answer = world._send(page.partition("?")[0], form)
        without = world._send(page.partition("?")[0], form | {"one_time_code": ""})

    assert answer.status == 422
    assert constant(answer.text) == constant(without.text), "the code is in the page"
    assert posts(paystack_side, "submit_otp") == 0


@pytest.mark.parametrize("token", ["", "x", None])
def test_a_code_without_the_forms_token_is_not_sent(
    world: World, paystack_side: PaystackFake, id: str, token: str | None
) -> None:
    page = begin(world, id, CODE)
    sent = token if token is not None else world.form_token(f"/checkout/{id}")[::-1]

    with world.untouched():
        form = {"token": sent, "one_time_code": GOOD_CODE}
        assert world._send(page.partition("?")[0], form).status == 303

    assert posts(paystack_side, "submit_otp") == 0


def test_a_code_is_sent_once_although_its_form_is_sent_twice(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    page = begin(world, id, CODE)
    form = {"token": token_in(world.page(page).text), "one_time_code": GOOD_CODE}

    for _ in range(2):
        world._send(page.partition("?")[0], form)

    assert posts(paystack_side, "submit_otp") == 1


def test_a_code_that_nobody_types_in_time_for_a_prompt_ends_the_attempt(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id, CODE)

    sweep_for(world, PHONE_SECONDS - PROMPT_SECONDS + 30, 30)

    assert payment(world)["failure"] == "timed_out"


def test_the_code_step_is_found_after_the_answer_to_the_charge_was_lost(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    paystack_side.faults.append("unanswered")
    page = begin(world, id, CODE)
    assert "Approve the prompt" in world.page(page).text

    world.now += CODE_SECONDS

    assert 'autocomplete="one-time-code"' in world.page(page).text
    assert posts(paystack_side, "/charge") == 1


# --------------------------------------------------------------------------------- races


def test_race_1_money_that_comes_after_the_deadline_is_found_without_a_webhook(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)
    sweep_for(world, CARD_SECONDS, 30)
    assert payment(world)["status"] == "failed"
    world.now += 3600
    assert paystack_side.pay(reference(paystack_side))

    sweep_for(world, DAY)
    paystack_side.finish_refunds()
    sweep_for(world, DAY)

    assert payment(world)["status"] == "late"
    assert refund(world)["status"] == "succeeded"
    assert paystack_side.charged() == {reference(paystack_side): 0}
    assert tasks.list_all(world.table) == []


@pytest.mark.parametrize("phone", [PROMPT, None])
def test_money_approved_after_the_shopper_ended_the_attempt_goes_back(
    world: World, paystack_side: PaystackFake, id: str, phone: str | None
) -> None:
    token = token_in(page_later(world, begin(world, id, phone)).text)
    ended = world.submit(id, {"end": "retry"}, token)
    assert "we send that money back" in world.page(ended.headers["location"]).text
    assert payment(world)["failure"] == "canceled"

    assert paystack_side.pay(reference(paystack_side))
    sweep_for(world, DAY)
    paystack_side.finish_refunds()
    sweep_for(world, DAY)

    assert payment(world)["status"] == "late"
    assert refund(world)["status"] == "succeeded"
    assert paystack_side.charged() == {reference(paystack_side): 0}


def test_race_1_money_after_the_last_look_is_found_by_the_daily_comparison(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    reconciliations.start(world.table, "paystack", f"{ACCRA.id}#test", int(world.now))
    begin(world, id)
    sweep_for(world, 30 * 3600, 3600)
    paystack_side.pay(reference(paystack_side))

    sweep_for(world, DAY, 3600)

    assert payment(world)["status"] == "late"


def test_race_1_a_webhook_after_the_last_look_is_sent_again_until_paystack_answers(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)
    sweep_for(world, 30 * 3600, 3600)
    paystack_side.pay(reference(paystack_side))
    body, headers = paystack_side.webhook("charge.success", reference(paystack_side))
    paystack_side.faults.append("busy")

    assert world.post(HOOK, body, key=None, headers=headers).status == 503
    assert world.post(HOOK, body, key=None, headers=headers).status == 200

    assert payment(world)["status"] == "late"


def test_a_failed_payment_is_not_watched_for_ever(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)

    sweep_for(world, 2 * DAY, 3600)

    looks = len(paystack_side.calls_of("GET", "verify"))
    assert looks < 30
    assert not [timer for timer in world.having("TIMER#") if timer["kind"] == "attempt"]


def test_race_1_late_money_below_the_smallest_refund_is_a_task_for_a_person(
    world: World, paystack_side: PaystackFake
) -> None:
    id = world.create_session(amount=99)["id"]
    begin(world, id)
    sweep_for(world, CARD_SECONDS, 30)
    paystack_side.pay(reference(paystack_side))

    sweep_for(world, 3600)

    assert payment(world)["status"] == "late"
    assert refund(world)["status"] == "failed"
    (task,) = tasks.list_all(world.table)
    assert (task.reason, task.amount) == ("refund_failed", 99)
    assert "refund.updated" in world.event_types()


def test_race_2_a_declined_card_may_be_paid_on_the_same_page(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    page = begin(world, id)
    paystack_side.decline(reference(paystack_side), "INSUFFICIENT FUNDS")
    assert f"{paystack_side.url}/page/" in page_later(world, page).text

    paystack_side.pay(reference(paystack_side))

    assert "Payment received" in page_later(world, page).text


def test_race_2_a_card_that_stays_declined_fails_with_its_reason_at_the_deadline(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)
    paystack_side.decline(reference(paystack_side), "INSUFFICIENT FUNDS")

    sweep_for(world, CARD_SECONDS, 30)

    assert payment(world)["failure"] == "insufficient_funds"


def test_race_3_a_charge_without_an_answer_is_looked_up_and_not_repeated(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    paystack_side.faults.append("unanswered")
    page = begin(world, id, PROMPT)
    paystack_side.pay(reference(paystack_side))

    assert "Payment received" in page_later(world, page).text
    assert posts(paystack_side, "/charge") == 1


def test_race_3_a_charge_that_never_arrived_is_given_up_and_not_repeated(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    paystack_side.faults.append("lost")
    begin(world, id, PROMPT)

    sweep_for(world, ARRIVED_SECONDS, 30)

    assert payment(world)["status"] == "failed"
    assert posts(paystack_side, "/charge") == 1


def test_race_3_a_page_whose_address_was_lost_ends_the_attempt(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    paystack_side.faults.append("unanswered")
    page = begin(world, id)
    assert "Waiting" in world.page(page).text

    world.now += CREATION_SECONDS

    assert "cannot be reached" in world.page(page).text
    assert posts(paystack_side, "initialize") == 1


def test_race_4_the_field_is_shown_again_if_a_code_was_lost(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    page = begin(world, id, CODE)
    screen = world.page(page).text
    paystack_side.faults.append("lost")
    form = {"token": token_in(screen), "one_time_code": GOOD_CODE}
    world._send(page.partition("?")[0], form)
    assert "one-time-code" not in page_later(world, page).text

    world.now += CODE_SECONDS

    assert 'autocomplete="one-time-code"' in page_later(world, page).text
    type_code(world, page, GOOD_CODE)
    paystack_side.pay(reference(paystack_side))
    assert "Payment received" in page_later(world, page).text


def test_race_4_a_code_whose_answer_was_lost_is_not_asked_for_again(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    page = begin(world, id, CODE)
    form = {"token": token_in(world.page(page).text), "one_time_code": GOOD_CODE}
    paystack_side.faults.append("unanswered")
    world._send(page.partition("?")[0], form)
    paystack_side.pay(reference(paystack_side))

    assert "Payment received" in page_later(world, page).text
    assert posts(paystack_side, "submit_otp") == 1


@pytest.fixture
def paid(world: World, paystack_side: PaystackFake, id: str) -> str:
    """The payment of a session that was paid at Paystack."""
    page = begin(world, id, AT_ONCE)
    world.page(page)
    found: str = world.session(id)["payment"]
    return found


def ask_for_refund(world: World, payment: str, amount: int) -> dict[str, Any]:
    answer = world.post("/v1/refunds", {"payment": payment, "amount": amount})
    assert answer.status == 201, answer.text
    created: dict[str, Any] = answer.json
    return created


@pytest.mark.parametrize("status", ["processed", "failed"])
@pytest.mark.parametrize("notified", [True, False], ids=["webhook", "timer"])
def test_a_refunds_outcome_is_found(
    world: World, paystack_side: PaystackFake, paid: str, status: str, notified: bool
) -> None:
    made = ask_for_refund(world, paid, 2000)
    assert made["status"] == "pending"
    paystack_side.finish_refunds(status)

    if notified:
        body, headers = paystack_side.webhook(f"refund.{status}", reference(paystack_side))
        assert world.post(HOOK, body, key=None, headers=headers).status == 200
    else:
        sweep_for(world, 120, 30)

    expected = "succeeded" if status == "processed" else "failed"
    assert world.get(f"/v1/refunds/{made['id']}").json["status"] == expected
    assert posts(paystack_side, "/refund") == 1


@pytest.mark.parametrize("fault", ["unanswered", "hung"])
def test_race_6_a_refund_without_an_answer_is_looked_for_and_not_repeated(
    world: World, paystack_side: PaystackFake, paid: str, fault: str
) -> None:
    paystack_side.release.set()
    paystack_side.faults += ["", "", fault]  # verify, list, then the refund

    made = ask_for_refund(world, paid, 2000)
    paystack_side.finish_refunds()
    sweep_for(world, 600, 30)

    assert world.get(f"/v1/refunds/{made['id']}").json["status"] == "succeeded"
    assert paystack_side.refunded(reference(paystack_side)) == 2000
    assert posts(paystack_side, "/refund") == 1


def test_race_6_a_lost_refund_is_sent_again_after_the_lease_and_two_looks(
    world: World, paystack_side: PaystackFake, paid: str
) -> None:
    paystack_side.faults += ["", "", "lost"]
    ask_for_refund(world, paid, 2000)
    sent_at = int(world.now)

    while posts(paystack_side, "/refund") < 2:
        world.now += 15
        assert world.now < sent_at + 900
        world.sweep()

    assert world.now >= sent_at + LEASE_SECONDS + FIRST_CHECK_SECONDS
    assert paystack_side.refunded(reference(paystack_side)) == 2000


def test_race_7_a_refused_refund_is_looked_for_before_it_fails(
    world: World, paystack_side: PaystackFake, paid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call arrived after the look before the second one."""
    hidden: list[Any] = []
    show = PaystackFake._list_refunds

    def list_late(fake: PaystackFake, query: dict[str, str]) -> Any:
        hidden.append(query)
        return [] if len(hidden) <= 6 else show(fake, query)

    monkeypatch.setattr(PaystackFake, "_list_refunds", list_late)
    paystack_side.faults += ["", "", "unanswered"]
    made = ask_for_refund(world, paid, 5000)

    sweep_for(world, 900, 30)
    paystack_side.finish_refunds()
    sweep_for(world, 3600)

    assert posts(paystack_side, "/refund") == 2
    assert world.get(f"/v1/refunds/{made['id']}").json["status"] == "succeeded"
    assert paystack_side.refunded(reference(paystack_side)) == 5000


@pytest.mark.parametrize("message", ["Insufficient balance", "No"])
def test_a_refused_refund_fails_and_releases_its_amount(
    world: World, paystack_side: PaystackFake, paid: str, message: str
) -> None:
    assert ask_for_refund(world, paid, 99)["status"] == "failed"
    paystack_side.errors["no"] = refusal(message)
    paystack_side.faults += ["", "", "no"]

    failed = ask_for_refund(world, paid, 5000)

    assert failed["status"] == "failed"
    assert ask_for_refund(world, paid, 5000)["status"] == "pending"


def refusal(message: str) -> Any:
    from devstack.fakes.serving import json_answer

    return json_answer(400, {"status": False, "message": message, "code": "x"})


def test_a_refund_that_needs_the_shoppers_bank_account_is_a_task(
    world: World, paystack_side: PaystackFake, paid: str
) -> None:
    ask_for_refund(world, paid, 2000)
    paystack_side.finish_refunds("needs-attention")

    sweep_for(world, 600, 30)

    (task,) = tasks.list_all(world.table)
    assert (task.reason, task.payment) == ("refund_needs_account", paid)
    assert refund(world)["status"] == "pending"


@pytest.mark.parametrize("listed", [100, 50])
def test_a_refund_is_found_among_more_than_a_page_of_them(
    world: World, paystack_side: PaystackFake, paid: str, listed: int
) -> None:
    """Paystack may have shorter pages than those that are asked for."""
    paystack_side.listed = listed
    for _ in range(100):
        paystack_side.refunds[len(paystack_side.refunds) + 1] = {
            "id": 1,
            "transaction": paystack_side.transactions[reference(paystack_side)]["id"],
            "amount": 0,
            "status": "processed",
            "merchant_note": "another",
        }
    looks = 1 + 100 // listed + 1  # verify, the pages, and an empty one
    paystack_side.faults += [""] * looks + ["unanswered"]
    ask_for_refund(world, paid, 2000)

    sweep_for(world, 900, 30)

    assert posts(paystack_side, "/refund") == 1


def test_race_8_a_session_that_is_paid_on_an_old_page_too_is_refunded_once(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)
    old = reference(paystack_side)
    sweep_for(world, CARD_SECONDS, 30)
    page = begin(world, id, AT_ONCE)
    world.page(page)
    assert world.session(id)["status"] == "complete"

    paystack_side.pay(old)
    sweep_for(world, DAY, 3600)

    assert {name == old: left for name, left in paystack_side.charged().items()} == {
        True: 0,
        False: 5000,
    }


def test_race_9_a_key_of_another_account_ends_and_charges_nothing(
    world: World, paystack_side: PaystackFake, id: str, log: StringIO
) -> None:
    page = begin(world, id)
    world.page(page)
    before = dict(paystack_side.transactions)
    paystack_side.transactions.clear()

    sweep_for(world, CARD_SECONDS + 600, 60)

    assert payment(world)["status"] == "pending"
    assert paystack_side.transactions == {}
    assert "UnexpectedAnswerError" in log.getvalue()
    paystack_side.transactions.update(before)
    paystack_side.pay(reference(paystack_side))
    world.page(page)
    assert world.session(id)["status"] == "complete"


def test_race_10_a_refund_from_the_dashboard_changes_nothing_here(
    world: World, paystack_side: PaystackFake, paid: str
) -> None:
    paystack_side.transactions[reference(paystack_side)]["status"] = "reversed"

    for event in ("charge.success", "refund.processed", "charge.dispute.create"):
        body, headers = paystack_side.webhook(event, reference(paystack_side))
        with world.untouched():
            assert world.post(HOOK, body, key=None, headers=headers).status == 200


def test_a_transaction_that_is_reversed_was_paid(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    page = begin(world, id)
    paystack_side.pay(reference(paystack_side))
    paystack_side.transactions[reference(paystack_side)]["status"] = "reversal-pending"

    assert "Payment received" in page_later(world, page).text


# ------------------------------------------------------------------------------ webhooks


def test_a_webhook_settles_the_payment_once(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)
    paystack_side.pay(reference(paystack_side))
    body, headers = paystack_side.webhook("charge.success", reference(paystack_side))

    assert world.post(HOOK, body, key=None, headers=headers).status == 200
    with world.untouched():
        assert world.post(HOOK, body, key=None, headers=headers).status == 200

    assert world.session(id)["status"] == "complete"


def test_a_webhook_about_an_unpaid_transaction_is_not_believed(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)
    body, headers = paystack_side.webhook("charge.success", reference(paystack_side))

    with world.untouched():
        assert world.post(HOOK, body, key=None, headers=headers).status == 200


FORGED = [
    ("another key", {"secret": "sk_test_other"}, HOOK),
    ("the key of the other mode", {"secret": LIVE_SECRET}, HOOK),
    ("another mode", {}, HOOK.replace(".test", ".live")),
    ("no account", {}, "/processors/paystack/merc_kumasi.test"),
    ("another processor", {}, f"/processors/stripe/{ACCRA.id}.test"),
]


@pytest.mark.parametrize("forged", FORGED, ids=lambda each: each[0])
def test_a_forged_webhook_is_refused_and_changes_nothing(
    world: World, paystack_side: PaystackFake, id: str, forged: tuple[str, dict[str, str], str]
) -> None:
    begin(world, id)
    paystack_side.pay(reference(paystack_side))
    _, options, path = forged
    body, headers = paystack_side.webhook("charge.success", reference(paystack_side), **options)

    with world.untouched():
        assert world.post(path, body, key=None, headers=headers).status == 400


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda _: "", lambda _: "é"])
def test_a_malformed_signature_is_refused(
    world: World, paystack_side: PaystackFake, id: str, change: Any
) -> None:
    begin(world, id)
    body, headers = paystack_side.webhook("charge.success", reference(paystack_side))
    changed = {name: change(value) for name, value in headers.items()}

    assert world.post(HOOK, body, key=None, headers=changed).status == 400
    assert world.post(HOOK, body + b" ", key=None, headers=headers).status == 400


def test_a_webhook_of_the_other_mode_with_a_valid_signature_is_ignored(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)
    paystack_side.pay(reference(paystack_side))
    body, headers = paystack_side.webhook("charge.success", reference(paystack_side), domain="live")

    with world.untouched():
        assert world.post(HOOK, body, key=None, headers=headers).status == 200


def test_a_webhook_of_a_payment_that_is_not_ours_is_ignored(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    begin(world, id)
    made = reference(paystack_side)
    paystack_side.transactions[made]["reference"] = "order-17"
    body, headers = paystack_side.webhook("charge.success", made)

    with world.untouched():
        assert world.post(HOOK, body, key=None, headers=headers).status == 200


def test_live_payments_use_the_live_key(world: World, paystack_side: PaystackFake) -> None:
    id = world.create_session(key=LIVE_KEY)["id"]
    page = begin(world, id, PROMPT)
    made = paystack_side.transactions[reference(paystack_side)]
    assert made["domain"] == "live"

    paystack_side.pay(made["reference"])
    world.now += PAGE_LOOKUP_SECONDS
    world.page(page)

    assert world.session(id, key=LIVE_KEY)["status"] == "complete"


def test_an_account_that_takes_no_methods_finishes_its_payments(
    world: World, paystack_side: PaystackFake, id: str
) -> None:
    page = begin(world, id, PROMPT)
    merchant = accounts.merchant(world.table, ACCRA.id)
    assert merchant is not None
    accounts.save_merchant(merchant.without_processors(), world.table)
    paystack_side.pay(reference(paystack_side))

    assert "Payment received" in page_later(world, page).text


def test_no_secret_is_in_the_table(world: World, paystack_side: PaystackFake) -> None:
    account = account_at("paystack", ACCRA.id, "test", TEST_SECRET, TEST_SECRET)

    assert TEST_SECRET not in json.dumps([account.secret_key, account.signing_secret])
