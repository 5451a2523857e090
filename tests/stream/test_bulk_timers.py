"""Timers that may stand for thousands of deliveries take a bounded time."""

from collections import Counter

import pytest

from checkout.domain.timer import TimerKind
from checkout.store import paging, timers, tracked_events
from checkout.store.table import Delete
from checkout.webhooks import fan_out, resending
from checkout.webhooks.queue import open_queue
from checkout.webhooks.timers import BULK_MS, RESERVE_MS, webhook_timers
from tests.world import SESSIONS, World

CALL_MS = 100
"""How long each call of the table takes by the clock of these tests."""

WEBHOOKS = "/v1/webhooks"


class Clock:
    """The time that is left. Each of the table's calls takes CALL_MS."""

    def __init__(self, world: World, left: int) -> None:
        self.left = left
        world.table.client.meta.events.register("before-call.dynamodb.*", self._advance)

    def _advance(self, **_: object) -> None:
        self.left -= CALL_MS

    def __call__(self) -> int:
        return self.left


@pytest.fixture
def hook(world: World) -> str:
    body = {"url": "https://shop.example/hooks", "events": ["checkout.session.expired"]}
    id: str = world.post(WEBHOOKS, body).json["id"]
    return id


def fire(world: World, kind: str, left: int = 30_000) -> Clock:
    """Fires the one timer of this kind; returns the clock of what was left after that."""
    (item,) = [each for each in world.having("TIMER#") if each["kind"] == kind]
    timer, clock = timers.from_item(item), Clock(world, left)
    webhook_timers(world.table, open_queue(), int(world.now), clock)[timer.kind](timer)
    return clock


def expired(world: World, count: int) -> None:
    """Events that were fanned out, without messages in the queue."""
    for _ in range(count):
        world.post(f"{SESSIONS}/{world.create_session()['id']}/expire")
    world.fan_out_all()
    world.messages()


def resent(world: World, id: str) -> tuple[str, int]:
    resend = world.get(f"/v1/events/resends/{id}").json
    return resend["status"], resend["sent_count"]


def test_a_resend_stops_within_a_page_when_its_time_is_over(world: World, hook: str) -> None:
    expired(world, 30)
    id = world.post("/v1/events/resend", {"created_at": {"gte": 0}}).json["id"]

    clock = fire(world, "resend")

    status, first = resent(world, id)
    assert status == "pending"
    assert 0 < first < resending.PAGE_SIZE
    assert clock() > 30_000 - BULK_MS - 10 * CALL_MS
    asked = Counter(world.messages())
    while resent(world, id)[0] == "pending":
        world.now += 2
        fire(world, "resend")
        asked.update(world.messages())
    assert resent(world, id) == ("done", 30)
    assert list(asked.values()) == [1] * 30


@pytest.mark.parametrize("by_ttl", [False, True])
def test_a_resend_without_time_keeps_its_timer(world: World, hook: str, by_ttl: bool) -> None:
    expired(world, 1)
    id = world.post("/v1/events/resend", {"created_at": {"gte": 0}}).json["id"]
    before = world.items()
    (timer,) = [each for each in world.having("TIMER#") if each["kind"] == "resend"]
    if by_ttl:
        world.table.write(Delete({"pk": timer["pk"], "sk": timer["sk"]}))

    time_left = Clock(world, RESERVE_MS)
    webhook_timers(world.table, open_queue(), int(world.now), time_left)[TimerKind.RESEND](
        timers.from_item(timer)
    )

    assert world.items() == before
    world.sweep()
    assert resent(world, id) == ("done", 1)


def test_enabling_an_endpoint_resumes_its_deliveries_within_the_time_left(
    world: World, hook: str
) -> None:
    world.post(f"{SESSIONS}/{world.create_session()['id']}/expire")
    target = f"{WEBHOOKS}/{hook}"
    world.fan_out_all()
    world.call("PATCH", target, {"status": "disabled"})
    world.send_all()
    world.call("PATCH", target, {"status": "enabled"})

    fire(world, "resume", RESERVE_MS)

    assert world.messages() == []
    (later,) = [each for each in world.having("TIMER#") if each["kind"] == "resume"]
    assert later["due"] == world.now + fan_out.RESUME_PAUSE
    world.now += 2
    world.sweep()
    assert len(world.messages()) == 1


def test_a_firing_of_a_resend_reads_a_bounded_number_of_events_that_do_not_match(
    world: World, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "PAGE_SIZE", 1)
    monkeypatch.setattr(resending, "MAX_PAGES", 2)
    monkeypatch.setattr(paging, "MAX_ROUNDS", 1)
    monkeypatch.setattr(tracked_events, "FIRST_ROUND_ENTRIES", 0)
    expired(world, 24)  # a round reads at most two of each of four partitions
    body = {"created_at": {"gte": 0}, "type": "payment.failed"}
    id = world.post("/v1/events/resend", body).json["id"]

    fire(world, "resend")
    assert resent(world, id) == ("pending", 0)
    while resent(world, id) == ("pending", 0):
        world.now += 2
        fire(world, "resend")

    assert resent(world, id) == ("done", 0)
