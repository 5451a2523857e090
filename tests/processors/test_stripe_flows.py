"""Whole payments of a merchant whose money Stripe takes: through the page's handlers, with the card
typed on Stripe's side, and told of by Stripe's webhooks."""

import json
import re
import time
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from stripe import WebhookSignature

from checkout.api.dialects import render_events
from checkout.domain.event import ChangeContext
from checkout.domain.payment import ATTEMPT_CHECK_SECONDS, ATTEMPT_SECONDS, Failure
from checkout.store import accounts, payments, sessions
from tests.processors import stripe_server
from tests.processors.accounts import PUBLIC, SIGNING, open_at_stripe
from tests.processors.notifications import HOOK, deliver, told_of
from tests.processors.stripe_server import DECLINED, GOOD, StripeServer
from tests.receiver import listening
from tests.world import ACCRA, LIVE_KEY, PAYREX_KEY, World


@pytest.fixture
def id(world: World, stripe_side: StripeServer) -> str:
    found: str = world.create_session()["id"]
    return found


def begin(world: World, id: str) -> str:
    """The shopper chooses to pay by card; where the browser is sent."""
    answer = world.submit(id, {"method": "card"})
    assert answer.status == 303
    return answer.headers["location"]


def payment(world: World) -> dict[str, Any]:
    (found,) = world.having("PAYMENT#")
    return found


def the_intent(stripe_side: StripeServer) -> dict[str, Any]:
    (found,) = stripe_side.intents()
    return found


def give_up(world: World, id: str) -> None:
    """Records that the payment failed, and says nothing to Stripe."""
    session, pending = (
        sessions.find(world.table, id),
        payments.find(world.table, payment(world)["id"]),
    )
    assert session is not None and pending is not None
    context = ChangeContext(int(world.now), render_events)
    payments.fail(world.table, session, pending, Failure.TIMED_OUT, context)


# --------------------------------------------------------------------------- paying


def test_a_card_confirmed_at_stripe_completes_the_session(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    page = begin(world, id)
    screen = world.page(page).text
    intent = the_intent(stripe_side)
    assert (intent["amount"], intent["currency"]) == (5000, "ghs")
    assert intent["client_secret"] in screen
    assert world.session(id)["status"] == "open"

    stripe_side.confirm(intent["id"])

    assert "Payment received" in world.page(page).text
    session = world.session(id)
    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    assert payment(world)["reference"] == intent["id"]
    assert world.event_types() == ["checkout.session.completed", "payment.succeeded"]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"fanout"}


def test_the_sweep_finds_it_when_the_shopper_never_comes_back(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    world.page(begin(world, id))
    stripe_side.confirm(the_intent(stripe_side)["id"])

    world.now += ATTEMPT_CHECK_SECONDS
    world.sweep()

    assert world.session(id)["status"] == "complete"


def test_a_declined_card_leaves_the_session_open_and_its_intent_closed(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    page = begin(world, id)
    first = the_intent(stripe_side)["id"]
    stripe_side.confirm(first, DECLINED)

    assert "The payment was declined" in world.page(page).text
    assert world.session(id)["status"] == "open"
    assert world.event_types() == ["payment.failed"]
    assert not stripe_side.confirm(first)

    again = begin(world, id)
    (second,) = {each["id"] for each in stripe_side.intents()} - {first}
    stripe_side.confirm(second)
    world.page(again)
    assert world.session(id)["status"] == "complete"
    assert sorted(each["status"] for each in stripe_side.intents()) == ["canceled", "succeeded"]


def test_two_tabs_share_one_intent(world: World, stripe_side: StripeServer, id: str) -> None:
    begin(world, id)

    world.page(begin(world, id))

    assert len(stripe_side.made()) == 1
    assert len(world.having("PAYMENT#")) == 1


def test_nobody_pays_after_the_deadline(world: World, stripe_side: StripeServer, id: str) -> None:
    page = begin(world, id)

    world.now += ATTEMPT_SECONDS
    world.sweep()

    assert the_intent(stripe_side)["status"] == "canceled"
    assert not stripe_side.confirm(the_intent(stripe_side)["id"])
    assert "not approved in time" in world.page(page).text
    assert world.session(id)["status"] == "open"


def test_a_success_found_after_the_deadline_is_sent_back(
    world: World, stripe_side: StripeServer
) -> None:
    id = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    world.now += 1795
    begin(world, id)
    intent = the_intent(stripe_side)["id"]
    world.now += ATTEMPT_SECONDS
    stripe_side.confirm(intent)

    for _ in range(3):
        world.sweep()
        world.now += 60

    (refund,) = stripe_side.refunds(intent)
    assert refund["amount"] == 5000
    assert world.session(id)["status"] == "expired"
    assert payment(world)["status"] == "late"
    assert world.event_types() == [
        "checkout.session.expired",
        "payment.failed",
        "refund.created",
        "refund.updated",
    ]


# ------------------------------------------------------------------ calls that go wrong


@pytest.mark.parametrize("faults", [["unanswered"], ["lost"], ["busy"]])
def test_a_create_that_got_no_answer_is_made_again_as_one_intent(
    world: World, stripe_side: StripeServer, id: str, faults: list[str]
) -> None:
    """By the package's own second try, or by the page's next look."""
    stripe_side.faults += faults
    page = begin(world, id)

    screen = world.page(page).text

    assert the_intent(stripe_side)["client_secret"] in screen
    stripe_side.confirm(the_intent(stripe_side)["id"])
    world.page(page)
    assert world.session(id)["status"] == "complete"
    assert {call.key for call in stripe_side.made()} == {payment(world)["id"]}


@pytest.mark.parametrize("fault", ["unanswered", "lost", "broken"])
def test_while_stripe_does_not_answer_nothing_is_given_up(
    world: World, stripe_side: StripeServer, id: str, fault: str
) -> None:
    stripe_side.faults += [fault] * 4
    page = begin(world, id)
    assert "Waiting for your payment" in world.page(page).text
    assert len(world.having("PAYMENT#")) == 1
    stripe_side.faults.clear()
    world.page(page)
    stripe_side.confirm(the_intent(stripe_side)["id"])

    stripe_side.faults += [fault] * 2
    world.now += ATTEMPT_SECONDS
    world.sweep()
    assert payment(world)["status"] == "pending"
    stripe_side.faults.clear()
    world.now += ATTEMPT_CHECK_SECONDS
    world.sweep()

    assert world.session(id)["status"] == "complete"


def test_an_account_that_stripe_refuses_is_a_failed_attempt(
    world: World, stripe_side: StripeServer, id: str, log: StringIO
) -> None:
    stripe_side.faults.append("locked out")

    page = begin(world, id)

    assert "cannot be reached just now" in world.page(page).text
    assert payment(world)["failure"] == "system_error"
    assert stripe_side.intents() == []
    assert "AuthenticationError" in log.getvalue()


def test_a_key_that_is_no_longer_good_gives_nothing_up(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    page = begin(world, id)
    stripe_side.confirm(the_intent(stripe_side)["id"])
    stripe_side.faults.append("locked out")

    assert "Waiting" in world.page(page).text

    world.page(page)
    assert world.session(id)["status"] == "complete"


# ------------------------------------------------------------------------ no card here


CARD_FIELDS = [{"number": GOOD}, {"expiry": "12/40"}, {"code": "123"}, {"number": ""}]


@pytest.mark.parametrize("typed", CARD_FIELDS)
def test_a_form_that_carries_a_card_is_refused_unread(
    world: World, stripe_side: StripeServer, id: str, typed: dict[str, str], log: StringIO
) -> None:
    with world.untouched():
        answer = world.submit(id, {"method": "card", **typed})

    assert answer.status == 422
    assert "typed on the next screen" in answer.text
    assert GOOD not in answer.text + log.getvalue()
    assert stripe_side.calls == []


def test_the_page_has_no_field_for_a_card(world: World, stripe_side: StripeServer, id: str) -> None:
    for screen in (world.page(f"/checkout/{id}").text, world.page(begin(world, id)).text):
        assert not re.search(r"cc-number|cc-csc|name=.number", screen)
        assert "4242" not in screen


def test_only_what_stripe_takes_is_offered(world: World, stripe_side: StripeServer) -> None:
    every = world.create_session()["id"]
    page = world.page(f"/checkout/{every}").text

    assert "Mobile money" not in page
    assert "Card" in page
    answer = world.submit(every, {"method": "mobile_money", "phone": "0240000001"})
    assert answer.status == 422
    assert world.having("PAYMENT#") == []


def test_stripes_script_may_run_on_this_one_screen_alone(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    before = world.page(f"/checkout/{id}").headers["content-security-policy"]

    policy = world.page(begin(world, id)).headers["content-security-policy"]

    assert stripe_side.url not in before
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    script = directives["script-src"].split()
    assert script[1:] == [f"{stripe_side.url}/js.stripe.com/v3/"]
    assert script[0].startswith("'nonce-")
    assert directives["connect-src"] == f"'self' {stripe_side.url}"
    assert set(directives["frame-src"].split()) == {
        stripe_side.url,
        "https://*.js.stripe.com",
        "https://hooks.stripe.com",
    }
    assert directives["default-src"] == "'none'"


def test_live_mode_takes_cards_on_stripes_side_and_without_stripe_none(
    world: World, stripe_side: StripeServer
) -> None:
    id = world.create_session(key=LIVE_KEY)["id"]

    assert PUBLIC in world.page(begin(world, id)).text
    stripe_side.confirm(the_intent(stripe_side)["id"])
    world.page(f"/checkout/{id}")

    assert world.session(id, key=LIVE_KEY)["status"] == "complete"
    assert payment(world)["processor"] == "stripe"


def test_another_merchant_keeps_the_simulator(world: World, stripe_side: StripeServer) -> None:
    session = world.payrex("POST", "/checkout_sessions", "", key=PAYREX_KEY)
    assert session.status == 400  # its own dialect answers, and Stripe heard nothing
    assert stripe_side.calls == []


# ---------------------------------------------------------------------------- webhooks


def test_stripes_own_webhook_settles_the_payment(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    """Delivered by localstripe over a socket, and handed on byte for byte."""
    begin(world, id)
    with listening() as receiver:
        stripe_side.subscribe(receiver.url, SIGNING)
        intent = the_intent(stripe_side)["id"]
        stripe_side.confirm(intent)
        sent = stripe_server.webhook_about(intent, receiver)
    headers = {"stripe-signature": sent.headers["stripe-signature"]}

    for _ in range(2):
        assert world.post(HOOK, sent.body, key=None, headers=headers).status == 200

    assert world.session(id)["status"] == "complete"
    assert world.event_types() == ["checkout.session.completed", "payment.succeeded"]


def test_a_webhook_sent_again_or_late_changes_nothing(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    begin(world, id)
    intent = the_intent(stripe_side)
    stripe_side.confirm(intent["id"])
    deliver(world, told_of(intent))
    assert world.session(id)["status"] == "complete"

    with world.untouched():
        for kind in (
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
            "payment_intent.canceled",
            "payment_intent.created",
        ):
            assert deliver(world, told_of(intent, kind)).status == 200


@pytest.mark.parametrize("status", ["succeeded", "canceled", "requires_payment_method"])
def test_what_a_webhook_says_of_the_status_is_not_believed(
    world: World, stripe_side: StripeServer, id: str, status: str
) -> None:
    world.page(begin(world, id))
    claimed = the_intent(stripe_side) | {"status": status, "amount": 1}

    with world.untouched():
        assert deliver(world, told_of(claimed)).status == 200

    assert the_intent(stripe_side)["status"] == "requires_payment_method"


def test_a_success_told_after_the_payment_failed_is_sent_back(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    """As after a cancellation that Stripe took back: money is looked after all the same."""
    begin(world, id)
    intent = the_intent(stripe_side)
    give_up(world, id)
    assert stripe_side.confirm(intent["id"])

    for _ in range(2):
        deliver(world, told_of(intent))

    assert [each["amount"] for each in stripe_side.refunds(payment(world)["reference"])] == [5000]
    assert payment(world)["status"] == "late"


REFUSED = [
    ("another secret", {"secret": "whsec_other"}),
    ("too old", {"at": time.time() - 301}),
    ("no such merchant", {"path": "/processors/stripe/merc_nobody.test"}),
    ("another mode", {"path": f"/processors/stripe/{ACCRA.id}.live", "secret": "whsec_other"}),
    ("no mode", {"path": f"/processors/stripe/{ACCRA.id}"}),
    ("a mode that is none", {"path": f"/processors/stripe/{ACCRA.id}.x"}),
    ("a merchant without an account", {"path": "/processors/stripe/merc_kumasi.test"}),
]


@pytest.mark.parametrize("forged", [each for _, each in REFUSED], ids=[name for name, _ in REFUSED])
def test_a_forged_webhook_is_refused_like_any_other_and_changes_nothing(
    world: World, stripe_side: StripeServer, id: str, forged: dict[str, Any]
) -> None:
    begin(world, id)
    intent = the_intent(stripe_side)
    stripe_side.confirm(intent["id"])
    asked = len(stripe_side.calls)

    with world.untouched():
        answer = deliver(world, told_of(intent), **forged)

    assert (answer.status, answer.json) == (
        400,
        {
            "error": {
                "code": "body_invalid",
                "message": "No event of an account here, or its signature is wrong.",
            }
        },
    )
    assert len(stripe_side.calls) == asked


@pytest.mark.parametrize(
    "signature", [None, "", "t=1", "t=x,v1=y", "v1=00", "t=1800000000,v1=00", "t=,v1=,"]
)
def test_a_webhook_without_a_signature_is_refused(
    world: World, stripe_side: StripeServer, signature: str | None
) -> None:
    headers = {} if signature is None else {"stripe-signature": signature}
    for body in (b"{}", b"\xff\xfe", b""):
        assert world.post(HOOK, body, key=None, headers=headers).status == 400


def test_a_changed_body_is_refused(world: World, stripe_side: StripeServer, id: str) -> None:
    begin(world, id)
    body = json.dumps(told_of(the_intent(stripe_side)))
    signature = WebhookSignature.generate_signature_header(body, SIGNING)

    changed = body.replace("evt_1", "evt_2").encode()

    headers = {"stripe-signature": signature}
    assert world.post(HOOK, changed, key=None, headers=headers).status == 400


@pytest.mark.parametrize(
    "thing",
    [
        {"object": "payment_intent", "metadata": {}},
        {"object": "payment_intent", "metadata": None},
        {"object": "customer"},
        {"object": "payment_intent", "metadata": {"payment": "pay_unknown"}},
        {"object": "payment_intent", "metadata": {"payment": f"pay_{'1' * 32}"}},
    ],
)
def test_what_is_not_ours_is_taken_and_left_alone(
    world: World, stripe_side: StripeServer, thing: dict[str, Any]
) -> None:
    """A merchant's Stripe account may serve others too."""
    with world.untouched():
        assert deliver(world, told_of(thing)).status == 200
    assert stripe_side.calls == []


def test_a_merchants_webhook_does_not_reach_anothers_payment(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    open_at_stripe(world.table, "merc_kumasi")
    begin(world, id)
    intent = the_intent(stripe_side)
    stripe_side.confirm(intent["id"])

    with world.untouched():
        deliver(world, told_of(intent), path="/processors/stripe/merc_kumasi.test")

    assert world.session(id)["status"] == "open"


# ----------------------------------------------------------------------------- refunds


@pytest.fixture
def paid(world: World, stripe_side: StripeServer, id: str) -> str:
    """The payment of a session that was paid at Stripe."""
    page = begin(world, id)
    stripe_side.confirm(the_intent(stripe_side)["id"])
    world.page(page)
    found: str = world.session(id)["payment"]
    return found


def refund(world: World, payment: str, amount: int) -> dict[str, Any]:
    answer = world.post("/v1/refunds", {"payment": payment, "amount": amount})
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def sent_back(stripe_side: StripeServer) -> list[int]:
    return [each["amount"] for each in stripe_side.refunds(the_intent(stripe_side)["id"])]


def test_a_part_of_a_payment_is_sent_back_through_stripe(
    world: World, stripe_side: StripeServer, paid: str
) -> None:
    made = [refund(world, paid, amount) for amount in (2000, 500)]

    assert [each["status"] for each in made] == ["succeeded"] * 2
    assert sorted(sent_back(stripe_side)) == [500, 2000]


@pytest.mark.parametrize("fault", ["unanswered", "lost", "broken", "locked out"])
@pytest.mark.parametrize("told", [True, False], ids=["webhook", "timer"])
def test_a_refund_that_got_no_answer_is_sent_once(
    world: World, stripe_side: StripeServer, paid: str, fault: str, told: bool
) -> None:
    stripe_side.faults += [fault] * 2
    made = refund(world, paid, 2000)
    assert made["status"] == "pending"
    stripe_side.faults.clear()
    stripe_side.answers.clear()  # a day later, Stripe has forgotten the key
    world.now += 86_400

    if told:
        thing = {"object": "refund", "metadata": {"refund": made["id"], "payment": paid}}
        for _ in range(2):
            deliver(world, told_of(thing, "refund.updated"))
    else:
        world.sweep()
        world.sweep()

    assert sent_back(stripe_side) == [2000]
    assert world.get(f"/v1/refunds/{made['id']}").json["status"] == "succeeded"
    assert world.event_types().count("refund.updated") == 1


def test_a_refund_goes_back_where_it_came_from_after_the_merchant_left_stripe(
    world: World, stripe_side: StripeServer, paid: str
) -> None:
    merchant = accounts.merchant(world.table, ACCRA.id)
    assert merchant is not None
    accounts.save_merchant(replace(merchant, processor="simulator"), world.table)
    session = world.create_session()["id"]

    assert refund(world, paid, 5000)["status"] == "succeeded"
    world.pay(session)

    assert sent_back(stripe_side) == [5000]
    assert world.session(session)["status"] == "complete"


def test_what_stripe_refuses_to_send_back_is_the_payments_again(
    world: World, stripe_side: StripeServer, paid: str
) -> None:
    stripe_side.faults.append("refused")

    assert refund(world, paid, 5000)["status"] == "failed"

    assert sent_back(stripe_side) == []
    assert refund(world, paid, 5000)["status"] == "succeeded"


def test_a_webhook_about_what_another_processor_has_changes_nothing(
    world: World, stripe_side: StripeServer
) -> None:
    merchant = accounts.merchant(world.table, ACCRA.id)
    assert merchant is not None
    accounts.save_merchant(replace(merchant, processor="simulator"), world.table)
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000002")
    world.now += 10
    thing = {"object": "payment_intent", "metadata": {"payment": payment(world)["id"]}}

    with world.untouched():
        assert deliver(world, told_of(thing)).status == 200


def test_a_sealed_secret_opens_for_its_own_merchant_and_mode_alone(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    accra, kumasi = (accounts.merchant(world.table, each) for each in (ACCRA.id, "merc_kumasi"))
    assert accra is not None and kumasi is not None
    moved = replace(kumasi, processor="stripe", test=accra.test)
    accounts.save_merchant(moved, world.table)
    begin(world, id)
    intent = the_intent(stripe_side)

    answer = deliver(world, told_of(intent), path="/processors/stripe/merc_kumasi.test")

    assert answer.status == 500
