"""Races for held money, on an engine whose transactions are atomic: captures, cancellations, the
timer that voids, and lookups of a processor's late notifications."""

import os
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from checkout.api.dialects import render_events
from checkout.domain import clock
from checkout.domain.event import ChangeContext
from checkout.domain.payment import HOLD_SECONDS, Payment, PaymentStatus
from checkout.processors.attempts import Attempts
from checkout.processors.simulator import Simulator
from checkout.store import payments, sessions, timers
from tests.payrex.forms import SESSIONS, encode, order
from tests.racing import Racing, check_money, check_numbers, race, worlds
from tests.world import CARD, Response

pytestmark = pytest.mark.dynoxide

ROUNDS = int(os.environ.get("RACE_ROUNDS", "300"))
FINE = CARD | {"number": "4242424242424242"}
AMOUNT = 100_000


def authorized(world: Racing) -> Payment:
    form = order(payment_method_options={"card": {"capture_type": "manual"}})
    session = world.payrex("POST", SESSIONS, form).json
    world.submit(session["client_secret"], FINE, token_of_session(world, session["id"]))
    found = sessions.find(world.table, session["id"])
    assert found is not None and found.payment
    payment = payments.find(world.table, found.payment)
    assert payment is not None
    return payment


def token_of_session(world: Racing, id: str) -> str:
    return world.form_token(f"/checkout/{id}")


def asking(world: Racing, payment: Payment, action: str, amount: int = AMOUNT) -> Callable[[], Any]:
    intent = payment.session.replace("cs_", "pi_", 1)
    form = encode({"amount": amount}) if action == "capture" else ""
    return lambda: world.payrex("POST", f"/payment_intents/{intent}/{action}", form)


def noticing(world: Racing, payment: Payment) -> Callable[[], None]:
    """A notification about the payment, which says what the processor knows."""

    def notice() -> None:
        context = ChangeContext(clock.now(), render_events)
        found = payments.find(world.table, payment.id)
        assert found is not None
        Attempts(world.table, Simulator(world.table), context).on_notification(found)

    return notice


def voiding(world: Racing, payment: Payment) -> Callable[[], Any]:
    """The timer of the seventh day, on a machine whose clock has come there."""
    due = payment.capture_before_at or 0
    fire = world.firing(timers.attempt(payment.id, payment.scope, due))

    def void() -> None:
        # It reads a few times first, so it fires before or after the others.
        for _ in range(random.randrange(12)):
            payments.find(world.table, payment.id)
        fire()

    return world.at(due, void)


def check_holds(world: Racing) -> Counter[str]:
    """Counts payments by status. Fails unless sessions, events and the processor agree."""
    items = world.items()
    check_money(items, world.now)
    of_session: dict[str, list[Any]] = {}
    for item in items:
        if item["sk"] == "EVENT":
            of_session.setdefault(item["session"], []).append(item)
    found = {item["id"]: item for item in items if item["sk"] == "PAYMENT"}
    for session in (item for item in items if item["sk"] == "SESSION"):
        events, payment = of_session[session["id"]], found[session["payment"]]
        check_numbers(session, events)
        assert session["payment_status"] == payment["status"]
        types = Counter(event["type"] for event in events)
        assert types["payment_intent.succeeded"] == (payment["status"] == "succeeded")
        assert types["payment_intent.awaiting_capture"] == 1
        captured = payment["amount"] if payment["status"] == "succeeded" else None
        assert session.get("amount_captured") == captured
    kept = [
        item for item in items if item["sk"].partition("#")[1] and item.get("kind") == "attempt"
    ]
    assert not kept, kept
    return Counter(payment["status"] for payment in found.values())


def test_one_of_a_capture_a_cancellation_and_the_end_of_time_wins() -> None:
    ends: Counter[str] = Counter()
    winners: Counter[str] = Counter()
    for world, rounds in worlds(ROUNDS, check=False):
        for _ in rounds:
            payment = authorized(world)
            capture, cancel, *_ = race(
                asking(world, payment, "capture", random.choice([1, 30_000, AMOUNT])),
                asking(world, payment, "cancel"),
                voiding(world, payment),
                noticing(world, payment),
            )
            assert {capture.status, cancel.status} <= {200, 400}
            assert [capture.status, cancel.status] != [200, 200]
            winners[f"{capture.status} {cancel.status}"] += 1
        world.now += HOLD_SECONDS + 60
        world.sweep()
        ends += check_holds(world)
    assert set(ends) == {"succeeded", "voided"}, ends
    assert len(winners) >= 2, winners


def test_one_of_many_captures_at_once_wins() -> None:
    for world, rounds in worlds(ROUNDS // 3, check=False):
        for _ in rounds:
            payment = authorized(world)
            amounts = [1, 30_000, AMOUNT, 30_000]

            answers: list[Response] = race(
                *[asking(world, payment, "capture", each) for each in amounts]
            )

            assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
            (won,) = (n for n, answer in enumerate(answers) if answer.status == 200)
            stored = payments.find(world.table, payment.id)
            assert stored is not None and stored.amount == amounts[won]
        assert check_holds(world) == {"succeeded": len(rounds)}


def test_the_timer_and_a_notification_repeat_a_capture_once() -> None:
    """The capturing request died after its decision, or after the processor's call."""
    for world, rounds in worlds(ROUNDS // 3, check=False):
        for number in rounds:
            payment = authorized(world)
            context = ChangeContext(clock.now(), render_events)
            session = sessions.find(world.table, payment.session)
            assert session is not None
            decided = payments.move_hold(
                world.table, session, payment, PaymentStatus.CAPTURING, context, 30_000
            )
            if number % 2:
                Simulator(world.table).capture(decided, clock.now())
            timer = timers.attempt(decided.id, decided.scope, decided.check_at)
            firing = world.at(decided.check_at, world.firing(timer))

            race(firing, firing, noticing(world, payment), partial(world.sweep))

        world.now += 60
        world.sweep()
        assert check_holds(world) == {"succeeded": len(rounds)}
