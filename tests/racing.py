"""Threads against each other, many rounds of it, and what has to be true of the table at the end.

A round is raced at once and checked later, with all the others of its table: a look at every item
after each round would take longer than the round. Every fifty rounds have an engine of their own,
because its writes slow down as its streams grow, those of deleted tables too.
"""

import os
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config

from checkout.domain import clock
from checkout.domain.timer import Timer
from checkout.page.tokens import token_of
from checkout.store import sessions, table
from checkout.store.items import to_item, to_wire
from devstack import engines
from devstack.environment import applied
from tests.world import Response, World

ROUNDS = int(os.environ.get("RACE_ROUNDS", "1000"))
ROUNDS_OF_AN_ENGINE = 50

Item = dict[str, Any]
ENDS = ("checkout.session.completed", "checkout.session.expired")


class Racing(World):
    """A world whose threads may have clocks of their own."""

    local = threading.local()

    def at(self, now: float, do: Callable[[], Any]) -> Callable[[], Any]:
        """What a machine does whose clock says `now`."""

        def run() -> Any:
            self.local.now = now
            return do()

        return run

    def form_token(self, path: str) -> str:
        """Without the page around it."""
        session = sessions.find(self.table, path.rpartition("/")[2])
        assert session is not None
        return token_of(session)

    def paying(self, id: str, form: dict[str, str]) -> Callable[[], Response]:
        """Sends a form of the page as it stands now."""
        token = self.form_token(id)
        return lambda: self.submit(id, form, token)

    def read_clock(self) -> float:
        return getattr(self.local, "now", self.now)

    def firing(self, timer: Timer) -> Callable[[], Any]:
        """What happens when DynamoDB's TTL deletes a timer; the sweep does the same."""
        record = {"dynamodb": {"OldImage": to_wire(to_item(timer)), "SequenceNumber": "1"}}

        def fire() -> None:
            assert self.invoke("FireTimers", {"Records": [record]}) == {"batchItemFailures": []}

        return fire


@contextmanager
def quick() -> Iterator[None]:
    """Calls without botocore's check of their parameters, a sixth of their time; and threads that
    change ten times as often, or most races would be won before they began."""
    patient, config = sys.getswitchinterval(), table.CLIENT
    table.CLIENT = config.merge(Config(parameter_validation=False))
    sys.setswitchinterval(patient / 10)
    try:
        yield
    finally:
        table.CLIENT = config
        sys.setswitchinterval(patient)


def worlds(
    rounds: int = ROUNDS, of_an_engine: int = ROUNDS_OF_AN_ENGINE
) -> Iterator[tuple[Racing, range]]:
    """Worlds, each with the rounds to be raced in it; the books of each are checked at its end."""
    for start in range(0, rounds, of_an_engine):
        with (
            engines.open("dynoxide") as engine,
            applied(engine.environment),
            quick(),
            Racing.open(engine) as world,
        ):
            assert isinstance(world, Racing)
            clock.read = world.read_clock
            yield world, range(start, min(start + of_an_engine, rounds))
            check_books(world.items(), world.now)


def race(*runners: Callable[[], Any]) -> list[Any]:
    """All at once; their answers in order. A runner that raises fails the test."""
    answers: list[Any] = [None] * len(runners)
    barrier = threading.Barrier(len(runners))

    def run(number: int) -> None:
        barrier.wait()
        try:
            answers[number] = runners[number]()
        except Exception as error:  # handed to the test, which raises it
            answers[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(runners))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def check_books(items: list[Item], now: float) -> Counter[str]:
    """How many sessions ended how. Fails unless each has one end, announced once, its events
    numbered without gap or repeat, and every charge of the processor is accounted for."""
    of_kind = _by(items, "sk")
    events, payments = (_by(of_kind[kind], "session") for kind in ("EVENT", "PAYMENT"))
    for session in of_kind["SESSION"]:
        check_numbers(session, events[session["id"]])
        _check_session(session, events[session["id"]], payments[session["id"]])
    check_money(items, now)
    return Counter(session["status"] for session in of_kind["SESSION"])


def check_money(items: list[Item], now: float) -> None:
    """Fails unless what the processor took and sent back is what payments and refunds say."""
    of_kind = _by(items, "sk")
    refunds = _by(of_kind["REFUND"], "payment")
    charges = {item["pk"].partition("#")[2]: item for item in of_kind["SIMULATOR"]}
    for payment in of_kind["PAYMENT"]:
        _check_payment(payment, charges.pop(payment["id"], None), refunds[payment["id"]], now)
    assert not charges, f"charged and nowhere on record: {sorted(charges)}"


def check_numbers(session: Item, events: list[Item]) -> None:
    """Fails where a session's events have a gap in their numbers, or one twice."""
    numbers = sorted(event["sequence"] for event in events)
    assert numbers == list(range(1, session["event_count"] + 1)), (session["id"], numbers)


def _check_session(session: Item, events: list[Item], payments: list[Item]) -> None:
    ends = [event["type"] for event in events if event["type"] in ENDS]
    kept = [payment["id"] for payment in payments if payment["status"] == "succeeded"]
    expected = {
        "open": ([], []),
        "complete": (["checkout.session.completed"], [session.get("payment")]),
        "expired": (["checkout.session.expired"], []),
    }
    assert (ends, kept) == expected[session["status"]], session["id"]
    told = Counter(event["type"] for event in events)
    failed = sum(payment["status"] in ("failed", "late") for payment in payments)
    assert (told["payment.succeeded"], told["payment.failed"]) == (len(kept), failed)


def _check_payment(payment: Item, charge: Item | None, refunds: list[Item], now: float) -> None:
    charged = charge is not None and "failure" not in charge and charge["settles_at"] <= now
    assert charged == (payment["status"] in ("succeeded", "late")), (payment, charge)
    sent = sum(refund["amount"] for refund in refunds if refund["status"] == "succeeded")
    assert not [refund for refund in refunds if refund["status"] == "pending"]
    assert payment["amount_refunded"] == sent <= payment["amount"]
    if charge is not None:
        assert charge["refunded"] == sent
    if payment["status"] == "late":
        assert sent == payment["amount"], payment


def _by(items: list[Item], key: str) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item[key]].append(item)
    return found
