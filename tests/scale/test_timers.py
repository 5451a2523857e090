"""A thousand timers, by a virtual clock, on the real dispatch and worker code: none is lost or
fired twice, and they are on time. `make bench-scale` does the same with a hundred thousand."""

from collections.abc import Iterator

import pytest
import pytest_socket

from benchmarks.scale.timers import DEATHS, FAULTS, READY, Plan, Result, run
from benchmarks.scale.virtual.stack import Conditions

MEDIAN, SLOWEST = 1.0, 5.0
"""Seconds of lateness: the goals for p50 and p99."""


@pytest.fixture(autouse=True)
def without_sockets() -> Iterator[None]:
    pytest_socket.disable_socket()
    yield
    pytest_socket.enable_socket()


def assert_all_expired_once(result: Result) -> None:
    assert (result.lost, result.twice, result.dead_letters) == (0, 0, 0)


def assert_on_time(result: Result) -> None:
    assert result.percentile(0.5) <= MEDIAN
    assert result.percentile(0.99) <= SLOWEST


def test_a_thousand_sessions_of_one_merchant_expire_within_seconds() -> None:
    result = run(Plan("one merchant", 1_000, conditions=READY))

    assert_all_expired_once(result)
    assert_on_time(result)
    assert result.messages == 1


def test_lambdas_own_scaling_keeps_a_thousand_of_many_merchants_on_time() -> None:
    result = run(Plan("many merchants", 1_000, merchants=100, over=10))

    assert_all_expired_once(result)
    assert_on_time(result)


def test_a_processor_that_does_not_answer_delays_no_expiry() -> None:
    alone = run(Plan("alone", 300, merchants=50, conditions=READY))
    beside = run(Plan("silent processor", 300, merchants=50, silent=200, conditions=READY))

    assert_all_expired_once(beside)
    assert beside.percentile(0.99) <= 1.2 * alone.percentile(0.99)
    assert 0 < beside.asked < 150


def test_nothing_is_lost_if_messages_are_lost_doubled_and_late_and_workers_die() -> None:
    faults = FAULTS._replace(lost=0.05, doubled=0.05, late=0.05)
    conditions = READY._replace(faults=faults, death_rate=10 * DEATHS)
    result = run(Plan("faults", 1_000, merchants=100, conditions=conditions))

    assert_all_expired_once(result)
    assert result.deaths > 0
    assert result.percentile(0.5) <= MEDIAN
    assert result.percentile(1) <= 2 * 180  # found by a sweep, or by the queue


@pytest.mark.parametrize("sessions", [150, 500])
def test_a_backlog_of_an_hour_does_not_multiply_itself(sessions: int) -> None:
    result = run(Plan("backlog", sessions, merchants=100, stopped=3600))

    assert_all_expired_once(result)
    assert result.messages <= 1.2


def test_the_same_seed_is_the_same_run() -> None:
    plan = Plan("seed", 100, conditions=Conditions(faults=FAULTS, death_rate=DEATHS))

    assert run(plan) == run(plan)


def test_a_merchant_with_thousands_of_timers_does_not_delay_another() -> None:
    """SQS's fair queues receive the messages of quiet groups first."""
    result = run(Plan("ten of another", 1_000, others=10, conditions=READY))

    assert_all_expired_once(result)
    assert len(result.lateness) == 10
    assert result.percentile(1) <= 1
