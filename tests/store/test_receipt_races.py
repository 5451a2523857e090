"""Races about receipts, on an engine whose transactions are atomic."""

import threading
from functools import partial
from typing import Any

import pytest

from checkout.domain.receipt import Receipt
from checkout.mail import Mailer
from checkout.receipts import Receipts
from checkout.store import receipts
from tests.racing import Racing, race, worlds
from tests.world import CARD

pytestmark = pytest.mark.dynoxide

ROUNDS = 100
WANTED = CARD | {"number": "4242424242424242", "receipt": "on", "email": "ama@example.com"}


class CountingSes:
    def __init__(self) -> None:
        self.sent: list[str] = []
        self._lock = threading.Lock()

    def send_email(self, **parameters: Any) -> None:
        with self._lock:
            self.sent += parameters["Destination"]["ToAddresses"]


def receipt_of(world: Racing, id: str) -> Receipt:
    found = receipts.find(world.table, id)
    assert found is not None
    return found


def test_one_of_many_simultaneous_firings_sends_the_receipt() -> None:
    for world, rounds in worlds(ROUNDS):
        world.offer_receipts()
        for _ in rounds:
            id = world.create_session()["id"]
            world.submit(id, WANTED)
            timer, ses = receipts.timer_of(receipt_of(world, id)), CountingSes()
            work = Receipts(world.table, Mailer(ses, "receipts@example.com", ""), int(world.now))

            race(*[partial(work.on_timer, timer)] * 8)

            assert ses.sent == ["ama@example.com"]
        assert world.having("SESSION#", "RECEIPT") == []
        assert [each for each in world.having("TIMER#") if each["kind"] == "receipt"] == []


def test_forms_that_are_sent_at_once_make_one_receipt() -> None:
    for world, rounds in worlds(ROUNDS):
        world.offer_receipts()
        for _ in rounds:
            id = world.create_session()["id"]

            race(*[world.paying(id, WANTED)] * 4)

            assert receipt_of(world, id).session == id
        timers = [each for each in world.having("TIMER#") if each["kind"] == "receipt"]
        assert len(timers) == len(world.having("SESSION#", "RECEIPT")) == len(rounds)
