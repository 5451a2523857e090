"""The guarantees of docs/processors.md, tested with all processors."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from checkout.domain.ids import PAYMENT, REFUND, new_id
from checkout.domain.payment import Failure, Payment
from checkout.domain.refund import Refund, RefundStatus
from checkout.page.language import translator
from checkout.processors import registry
from checkout.processors.protocol import (
    Instrument,
    InstrumentRefusedError,
    Order,
    Outcome,
    Processor,
    State,
)
from checkout.processors.simulator import Simulator
from devstack.fakes.paymongo import PayMongoFake
from devstack.fakes.paystack import PROMPT, PaystackFake, reference_of
from tests.processors.stripe_server import DECLINED, StripeServer
from tests.world import MANILA, SCOPE, World


@dataclass
class Side:
    """A processor under test, and the actions of its shopper."""

    world: World
    processor: Processor
    instrument: Instrument
    """With this instrument a payment is pending until the shopper acts."""
    approve: Callable[[Payment], object]
    decline: Callable[[Payment], object]
    charges: Callable[[], int]
    refunded: Callable[[Payment], int]
    descriptor: Callable[[Payment], Any]
    """What the processor was told to write on the shopper's statement."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What its payments have that others do not."""
    finish_refunds: Callable[[], object] = lambda: None
    repeats_charges: bool = True
    """Whether a repeated charge makes one charge."""
    cancels: bool = True
    """Whether nobody can pay what was canceled."""

    @property
    def now(self) -> int:
        return int(self.world.now)

    def order(self, payment: Payment) -> Order:
        return Order(payment, self.instrument, "https://pay.example.com/checkout/cs_x?attempt=x")

    def new_payment(self) -> Payment:
        return replace(new_payment(self.world, self.processor.name), **self.changes)

    def begin(self) -> Payment:
        payment = self.new_payment()
        return with_reference(payment, self.processor.charge(self.order(payment), self.now))

    def state(self, payment: Payment) -> State | None:
        outcome = self.processor.look_up(payment, self.now)
        return outcome and outcome.state

    def begin_approved(self) -> Payment:
        payment = self.begin()
        self.approve(payment)
        assert self.state(payment) is State.APPROVED
        return payment


def simulator(world: World, _: Any) -> Side:
    processor = Simulator(world.table)

    def decide(approved: bool) -> Callable[[Payment], None]:
        return lambda payment: processor.decide(payment.id, approved, int(world.now))

    def charged() -> list[Any]:
        return world.having("SIMULATOR#", "SIMULATOR")

    def refunded(payment: Payment) -> int:
        return sum(each["refunded"] for each in charged() if each["pk"].endswith(payment.id))

    return Side(
        world,
        processor,
        Instrument("gcash"),
        decide(True),
        decide(False),
        lambda: len(charged()),
        refunded,
        lambda payment: charged()[0].get("statement_descriptor"),
    )


def stripe(world: World, request: pytest.FixtureRequest) -> Side:
    server: StripeServer = request.getfixturevalue("stripe_side")
    processor = registry.processor_at(world.table, "stripe", SCOPE)
    return Side(
        world,
        processor,
        Instrument("card"),
        lambda payment: server.confirm(payment.reference or ""),
        lambda payment: server.confirm(payment.reference or "", DECLINED),
        lambda: len(server.intents()),
        lambda payment: sum(each["amount"] for each in server.refunds(payment.reference or "")),
        lambda _payment: server.creations()[0].form.get("statement_descriptor_suffix"),
    )


@dataclass
class Holder:
    """A processor that can hold a card's money."""

    side: Side
    taken: Callable[[Payment], int]

    @property
    def processor(self) -> Processor:
        return self.side.processor

    def begin_held(self) -> Payment:
        payment = self.side.begin()
        self.side.approve(payment)
        assert self.side.state(payment) is State.AUTHORIZED
        return payment

    def capture(self, payment: Payment, amount: int) -> tuple[State, int | None]:
        outcome = self.processor.capture(replace(payment, amount=amount), self.side.now)
        return outcome.state, outcome.amount


def simulator_that_holds(world: World, request: Any) -> Holder:
    side = replace(
        simulator(world, request),
        instrument=Instrument("card", "4242424242424242"),
        approve=lambda _payment: None,
        changes={"manual_capture": True},
    )

    def taken(payment: Payment) -> int:
        (found,) = world.having(f"SIMULATOR#{payment.id}", "SIMULATOR")
        return 0 if {"held", "failure"} & set(found) else int(found["amount"])

    return Holder(side, taken)


def stripe_that_holds(world: World, request: pytest.FixtureRequest) -> Holder:
    server: StripeServer = request.getfixturevalue("stripe_side")
    side = replace(stripe(world, request), changes={"manual_capture": True})
    return Holder(side, lambda payment: server.taken(payment.reference or ""))


@pytest.fixture(params=[simulator_that_holds, stripe_that_holds], ids=["simulator", "stripe"])
def holder(world: World, request: pytest.FixtureRequest) -> Holder:
    made: Holder = request.param(world, request)
    return made


def paystack(world: World, request: pytest.FixtureRequest) -> Side:
    """With mobile money: a card's page stays payable, whatever happened on it."""
    fake: PaystackFake = request.getfixturevalue("paystack_side")
    return Side(
        world,
        registry.processor_at(world.table, "paystack", SCOPE),
        Instrument("mobile_money", PROMPT),
        lambda payment: fake.pay(reference_of(payment.id)),
        lambda payment: fake.decline(reference_of(payment.id)),
        lambda: len(fake.transactions),
        lambda payment: fake.refunded(reference_of(payment.id)),
        lambda _payment: None,
        {"method": "mobile_money", "provider": "mtn", "phone": PROMPT},
        fake.finish_refunds,
        cancels=False,
    )


def paymongo(world: World, request: pytest.FixtureRequest) -> Side:
    fake: PayMongoFake = request.getfixturevalue("paymongo_side")
    scope = f"{MANILA.id}#test"
    processor = registry.processor_at(world.table, "paymongo", scope)

    def decline(payment: Payment) -> None:
        """Its page lets the shopper try again, so a decline is one after the session's end."""
        fake.decline(payment.reference or "")
        processor.cancel(payment, int(world.now))

    return Side(
        world,
        processor,
        Instrument("gcash"),
        lambda payment: fake.pay(payment.reference or ""),
        decline,
        lambda: len(fake.sessions),
        lambda payment: sum(
            fake.refunded(each["id"])
            for each in fake.payments.values()
            if each["session"] == payment.reference
        ),
        lambda payment: fake.sessions[payment.reference or ""].get("statement_descriptor"),
        {"method": "gcash", "currency": "PHP", "scope": scope},
        fake.finish_refunds,
        repeats_charges=False,
    )


@pytest.fixture(params=[simulator, stripe, paystack, paymongo], ids=lambda side: side.__name__)
def side(world: World, request: pytest.FixtureRequest) -> Side:
    made: Side = request.param(world, request)
    return made


def new_payment(world: World, processor: str) -> Payment:
    now = int(world.now)
    return Payment(
        id=new_id(PAYMENT),
        scope=SCOPE,
        api="paygate",
        session="cs_x",
        amount=5000,
        currency="GHS",
        method="card",
        processor=processor,
        deadline_at=now + 300,
        check_at=now + 30,
        created_at=now,
        updated_at=now,
    )


def with_reference(payment: Payment, outcome: Outcome) -> Payment:
    """The payment as it is stored: with the processor's reference."""
    return replace(payment, reference=outcome.reference)


def refund_of(payment: Payment, amount: int) -> Refund:
    return Refund(
        id=new_id(REFUND),
        scope=payment.scope,
        api=payment.api,
        session=payment.session,
        payment=payment.id,
        amount=amount,
        currency=payment.currency,
        created_at=payment.created_at,
        updated_at=payment.updated_at,
        check_at=payment.check_at,
    )


def test_repeated_looks_at_a_payment_charge_once(side: Side) -> None:
    payment = side.begin()
    forgotten = replace(payment, reference=None)

    for each in (payment, forgotten) * 2:
        assert side.state(each) in (None, State.PENDING)

    assert side.charges() == 1


def test_repeated_charges_of_a_payment_charge_once(side: Side) -> None:
    """Of a processor without idempotency keys `charge` is called once for a payment."""
    if not side.repeats_charges:
        return
    payment = side.new_payment()

    answers = [side.processor.charge(side.order(payment), side.now) for _ in range(3)]

    assert [each.state for each in answers] == [State.PENDING] * 3
    assert len({each.reference for each in answers} - {None}) <= 1
    assert side.charges() == 1


def test_an_approved_payment_stays_approved(side: Side) -> None:
    payment = side.begin()
    assert side.state(payment) is State.PENDING

    side.approve(payment)

    assert [side.state(payment) for _ in range(2)] == [State.APPROVED] * 2


def test_a_declined_payment_stays_declined_and_has_a_failure(side: Side) -> None:
    payment = side.begin()
    side.decline(payment)

    outcomes = [side.processor.look_up(payment, side.now) for _ in range(2)]

    for outcome in outcomes:
        assert outcome is not None
        assert outcome.state is State.DECLINED
        assert outcome.failure == "declined"
        assert outcome.next is None


def test_an_unknown_payment_is_not_approved_and_can_be_canceled(side: Side) -> None:
    payment = side.new_payment()

    assert side.state(payment) in (None, State.PENDING)
    canceled = side.processor.cancel(payment, side.now)

    assert canceled is None or canceled.state is State.DECLINED


def test_a_canceled_payment_can_not_be_approved_later(side: Side) -> None:
    """A processor that can't stop a payment has it watched after its end."""
    payment = side.begin()
    if not side.cancels:
        side.world.now = payment.deadline_at + 60

    canceled = [side.processor.cancel(payment, side.now) for _ in range(2)]

    assert [each and each.state for each in canceled] == [State.DECLINED] * 2
    until = side.processor.watch_until(payment, Failure.TIMED_OUT, side.now)
    assert (until or side.now) > side.now or side.cancels
    if side.cancels:
        side.approve(payment)
    assert side.state(payment) is State.DECLINED


def test_an_approved_payment_can_not_be_canceled(side: Side) -> None:
    payment = side.begin_approved()

    canceled = side.processor.cancel(payment, side.now)

    assert canceled is not None
    assert canceled.state is State.APPROVED
    assert side.refunded(payment) == 0


def test_repeated_calls_of_a_refund_refund_once(side: Side) -> None:
    payment = side.begin_approved()
    first, second = refund_of(payment, 2000), refund_of(payment, 500)

    for refund in (first, first, second, first):
        assert side.processor.refund(refund, payment, side.now).status is not RefundStatus.FAILED
        side.finish_refunds()
        known = side.processor.look_up_refund(refund, payment, side.now)
        assert known is not None and known.status is RefundStatus.SUCCEEDED

    assert side.refunded(payment) == 2500


def test_a_refund_can_be_looked_up(side: Side) -> None:
    payment = side.begin_approved()
    refund = refund_of(payment, 2000)
    assert side.processor.look_up_refund(refund, payment, side.now) is None

    side.processor.refund(refund, payment, side.now)
    side.finish_refunds()

    found = side.processor.look_up_refund(refund, payment, side.now)
    assert found is not None and found.status is RefundStatus.SUCCEEDED
    assert side.processor.look_up_refund(refund_of(payment, 2000), payment, side.now) is None


def test_a_payment_that_was_not_charged_is_not_refunded(side: Side) -> None:
    payment = side.begin()
    side.decline(payment)
    side.state(payment)

    assert (
        side.processor.refund(refund_of(payment, 100), payment, side.now).status
        is RefundStatus.FAILED
    )
    assert side.refunded(payment) == 0


def test_only_payments_in_wallets_of_the_simulator_have_an_approval_page(side: Side) -> None:
    payment = side.new_payment()
    wallet = replace(payment, method="gcash")

    assert side.processor.approval_path(payment) is None
    has_page = side.processor.approval_path(wallet) is not None
    assert has_page is (side.processor.name == "simulator")


def test_test_instruments_can_be_charged_and_have_a_text(side: Side) -> None:
    for api in ("paygate", "payrex"):
        for each in side.processor.test_instruments(api):
            side.processor.check(Instrument(each.method, each.number))
            assert translator("en")(each.outcome, seconds=each.seconds)


def test_a_statement_descriptor_reaches_the_processors_that_take_one(side: Side) -> None:
    """Stripe puts it behind the account's own prefix, and Paystack has no parameter for it."""
    payment = replace(side.new_payment(), statement_descriptor="MUGS AND MORE")
    expected = {"stripe": "MUGS AND M", "paystack": None}

    charged = side.processor.charge(side.order(payment), side.now)

    found = side.descriptor(replace(payment, reference=charged.reference))
    assert found == expected.get(side.processor.name, "MUGS AND MORE")


def test_unsupported_instruments_are_refused_before_the_charge(side: Side) -> None:
    with pytest.raises(InstrumentRefusedError):
        side.processor.check(Instrument("card", "4000000000000000"))
    assert side.charges() == 0
    assert not side.processor.supports("cash")


# ------------------------------------------------------------------------- held money


def test_held_money_is_not_taken(holder: Holder) -> None:
    payment = holder.begin_held()

    assert [holder.side.state(payment) for _ in range(2)] == [State.AUTHORIZED] * 2
    assert holder.taken(payment) == 0


@pytest.mark.parametrize("amount", [5000, 2000])
def test_repeated_captures_take_the_money_once(holder: Holder, amount: int) -> None:
    payment = holder.begin_held()

    answers = [holder.capture(payment, amount) for _ in range(3)]

    assert answers == [(State.APPROVED, amount)] * 3
    assert holder.side.state(payment) is State.APPROVED
    assert holder.taken(payment) == amount


def test_a_second_capture_takes_no_more(holder: Holder) -> None:
    payment = holder.begin_held()
    holder.capture(payment, 2000)

    assert holder.capture(payment, 3000) == (State.APPROVED, 2000)
    assert holder.taken(payment) == 2000


def test_no_more_than_the_held_money_is_captured(holder: Holder) -> None:
    payment = holder.begin_held()

    assert holder.capture(payment, 5001)[0] is State.AUTHORIZED
    assert holder.taken(payment) == 0
    assert holder.capture(payment, 5000)[0] is State.APPROVED


def test_voided_money_can_not_be_captured(holder: Holder) -> None:
    payment = holder.begin_held()

    canceled = [holder.processor.cancel(payment, holder.side.now) for _ in range(2)]

    assert [each and each.state for each in canceled] == [State.DECLINED] * 2
    assert holder.capture(payment, 5000)[0] is State.DECLINED
    assert holder.taken(payment) == 0


def test_captured_money_can_not_be_voided(holder: Holder) -> None:
    payment = holder.begin_held()
    holder.capture(payment, 2000)

    canceled = holder.processor.cancel(payment, holder.side.now)

    assert canceled is not None and canceled.state is State.APPROVED
    assert holder.taken(payment) == 2000


def test_only_processors_that_hold_money_are_asked_to(side: Side) -> None:
    if side.processor.name not in registry.HOLDING:
        with pytest.raises(NotImplementedError):
            side.processor.capture(side.new_payment(), side.now)
