"""Ten failed attempts block a session for a while, so that stolen cards cannot be tested."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from checkout.domain.errors import TooManyAttemptsError
from checkout.domain.payment import ATTEMPT_SECONDS
from checkout.domain.session import BLOCK_SECONDS, MAX_FAILED_ATTEMPTS
from checkout.page.tokens import token_of
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import Instrument
from checkout.processors.simulator import Simulator
from checkout.store import payments, sessions
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import order
from tests.world import CARD, SESSIONS, World, change_context

DECLINED, FINE = "4000000000000002", "4242424242424242"
DECLINED_IN_MANILA = "4005550000000019"


def attempts_of(world: World) -> int:
    return len(world.having("PAYMENT#"))


def fail(world: World, id: str, times: int, number: str = DECLINED) -> None:
    before = attempts_of(world)
    for _ in range(times):
        world.pay(id, number)
    assert attempts_of(world) == before + times


def stored_token(world: World, id: str) -> str:
    """The token that the page's form would have, if the page had a form."""
    session = sessions.find(world.table, id)
    assert session
    return token_of(session)


def blocked(world: World) -> str:
    """A session in which no card can be tried."""
    id: str = world.create_session()["id"]
    fail(world, id, MAX_FAILED_ATTEMPTS)
    return id


def test_after_ten_failures_no_card_is_attempted(world: World) -> None:
    id = blocked(world)

    form = CARD | {"number": FINE}
    with world.untouched():
        response = world.submit(id, form, stored_token(world, id))

    assert (response.status, response.headers["location"]) == (303, f"/checkout/{id}")
    assert world.session(id)["status"] == "open"


def test_before_the_tenth_failure_the_shopper_can_still_pay(world: World) -> None:
    id = world.create_session()["id"]
    fail(world, id, MAX_FAILED_ATTEMPTS - 1)

    world.pay(id, FINE)

    assert world.session(id)["status"] == "complete"


def test_a_session_can_be_paid_again_when_the_block_ends_and_the_count_restarts(
    world: World,
) -> None:
    id = blocked(world)
    world.now += BLOCK_SECONDS - 1
    world.pay(id, DECLINED)
    assert attempts_of(world) == MAX_FAILED_ATTEMPTS

    world.now += 1
    fail(world, id, MAX_FAILED_ATTEMPTS)
    world.pay(id, FINE)
    assert world.session(id)["status"] == "open"

    world.now += BLOCK_SECONDS
    world.pay(id, FINE)
    assert world.session(id)["status"] == "complete"


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda world, id: world.post(f"{SESSIONS}/{id}/expire"), "expired"),
        (lambda world, _id: setattr(world, "now", world.now + 86400), "expired"),
    ],
    ids=["expired by hand", "lapsed"],
)
def test_a_blocked_session_can_be_expired_and_lapses(
    world: World, end: Callable[[World, str], Any], status: str
) -> None:
    id = blocked(world)

    end(world, id)

    assert world.session(id)["status"] == status


def test_a_timeout_counts_as_a_failure(world: World) -> None:
    id = world.create_session()["id"]
    fail(world, id, MAX_FAILED_ATTEMPTS - 1)
    world.pay(id, "4000000000006975")
    world.now += ATTEMPT_SECONDS
    world.sweep()

    world.pay(id, FINE)

    assert world.session(id)["status"] == "open"


def test_failed_cards_do_not_block_mobile_money(world: World) -> None:
    id = blocked(world)

    world.submit(id, {"method": "mobile_money", "phone": "0240000001"}, stored_token(world, id))

    assert world.session(id)["status"] == "complete"


def test_failures_of_several_methods_are_counted_apart(world: World) -> None:
    id = world.create_session()["id"]
    fail(world, id, MAX_FAILED_ATTEMPTS - 1)
    for _ in range(MAX_FAILED_ATTEMPTS):
        world.pay_by_phone(id, "0240000003")

    world.pay(id, FINE)

    assert world.session(id)["status"] == "complete"


def test_one_sessions_failures_do_not_block_another(world: World) -> None:
    blocked(world)
    other = world.create_session()["id"]

    world.pay(other, FINE)

    assert world.session(other)["status"] == "complete"


def test_payrex_sessions_are_blocked_too(world: World) -> None:
    """Payments fail without an event there, and still count."""
    session = world.payrex("POST", PAYREX_SESSIONS, order()).json
    fail(world, session["client_secret"], MAX_FAILED_ATTEMPTS, DECLINED_IN_MANILA)

    world.pay(session["client_secret"], FINE)

    found = world.payrex("GET", f"{PAYREX_SESSIONS}/{session['id']}").json
    assert found["status"] == "active"


def test_failures_after_a_stale_read_of_the_session_count(world: World) -> None:
    """Each request read the session while the attempt before it was in flight, so the request
    knows that attempt and not its failure."""
    session = world.payrex("POST", PAYREX_SESSIONS, order()).json
    old = sessions.find(world.table, session["id"])
    assert old is not None
    simulator = Simulator(world.table)
    attempts = Attempts(world.table, simulator, change_context(world))

    for _ in range(MAX_FAILED_ATTEMPTS):
        payment = attempts.pay(simulator, old, Instrument("card", DECLINED_IN_MANILA))
        old = replace(old, latest_payment=payment.id)
        assert payments.retrieve(world.table, old.scope, payment.id).status == "failed"

    with pytest.raises(TooManyAttemptsError) as refused:
        attempts.pay(simulator, old, Instrument("card", FINE))
    assert refused.value.again_at == world.now + BLOCK_SECONDS
