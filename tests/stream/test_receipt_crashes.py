"""A receipt is sent once or twice if a process dies or a call fails, wherever that happens. It is
never sent three times."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product

import pytest

from checkout.domain.receipt import MAX_UNANSWERED
from devstack.engines import Engine
from tests.receiver import Receiver, listening
from tests.stream.crashes import (
    ALL_CONDITIONS,
    LOSING,
    NORMAL,
    Call,
    Conditions,
    Driver,
    Faults,
    Mode,
    Plan,
    at,
    at_random,
    no_faults,
    stored_timers,
)
from tests.world import World

pytestmark = [pytest.mark.crash, pytest.mark.slow]

SEEDS = 60
RUNS_A_TABLE = 15
"""The number of runs with one table: few, because moto's transactions slow down as it grows."""
RECEIPT = {"receipt": "on", "email": "ama@example.com"}


class Stage:
    """Pays sessions whose shoppers want a receipt, one in each run."""

    def __init__(self, engine: Engine, receiver: Receiver, faults: Faults) -> None:
        self.engine, self.receiver, self.faults = engine, receiver, faults
        self.opened = ExitStack()
        self.runs = 0

    def run(self, conditions: Conditions, plan: Plan = no_faults) -> int:
        """Returns how many e-mails were sent. Fails if anything is left of the receipt."""
        if self.runs % RUNS_A_TABLE == 0:
            self.opened.close()
            self.world = self.opened.enter_context(World.open(self.engine, timer_shards=1))
            self.driver = Driver(self.world, self.receiver, self.faults)
        self.runs += 1
        self.world.offer_receipts()
        self.driver.begin(conditions._replace(errors=0))
        self.faults.begin(plan)
        self.world.pay(self.world.create_session()["id"], **RECEIPT)
        self.driver.run_until_quiet()
        assert self.world.having("SESSION#", "RECEIPT") == []
        assert stored_timers(self.world) == []
        sent = self.world.mails()
        assert {each.to for each in sent} <= {("ama@example.com",)}
        return len(sent)


@pytest.fixture
def stage(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    faults = Faults()
    with listening() as receiver, faults.installed(monkeypatch):
        opened = Stage(engine, receiver, faults)
        with opened.opened:
            yield opened


def only(place: int, mode: Mode) -> Plan:
    return lambda call: mode if call.number == place else None


@pytest.mark.parametrize("conditions", ALL_CONDITIONS)
def test_a_receipt_is_sent_once_if_nothing_fails(stage: Stage, conditions: Conditions) -> None:
    assert stage.run(conditions) == 1


@pytest.mark.parametrize("conditions", [NORMAL, LOSING._replace(ttl=True)])
def test_one_fault_at_any_call_sends_one_receipt_or_two(
    stage: Stage, conditions: Conditions
) -> None:
    stage.run(conditions)
    assert "SendEmail" in stage.faults.calls
    for place, mode in product(range(1, len(stage.faults.calls) + 1), Mode):
        sent = stage.run(conditions, only(place, mode))

        assert sent in (1, MAX_UNANSWERED), (place, mode)
        if stage.faults.injected == [(mode, "SendEmail")]:
            assert sent == (1 if "before" in mode else 2)


def test_a_process_that_dies_before_and_after_a_call_sends_one_receipt_or_two(
    stage: Stage,
) -> None:
    stage.run(NORMAL)
    for place in range(1, len(stage.faults.calls) + 1):
        assert stage.run(NORMAL, at(place)) in (1, 2), place


def test_faults_at_random_never_send_three_receipts(stage: Stage) -> None:
    for seed in range(SEEDS):
        conditions = ALL_CONDITIONS[seed % len(ALL_CONDITIONS)]
        assert stage.run(conditions, at_random(seed, chance=0.25, most=9)) <= 2, seed


def test_a_process_that_always_dies_after_ses_took_the_email_sends_two(stage: Stage) -> None:
    """Shows that the other tests can fail: without its limit the receipt would be sent again and
    again."""

    def plan(_call: Call) -> Mode | None:
        return Mode.KILLED_AFTER if stage.faults.calls[-1] == "SendEmail" else None

    assert stage.run(NORMAL, plan) == 2
