"""The daily comparison of a processor's list of charges with our payments."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from checkout.dispatch import open_dispatcher
from checkout.domain.payment import ATTEMPT_CHECK_SECONDS
from checkout.domain.reconciliation import DAY
from checkout.processors import paymongo, paystack, reconciliation
from checkout.processors import timers as processor_timers
from checkout.store import payments, reconciliations, timers
from tests.processors.rounds import AtPaystack, Rail, at_paymongo, at_paystack
from tests.world import World

PAYMENTS = 3
HOUR = 3600


@pytest.fixture(params=[at_paystack, at_paymongo])
def rail(
    world: World, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rail]:
    """A merchant with PAYMENTS payments that were paid, in a list with pages of one row each. No
    lookup and no notification has found that they were paid."""
    opening: Callable[[World, int], AbstractContextManager[Rail]] = request.param
    for adapter in (paymongo, paystack):
        monkeypatch.setattr(adapter, "LISTED", 1)
    with opening(world, 1) as opened:
        reconciliations.start(world.table, opened.processor, opened.scope, int(world.now))
        opened.form = lambda: {"method": "card"}  # type: ignore[method-assign]
        for _ in range(PAYMENTS):
            session = opened.open_session()
            opened.submit(session.page)
        for charge in opened.charges():
            opened.fake.pay(charge)
        _lose_timers_of_payments(world)
        yield opened


def _lose_timers_of_payments(world: World) -> None:
    world.now += ATTEMPT_CHECK_SECONDS  # Their messages are visible now.
    world.messages(open_dispatcher().processor_queue)
    for item in world.having("TIMER#"):
        if item["kind"] == "attempt":
            world.table.write(timers.delete(timers.from_item(item)))


def timer_of(world: World) -> dict[str, Any]:
    (found,) = [each for each in world.having("TIMER#") if each["kind"] == "reconciliation"]
    return found


def settled(world: World) -> int:
    found = [payments.find(world.table, each["id"]) for each in world.having("PAYMENT#")]
    return sum(each is not None and each.was_charged for each in found)


def test_a_charge_that_was_not_found_is_found_in_the_processors_list(rail: Rail) -> None:
    rail.world.now += DAY

    rail.world.sweep()

    assert settled(rail.world) == PAYMENTS


def test_pages_may_be_shorter_than_those_that_are_asked_for(
    rail: Rail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of Paystack's parameter for the length differs in its documents."""
    for adapter in (paymongo, paystack):
        monkeypatch.setattr(adapter, "LISTED", 2)
    if isinstance(rail, AtPaystack):
        rail.fake.listed = 1
    rail.world.now += DAY

    rail.world.sweep()

    assert settled(rail.world) == PAYMENTS


def test_a_page_that_is_paid_six_days_later_is_found(rail: Rail) -> None:
    rail.submit(rail.open_session().page)
    charge = rail.charges()[-1]
    rail.leave_open(charge)
    for _ in range(6):
        rail.world.now += DAY
        rail.world.sweep()
    assert settled(rail.world) == PAYMENTS

    rail.pay_late(charge)
    rail.world.now += DAY
    rail.world.sweep()

    assert settled(rail.world) == PAYMENTS + 1


def test_a_comparison_continues_on_the_page_where_its_time_was_over(
    rail: Rail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor_timers, "RESERVE_MS", math.inf)
    rail.world.now += DAY
    found: list[int] = []

    for _ in range(PAYMENTS):
        rail.world.dispatch()
        rail.world.fire_due()
        found.append(settled(rail.world))
        rail.world.now += reconciliation.PAUSE_SECONDS + 1

    assert found == [1, 2, 3]


def test_a_page_that_is_not_answered_is_read_again_later(rail: Rail) -> None:
    rail.world.now += DAY
    rail.fake.faults.append("busy")
    rail.world.sweep()
    assert settled(rail.world) == 0

    rail.world.now += reconciliation.RETRY_SECONDS
    rail.world.sweep()

    assert settled(rail.world) == PAYMENTS


def test_an_account_that_is_set_again_is_still_compared_once_a_day(rail: Rail) -> None:
    rail.world.now += HOUR
    reconciliations.start(rail.world.table, rail.processor, rail.scope, int(rail.world.now))
    rail.world.now += DAY

    rail.world.sweep()

    assert timer_of(rail.world)["due"] == rail.world.now + DAY


def test_a_timer_that_was_replaced_compares_nothing(rail: Rail) -> None:
    replaced = timers.reconciliation(rail.processor, rail.scope, int(rail.world.now) + HOUR)
    rail.world.table.write(timers.put(replaced))
    rail.world.now += HOUR

    rail.world.sweep()

    assert settled(rail.world) == 0
    assert timer_of(rail.world)["due"] != replaced.due


def test_each_comparison_goes_back_a_week_behind_the_one_before(rail: Rail) -> None:
    (first,) = rail.world.having("RECONCILIATION#")
    rail.world.now += DAY

    rail.world.sweep()

    (second,) = rail.world.having("RECONCILIATION#")
    assert second["since"] == first["until"] - 7 * DAY
    assert second["until"] == rail.world.now + DAY
