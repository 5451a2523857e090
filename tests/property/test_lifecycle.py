"""Sessions are created, paid, declined, blocked, refunded and expired in any order and at any pace.
The API always agrees with a model of what a merchant expects."""

from collections import Counter

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

from checkout.api.paygate.render import render_time
from checkout.domain import session as machine
from checkout.domain.payment import ATTEMPT_SECONDS
from devstack.engines import Engine
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import encode, order
from tests.racing import check_money, check_numbers
from tests.world import CARD, SESSIONS, World

CARDS = {
    "4242424242424242": "complete",
    "4000000000007726": "complete",
    "4000000000005126": "complete",
    "4000000000000002": "open",
}
TOO_MANY = 3
"""The number of failed attempts that block a session here: few, so that short runs include a
block."""
NO_REFUND = "4000000000005126"
AMOUNT = 100_000
"""The amount of every session, in the currency's minor unit."""


class PayGate:
    """A merchant's calls in this dialect, with answers in the terms of the model."""

    slow_method = "mobile_money"
    """What `pay_slowly` pays with."""

    def create(self, world: World, expires_at: int) -> tuple[str, str]:
        """The session's id and the key of its page."""
        id = world.create_session(amount=AMOUNT, expires_at=render_time(expires_at))["id"]
        return id, id

    def pay_slowly(self, world: World, page_key: str, approves: bool) -> None:
        """Begins an attempt that is approved after ten seconds, or never."""
        world.pay_by_phone(page_key, "0240000002" if approves else "0240000005")

    def status(self, world: World, id: str) -> str:
        found = world.session(id)
        status: str = found["status"]
        assert found["payment_status"] == ("paid" if status == "complete" else "unpaid")
        assert (found["payment"] is not None) == (status == "complete")
        return status

    def expire(self, world: World, id: str) -> bool:
        status = world.post(f"{SESSIONS}/{id}/expire").status
        assert status in (200, 409)
        return status == 200

    def refund(self, world: World, payment: str, amount: int) -> bool:
        answer = world.post("/v1/refunds", {"payment": payment, "amount": amount})
        assert answer.status in (201, 400, 409)
        return answer.status == 201

    def events(self, complete: bool, failures: int) -> list[str]:
        ends = ["checkout.session.completed", "payment.succeeded"]
        return ["payment.failed"] * failures + (ends if complete else ["checkout.session.expired"])


class PayRex(PayGate):
    slow_method = "card"

    def create(self, world: World, expires_at: int) -> tuple[str, str]:
        session = world.payrex("POST", PAYREX_SESSIONS, order(expires_at=expires_at)).json
        return session["id"], session["client_secret"]

    def pay_slowly(self, world: World, page_key: str, approves: bool) -> None:
        world.pay(page_key, "4000000000003220" if approves else "4000000000006975")

    def status(self, world: World, id: str) -> str:
        found = world.payrex("GET", f"{PAYREX_SESSIONS}/{id}").json
        status: str = {"active": "open", "completed": "complete"}.get(found["status"], "expired")
        intent = found["payment_intent"]
        assert (intent["amount_received"] == found["amount"]) == (status == "complete")
        assert (intent["status"] == "succeeded") == (status == "complete")
        assert (intent["status"] == "canceled") == (status == "expired")
        return status

    def expire(self, world: World, id: str) -> bool:
        status = world.payrex("POST", f"{PAYREX_SESSIONS}/{id}/expire").status
        assert status in (200, 400)
        return status == 200

    def refund(self, world: World, payment: str, amount: int) -> bool:
        form = {"payment_id": payment, "amount": amount, "currency": "PHP", "reason": "others"}
        answer = world.payrex("POST", "/refunds", encode(form))
        assert answer.status in (200, 400)
        return answer.status == 200

    def events(self, complete: bool, failures: int) -> list[str]:
        ends = ["checkout_session.completed", "payment_intent.succeeded"]
        return ends if complete else ["checkout_session.expired"]


class Expected:
    """The state of one session as a merchant expects it."""

    def __init__(self, id: str, page_key: str, expires_at: float) -> None:
        self.id = id
        self.page_key = page_key
        self.expires_at = expires_at
        self.method = ""
        """Of the attempt in flight."""
        self.ended: str | None = None
        self.approves_at: float | None = None
        self.deadline: float | None = None
        self.failures = 0
        self.failures_counted: Counter[str] = Counter()
        self.blocked_until: dict[str, float] = {}
        self.late = 0
        self.refunds = 0
        self.left = AMOUNT
        self.refund_fails = False

    def fail(self, now: float, method: str) -> None:
        self.failures += 1
        self.failures_counted[method] += 1
        if self.failures_counted[method] == TOO_MANY:
            self.blocked_until[method] = now + machine.BLOCK_SECONDS
            self.failures_counted[method] = 0

    def begin(self, now: float, method: str, approves_at: float | None) -> None:
        self.deadline = now + ATTEMPT_SECONDS
        self.method, self.approves_at = method, approves_at

    def refund(self, amount: int) -> bool:
        """Whether a refund of this amount is created. It may still fail at the processor."""
        if self.ended != "complete" or amount > self.left:
            return False
        self.refunds += 1
        self.left -= 0 if self.refund_fails else amount
        return True

    def status(self, now: float) -> str:
        if self.ended:
            return self.ended
        lapses_at = max(self.expires_at, self.deadline or 0)
        return "expired" if lapses_at <= now else "open"

    def is_free(self, now: float) -> bool:
        """Whether it can be expired."""
        return self.deadline is None and self.status(now) == "open"

    def is_payable(self, now: float, method: str) -> bool:
        return self.is_free(now) and self.blocked_until.get(method, 0) <= now


class Lifecycle(RuleBasedStateMachine):
    engine: Engine
    dialect: PayGate

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
        check_money(self.world.items(), self.world.now)
        self.opening.__exit__(None, None, None)

    def pick(self, data: st.DataObject) -> Expected:
        return data.draw(st.sampled_from(self.sessions))

    def open_the_page(self, data: st.DataObject) -> Expected:
        """The page has the form's token, and showing it looks up the attempt in flight."""
        session = self.pick(data)
        self.expect_outcome(session)
        return session

    @rule(minutes=st.sampled_from([30, 60, 1440]))
    @precondition(lambda self: len(self.sessions) < 4)
    def create(self, minutes: int) -> None:
        expires_at = self.world.now + minutes * 60
        names = self.dialect.create(self.world, int(expires_at))
        self.sessions.append(Expected(*names, expires_at))

    @rule(data=st.data(), number=st.sampled_from(list(CARDS)))
    @precondition(lambda self: self.sessions)
    def pay_by_card(self, data: st.DataObject, number: str) -> None:
        session = self.open_the_page(data)
        payable = session.is_payable(self.world.now, "card")
        self.world.pay(session.page_key, number)
        if payable and CARDS[number] == "complete":
            session.ended = "complete"
            session.refund_fails = number == NO_REFUND
        elif payable:
            session.fail(self.world.now, "card")

    @rule(data=st.data(), amount=st.sampled_from([1, 40_000, 60_000, AMOUNT, AMOUNT + 1]))
    @precondition(lambda self: self.sessions)
    def refund(self, data: st.DataObject, amount: int) -> None:
        """Refunds the session's last payment attempt, whatever its outcome."""
        session = self.pick(data)
        (item,) = self.world.having(f"SESSION#{session.id}")
        if "latest_payment" in item and not session.late:
            made = self.dialect.refund(self.world, item["latest_payment"], amount)
            assert made == session.refund(amount)

    @rule(data=st.data(), approves=st.booleans())
    @precondition(lambda self: self.sessions)
    def pay_slowly(self, data: st.DataObject, approves: bool) -> None:
        session = self.open_the_page(data)
        method, now = self.dialect.slow_method, self.world.now
        payable = session.is_payable(now, method)
        self.dialect.pay_slowly(self.world, session.page_key, approves)
        if payable:
            session.begin(now, method, now + 10 if approves else None)

    @rule(data=st.data(), wallet=st.sampled_from(["gcash", "maya"]))
    @precondition(lambda self: self.sessions and isinstance(self.dialect, PayRex))
    def go_to_the_wallet(self, data: st.DataObject, wallet: str) -> None:
        session = self.open_the_page(data)
        payable = session.is_payable(self.world.now, wallet)
        self.world.submit(session.page_key, CARD | {"method": wallet})
        if payable and wallet == "gcash":  # the only one that these sessions allow
            session.begin(self.world.now, wallet, None)

    def payment_at_the_wallet(self, session: Expected) -> str | None:
        """The session's last payment at the wallet, whatever its outcome."""
        mine = [
            (payment["created_at"], payment["status"] == "pending", payment["id"])
            for payment in self.world.having("PAYMENT#")
            if payment["session"] == session.id and payment["method"] == "gcash"
        ]
        # The ids of one moment are in no order; of its payments, the last one may be pending.
        return max(mine)[2] if mine else None

    @rule(data=st.data(), decision=st.sampled_from(["approve", "decline"]))
    @precondition(lambda self: self.sessions)
    def decide_at_the_wallet(self, data: st.DataObject, decision: str) -> None:
        """A decision changes nothing if no wallet waits for it."""
        session = self.pick(data)
        payment = self.payment_at_the_wallet(session)
        if payment:
            assert self.world.decide(payment, decision).status == 200
        if session.deadline is None or session.ended or session.method != "gcash":
            return
        if decision == "approve":
            session.approves_at = self.world.now
        else:
            session.deadline = self.world.now
        self.expect_outcome(session)

    @rule(data=st.data())
    @precondition(lambda self: self.sessions)
    def look_at_the_page(self, data: st.DataObject) -> None:
        session = self.pick(data)
        assert self.world.page(f"/checkout/{session.page_key}").status == 200
        self.expect_outcome(session)

    @rule(data=st.data())
    @precondition(lambda self: self.sessions)
    def expire(self, data: st.DataObject) -> None:
        session = self.pick(data)
        free = session.is_free(self.world.now)
        assert self.dialect.expire(self.world, session.id) == free
        if free:
            session.ended = "expired"

    @rule(seconds=st.sampled_from([1, 9, 10, 60, 299, 300, 899, 900, 1799, 1800, 86400]))
    def let_time_pass(self, seconds: int) -> None:
        self.world.now += seconds

    @rule()
    def sweep(self) -> None:
        self.sweep_until_quiet()
        for session in self.sessions:
            self.expect_outcome(session)

    @invariant()
    def every_reader_sees_what_is_expected(self) -> None:
        for session in self.sessions:
            found = self.dialect.status(self.world, session.id)
            assert found == session.status(self.world.now)

    def sweep_until_quiet(self) -> None:
        for _ in range(3):
            self.world.sweep()

    def expect_outcome(self, session: Expected) -> None:
        """Updates the model for a lookup of the attempt in flight."""
        now = self.world.now
        if session.deadline is None or session.ended:
            return
        approved = session.approves_at is not None and session.approves_at <= now
        if approved and session.status(now) == "open":
            session.ended, session.deadline = "complete", None
        elif approved or session.deadline <= now:
            session.late += approved
            session.fail(now, session.method)
            session.deadline = None

    def check_events(self, session: Expected) -> None:
        """Every end and every failure has its events once, and every charge is accounted for."""
        self.expect_outcome(session)
        events = [e for e in self.world.having("EVENT#", "EVENT") if e["session"] == session.id]
        expected = self.dialect.events(session.ended == "complete", session.failures)
        expected += ["refund.created", "refund.updated"] * (session.refunds + session.late)
        assert sorted(event["type"] for event in events) == sorted(expected)
        (item,) = self.world.having(f"SESSION#{session.id}")
        check_numbers(item, events)
        payments = [p for p in self.world.having("PAYMENT#") if p["session"] == session.id]
        assert session.failures == sum(each["status"] != "succeeded" for each in payments)
        kept = [each for each in payments if each["status"] == "succeeded"]
        assert [AMOUNT - each["amount_refunded"] for each in kept] == [session.left] * len(kept)


@pytest.mark.parametrize("dialect", [PayGate(), PayRex()], ids=["paygate", "payrex"])
@pytest.mark.parametrize("steps", [12])
def test_sessions_live_as_merchants_expect(
    engine: Engine, steps: int, dialect: PayGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "MAX_FAILED_ATTEMPTS", TOO_MANY)
    run_state_machine_as_test(
        type("Life", (Lifecycle,), {"engine": engine, "dialect": dialect}),
        settings=settings(
            max_examples=settings().max_examples // 5,
            stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
        ),
    )
