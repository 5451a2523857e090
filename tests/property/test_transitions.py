"""The transition table, walked: the pure predicates, and DynamoDB's conditions made of them."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.domain import session as machine
from checkout.domain.session import TRANSITIONS, Session, Status, Transition
from checkout.store import keys, sessions
from checkout.store.items import to_item
from checkout.store.table import ConditionFailedError, Put
from tests.world import SCOPE, START, World

MOMENTS = st.integers(START - 2, START + 2)
ATTEMPTS = st.sampled_from(["pay_a", "pay_b"])


@st.composite
def some_sessions(draw: st.DrawFn) -> Session:
    return Session(
        id="cs_x",
        scope=SCOPE,
        api="paygate",
        amount=5000,
        currency="GHS",
        success_url="https://yoursite.com/ok",
        cancel_url="https://yoursite.com/no",
        url="https://pay.example.com/checkout/cs_x",
        expires_at=draw(MOMENTS),
        lapses_at=draw(MOMENTS),
        created_at=START - 100,
        updated_at=START - 100,
        status=draw(st.sampled_from(Status)),
        attempt=draw(st.none() | ATTEMPTS),
    )


SITUATION = (some_sessions(), st.sampled_from(TRANSITIONS), MOMENTS, ATTEMPTS)


@settings(max_examples=500)
@given(*SITUATION)
def test_only_an_open_session_moves(
    session: Session, transition: Transition, now: int, attempt: str
) -> None:
    if machine.allows(transition, session, now, attempt):
        assert session.status is Status.OPEN


@settings(max_examples=500)
@given(*SITUATION)
def test_a_lapsed_session_is_neither_paid_nor_expired_by_hand(
    session: Session, transition: Transition, now: int, attempt: str
) -> None:
    if session.status_at(now) is Status.EXPIRED and machine.allows(
        transition, session, now, attempt
    ):
        assert transition in (machine.LAPSE, machine.RELEASE_ATTEMPT)


@settings(max_examples=500)
@given(*SITUATION)
def test_while_an_attempt_is_in_flight_only_its_own_end_moves_the_session(
    session: Session, transition: Transition, now: int, attempt: str
) -> None:
    in_flight = session.attempt is not None and session.lapses_at > now
    if in_flight and machine.allows(transition, session, now, attempt):
        assert transition in (machine.COMPLETE, machine.RELEASE_ATTEMPT)
        assert attempt == session.attempt


def test_every_transition_leads_where_the_picture_says() -> None:
    assert {(t.name, t.to) for t in TRANSITIONS} == {
        ("begin_attempt", Status.OPEN),
        ("release_attempt", Status.OPEN),
        ("complete", Status.COMPLETE),
        ("expire", Status.EXPIRED),
        ("lapse", Status.EXPIRED),
    }


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(*SITUATION)
def test_dynamodb_refuses_exactly_what_the_table_of_transitions_refuses(
    world: World, session: Session, transition: Transition, now: int, attempt: str
) -> None:
    world.table.write(Put(to_item(session, **keys.session(session.id))))

    touched = replace(session, updated_at=now)
    try:
        world.table.write(sessions.change(transition, session, touched, now, attempt))
        written = True
    except ConditionFailedError:
        written = False

    assert written == machine.allows(transition, session, now, attempt)
