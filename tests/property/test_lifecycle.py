"""Sessions created, paid, declined, expired and left alone, in any order, at any pace: the API
never contradicts a model of what a merchant expects."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from checkout.domain.payment import ATTEMPT_SECONDS
from devstack.engines import Engine
from tests.world import SESSIONS, World

CARDS = {"4242424242424242": "complete", "4000000000000002": "open"}


class Expected:
    """What a merchant expects of one session."""

    def __init__(self, id: str, expires_at: float) -> None:
        self.id = id
        self.expires_at = expires_at
        self.ended: str | None = None
        self.approves_at: float | None = None
        self.deadline: float | None = None
        self.failures = 0

    def status(self, now: float) -> str:
        if self.ended:
            return self.ended
        lapses_at = max(self.expires_at, self.deadline or 0)
        return "expired" if lapses_at <= now else "open"

    def is_payable(self, now: float) -> bool:
        return self.status(now) == "open" and self.deadline is None


class Lifecycle(RuleBasedStateMachine):
    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.opening = World.open(self.engine)
        self.world = self.opening.__enter__()
        self.sessions: list[Expected] = []

    def teardown(self) -> None:
        self.world.now += 25 * 3600
        self.sweep_until_quiet()
        for session in self.sessions:
            self.check_events(session)
        self.opening.__exit__(None, None, None)

    def pick(self, data: st.DataObject) -> Expected:
        return data.draw(st.sampled_from(self.sessions))

    @rule(minutes=st.sampled_from([30, 60, 1440]))
    @precondition(lambda self: len(self.sessions) < 4)
    def create(self, minutes: int) -> None:
        from checkout.api.paygate.render import render_time

        expires_at = self.world.now + minutes * 60
        session = self.world.create_session(expires_at=render_time(int(expires_at)))
        self.sessions.append(Expected(session["id"], expires_at))

    @rule(data=st.data(), number=st.sampled_from(list(CARDS)))
    @precondition(lambda self: self.sessions)
    def pay_by_card(self, data: st.DataObject, number: str) -> None:
        session = self.pick(data)
        payable = session.is_payable(self.world.now)
        self.world.pay(session.id, number)
        if payable and CARDS[number] == "complete":
            session.ended = "complete"
        elif payable:
            session.failures += 1

    @rule(data=st.data(), phone=st.sampled_from(["0240000002", "0240000005"]))
    @precondition(lambda self: self.sessions)
    def pay_by_phone(self, data: st.DataObject, phone: str) -> None:
        session = self.pick(data)
        payable = session.is_payable(self.world.now)
        self.world.pay_by_phone(session.id, phone)
        if payable:
            session.deadline = self.world.now + ATTEMPT_SECONDS
            session.approves_at = self.world.now + 10 if phone == "0240000002" else None

    @rule(data=st.data())
    @precondition(lambda self: self.sessions)
    def look_at_the_page(self, data: st.DataObject) -> None:
        session = self.pick(data)
        assert self.world.page(f"/checkout/{session.id}").status == 200
        self.settle(session)

    @rule(data=st.data())
    @precondition(lambda self: self.sessions)
    def expire(self, data: st.DataObject) -> None:
        session = self.pick(data)
        payable = session.is_payable(self.world.now)
        answer = self.world.post(f"{SESSIONS}/{session.id}/expire")
        assert answer.status == (200 if payable else 409)
        if payable:
            session.ended = "expired"

    @rule(seconds=st.sampled_from([1, 9, 10, 60, 299, 300, 1799, 1800, 86400]))
    def let_time_pass(self, seconds: int) -> None:
        self.world.now += seconds

    @rule()
    def sweep(self) -> None:
        self.sweep_until_quiet()
        for session in self.sessions:
            self.settle(session)

    @invariant()
    def every_reader_sees_what_is_expected(self) -> None:
        for session in self.sessions:
            found = self.world.session(session.id)
            status = session.status(self.world.now)
            assert found["status"] == status
            assert found["payment_status"] == ("paid" if status == "complete" else "unpaid")
            assert (found["payment"] is not None) == (status == "complete")

    def sweep_until_quiet(self) -> None:
        for _ in range(3):
            self.world.sweep()

    def settle(self, session: Expected) -> None:
        """What becomes of an attempt in flight once somebody asks the processor."""
        now = self.world.now
        if session.deadline is None or session.ended:
            return
        approved = session.approves_at is not None and session.approves_at <= now
        if approved and session.status(now) == "open":
            session.ended, session.deadline = "complete", None
        elif approved or session.deadline <= now:
            session.failures += 1
            session.deadline = None

    def check_events(self, session: Expected) -> None:
        """Each end was announced once, each failure once, and nothing is charged and not kept."""
        self.settle(session)
        events = [
            e["type"] for e in self.world.having("EVENT#", "EVENT") if e["session"] == session.id
        ]
        complete = session.ended == "complete"
        assert sorted(events) == sorted(
            ["payment.failed"] * session.failures
            + (["checkout.session.completed", "payment.succeeded"] if complete else [])
            + ([] if complete else ["checkout.session.expired"])
        )
        book: dict[str, Any] = {
            e["pk"].partition("#")[2]: e for e in self.world.having("SIMULATOR#")
        }
        for payment in self.world.having("PAYMENT#"):
            charge = book[payment["id"]]
            charged = "failure" not in charge and "refunded_at" not in charge
            assert charged == (payment["status"] == "succeeded")


@pytest.mark.parametrize("steps", [12])
def test_sessions_live_as_merchants_expect(engine: Engine, steps: int) -> None:
    moto = engine.kind == "moto"
    run_state_machine_as_test(
        type("Life", (Lifecycle,), {"engine": engine}),
        settings=settings(
            max_examples=12 if moto else 60,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
