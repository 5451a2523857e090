"""A process dies at each AWS call and at each call to a processor in turn, and no money is lost or
sent back twice."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from checkout.processors.json_api import JsonApi
from checkout.processors.paymongo import TIMES
from devstack.engines import Engine
from devstack.fakes.paymongo import PayMongoFake
from devstack.fakes.paystack import PROMPT
from tests.processors.rounds import Rail, at_paymongo, at_paystack, check_books
from tests.stream.crashes import Call, Faults, Killed, Mode, Plan
from tests.world import World, forget_process

pytestmark = [pytest.mark.crash, pytest.mark.dynoxide, pytest.mark.slow]

MOST_CALLS = 400
"""More than any scenario makes, so that a test without an end fails."""
KILLS = (Mode.KILLED_BEFORE, Mode.KILLED_AFTER)

Opening = Callable[[World, int], AbstractContextManager[Rail]]


@pytest.fixture(scope="module")
def engine(atomic_engine: Engine) -> Engine:
    """dynoxide alone: moto takes twice as long, for minutes, and tests no other rule."""
    return atomic_engine


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    found = Faults()
    invoke, call = World.invoke, JsonApi._call

    def invoke_with_faults(world: World, function: str, event: Any) -> Any:
        with found.around(function):
            return invoke(world, function, event)

    def call_with_faults(api: JsonApi, *given: Any) -> Any:
        unreached = AssertionError("only kills are injected")
        return found._around("processor", lambda: call(api, *given), unreached, unreached)

    monkeypatch.setattr(World, "invoke", invoke_with_faults)
    monkeypatch.setattr(JsonApi, "_call", call_with_faults)
    with found.installed(monkeypatch):
        yield found


def surviving(action: Callable[[], Any]) -> None:
    """Runs an action; if its process dies, a new one goes on with the next action."""
    try:
        action()
    except Killed:
        forget_process()


def sweep(rail: Rail, seconds: int, step: int) -> None:
    for _ in range(0, seconds, step):
        rail.world.now += step
        surviving(rail.world.sweep)


def begin(rail: Rail) -> str | None:
    """Begins an attempt; the name of its charge, if somebody can pay it."""
    session, before = rail.opened[-1], rail.charges()
    surviving(lambda: rail.submit(session.page))
    surviving(lambda: rail.world.page(f"/checkout/{session.page}"))
    new = [charge for charge in rail.charges() if charge not in before]
    payable = [charge for charge in new if rail.can_be_paid(charge)]
    return payable[-1] if payable else None


def paid_in_time(rail: Rail) -> None:
    charge = begin(rail)
    if charge:
        rail.fake.pay(charge)
    surviving(lambda: rail.world.page(f"/checkout/{rail.opened[-1].page}"))
    sweep(rail, 360, 120)


def paid_late(rail: Rail) -> None:
    charge = begin(rail)
    wallet = isinstance(rail.fake, PayMongoFake)
    if charge and wallet:
        rail.fake.open_wallet(charge)
    sweep(rail, sum(TIMES["gcash"][:2]) + 600 if wallet else 1200, 600)
    if charge and wallet:
        rail.fake.pay(charge, after_expiry=True)
    elif charge:
        rail.fake.pay(charge)
    sweep(rail, 7200, 2400)
    rail.fake.finish_refunds()
    sweep(rail, 3600, 1800)


def at(number: int, mode: Mode) -> Plan:
    """Kills the process at one call of the run. `tests/stream` kills the dispatch of timers."""
    counted = 0

    def plan(call: Call) -> Mode | None:
        nonlocal counted
        if call.function == "DispatchTimers":
            return None
        counted += 1
        return mode if counted == number else None

    return plan


@pytest.mark.parametrize("mode", KILLS)
@pytest.mark.parametrize("scenario", [paid_in_time, paid_late])
@pytest.mark.parametrize("rail", [at_paystack, at_paymongo])
def test_a_process_that_dies_at_any_call_loses_no_money(
    world: World, faults: Faults, rail: Opening, scenario: Callable[[Rail], None], mode: Mode
) -> None:
    with rail(world, 1) as opened:
        form = (
            {"method": "card"}
            if scenario is paid_late
            else {
                "method": "mobile_money",
                "phone": PROMPT,
            }
        )
        form = {"method": "gcash"} if rail is at_paymongo else form
        opened.form = lambda: form  # type: ignore[method-assign]
        for number in range(1, MOST_CALLS):
            faults.running = None
            opened.opened.append(opened.open_session())
            faults.begin(at(number, mode))
            scenario(opened)
            if not faults.injected:
                break
            faults.begin(lambda _call: None)
        assert not faults.injected, "the scenario makes more calls than expected"
        faults.begin(lambda _call: None)
        sweep(opened, 30 * 3600, 3600)
        opened.fake.finish_refunds()
        sweep(opened, 12 * 3600, 3600)
        check_books(opened)
