"""Random rounds at each processor that fails at random: see `rounds`. RACE_ROUNDS=2500 plays 1,000
of them with threads at each. The balance sheets are at the end of pytest's output."""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.processors.rounds import Rail, at_paymongo, at_paystack, play, sheet_of
from tests.racing import ROUNDS, race, worlds
from tests.summaries import BALANCE
from tests.world import World

pytestmark = pytest.mark.slow

OF_A_WORLD = 100
SEED = int(os.environ.get("ROUNDS_SEED", "1"))

Opening = Callable[[World, int], AbstractContextManager[Rail]]


def one_by_one(*actions: Callable[[], Any]) -> None:
    for action in actions:
        action()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rail", [at_paystack, at_paymongo])
def test_the_books_balance_after_random_rounds(world: World, rail: Opening, seed: int) -> None:
    with rail(world, seed) as opened:
        play(opened, 4, one_by_one)


@pytest.mark.dynoxide
@pytest.mark.parametrize("rail", [at_paystack, at_paymongo])
def test_the_books_balance_after_random_rounds_of_threads(
    rail: Opening, record_property: Callable[[str, object], None]
) -> None:
    balance: Counter[str] = Counter()
    for world, rounds in worlds(max(1, ROUNDS * 2 // 5), OF_A_WORLD, check=False):
        with rail(world, SEED + rounds.start) as opened:
            balance += play(opened, len(rounds), race)
    record_property(BALANCE, sheet_of(rail.__name__, rounds.stop, balance))
