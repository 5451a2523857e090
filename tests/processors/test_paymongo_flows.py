"""Payments of a merchant whose processor is PayMongo: through the page, against the fake.

The races are those of the fact sheet's section 12.
"""

from io import StringIO
from typing import Any

import pytest

from checkout.domain.payment import PAGE_LOOKUP_SECONDS
from checkout.domain.refund import LEASE_SECONDS
from checkout.processors.paymongo import CREATION_SECONDS, TIMES
from checkout.store import accounts, reconciliations, tasks
from devstack.fakes.paymongo import SIGNING, PayMongoFake
from tests.payrex.forms import SESSIONS, encode, order
from tests.world import MANILA, PAYREX_LIVE_KEY, Response, World

HOOK = f"/processors/paymongo/{MANILA.id}.test"
DAY = 86_400
AMOUNT = 10_000
GCASH = TIMES["gcash"]


@pytest.fixture
def id(world: World, paymongo_side: PayMongoFake) -> str:
    """The last part of the page's address."""
    return open_session(world)


def open_session(world: World, **options: Any) -> str:
    form = order(
        line_items=[{"name": "Mug", "amount": AMOUNT, "quantity": 1}],
        payment_methods=["card", "gcash", "maya", "qrph"],
    )
    created = world.payrex("POST", SESSIONS, form, **options)
    assert created.status == 200, created.text
    found: str = created.json["client_secret"]
    return found


def begin(world: World, id: str, method: str = "gcash") -> str:
    answer = world.submit(id, {"method": method})
    assert answer.status == 303, answer.text
    return answer.headers["location"]


def page_later(world: World, target: str) -> Response:
    """The page, as soon as it may call PayMongo again."""
    world.now += PAGE_LOOKUP_SECONDS
    return world.page(target)


def payment(world: World) -> dict[str, Any]:
    (item,) = world.having("PAYMENT#")
    return item


def session(world: World) -> dict[str, Any]:
    (item,) = world.having("SESSION#")
    return item


def refund(world: World) -> dict[str, Any]:
    (item,) = world.having("REFUND#")
    return item


def the_session(fake: PayMongoFake) -> str:
    (found,) = fake.sessions
    return found


def sweep_for(world: World, seconds: int, step: int = 600) -> None:
    for _ in range(0, seconds, step):
        world.now += step
        world.sweep()


def notify(world: World, fake: PayMongoFake, event: str, resource: str, **options: Any) -> Response:
    body, headers = fake.webhook(event, fake.resource(resource), **options)
    return world.post(HOOK, body, key=None, headers=headers)


def posts(fake: PayMongoFake, path: str) -> int:
    return len([call for call in fake.calls_of("POST", path) if call.path.endswith(path)])


# ------------------------------------------------------------------------------ payments


@pytest.mark.parametrize(
    ("method", "name"), [("card", "card"), ("gcash", "gcash"), ("maya", "paymaya")]
)
def test_a_shopper_pays_on_paymongos_page(
    world: World, paymongo_side: PayMongoFake, id: str, method: str, name: str
) -> None:
    page = begin(world, id, method)
    made = paymongo_side.sessions[the_session(paymongo_side)]
    assert made["payment_method_types"] == [name]
    assert (made["amount"], made["currency"]) == (AMOUNT, "PHP")
    assert made["success_url"].endswith(page) and made["cancel_url"].endswith(page)
    assert f"{paymongo_side.url}/page/{made['id']}" in world.page(page).text

    paymongo_side.pay(made["id"])

    assert "Payment received" in page_later(world, page).text
    assert payment(world)["reference"] == made["id"]
    assert session(world)["status"] == "complete"


def test_a_qr_code_is_offered_in_live_mode_only(world: World, paymongo_side: PayMongoFake) -> None:
    """The code on PayMongo's page is real in test mode too: a scan would move money."""
    test, live = open_session(world), open_session(world, key=PAYREX_LIVE_KEY)

    assert 'value="qrph"' not in world.page(f"/c/{test}").text
    assert 'value="qrph"' in world.page(f"/c/{live}").text
    assert world.submit(test, {"method": "qrph"}).status == 422


def test_a_declined_try_leaves_the_shopper_on_paymongos_page(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    page = begin(world, id, "card")
    paymongo_side.decline(the_session(paymongo_side), "insufficient_funds")
    assert "/page/cs_" in page_later(world, page).text

    paymongo_side.pay(the_session(paymongo_side))

    assert "Payment received" in page_later(world, page).text


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("insufficient_funds", "insufficient_funds"),
        ("cvc_invalid", "code_incorrect"),
        ("SYSTEM_ERROR", "system_error"),
        ("RJCT01", "processing_error"),
        ("stolen_card", "declined"),
    ],
)
def test_a_session_is_expired_at_the_deadline_and_the_decline_has_its_reason(
    world: World, paymongo_side: PayMongoFake, id: str, code: str, failure: str
) -> None:
    begin(world, id, "card")
    made = the_session(paymongo_side)
    paymongo_side.decline(made, code)

    sweep_for(world, GCASH.attempt, 30)

    assert payment(world)["failure"] == failure
    assert paymongo_side.sessions[made]["status"] == "expired"
    assert not paymongo_side.pay(made)


def test_a_wallet_has_more_than_five_minutes(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    page = begin(world, id)
    sweep_for(world, 14 * 60, 30)
    assert payment(world)["status"] == "pending"

    paymongo_side.pay(the_session(paymongo_side))

    assert "Payment received" in world.page(page).text


def test_a_session_lapses_no_earlier_than_its_wallets_deadline(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    world.now = session(world)["expires_at"] - 5
    page = begin(world, id)
    world.now += 14 * 60

    paymongo_side.pay(the_session(paymongo_side))

    assert "Payment received" in world.page(page).text


def test_a_payment_that_is_processing_is_waited_for(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)
    made = the_session(paymongo_side)
    paymongo_side.process(made)
    sweep_for(world, GCASH.attempt + 600, 30)
    assert payment(world)["status"] == "pending"
    paymongo_side.sessions[made]["status"] = "active"

    paymongo_side.pay(made)
    sweep_for(world, 60, 30)

    assert session(world)["status"] == "complete"


@pytest.mark.parametrize("changed", [{"amount": 1}, {"currency": "USD"}])
def test_another_sum_is_neither_approved_nor_declined(
    world: World, paymongo_side: PayMongoFake, id: str, changed: dict[str, Any], log: StringIO
) -> None:
    begin(world, id)
    made = the_session(paymongo_side)
    paymongo_side.pay(made)
    paymongo_side.payments[paymongo_side.paid_payment(made)].update(changed)

    sweep_for(world, GCASH.attempt + 60, 60)

    assert payment(world)["status"] == "pending"
    assert "UnexpectedAnswerError" in log.getvalue()


def test_a_session_that_succeeded_without_listed_payments_is_approved(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    page = begin(world, id)
    paymongo_side.lists_payments = False
    paymongo_side.pay(the_session(paymongo_side))

    assert "Payment received" in page_later(world, page).text


@pytest.mark.parametrize("changed", [{"amount": 1}, {"currency": "USD"}])
def test_another_sum_is_not_approved_if_no_payment_is_listed(
    world: World, paymongo_side: PayMongoFake, id: str, changed: dict[str, Any], log: StringIO
) -> None:
    begin(world, id)
    paymongo_side.lists_payments = False
    made = the_session(paymongo_side)
    paymongo_side.pay(made)
    paymongo_side.sessions[made].update(changed)

    sweep_for(world, 60, 30)

    assert payment(world)["status"] == "pending"
    assert "UnexpectedAnswerError" in log.getvalue()


def test_an_order_below_the_smallest_sum_fails_at_once(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    paymongo_side.keys.clear()

    assert "cannot be reached just now" in world.page(begin(world, id)).text


@pytest.mark.parametrize("fault", ["busy", "edge", "broken", "lost"])
def test_nothing_changes_while_paymongo_gives_no_outcome(
    world: World, paymongo_side: PayMongoFake, id: str, fault: str
) -> None:
    page = begin(world, id)
    made = the_session(paymongo_side)
    paymongo_side.faults += [fault] * 2
    assert "Waiting" in world.page(page).text
    assert "Waiting" in page_later(world, page).text
    paymongo_side.pay(made)
    paymongo_side.faults.clear()

    sweep_for(world, 120, 30)

    assert session(world)["status"] == "complete"


# --------------------------------------------------------------------------------- races


@pytest.mark.parametrize("fault", ["unanswered", "lost", "busy", "edge", "hung"])
def test_race_a_creation_without_an_answer_makes_no_second_session(
    world: World, paymongo_side: PayMongoFake, id: str, fault: str
) -> None:
    """Nobody was given the address of the first one, so it can't be paid."""
    paymongo_side.release.set()
    paymongo_side.faults.append(fault)
    page = begin(world, id)
    assert "Waiting" in world.page(page).text

    world.now += CREATION_SECONDS

    assert "cannot be reached just now" in world.page(page).text
    assert posts(paymongo_side, "/checkout_sessions") == 1
    assert begin(world, id) != page


def test_race_a_payment_during_the_expiry_wins(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)
    made = the_session(paymongo_side)

    def pay_first(call: Any) -> None:
        if call.path.endswith("/expire"):
            paymongo_side.pay(made)

    paymongo_side.on_request = pay_first
    sweep_for(world, GCASH.attempt, 30)

    assert payment(world)["status"] == "succeeded"
    assert session(world)["status"] == "complete"


@pytest.mark.parametrize("fault", ["unanswered", "lost"])
def test_race_an_expiry_without_an_answer_is_looked_up(
    world: World, paymongo_side: PayMongoFake, id: str, fault: str
) -> None:
    begin(world, id)
    world.now += GCASH.attempt
    paymongo_side.faults += ["", fault]

    sweep_for(world, 120, 30)

    assert payment(world)["failure"] == "timed_out"
    assert paymongo_side.sessions[the_session(paymongo_side)]["status"] == "expired"


def test_race_a_session_is_read_at_once_if_the_answer_to_its_expiry_is_lost(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)
    world.now += GCASH.attempt
    paymongo_side.faults += ["", "unanswered"]

    world.sweep()

    assert payment(world)["failure"] == "timed_out"


def test_race_a_wallet_that_is_open_at_the_deadline_may_finish(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)
    made = the_session(paymongo_side)
    sweep_for(world, GCASH.attempt - 60, 30)
    paymongo_side.open_wallet(made)
    sweep_for(world, 120, 30)
    assert payment(world)["status"] == "pending"

    assert paymongo_side.pay(made, after_expiry=True)
    sweep_for(world, 60, 30)

    assert session(world)["status"] == "complete"


def test_race_money_after_the_payment_was_given_up_goes_back_without_a_webhook(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)
    made = the_session(paymongo_side)
    paymongo_side.open_wallet(made)
    sweep_for(world, GCASH.attempt + GCASH.authorising + 60, 60)
    assert payment(world)["status"] == "failed"

    assert paymongo_side.pay(made, after_expiry=True)
    sweep_for(world, 4 * 3600)
    paymongo_side.finish_refunds()
    sweep_for(world, DAY, 3600)

    assert payment(world)["status"] == "late"
    assert refund(world)["status"] == "succeeded"
    assert paymongo_side.charged() == {made: 0}


def test_race_a_qr_code_that_is_paid_late_is_a_task_for_a_person(
    world: World, paymongo_side: PayMongoFake
) -> None:
    id = open_session(world, key=PAYREX_LIVE_KEY)
    begin(world, id, "qrph")
    made = the_session(paymongo_side)
    paymongo_side.open_wallet(made)
    sweep_for(world, 2 * 3600, 60)
    assert payment(world)["status"] == "failed"

    assert paymongo_side.pay(made, after_expiry=True)
    sweep_for(world, DAY, 3600)

    assert payment(world)["status"] == "late"
    assert refund(world)["status"] == "failed"
    (task,) = tasks.list_all(world.table)
    assert (task.reason, task.amount, task.reference) == ("refund_failed", AMOUNT, made)
    assert posts(paymongo_side, "/refunds") == 0
    assert "refund.updated" in world.event_types()


def test_race_two_paid_tries_in_one_session_are_a_task_for_a_person(
    world: World, paymongo_side: PayMongoFake, id: str, log: StringIO
) -> None:
    page = begin(world, id)
    made = the_session(paymongo_side)
    paymongo_side.pay(made)
    paymongo_side._add_payment(made, "paid")

    assert "Payment received" in page_later(world, page).text

    assert "UnexpectedAnswerError" in log.getvalue()
    (task,) = tasks.list_all(world.table)
    assert (task.reason, task.reference) == ("charged_twice", made)


def test_race_a_second_paid_try_after_the_first_is_found_by_the_daily_comparison(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    page = begin(world, id)
    made = the_session(paymongo_side)
    paymongo_side.pay(made)
    world.page(page)
    reconciliations.start(world.table, "paymongo", f"{MANILA.id}#test", int(world.now))
    paymongo_side._add_payment(made, "paid")

    sweep_for(world, 2 * DAY, 3600)

    (task,) = tasks.list_all(world.table)
    assert (task.reason, task.reference) == ("charged_twice", made)


def second_session(world: World, fake: PayMongoFake) -> str:
    """Another session of the same payment, as if two calls had created one."""
    first = fake.sessions[the_session(fake)]
    fake.sessions["cs_other"] = first | {"id": "cs_other", "status": "active"}
    return "cs_other"


def test_race_a_webhook_about_another_session_of_the_payment_is_looked_at(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)
    own = the_session(paymongo_side)
    other = second_session(world, paymongo_side)
    paymongo_side.pay(other)

    assert notify(world, paymongo_side, "checkout_session.payment.paid", other).status == 200

    assert session(world)["status"] == "complete"
    assert payment(world)["reference"] == other
    assert not paymongo_side.pay(own)


def test_race_a_second_paid_session_of_a_payment_is_a_task_for_a_person(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    page = begin(world, id)
    own = the_session(paymongo_side)
    other = second_session(world, paymongo_side)
    for each in (own, other):
        paymongo_side.pay(each)
    world.page(page)

    for _ in range(2):
        notify(world, paymongo_side, "checkout_session.payment.paid", other)

    (task,) = tasks.list_all(world.table)
    assert (task.reason, task.reference) == ("charged_twice", other)
    assert payment(world)["reference"] == own


def test_race_another_session_that_is_paid_late_goes_back(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)
    other = second_session(world, paymongo_side)
    sweep_for(world, GCASH.attempt + 60, 30)
    assert payment(world)["status"] == "failed"
    paymongo_side.pay(other)

    notify(world, paymongo_side, "checkout_session.payment.paid", other)

    assert payment(world)["status"] == "late"
    assert paymongo_side.charged() == {other: 0}


def test_race_another_session_that_is_not_paid_is_expired(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)
    other = second_session(world, paymongo_side)

    notify(world, paymongo_side, "payment.failed", other)

    assert paymongo_side.sessions[other]["status"] == "expired"
    assert payment(world)["status"] == "pending"


@pytest.fixture
def paid(world: World, paymongo_side: PayMongoFake, id: str) -> str:
    page = begin(world, id)
    paymongo_side.pay(the_session(paymongo_side))
    world.page(page)
    found: str = payment(world)["id"]
    return found


def ask_for_refund(world: World, payment: str, amount: int) -> dict[str, Any]:
    params = {"payment_id": payment, "amount": amount, "currency": "PHP", "reason": "others"}
    answer = world.payrex("POST", "/refunds", encode(params))
    assert answer.status == 200, answer.text
    created: dict[str, Any] = answer.json
    return created


@pytest.mark.parametrize("status", ["succeeded", "failed"])
@pytest.mark.parametrize("kind", ["payment", "refund", "timer"])
def test_a_refunds_outcome_is_found(
    world: World, paymongo_side: PayMongoFake, paid: str, status: str, kind: str
) -> None:
    assert ask_for_refund(world, paid, 4000)["status"] == "pending"
    paymongo_side.finish_refunds(status)

    if kind == "timer":
        sweep_for(world, 120, 30)
    else:
        (made,) = paymongo_side.refunds
        about = (
            paymongo_side.paid_payment(the_session(paymongo_side)) if kind == "payment" else made
        )
        assert notify(world, paymongo_side, "payment.refund.updated", about).status == 200

    assert refund(world)["status"] == status


@pytest.mark.parametrize("fault", ["unanswered", "hung"])
def test_race_a_refund_without_an_answer_is_looked_for_and_not_repeated(
    world: World, paymongo_side: PayMongoFake, paid: str, fault: str
) -> None:
    paymongo_side.release.set()
    paymongo_side.faults += ["", "", fault]

    ask_for_refund(world, paid, 4000)
    paymongo_side.finish_refunds()
    sweep_for(world, 600, 30)

    assert refund(world)["status"] == "succeeded"
    assert posts(paymongo_side, "/refunds") == 1


def test_race_a_lost_refund_is_sent_again(
    world: World, paymongo_side: PayMongoFake, paid: str
) -> None:
    paymongo_side.faults += ["", "", "lost"]
    ask_for_refund(world, paid, 4000)

    sweep_for(world, 900, 30)

    assert posts(paymongo_side, "/refunds") == 2
    assert [each["amount"] for each in paymongo_side.refunds.values()] == [4000]


def test_a_refund_that_is_refused_as_another_one_is_pending_waits_for_it(
    world: World, paymongo_side: PayMongoFake, paid: str
) -> None:
    ask_for_refund(world, paid, 4000)
    ask_for_refund(world, paid, 1000)
    assert [each["amount"] for each in paymongo_side.refunds.values()] == [4000]

    sweep_for(world, 60, 30)
    paymongo_side.finish_refunds()
    sweep_for(world, 1800, 30)
    paymongo_side.finish_refunds()
    sweep_for(world, 7200, 600)

    assert [each["amount"] for each in paymongo_side.refunds.values()] == [4000, 1000]
    assert {each["status"] for each in world.having("REFUND#")} == {"succeeded"}


def test_a_refund_waits_until_its_payment_is_listed(
    world: World, paymongo_side: PayMongoFake, paid: str
) -> None:
    paymongo_side.lists_payments = False
    assert ask_for_refund(world, paid, 4000)["status"] == "pending"
    paymongo_side.lists_payments = True

    sweep_for(world, 900, 30)

    assert [each["amount"] for each in paymongo_side.refunds.values()] == [4000]


def test_a_refund_beyond_the_balance_fails_for_lack_of_money(
    world: World, paymongo_side: PayMongoFake, paid: str
) -> None:
    paymongo_side.balance = 0

    ask_for_refund(world, paid, 4000)

    assert (refund(world)["status"], refund(world)["failure"]) == ("failed", "insufficient_funds")


def test_a_refund_that_fails_with_an_error_status_has_failed(
    world: World, paymongo_side: PayMongoFake, paid: str
) -> None:
    paymongo_side.refund_status = "failed"

    assert ask_for_refund(world, paid, 4000)["status"] == "failed"


# ------------------------------------------------------------------------------ webhooks


@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize("kind", ["session", "payment"])
def test_a_webhook_settles_the_payment_once(
    world: World, paymongo_side: PayMongoFake, id: str, kind: str, copies: bool
) -> None:
    paymongo_side.copies_metadata = copies
    begin(world, id)
    made = the_session(paymongo_side)
    paymongo_side.pay(made)
    about = made if kind == "session" else paymongo_side.paid_payment(made)

    assert notify(world, paymongo_side, "payment.paid", about).status == 200
    assert session(world)["status"] == "complete"
    with world.untouched():
        assert notify(world, paymongo_side, "payment.paid", about, at=1).status == 200


def test_a_webhook_about_the_refund_of_another_payment_changes_nothing(
    world: World, paymongo_side: PayMongoFake, paid: str
) -> None:
    """Otherwise the refund would be looked for at the payment that is named, and sent again."""
    paymongo_side.faults += ["", "", "lost"]
    ask_for_refund(world, paid, 4000)
    names = {"refund": refund(world)["id"]}
    page = begin(world, open_session(world))
    paymongo_side.pay(list(paymongo_side.sessions)[-1])
    world.page(page)
    (names["payment"],) = {each["id"] for each in world.having("PAYMENT#")} - {paid}
    resource = {"id": "ref_x", "type": "refund", "attributes": {"metadata": names}}
    world.now += LEASE_SECONDS
    body, headers = paymongo_side.webhook("payment.refund.updated", resource)

    with world.untouched():
        assert world.post(HOOK, body, key=None, headers=headers).status == 200


def test_the_status_in_a_webhook_is_not_believed(
    world: World, paymongo_side: PayMongoFake, id: str
) -> None:
    begin(world, id)

    with world.untouched():
        notify(world, paymongo_side, "checkout_session.payment.paid", the_session(paymongo_side))


@pytest.mark.parametrize(
    ("forged", "path"),
    [
        ({"secret": "whsk_other"}, HOOK),
        ({"live": True}, HOOK),
        ({}, HOOK.replace(".test", ".live")),
        ({}, "/processors/paymongo/merc_cebu.test"),
        ({}, HOOK.replace("paymongo", "paystack")),
    ],
)
def test_a_forged_webhook_is_refused_and_changes_nothing(
    world: World, paymongo_side: PayMongoFake, id: str, forged: dict[str, Any], path: str
) -> None:
    begin(world, id)
    made = the_session(paymongo_side)
    paymongo_side.pay(made)
    resource = paymongo_side.resource(made)
    body, headers = paymongo_side.webhook(
        "payment.paid", resource, **({"secret": SIGNING} | forged)
    )

    with world.untouched():
        assert world.post(path, body, key=None, headers=headers).status == 400


@pytest.mark.parametrize(
    "header", ["", "t=1", "te=,li=", "t=1,te=,li=", "t=1,te=é", "=,=,t", "t=1,t=1"]
)
def test_a_malformed_signature_is_refused(
    world: World, paymongo_side: PayMongoFake, id: str, header: str
) -> None:
    for body in (b"{}", b"", b"\xff"):
        headers = {"paymongo-signature": header}
        assert world.post(HOOK, body, key=None, headers=headers).status == 400


def test_an_account_that_takes_no_methods_refunds_its_payments(
    world: World, paymongo_side: PayMongoFake, paid: str
) -> None:
    merchant = accounts.merchant(world.table, MANILA.id)
    assert merchant is not None
    accounts.save_merchant(merchant.without_processors(), world.table)

    ask_for_refund(world, paid, 4000)

    assert [each["amount"] for each in paymongo_side.refunds.values()] == [4000]
