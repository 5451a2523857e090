"""Races between threads, on an engine whose transactions are atomic: RACE_ROUNDS rounds of each, a
thousand by default. `check_table` holds for every table afterwards."""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from checkout.api.dialects import render_events
from checkout.domain import clock
from checkout.domain.event import ChangeContext
from checkout.domain.payment import ATTEMPT_CHECK_SECONDS, ATTEMPT_SECONDS, PAGE_LOOKUP_SECONDS
from checkout.domain.refund import FIRST_CHECK_SECONDS
from checkout.processors.attempts import Attempts
from checkout.processors.simulator import Simulator
from checkout.store import payments, refunds, sessions, timers
from checkout.store.paging import Cursor
from tests.racing import ROUNDS, Racing, check_table, race, worlds
from tests.world import CARD, SCOPE, SESSIONS, Response, World

pytestmark = pytest.mark.dynoxide

DAY = 86_400
FINE = CARD | {"number": "4242424242424242"}
DECLINED = CARD | {"number": "4000000000000002"}
FORM_ROUNDS = 30
REFUNDS_AT_ONCE, REFUND = 20, 300
FITTING = 5000 // REFUND


def status(world: World, id: str) -> str:
    session = sessions.find(world.table, id)
    assert session is not None
    return session.status


def test_a_session_that_eight_shoppers_pay_at_once_is_paid_once() -> None:
    for world, rounds in worlds():
        for _ in rounds:
            id = world.create_session()["id"]

            race(*[world.paying(id, FINE)] * 8)

            assert status(world, id) == "complete"


@pytest.mark.parametrize("number", [DECLINED["number"], FINE["number"]])
def test_one_form_sent_four_times_at_once_makes_one_attempt(number: str) -> None:
    """This holds even if the first attempt fails before the others begin."""
    for world, rounds in worlds(FORM_ROUNDS):
        locations: dict[str, set[str]] = {}
        for _ in rounds:
            id = world.create_session()["id"]
            answers = race(*[world.paying(id, CARD | {"number": number})] * 4)
            locations[id] = {answer.headers["location"] for answer in answers}

        made = [(item["session"], item["id"]) for item in world.having("PAYMENT#")]
        assert Counter(id for id, _ in made) == dict.fromkeys(locations, 1)
        for id, payment in made:
            queries = {location.partition("?")[2] for location in locations[id]}
            assert queries <= {f"attempt={payment}", f"stale=1&attempt={payment}"}


def test_one_of_many_simultaneous_lookups_is_allowed() -> None:
    for world, rounds in worlds(FORM_ROUNDS):
        session = world.create_session()["id"]
        payment = payments.find(world.table, attempt_of(world.pay_by_phone(session, "0240000005")))
        assert payment is not None
        for number in rounds:
            now = int(world.now) + number * PAGE_LOOKUP_SECONDS

            claims = race(*[partial(payments.claim_lookup, world.table, payment, now)] * 8)

            assert sorted(claims) == [False] * 7 + [True]
        world.now += ATTEMPT_SECONDS
        world.sweep()


def test_tabs_that_pay_with_different_methods_at_once_pay_once() -> None:
    for world, rounds in worlds(ROUNDS // 10):
        for _ in rounds:
            id = world.create_session()["id"]

            race(
                world.paying(id, FINE),
                world.paying(id, {"method": "mobile_money", "phone": "0240000001"}),
                world.paying(id, DECLINED),
            )


def test_a_session_that_is_paid_and_expired_at_once_ends_once() -> None:
    ends: Counter[str] = Counter()
    for world, rounds in worlds():
        for _ in rounds:
            id = world.create_session()["id"]

            race(world.paying(id, FINE), expiring(world, id))
        ends += check_table(world.items(), world.now)
    assert set(ends) == {"complete", "expired"}, ends


def test_one_of_eight_concurrent_expiries_succeeds() -> None:
    for world, rounds in worlds(ROUNDS // 10):
        for _ in rounds:
            id = world.create_session()["id"]

            answers = race(*[expiring(world, id)] * 8)

            assert sorted(answer.status for answer in answers) == [200] + [409] * 7


def test_a_session_that_is_paid_in_its_last_second_ends_once() -> None:
    """The clocks of two machines differ by a second, so for one of them the session has lapsed. The
    queue delivers its timer's message twice."""
    ends: Counter[str] = Counter()
    for world, rounds in worlds():
        for _ in rounds:
            id = world.create_session()["id"]
            lapses_at = int(world.now) + DAY
            lapse = world.firing(timers.expiry(id, SCOPE, lapses_at))

            def sweep(world: Racing = world, lapse: Any = lapse) -> None:
                # It reads a few times first, so it fires before or after the payment.
                for shard in range(random.randrange(12)):
                    next(timers.due_between(world.table, shard, 0, int(world.now)), None)
                lapse()

            race(
                world.at(lapses_at - 1, world.paying(id, FINE)),
                world.at(lapses_at, sweep),
                world.at(lapses_at, sweep),
            )

            world.now += 1
        world.now += DAY
        ends += check_table(world.items(), world.now)
    assert set(ends) == {"complete", "expired"}, ends


def test_concurrent_sweeps_expire_each_session_once() -> None:
    for world, _ in worlds(1):
        for _ in range(20):
            world.create_session()
        world.now += DAY

        race(*[world.sweep] * 4)

        assert check_table(world.items(), world.now) == {"expired": 20}


def test_an_approval_at_the_deadline_completes_the_session_or_is_refunded() -> None:
    """The session's `expires_at` has passed. Before the deadline the approval completes it,
    afterwards the money is refunded. The page, the attempt's timer and the expiry timer race."""
    ends: Counter[str] = Counter()
    for world, rounds in worlds():
        for _ in rounds:
            id = world.create_session()["id"]
            created_at = int(world.now)
            world.now += DAY - 5
            payment = attempt_of(world.pay_by_phone(id, "0240000002"))
            deadline = int(world.now) + ATTEMPT_SECONDS
            due = int(world.now) + ATTEMPT_CHECK_SECONDS
            attempt = world.firing(timers.attempt(payment, SCOPE, due))
            lapse = world.firing(timers.expiry(id, SCOPE, created_at + DAY))

            def sweep(attempt: Any = attempt, lapse: Any = lapse) -> None:
                attempt()
                lapse()

            race(
                world.at(deadline - 1, partial(look_up, world, payment)),
                world.at(deadline, attempt),
                world.at(deadline, sweep),
            )

            world.now = deadline
        ends += check_table(world.items(), world.now)
    assert set(ends) == {"complete", "expired"}, ends


def test_twenty_partial_refunds_refund_no_more_than_was_paid() -> None:
    for world, rounds in worlds(max(1, ROUNDS // REFUNDS_AT_ONCE)):
        for _ in rounds:
            answers = race(*[refunding(world, paid(world))] * REFUNDS_AT_ONCE)

            made = Counter(answer.status for answer in answers)
            assert made == {201: FITTING, 400: REFUNDS_AT_ONCE - FITTING}
            assert {each.json["status"] for each in answers if each.status == 201} == {"succeeded"}


def test_concurrent_repeats_of_a_refund_create_one_refund() -> None:
    for world, rounds in worlds(ROUNDS // 10):
        for number in rounds:
            refund = refunding(world, paid(world), headers={"idempotency-key": str(number)})

            answers = race(*[refund] * 4)

            assert {answer.status for answer in answers} == {201}
            assert len({answer.json["id"] for answer in answers}) == 1


def test_a_refund_that_its_request_and_its_timer_send_is_sent_once() -> None:
    """The request is so slow that the refund's timer is due before it ends."""
    for world, rounds in worlds(ROUNDS // 10):
        for _ in rounds:
            payment = paid(world)

            def sweep(world: Racing = world, payment: str = payment) -> None:
                found = refunds.list_page(world.table, SCOPE, payment, Cursor()).objects
                for refund in found:
                    world.firing(timers.refund(refund.id, SCOPE, refund.check_at))()

            later = world.now + FIRST_CHECK_SECONDS
            race(refunding(world, payment), *[world.at(later, sweep)] * 2)


def paid(world: Racing) -> str:
    """A payment of 5000."""
    return attempt_of(world.pay(world.create_session()["id"]))


def attempt_of(paid: Response) -> str:
    """The payment that the page redirects to."""
    return paid.headers["location"].partition("=")[2]


def look_up(world: Racing, payment: str) -> None:
    """Looks a payment up at its processor, as the waiting page does."""
    context = ChangeContext(clock.now(), render_events)
    Attempts(world.table, Simulator(world.table), context).settle(payment)


def expiring(world: Racing, id: str) -> Callable[[], Any]:
    return lambda: world.post(f"{SESSIONS}/{id}/expire")


def refunding(world: Racing, payment: str, **options: Any) -> Callable[[], Any]:
    body = {"payment": payment, "amount": REFUND}
    return lambda: world.post("/v1/refunds", body, **options)
