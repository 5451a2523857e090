"""Races of the core that only processors without idempotency keys can lose: of references, codes
and refunds. In threads, on an engine whose transactions are atomic."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from checkout.domain.payment import ATTEMPT_SECONDS, Payment
from checkout.domain.refund import FIRST_CHECK_SECONDS, LEASE_SECONDS
from checkout.processors.attempts import Attempts, Lookup
from checkout.processors.protocol import Outcome, Redirect, State
from checkout.processors.simulator import Simulator
from checkout.store import payments, refunds, timers
from checkout.store.table import ConditionFailedError
from devstack.fakes.paystack import AT_ONCE, CODE, GOOD_CODE
from tests.processors.rounds import AtPaystack, at_paystack
from tests.racing import ROUNDS, Racing, race, worlds
from tests.world import World, change_context, token_in

pytestmark = pytest.mark.dynoxide

SOME = max(1, ROUNDS // 20)


class Forgetful(Simulator):
    """A processor without idempotency keys and without search: each lookup of a payment without a
    reference makes another charge."""

    def __init__(self, world: World) -> None:
        super().__init__(world.table)
        self.charges: dict[str, State] = {}
        self.lock = threading.Lock()

    def look_up(self, payment: Payment, now: int) -> Outcome | None:
        with self.lock:
            reference = payment.reference or f"charge_{len(self.charges)}"
            state = self.charges.setdefault(reference, State.PENDING)
        step = Redirect(f"https://processor.example/{reference}")
        return Outcome(state, reference=reference, next=step if state is State.PENDING else None)

    def cancel(self, payment: Payment, now: int) -> Outcome | None:
        with self.lock:
            if self.charges[payment.reference or ""] is State.PENDING:
                self.charges[payment.reference or ""] = State.DECLINED
            return Outcome(self.charges[payment.reference or ""], reference=payment.reference)


def pending_payment(world: World) -> str:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000005").headers["location"]
    return location.rpartition("=")[2]


def read(world: World, id: str) -> Payment:
    found = payments.find(world.table, id)
    assert found is not None
    return found


def test_of_several_charges_of_a_payment_one_is_shown_and_the_others_are_ended() -> None:
    for world, rounds in worlds(SOME, check=False):
        for _ in rounds:
            processor = Forgetful(world)
            id = pending_payment(world)
            attempts = Attempts(world.table, processor, change_context(world))
            lookups: list[Lookup] = race(*[partial(attempts._settle, read(world, id))] * 4)

            own = read(world, id).reference
            shown = {each.next_step for each in lookups if each.next_step}
            assert shown == {Redirect(f"https://processor.example/{own}")}
            open_charges = [
                name for name, state in processor.charges.items() if state is State.PENDING
            ]
            assert open_charges == [own]


def test_a_charge_whose_answer_comes_after_the_payment_was_given_up_is_ended() -> None:
    for world, rounds in worlds(SOME, check=False):
        for _ in rounds:
            processor = Forgetful(world)
            id = pending_payment(world)
            before = read(world, id)
            world.now += ATTEMPT_SECONDS
            context = change_context(world)
            Attempts(world.table, Simulator(world.table), context).settle(id)
            assert read(world, id).status == "failed"
            late = processor.look_up(before, int(world.now))
            assert late is not None

            Attempts(world.table, processor, context)._conclude(before, late)

            assert set(processor.charges.values()) == {State.DECLINED}
            assert read(world, id).reference == late.reference


@pytest.fixture
def at_phone() -> Iterator[tuple[Racing, AtPaystack]]:
    for world, _ in worlds(1, check=False):
        with at_paystack(world, 1) as rail:
            assert isinstance(rail, AtPaystack)
            yield world, rail


def test_one_code_is_sent_at_a_time(at_phone: tuple[Racing, AtPaystack]) -> None:
    """A second one could end the charge."""
    world, rail = at_phone
    for number in range(SOME):
        id = world.create_session()["id"]
        page = world.pay_by_phone(id, CODE).headers["location"]
        form = {"token": token_in(world.page(page).text), "one_time_code": GOOD_CODE}

        race(*[partial(world._send, f"/checkout/{id}", form)] * 4)

        assert len(rail.fake.calls_of("POST", "submit_otp")) == number + 1


@pytest.mark.parametrize("fault", ["lost", "unanswered"])
def test_a_refund_is_sent_by_one_of_many_senders(
    at_phone: tuple[Racing, AtPaystack], fault: str
) -> None:
    """Timers and webhooks at the same time, again and again, after a call without an answer."""
    world, rail = at_phone
    for _ in range(SOME):
        id = world.create_session()["id"]
        world.pay_by_phone(id, AT_ONCE)
        payment = world.session(id)["payment"]
        rail.fake.faults[:] = ["", "", fault]
        made = world.post("/v1/refunds", {"payment": payment, "amount": 2000}).json["id"]
        reference = payment.replace("_", "-", 1)
        for _ in range(2 * LEASE_SECONDS // FIRST_CHECK_SECONDS + 4):
            world.now += FIRST_CHECK_SECONDS // 2
            found = refunds.find(world.table, made)
            assert found is not None
            timer = timers.refund(made, found.scope, found.check_at)
            body, headers = rail.fake.webhook("refund.pending", reference)
            hook = partial(world.post, HOOK, body, key=None, headers=headers)
            race(*[world.firing(timer)] * 2, hook, hook)

        assert rail.fake.refunded(reference) == 2000
        sent = [each for each in rail.fake.refunds.values() if each["merchant_note"] == made]
        assert len(sent) == 1


HOOK = "/processors/paystack/merc_accra.test"


def test_a_lease_is_taken_once(at_phone: tuple[Racing, AtPaystack]) -> None:
    world, _ = at_phone
    id = world.create_session()["id"]
    world.pay_by_phone(id, AT_ONCE)
    answer = world.post("/v1/refunds", {"payment": world.session(id)["payment"], "amount": 2000})
    found = refunds.find(world.table, answer.json["id"])
    assert found is not None
    missing: Any = refunds.note_missing(world.table, found, int(world.now))

    def lease() -> bool:
        try:
            refunds.lease(world.table, replace(missing), int(world.now))
        except ConditionFailedError:
            return False
        return True

    assert sorted(race(*[lease] * 8)) == [False] * 7 + [True]
