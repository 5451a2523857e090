"""Manual capture (docs/contracts/payrex.md, sections 6.1, 7.2 and 7.3)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from checkout.domain.payment import ATTEMPT_CHECK_SECONDS, ATTEMPT_SECONDS, HOLD_SECONDS
from checkout.processors.captures import Captures
from checkout.processors.protocol import Outcome, ProcessorUnavailableError, State
from checkout.processors.simulator import Simulator
from checkout.store import payments
from tests.payrex.conftest import Create
from tests.payrex.forms import SESSIONS, encode, order
from tests.processors.accounts import open_at_paymongo, open_at_stripe
from tests.racing import check_money
from tests.world import CARD, MANILA, PAYREX_OTHER_KEY, START, Response, World, attempt_in

Pay = Callable[..., None]
MANUAL: dict[str, Any] = {"payment_method_options": {"card": {"capture_type": "manual"}}}
AMOUNT = 100_000
SLOW = "4000000000003220"


@pytest.fixture
def held(create: Create, pay: Pay) -> str:
    """The id of a payment intent that awaits its capture."""
    session = create(**MANUAL)
    pay(session)
    return str(session["payment_intent"]["id"])


def capture(world: World, intent: str, amount: object = AMOUNT) -> Response:
    return world.payrex("POST", f"/payment_intents/{intent}/capture", encode({"amount": amount}))


def cancel(world: World, intent: str) -> Response:
    return world.payrex("POST", f"/payment_intents/{intent}/cancel")


def intent_of(world: World, id: str) -> dict[str, Any]:
    found: dict[str, Any] = world.payrex("GET", f"/payment_intents/{id}").json
    return found


def payment_of(world: World, id: str) -> dict[str, Any]:
    payment = intent_of(world, id)["latest_payment"]
    found: dict[str, Any] = world.payrex("GET", f"/payments/{payment}").json
    return found


def state(world: World, id: str) -> tuple[str, int, int]:
    """The status of an intent, what can be captured and what was received."""
    intent = intent_of(world, id)
    return intent["status"], intent["amount_capturable"], intent["amount_received"]


def charged(world: World) -> int:
    """What the simulator has taken."""
    return sum(
        each["amount"]
        for each in world.having("SIMULATOR#", "SIMULATOR")
        if not {"held", "failure"} & set(each)
    )


def test_a_manual_payment_is_authorized_and_not_charged(world: World, held: str) -> None:
    intent = intent_of(world, held)

    assert state(world, held) == ("awaiting_capture", AMOUNT, 0)
    assert intent["capture_before_at"] == START + HOLD_SECONDS
    assert payment_of(world, held)["status"] == "pending"
    (session,) = world.payrex("GET", SESSIONS).json["data"]
    assert (session["status"], session["payment_intent"]) == ("completed", intent)
    assert charged(world) == 0


def test_an_authorization_has_its_events(world: World, held: str) -> None:
    events = {each["type"]: json.loads(each["object"]) for each in world.having("EVENT#", "EVENT")}

    assert set(events) == {"payment_intent.awaiting_capture", "checkout_session.completed"}
    authorized = events["payment_intent.awaiting_capture"]
    assert authorized["previous_attributes"] == {"status": "processing", "amount_capturable": 0}
    payment = payment_of(world, held)
    assert authorized["data"] == intent_of(world, held) | {"latest_payment": payment}


@pytest.mark.parametrize("amount", [AMOUNT, 30_000, 1])
def test_a_capture_takes_its_amount_and_releases_the_rest(
    world: World, held: str, amount: int
) -> None:
    world.now += 60

    answer = capture(world, held, amount)

    assert answer.status == 200
    assert answer.json == intent_of(world, held)
    assert state(world, held) == ("succeeded", 0, amount)
    payment = payment_of(world, held)
    assert (payment["status"], payment["amount"], payment["net_amount"]) == ("paid", amount, amount)
    assert charged(world) == amount
    check_money(world.items(), world.now)


def test_a_capture_has_one_event(world: World, held: str) -> None:
    capture(world, held, 30_000)
    world.now += 2 * HOLD_SECONDS
    world.sweep()

    (event,) = [
        json.loads(each["object"])
        for each in world.having("EVENT#", "EVENT")
        if each["type"] == "payment_intent.succeeded"
    ]
    assert event["data"]["amount_received"] == 30_000
    assert event["data"]["latest_payment"]["amount"] == 30_000
    assert event["previous_attributes"] == {
        "status": "awaiting_capture",
        "amount_capturable": AMOUNT,
        "amount_received": 0,
    }


def test_no_more_than_the_captured_amount_is_refunded(world: World, held: str) -> None:
    capture(world, held, 30_000)
    form = {
        "payment_id": intent_of(world, held)["latest_payment"],
        "currency": "PHP",
        "reason": "others",
    }

    assert world.payrex("POST", "/refunds", encode(form | {"amount": 30_001})).errors == (
        400,
        [("parameter_above_maximum", "amount")],
    )
    assert world.payrex("POST", "/refunds", encode(form | {"amount": 30_000})).status == 200
    assert payment_of(world, held)["refunded"] is True
    check_money(world.items(), world.now)


def test_a_cancellation_voids_what_is_held(world: World, held: str) -> None:
    answer = cancel(world, held)

    assert answer.status == 200
    assert answer.json["status"] == "canceled"
    assert state(world, held) == ("canceled", 0, 0)
    assert payment_of(world, held)["status"] == "failed"
    assert charged(world) == 0
    assert {each["kind"] for each in world.having("TIMER#")} == {"event"}
    check_money(world.items(), world.now)


def test_money_that_is_not_captured_is_voided_after_seven_days(world: World, held: str) -> None:
    world.now = START + HOLD_SECONDS - 1
    world.sweep()
    assert state(world, held) == ("awaiting_capture", AMOUNT, 0)

    world.now += 1
    assert state(world, held) == ("processing", 0, 0)
    world.sweep()

    assert state(world, held) == ("canceled", 0, 0)
    check_money(world.items(), world.now)


def test_money_can_be_captured_until_its_last_second(world: World, held: str) -> None:
    world.now = START + HOLD_SECONDS - 1

    assert capture(world, held).status == 200


def reach_the_end(world: World, _held: str) -> None:
    world.now = START + HOLD_SECONDS


@pytest.mark.parametrize("ask", [capture, cancel])
@pytest.mark.parametrize("before", [capture, cancel, reach_the_end])
def test_money_is_captured_or_voided_once(
    world: World,
    held: str,
    before: Callable[[World, str], Any],
    ask: Callable[[World, str], Response],
) -> None:
    before(world, held)

    with world.untouched():
        answer = ask(world, held)

    assert answer.errors == (400, [("resource_invalid_state", None)])


@pytest.mark.parametrize(
    ("amount", "error"),
    [
        (AMOUNT + 1, ("parameter_above_maximum", "amount")),
        (10**12, ("parameter_above_maximum", "amount")),
        (0, ("parameter_below_minimum", "amount")),
        (-1, ("parameter_below_minimum", "amount")),
        ("1.5", ("parameter_type_invalid", "amount")),
        ("all", ("parameter_type_invalid", "amount")),
        ("", ("parameter_required", "amount")),
        (None, ("parameter_required", "amount")),
        (["1", "2"], ("parameter_type_invalid", "amount")),
    ],
)
def test_a_capture_of_a_bad_amount_is_refused(
    world: World, held: str, amount: object, error: tuple[str, str]
) -> None:
    with world.untouched():
        assert capture(world, held, amount).errors == (400, [error])


@pytest.mark.parametrize("is_manual", [True, False])
@pytest.mark.parametrize("paid", [True, False])
def test_only_authorized_money_is_captured(
    world: World, create: Create, pay: Pay, is_manual: bool, paid: bool
) -> None:
    """An automatic payment is charged already, and a session that is not paid holds nothing."""
    session = create(**(MANUAL if is_manual else {}))
    if paid and is_manual:
        pay(session, "4000000000001000")
    elif paid:
        pay(session)

    with world.untouched():
        answer = capture(world, session["payment_intent"]["id"])

    assert answer.errors == (400, [("resource_invalid_state", None)])


def test_another_merchant_can_not_capture(world: World, held: str) -> None:
    target = f"/payment_intents/{held}/capture"
    with world.untouched():
        answer = world.payrex("POST", target, "amount=5", key=PAYREX_OTHER_KEY)
    assert answer.status == 404


def test_other_methods_of_a_manual_session_are_charged_at_once(
    world: World, create: Create
) -> None:
    session = create(**MANUAL)
    location = world.submit(session["client_secret"], {"method": "gcash"}).headers["location"]
    world.decide(attempt_in(location), "approve")
    world.page(f"/c/{session['client_secret']}")

    assert state(world, session["payment_intent"]["id"]) == ("succeeded", 0, AMOUNT)
    (payment,) = world.having("PAYMENT#")
    assert "manual_capture" not in payment


def test_money_that_is_held_too_late_is_voided(world: World, create: Create, pay: Pay) -> None:
    session = create(**MANUAL, expires_at=START + 60)
    pay(session, SLOW)
    world.now += ATTEMPT_SECONDS

    world.page(f"/c/{session['client_secret']}")
    world.sweep()

    (payment,) = world.having("PAYMENT#")
    assert (payment["status"], payment["failure"]) == ("voided", "too_late")
    assert state(world, session["payment_intent"]["id"]) == ("canceled", 0, 0)
    assert payment_of(world, session["payment_intent"]["id"])["status"] == "failed"
    check_money(world.items(), world.now)


# ------------------------------------------------------------------------- creation


def test_manual_capture_needs_cards(world: World) -> None:
    with world.untouched():
        answer = world.payrex("POST", SESSIONS, order(**MANUAL, payment_methods=["gcash"]))

    name = "payment_method_options[card][capture_type]"
    assert answer.errors == (400, [("parameter_invalid", name)])
    assert "card among payment_methods" in answer.text


def test_a_processor_that_holds_no_money_is_refused_at_creation(world: World) -> None:
    open_at_paymongo(world.table, MANILA.id)

    with world.untouched():
        answer = world.payrex("POST", SESSIONS, order(**MANUAL))

    assert answer.status == 400
    assert "the processor of your card payments charges at once" in answer.text
    assert world.payrex("POST", SESSIONS, order()).status == 200


def test_stripe_can_hold_money(world: World) -> None:
    open_at_stripe(world.table, MANILA.id)

    assert world.payrex("POST", SESSIONS, order(**MANUAL)).status == 200


def test_a_page_offers_no_cards_of_a_processor_that_would_charge_at_once(
    world: World, create: Create
) -> None:
    """The account was opened after the session."""
    session = create(**MANUAL)
    open_at_paymongo(world.table, MANILA.id)

    page = world.page(f"/c/{session['client_secret']}").text
    answer = world.submit(session["client_secret"], CARD)

    assert 'value="card"' not in page
    assert 'value="gcash"' in page
    assert answer.status == 422
    assert not world.having("PAYMENT#")


# ------------------------------------------------------------------------- faults


@pytest.mark.parametrize(("ask", "method"), [(capture, "capture"), (cancel, "cancel")])
def test_the_timer_repeats_a_call_that_was_not_answered(
    world: World,
    held: str,
    ask: Callable[[World, str], Response],
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unavailable(*_: Any) -> Any:
        raise ProcessorUnavailableError

    with monkeypatch.context() as patches:
        patches.setattr(Simulator, method, unavailable)
        assert ask(world, held).json["status"] == "processing"
        for other in (capture, cancel):
            assert other(world, held).errors == (400, [("resource_invalid_state", None)])
        for _ in range(3):
            world.now += ATTEMPT_CHECK_SECONDS
            world.sweep()
        assert state(world, held) == ("processing", 0, 0)

    world.now += ATTEMPT_CHECK_SECONDS
    world.sweep()

    ended = {"capture": ("succeeded", 0, AMOUNT), "cancel": ("canceled", 0, 0)}
    assert state(world, held) == ended[method]
    check_money(world.items(), world.now)


@pytest.mark.parametrize("ask", [capture, cancel])
def test_a_crash_after_the_processor_call_takes_the_money_once(
    world: World,
    held: str,
    ask: Callable[[World, str], Response],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patches:
        patches.setattr(Captures, "_conclude", crash)
        with pytest.raises(KeyboardInterrupt):
            ask(world, held)

    world.now += ATTEMPT_CHECK_SECONDS
    world.sweep()

    assert state(world, held)[0] == ("succeeded" if ask is capture else "canceled")
    check_money(world.items(), world.now)


def test_a_capture_that_the_processor_refuses_can_be_repeated(
    world: World, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patches:
        patches.setattr(Simulator, "capture", lambda *_: Outcome(State.AUTHORIZED))
        answer = capture(world, held, 1)
        assert answer.errors == (400, [("resource_invalid_state", None)])
        assert "still held" in answer.text

    assert state(world, held) == ("awaiting_capture", AMOUNT, 0)
    assert capture(world, held, AMOUNT).status == 200


def test_a_capture_of_money_that_the_processor_has_released_is_refused(
    world: World, held: str
) -> None:
    (payment,) = (each["id"] for each in world.having("PAYMENT#"))
    stored = payments.find(world.table, payment)
    assert stored is not None
    Simulator(world.table).cancel(stored, int(world.now))

    assert capture(world, held).errors == (400, [("resource_invalid_state", None)])
    assert state(world, held) == ("canceled", 0, 0)
