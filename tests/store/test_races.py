"""Threads against each other, on an engine that is atomic. Each race ends in one state, with one
event that says so, and nothing charged that is not kept."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from checkout.domain import clock
from devstack.engines import Engine
from tests.world import SESSIONS, World

pytestmark = pytest.mark.dynoxide

ROUNDS = 40


@pytest.fixture
def racing(atomic_engine: Engine) -> Iterator[World]:
    with World.open(atomic_engine) as world:
        yield world


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


def check_end(world: World, id: str) -> str:
    """One end, announced once; at most one payment kept, and every other charge sent back."""
    session = world.session(id)
    events = [e["type"] for e in world.having("EVENT#", "EVENT") if e["session"] == id]
    ends = [name for name in events if name.startswith("checkout.session.")]
    kept = [
        p for p in world.having("PAYMENT#") if p["session"] == id and p["status"] == "succeeded"
    ]
    book = {entry["pk"].partition("#")[2]: entry for entry in world.having("SIMULATOR#")}
    charged = [
        p["id"]
        for p in world.having("PAYMENT#")
        if p["session"] == id
        and "failure" not in book.get(p["id"], {"failure": ""})
        and "refunded_at" not in book[p["id"]]
    ]
    if session["status"] == "complete":
        assert ends == ["checkout.session.completed"]
        assert [p["id"] for p in kept] == charged == [session["payment"]]
    else:
        assert ends == (["checkout.session.expired"] if session["status"] == "expired" else [])
        assert kept == charged == []
    status: str = session["status"]
    return status


def test_eight_payers_pay_once(racing: World) -> None:
    for _ in range(ROUNDS):
        id = racing.create_session()["id"]

        race(*[lambda: racing.pay(id)] * 8)

        assert check_end(racing, id) == "complete"


def test_pay_against_expire(racing: World) -> None:
    ends = []
    for _ in range(ROUNDS):
        id = racing.create_session()["id"]

        race(lambda: racing.pay(id), lambda: racing.post(f"{SESSIONS}/{id}/expire"))

        ends.append(check_end(racing, id))
    assert set(ends) <= {"complete", "expired"}


def test_eight_expiries_expire_once(racing: World) -> None:
    for _ in range(ROUNDS):
        id = racing.create_session()["id"]

        answers = race(*[lambda: racing.post(f"{SESSIONS}/{id}/expire")] * 8)

        assert sorted(answer.status for answer in answers) == [200] + [409] * 7
        assert check_end(racing, id) == "expired"


def test_pay_against_the_sweep_at_the_last_second(racing: World) -> None:
    """Two machines whose clocks disagree by a second about whether the session has lapsed."""
    for _ in range(ROUNDS):
        session = racing.create_session()
        racing.now += 86400 - 1
        early = racing.now
        local = threading.local()
        clock.read = lambda early=early, local=local: getattr(local, "now", early)

        def sweep(local: Any = local, late: float = early + 1) -> None:
            local.now = late
            racing.sweep()

        race(lambda id=session["id"]: racing.pay(id), sweep)

        racing.now = early + 1
        clock.read = lambda: racing.now
        assert check_end(racing, session["id"]) in ("complete", "expired")


def test_many_sweeps_at_once_announce_an_expiry_once(racing: World) -> None:
    ids = [racing.create_session()["id"] for _ in range(20)]
    racing.now += 86400

    race(*[racing.sweep] * 4)

    assert {check_end(racing, id) for id in ids} == {"expired"}


def test_a_late_approval_against_the_deadlines_timer(racing: World) -> None:
    for _ in range(ROUNDS):
        id = racing.create_session()["id"]
        location = racing.pay_by_phone(id, "0240000002").headers["location"]
        racing.now += 300

        race(*[lambda: racing.page(location)] * 3, racing.sweep, racing.sweep)

        assert check_end(racing, id) == "complete"


def test_two_tabs_with_different_methods(racing: World) -> None:
    for _ in range(ROUNDS):
        id = racing.create_session()["id"]

        race(
            lambda: racing.pay(id),
            lambda: racing.pay_by_phone(id, "0240000001"),
            lambda: racing.pay(id, "4000000000000002"),
        )

        assert check_end(racing, id) in ("complete", "open")
