"""Payments of a merchant whose processor is Stripe: through the page's handlers, with cards that
are confirmed at Stripe, and with Stripe's notifications."""

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
from checkout.domain.payment import (
    ATTEMPT_CHECK_SECONDS,
    ATTEMPT_SECONDS,
    PAGE_LOOKUP_SECONDS,
    Failure,
)
from checkout.store import accounts, payments, sessions
from tests.processors import stripe_server
from tests.processors.accounts import PUBLIC, SIGNING, open_at_stripe
from tests.processors.notifications import HOOK, deliver, event_about
from tests.processors.stripe_server import DECLINED, GOOD, StripeServer
from tests.receiver import listening
from tests.world import ACCRA, LIVE_KEY, PAYREX_KEY, Response, World


@pytest.fixture
def id(world: World, stripe_side: StripeServer) -> str:
    found: str = world.create_session()["id"]
    return found


def begin(world: World, id: str) -> str:
    """Chooses to pay by card; returns the location that the browser is redirected to."""
    answer = world.submit(id, {"method": "card"})
    assert answer.status == 303
    return answer.headers["location"]


def page_later(world: World, target: str) -> Response:
    """The page, as soon as it may call Stripe again."""
    world.now += PAGE_LOOKUP_SECONDS
    return world.page(target)


def payment(world: World) -> dict[str, Any]:
    (item,) = world.having("PAYMENT#")
    found: dict[str, Any] = item
    return found


def the_intent(stripe_side: StripeServer) -> dict[str, Any]:
    (intent,) = stripe_side.intents()
    found: dict[str, Any] = intent
    return found


def fail_payment(world: World, id: str) -> None:
    """Records that the payment failed, without canceling its intent at Stripe."""
    session = sessions.find(world.table, id)
    pending = payments.find(world.table, payment(world)["id"])
    assert session is not None and pending is not None
    context = ChangeContext(int(world.now), render_events)
    payments.fail(world.table, session, pending, Failure.TIMED_OUT, context)


# ------------------------------------------------------------------------- payments


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

    assert "Payment received" in page_later(world, page).text
    session = world.session(id)
    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    assert payment(world)["reference"] == intent["id"]
    assert world.event_types() == ["checkout.session.completed", "payment.succeeded"]
    assert {timer["kind"] for timer in world.having("TIMER#")} == {"event"}


def test_the_sweep_settles_the_payment_if_the_shopper_never_returns(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    world.page(begin(world, id))
    stripe_side.confirm(the_intent(stripe_side)["id"])

    world.now += ATTEMPT_CHECK_SECONDS
    world.sweep()

    assert world.session(id)["status"] == "complete"


def test_a_declined_card_leaves_the_session_open_and_cancels_the_intent(
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

    assert len(stripe_side.creations()) == 1
    assert len(world.having("PAYMENT#")) == 1


def test_a_payment_can_not_be_made_after_the_deadline(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    page = begin(world, id)

    world.now += ATTEMPT_SECONDS
    world.sweep()

    assert the_intent(stripe_side)["status"] == "canceled"
    assert not stripe_side.confirm(the_intent(stripe_side)["id"])
    assert "not approved in time" in world.page(page).text
    assert world.session(id)["status"] == "open"


def test_a_payment_approved_after_the_deadline_is_refunded(
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


def test_the_pages_of_a_payment_call_stripe_once_in_two_seconds(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    page = begin(world, id)
    before = len(stripe_side.calls)

    calls = []
    for _ in range(5):
        for target in (page, f"{page}&poll=1", f"/checkout/{id}"):
            assert world.page(target).status == 200
        calls.append(len(stripe_side.calls) - before)
        world.now += 1

    assert calls == [1, 1, 2, 2, 3]


def test_a_page_that_may_not_call_stripe_yet_loads_again_when_it_may(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    """A poll would not be enough: the page that it makes the script load may not call either."""
    page = begin(world, id)
    secret = the_intent(stripe_side)["client_secret"]
    assert secret in world.page(page).text

    waiting = world.page(page).text
    assert 'data-state="waiting"' in waiting
    assert secret not in waiting
    assert "data-poll=" not in waiting
    assert f'data-reload="{PAGE_LOOKUP_SECONDS}" data-reload-as-page="{page}"' in waiting
    assert f'content="{PAGE_LOOKUP_SECONDS}; url={page}"' in waiting

    world.now += PAGE_LOOKUP_SECONDS
    assert secret in world.page(page).text


def test_a_notification_and_a_timer_settle_a_payment_that_a_page_has_just_looked_up(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    page = begin(world, id)
    world.page(page)
    stripe_side.confirm(the_intent(stripe_side)["id"])

    deliver(world, event_about(the_intent(stripe_side)))

    assert "Payment received" in world.page(page).text


# ------------------------------------------------------------------- calls that fail


@pytest.mark.parametrize("faults", [["unanswered"], ["lost"], ["busy"]])
def test_an_unanswered_creation_is_repeated_and_creates_one_intent(
    world: World, stripe_side: StripeServer, id: str, faults: list[str]
) -> None:
    """Either Stripe's package repeats it, or the page's next lookup does."""
    stripe_side.faults += faults
    page = begin(world, id)

    screen = world.page(page).text

    assert the_intent(stripe_side)["client_secret"] in screen
    stripe_side.confirm(the_intent(stripe_side)["id"])
    page_later(world, page)
    assert world.session(id)["status"] == "complete"
    assert {call.key for call in stripe_side.creations()} == {payment(world)["id"]}


@pytest.mark.parametrize("fault", ["unanswered", "lost", "broken"])
def test_payments_stay_pending_while_stripe_does_not_answer(
    world: World, stripe_side: StripeServer, id: str, fault: str
) -> None:
    stripe_side.faults += [fault] * 4
    page = begin(world, id)
    assert "Waiting for your payment" in world.page(page).text
    assert len(world.having("PAYMENT#")) == 1
    stripe_side.faults.clear()
    page_later(world, page)
    stripe_side.confirm(the_intent(stripe_side)["id"])

    stripe_side.faults += [fault] * 2
    world.now += ATTEMPT_SECONDS
    world.sweep()
    assert payment(world)["status"] == "pending"
    stripe_side.faults.clear()
    world.now += ATTEMPT_CHECK_SECONDS
    world.sweep()

    assert world.session(id)["status"] == "complete"


def test_a_refused_key_fails_the_attempt(
    world: World, stripe_side: StripeServer, id: str, log: StringIO
) -> None:
    stripe_side.faults.append("locked out")

    page = begin(world, id)

    assert "cannot be reached just now" in world.page(page).text
    assert payment(world)["failure"] == "system_error"
    assert stripe_side.intents() == []
    assert "AuthenticationError" in log.getvalue()


def test_a_payment_stays_pending_while_the_key_is_refused(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    page = begin(world, id)
    stripe_side.confirm(the_intent(stripe_side)["id"])
    stripe_side.faults.append("locked out")

    assert "Waiting" in world.page(page).text

    page_later(world, page)
    assert world.session(id)["status"] == "complete"


# ---------------------------------------------------- cards stay on Stripe's side


CARD_FIELDS = [{"number": GOOD}, {"expiry": "12/40"}, {"code": "123"}, {"number": ""}]


@pytest.mark.parametrize("typed", CARD_FIELDS)
def test_forms_with_card_fields_are_refused(
    world: World, stripe_side: StripeServer, id: str, typed: dict[str, str], log: StringIO
) -> None:
    with world.untouched():
        answer = world.submit(id, {"method": "card", **typed})

    assert answer.status == 422
    assert "typed on the next screen" in answer.text
    assert GOOD not in answer.text + log.getvalue()
    assert stripe_side.calls == []


def test_the_page_has_no_card_fields(world: World, stripe_side: StripeServer, id: str) -> None:
    for screen in (world.page(f"/checkout/{id}").text, world.page(begin(world, id)).text):
        assert not re.search(r"cc-number|cc-csc|name=.number", screen)
        assert not re.search(r"4242[ \u00a0]?4242", screen)


def test_the_page_only_offers_methods_that_stripe_supports(
    world: World, stripe_side: StripeServer
) -> None:
    every = world.create_session()["id"]
    page = world.page(f"/checkout/{every}").text

    assert "Mobile money" not in page
    assert "Card" in page
    answer = world.submit(every, {"method": "mobile_money", "phone": "0240000001"})
    assert answer.status == 422
    assert world.having("PAYMENT#") == []


def test_only_the_card_entry_screen_allows_stripes_script(
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


def test_live_payments_are_made_at_stripe(world: World, stripe_side: StripeServer) -> None:
    id = world.create_session(key=LIVE_KEY)["id"]

    assert PUBLIC in world.page(begin(world, id)).text
    stripe_side.confirm(the_intent(stripe_side)["id"])
    page_later(world, f"/checkout/{id}")

    assert world.session(id, key=LIVE_KEY)["status"] == "complete"
    assert payment(world)["processor"] == "stripe"


def test_other_merchants_keep_the_simulator(world: World, stripe_side: StripeServer) -> None:
    session = world.payrex("POST", "/checkout_sessions", "", key=PAYREX_KEY)
    assert session.status == 400
    assert stripe_side.calls == []


# ----------------------------------------------------------------------- notifications


def test_stripes_own_notification_settles_the_payment(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    """A notification that localstripe sends, passed on byte by byte."""
    begin(world, id)
    with listening() as receiver:
        stripe_side.subscribe(receiver.url, SIGNING)
        intent = the_intent(stripe_side)["id"]
        stripe_side.confirm(intent)
        sent = stripe_server.notification_about(intent, receiver)
    headers = {"stripe-signature": sent.headers["stripe-signature"]}

    for _ in range(2):
        assert world.post(HOOK, sent.body, key=None, headers=headers).status == 200

    assert world.session(id)["status"] == "complete"
    assert world.event_types() == ["checkout.session.completed", "payment.succeeded"]


def test_repeated_and_late_notifications_change_nothing(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    begin(world, id)
    intent = the_intent(stripe_side)
    stripe_side.confirm(intent["id"])
    deliver(world, event_about(intent))
    assert world.session(id)["status"] == "complete"

    with world.untouched():
        for kind in (
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
            "payment_intent.canceled",
            "payment_intent.created",
        ):
            assert deliver(world, event_about(intent, kind)).status == 200


@pytest.mark.parametrize("status", ["succeeded", "canceled", "requires_payment_method"])
def test_the_status_in_a_notification_is_not_trusted(
    world: World, stripe_side: StripeServer, id: str, status: str
) -> None:
    world.page(begin(world, id))
    claimed = the_intent(stripe_side) | {"status": status, "amount": 1}

    with world.untouched():
        assert deliver(world, event_about(claimed)).status == 200

    assert the_intent(stripe_side)["status"] == "requires_payment_method"


def test_a_payment_approved_after_it_failed_is_refunded(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    """This would need a cancellation that Stripe revokes."""
    begin(world, id)
    intent = the_intent(stripe_side)
    fail_payment(world, id)
    assert stripe_side.confirm(intent["id"])

    for _ in range(2):
        deliver(world, event_about(intent))

    assert [each["amount"] for each in stripe_side.refunds(payment(world)["reference"])] == [5000]
    assert payment(world)["status"] == "late"


REFUSED = [
    ("another secret", {"secret": "whsec_other"}),
    ("too old", {"at": time.time() - 301}),
    ("no such merchant", {"path": "/processors/stripe/merc_nobody.test"}),
    ("another mode", {"path": f"/processors/stripe/{ACCRA.id}.live", "secret": "whsec_other"}),
    ("no mode", {"path": f"/processors/stripe/{ACCRA.id}"}),
    ("an unknown mode", {"path": f"/processors/stripe/{ACCRA.id}.x"}),
    ("a merchant without an account", {"path": "/processors/stripe/merc_kumasi.test"}),
]


@pytest.mark.parametrize("forged", [each for _, each in REFUSED], ids=[name for name, _ in REFUSED])
def test_forged_notifications_are_refused_and_change_nothing(
    world: World, stripe_side: StripeServer, id: str, forged: dict[str, Any]
) -> None:
    begin(world, id)
    intent = the_intent(stripe_side)
    stripe_side.confirm(intent["id"])
    calls = len(stripe_side.calls)

    with world.untouched():
        answer = deliver(world, event_about(intent), **forged)

    assert (answer.status, answer.json) == (
        400,
        {
            "error": {
                "code": "body_invalid",
                "message": "There is no such account, or the signature is wrong.",
            }
        },
    )
    assert len(stripe_side.calls) == calls


@pytest.mark.parametrize(
    "signature", [None, "", "t=1", "t=x,v1=y", "v1=00", "t=1800000000,v1=00", "t=,v1=,"]
)
def test_notifications_without_a_valid_signature_are_refused(
    world: World, stripe_side: StripeServer, signature: str | None
) -> None:
    headers = {} if signature is None else {"stripe-signature": signature}
    for body in (b"{}", b"\xff\xfe", b""):
        assert world.post(HOOK, body, key=None, headers=headers).status == 400


def test_notifications_with_a_changed_body_are_refused(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    begin(world, id)
    body = json.dumps(event_about(the_intent(stripe_side)))
    signature = WebhookSignature.generate_signature_header(body, SIGNING)

    changed = body.replace("evt_1", "evt_2").encode()

    headers = {"stripe-signature": signature}
    assert world.post(HOOK, changed, key=None, headers=headers).status == 400


@pytest.mark.parametrize(
    "resource",
    [
        {"object": "payment_intent", "metadata": {}},
        {"object": "payment_intent", "metadata": None},
        {"object": "customer"},
        {"object": "payment_intent", "metadata": {"payment": "pay_unknown"}},
        {"object": "payment_intent", "metadata": {"payment": f"pay_{'1' * 32}"}},
    ],
)
def test_notifications_about_unknown_resources_are_accepted_and_ignored(
    world: World, stripe_side: StripeServer, resource: dict[str, Any]
) -> None:
    """The merchant may use the same Stripe account for other purposes."""
    with world.untouched():
        assert deliver(world, event_about(resource)).status == 200
    assert stripe_side.calls == []


def test_a_notification_can_not_affect_payments_of_another_merchant(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    open_at_stripe(world.table, "merc_kumasi")
    begin(world, id)
    intent = the_intent(stripe_side)
    stripe_side.confirm(intent["id"])

    with world.untouched():
        deliver(world, event_about(intent), path="/processors/stripe/merc_kumasi.test")

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
    created: dict[str, Any] = answer.json
    return created


def refunded_amounts(stripe_side: StripeServer) -> list[int]:
    return [each["amount"] for each in stripe_side.refunds(the_intent(stripe_side)["id"])]


def test_partial_refunds_are_sent_by_stripe(
    world: World, stripe_side: StripeServer, paid: str
) -> None:
    made = [refund(world, paid, amount) for amount in (2000, 500)]

    assert [each["status"] for each in made] == ["succeeded"] * 2
    assert sorted(refunded_amounts(stripe_side)) == [500, 2000]


@pytest.mark.parametrize("fault", ["unanswered", "lost", "broken", "locked out"])
@pytest.mark.parametrize("notified", [True, False], ids=["webhook", "timer"])
def test_an_unanswered_refund_is_sent_once(
    world: World, stripe_side: StripeServer, paid: str, fault: str, notified: bool
) -> None:
    stripe_side.faults += [fault] * 2
    made = refund(world, paid, 2000)
    assert made["status"] == "pending"
    stripe_side.faults.clear()
    stripe_side.answers.clear()  # a day later, Stripe has forgotten the key
    world.now += 86_400

    if notified:
        resource = {"object": "refund", "metadata": {"refund": made["id"], "payment": paid}}
        for _ in range(2):
            deliver(world, event_about(resource, "refund.updated"))
    else:
        world.sweep()
        world.sweep()

    assert refunded_amounts(stripe_side) == [2000]
    assert world.get(f"/v1/refunds/{made['id']}").json["status"] == "succeeded"
    assert world.event_types().count("refund.updated") == 1


def test_payments_at_stripe_are_refunded_there_after_the_merchant_changed_processors(
    world: World, stripe_side: StripeServer, paid: str
) -> None:
    merchant = accounts.merchant(world.table, ACCRA.id)
    assert merchant is not None
    accounts.save_merchant(merchant.without_processors(), world.table)
    session = world.create_session()["id"]

    assert refund(world, paid, 5000)["status"] == "succeeded"
    world.pay(session)

    assert refunded_amounts(stripe_side) == [5000]
    assert world.session(session)["status"] == "complete"


def test_a_refused_refund_releases_its_amount(
    world: World, stripe_side: StripeServer, paid: str
) -> None:
    stripe_side.faults.append("refused")

    assert refund(world, paid, 5000)["status"] == "failed"

    assert refunded_amounts(stripe_side) == []
    assert refund(world, paid, 5000)["status"] == "succeeded"


def test_notifications_about_payments_at_another_processor_change_nothing(
    world: World, stripe_side: StripeServer
) -> None:
    merchant = accounts.merchant(world.table, ACCRA.id)
    assert merchant is not None
    accounts.save_merchant(merchant.without_processors(), world.table)
    id = world.create_session()["id"]
    world.pay_by_phone(id, "0240000002")
    world.now += 10
    resource = {"object": "payment_intent", "metadata": {"payment": payment(world)["id"]}}

    with world.untouched():
        assert deliver(world, event_about(resource)).status == 200


def test_a_secret_can_only_be_decrypted_for_its_own_merchant_and_mode(
    world: World, stripe_side: StripeServer, id: str
) -> None:
    accra, kumasi = (accounts.merchant(world.table, each) for each in (ACCRA.id, "merc_kumasi"))
    assert accra is not None and kumasi is not None
    accounts.save_merchant(replace(kumasi, accounts=accra.accounts), world.table)
    begin(world, id)
    intent = the_intent(stripe_side)

    answer = deliver(world, event_about(intent), path="/processors/stripe/merc_kumasi.test")

    assert answer.status == 500
