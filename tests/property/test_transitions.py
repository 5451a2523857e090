"""The transition table: its predicates in Python, and the DynamoDB conditions generated from it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from checkout.domain import session as machine
from checkout.domain.payment import Payment
from checkout.domain.session import TRANSITIONS, Session, Status, Transition
from checkout.store import keys, sessions
from checkout.store.items import to_item
from checkout.store.table import ConditionFailedError, Put
from tests.world import SCOPE, START, World

MOMENTS = range(START - 2, START + 3)


def payment(id: str, method: str) -> Payment:
    return Payment(
        id=id,
        scope=SCOPE,
        api="paygate",
        session="cs_x",
        amount=5000,
        currency="GHS",
        method=method,
        deadline_at=START,
        created_at=START,
        updated_at=START,
        check_at=START,
    )


ATTEMPTS = (payment("pay_a", "card"), payment("pay_b", "mobile_money"))

Situation = tuple[Session, Transition, int, Payment]
"""A session, a transition, and the time and the payment attempt of it."""


def new_session(
    status: Status, lapses_at: int, attempt: str | None, blocked_until: int | None
) -> Session:
    return Session(
        id="cs_x",
        scope=SCOPE,
        api="paygate",
        amount=5000,
        currency="GHS",
        success_url="https://yoursite.com/ok",
        cancel_url="https://yoursite.com/no",
        url="https://pay.example.com/checkout/cs_x",
        expires_at=START,
        lapses_at=lapses_at,
        created_at=START - 100,
        updated_at=START - 100,
        methods=("card",),
        status=status,
        attempt=attempt,
        blocks={"card": blocked_until} if blocked_until else None,
    )


SESSIONS = [
    new_session(*each)
    for each in product(Status, MOMENTS, (None, "pay_a", "pay_b"), (None, *MOMENTS))
]


def allowed() -> Iterator[Situation]:
    """Every situation in which its transition is allowed."""
    for session, transition, now, attempt in product(SESSIONS, TRANSITIONS, MOMENTS, ATTEMPTS):
        if machine.allows(transition, session, now, attempt):
            yield session, transition, now, attempt


def test_only_open_sessions_have_transitions() -> None:
    assert {session.status for session, *_ in allowed()} == {Status.OPEN}


def test_a_lapsed_session_can_not_be_paid_or_expired_by_a_request() -> None:
    of_lapsed = {
        transition.name
        for session, transition, now, _ in allowed()
        if session.status_at(now) is Status.EXPIRED
    }

    assert of_lapsed == {"lapse", "release_attempt"}


def test_a_session_with_a_blocked_method_can_end_and_be_paid_by_another_method() -> None:
    of_blocked = {
        (transition.name, attempt.method)
        for session, transition, now, attempt in allowed()
        if session.blocked_until("card") > now and not session.attempt
    }

    assert {name for name, method in of_blocked if method == "card"} == {"expire", "lapse"}
    assert ("begin_attempt", "mobile_money") in of_blocked


def test_while_an_attempt_is_in_flight_only_its_own_end_changes_the_session() -> None:
    changed = {
        (transition.name, attempt.id == session.attempt)
        for session, transition, now, attempt in allowed()
        if session.attempt and session.lapses_at > now
    }

    assert changed == {("complete", True), ("release_attempt", True)}


def test_every_transition_leads_to_its_documented_status() -> None:
    assert {(t.name, t.to) for t in TRANSITIONS} == {
        ("begin_attempt", Status.OPEN),
        ("release_attempt", Status.OPEN),
        ("complete", Status.COMPLETE),
        ("expire", Status.EXPIRED),
        ("lapse", Status.EXPIRED),
    }


@given(*map(st.sampled_from, (SESSIONS, TRANSITIONS, MOMENTS, ATTEMPTS)))
def test_dynamodb_allows_exactly_the_transitions_of_the_table(
    world: World, session: Session, transition: Transition, now: int, attempt: Payment
) -> None:
    world.table.write(Put(to_item(session, **keys.session(session.id))))

    touched = replace(session, updated_at=now)
    try:
        world.table.write(sessions.transition(transition, session, touched, now, attempt))
        written = True
    except ConditionFailedError:
        written = False

    assert written == machine.allows(transition, session, now, attempt)
