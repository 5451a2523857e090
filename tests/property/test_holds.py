"""Held money is captured, canceled and left alone in any order, while the processor fails and the
merchant uses its dashboard. The API always agrees with a model of what a merchant expects."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from checkout.domain.payment import (
    ATTEMPT_CHECK_SECONDS,
    HELD,
    HOLD_SECONDS,
    TRANSITIONS,
    PaymentStatus,
    sources,
)
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import ProcessorUnavailableError
from checkout.processors.simulator import Simulator
from checkout.store import payments
from devstack.engines import Engine
from tests.payrex.forms import SESSIONS, order
from tests.racing import check_money
from tests.world import CARD, World, change_context

AMOUNT = 100_000
CALLS = ("look_up", "capture", "cancel")


def unavailable(*_: Any) -> Any:
    raise ProcessorUnavailableError


class Holds(RuleBasedStateMachine):
    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.opening = World.open(self.engine)
        self.world = self.opening.__enter__()
        form = order(payment_method_options={"card": {"capture_type": "manual"}})
        session = self.world.payrex("POST", SESSIONS, form).json
        self.world.submit(session["client_secret"], CARD | {"number": "4242424242424242"})
        self.intent = session["payment_intent"]["id"]
        self.until = self.world.now + HOLD_SECONDS
        self.is_up = True
        self.known: tuple[str, int] = ("authorized", 0)
        """The state that the service knows, and the captured amount."""
        self.truth: tuple[str, int] = ("authorized", 0)
        """The state at the processor."""

    def teardown(self) -> None:
        self.is_up = True
        self.world.now = max(self.world.now, self.until)
        self.sweep()
        self.sweep()
        assert self.known == self.truth != ("authorized", 0)
        self.agrees()
        check_money(self.world.items(), self.world.now)
        self.opening.__exit__(None, None, None)

    @contextmanager
    def processor(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patches:
            for name in () if self.is_up else CALLS:
                patches.setattr(Simulator, name, unavailable)
            yield

    def status(self) -> str:
        is_over = self.known[0] == "authorized" and self.world.now >= self.until
        return "voiding" if is_over else self.known[0]

    def finish(self) -> None:
        """The service repeats what was decided."""
        decided, amount = self.known
        if not self.is_up or decided not in ("capturing", "voiding"):
            return
        if self.truth[0] == "authorized":
            self.truth = ("succeeded", amount) if decided == "capturing" else ("voided", 0)
        self.known = self.truth

    def ask(self, action: str, amount: int = 0) -> int:
        target = f"/payment_intents/{self.intent}/{action}"
        with self.processor():
            status = self.world.payrex("POST", target, f"amount={amount}").status
        assert status in (200, 400)
        return status

    @rule(amount=st.sampled_from([0, 1, 30_000, AMOUNT, AMOUNT + 1]))
    def capture(self, amount: int) -> None:
        is_allowed = self.status() == "authorized" and 0 < amount <= AMOUNT
        status = self.ask("capture", amount)
        if is_allowed:
            self.known = ("capturing", amount)
            self.finish()
            is_allowed = self.known[0] in ("capturing", "succeeded")
        assert (status == 200) == is_allowed

    @rule()
    def cancel(self) -> None:
        is_allowed = self.status() == "authorized"
        status = self.ask("cancel")
        if is_allowed:
            self.known = ("voiding", 0)
            self.finish()
            is_allowed = self.known[0] in ("voiding", "voided")
        assert (status == 200) == is_allowed

    @rule(amount=st.sampled_from([0, 700, AMOUNT]))
    def use_the_dashboard(self, amount: int) -> None:
        """Captures an amount at the processor, or voids."""
        item = self.world.having("PAYMENT#")[0]
        payment = payments.find(self.world.table, item["id"])
        assert payment is not None
        simulator, now = Simulator(self.world.table), int(self.world.now)
        if self.truth[0] == "authorized" and amount:
            simulator.capture(replace(payment, amount=amount), now)
            self.truth = ("succeeded", amount)
        elif self.truth[0] == "authorized":
            simulator.cancel(payment, now)
            self.truth = ("voided", 0)

    @rule()
    def notify(self) -> None:
        item = self.world.having("PAYMENT#")[0]
        payment = payments.find(self.world.table, item["id"])
        assert payment is not None
        with self.processor():
            context = change_context(self.world)
            Attempts(self.world.table, Simulator(self.world.table), context).on_notification(
                payment
            )
        if self.is_up and self.truth[0] != "authorized":
            self.known = self.truth

    @rule(is_up=st.booleans())
    def change_the_processor(self, is_up: bool) -> None:
        self.is_up = is_up

    @rule(seconds=st.sampled_from([1, 86_400, HOLD_SECONDS - 1, HOLD_SECONDS]))
    def let_time_pass(self, seconds: int) -> None:
        self.world.now += seconds

    @rule()
    def sweep(self) -> None:
        self.world.now += ATTEMPT_CHECK_SECONDS
        with self.processor():
            self.world.sweep()
        if self.status() == "voiding":
            self.known = ("voiding", 0)
        self.finish()

    @invariant()
    def agrees(self) -> None:
        found = self.world.payrex("GET", f"/payment_intents/{self.intent}").json
        expected = {
            "authorized": ("awaiting_capture", AMOUNT, 0),
            "capturing": ("processing", 0, 0),
            "voiding": ("processing", 0, 0),
            "succeeded": ("succeeded", 0, self.known[1]),
            "voided": ("canceled", 0, 0),
        }[self.status()]
        assert (found["status"], found["amount_capturable"], found["amount_received"]) == expected


def test_held_money_ends_as_merchants_expect(engine: Engine) -> None:
    run_state_machine_as_test(
        type("Life", (Holds,), {"engine": engine}),
        settings=settings(
            max_examples=settings().max_examples // 4,
            stateful_step_count=10,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_payment_with_held_money_ends() -> None:
    """From each state an end is reached, and no end is left."""
    ends = {status for status, targets in TRANSITIONS.items() if not targets}
    assert ends == {PaymentStatus.SUCCEEDED, PaymentStatus.LATE, PaymentStatus.VOIDED}
    for status in HELD:
        assert ends & set(TRANSITIONS[status])


def test_money_is_taken_from_held_money_only_while_it_is_held() -> None:
    assert set(sources(PaymentStatus.SUCCEEDED)) == {PaymentStatus.PENDING, *HELD}
    assert set(sources(PaymentStatus.VOIDED)) == set(HELD)
    assert set(sources(PaymentStatus.CAPTURING)) == {PaymentStatus.AUTHORIZED}
