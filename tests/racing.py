"""Races between threads, in many rounds, and what must be true of the table afterwards.

The rounds of a table are checked together at its end, because reading every item after each round
would take longer than the round.
"""

import os
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from checkout import dispatch
from checkout.domain import clock
from checkout.domain.timer import Timer
from checkout.page.tokens import token_of
from checkout.store import sessions
from devstack import engines
from devstack.environment import applied
from tests.world import Response, World

ROUNDS = int(os.environ.get("RACE_ROUNDS", "500"))

Item = dict[str, Any]
ENDS = ("checkout.session.completed", "checkout.session.expired")


class Racing(World):
    """A world in which each thread may have its own clock."""

    local = threading.local()

    def at(self, now: float, do: Callable[[], Any]) -> Callable[[], Any]:
        """A runner that calls `do` on a machine whose clock shows `now`."""

        def run() -> Any:
            self.local.now = now
            return do()

        return run

    def form_token(self, path: str) -> str:
        """The token, without rendering the page."""
        session = sessions.find(self.table, path.rpartition("/")[2])
        assert session is not None
        return token_of(session)

    def paying(self, id: str, form: dict[str, str]) -> Callable[[], Response]:
        """A runner that submits a form with the page's current token."""
        token = self.form_token(id)
        return lambda: self.submit(id, form, token)

    def read_clock(self) -> float:
        return getattr(self.local, "now", self.now)

    def firing(self, timer: Timer) -> Callable[[], Any]:
        """A runner that fires a timer as its queue's function does."""
        asks = timer.kind in dispatch.ASK_PROCESSORS
        return partial(
            self.fire, "AskProcessors" if asks else "FireTimers", dispatch.to_body(timer)
        )


@contextmanager
def quick() -> Iterator[None]:
    """Switches threads more often. Otherwise one is mostly done before the next one starts."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def worlds(
    rounds: int = ROUNDS, rounds_per_table: int | None = None, *, check: bool = True
) -> Iterator[tuple[Racing, range]]:
    """Worlds on one engine, each with the rounds to race in it. Without `rounds_per_table`, one
    world has all rounds.

    Each world is checked after its rounds, unless a test has books of its own.
    """
    with engines.open("dynoxide") as engine, applied(engine.environment), quick():
        for start in range(0, rounds, rounds_per_table or rounds):
            with Racing.open(engine) as world:
                assert isinstance(world, Racing)
                world.disable_stream()
                clock.read = world.read_clock
                yield world, range(start, min(start + (rounds_per_table or rounds), rounds))
                if check:
                    check_table(world.items(), world.now)


def race(*runners: Callable[[], Any]) -> list[Any]:
    """Calls all runners at the same time and returns their answers in order. Raises the first error
    of a runner."""
    answers: list[Any] = [None] * len(runners)
    barrier = threading.Barrier(len(runners))

    def run(number: int) -> None:
        barrier.wait()
        try:
            answers[number] = runners[number]()
        except Exception as error:  # raised below, in the test's thread
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


def check_table(items: list[Item], now: float) -> Counter[str]:
    """Counts sessions by status. Fails unless each has one end with its events once, all its events
    are numbered without gaps, and every charge of the processor is accounted for."""
    of_kind = _by(items, "sk")
    events, payments = (_by(of_kind[kind], "session") for kind in ("EVENT", "PAYMENT"))
    for session in of_kind["SESSION"]:
        check_numbers(session, events[session["id"]])
        _check_session(session, events[session["id"]], payments[session["id"]])
    check_money(items, now)
    return Counter(session["status"] for session in of_kind["SESSION"])


def check_money(items: list[Item], now: float) -> None:
    """Fails unless the processor's charges and refunds agree with the stored ones."""
    of_kind = _by(items, "sk")
    refunds = _by(of_kind["REFUND"], "payment")
    charges = {item["pk"].partition("#")[2]: item for item in of_kind["SIMULATOR"]}
    for payment in of_kind["PAYMENT"]:
        _check_payment(payment, charges.pop(payment["id"], None), refunds[payment["id"]], now)
    assert not charges, f"charged and not recorded: {sorted(charges)}"


def check_numbers(session: Item, events: list[Item]) -> None:
    """Fails if the numbers of a session's events have a gap, or a number twice."""
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
    types = Counter(event["type"] for event in events)
    failed = sum(payment["status"] in ("failed", "late") for payment in payments)
    assert (types["payment.succeeded"], types["payment.failed"]) == (len(kept), failed)


def _check_payment(payment: Item, charge: Item | None, refunds: list[Item], now: float) -> None:
    approved = charge is not None and "failure" not in charge and charge["decided_at"] <= now
    held = approved and charge is not None and "held" in charge
    assert held == (payment["status"] == "authorized"), (payment, charge)
    charged = approved and not held
    assert charged == (payment["status"] in ("succeeded", "late")), (payment, charge)
    assert not charged or charge is None or charge["amount"] == payment["amount"]
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
