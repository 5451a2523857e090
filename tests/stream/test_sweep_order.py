"""The sweep's order and time: money first, a share for each merchant, and bounded bulk work."""

import random
from collections import Counter

import pytest

from checkout import firing
from checkout.api.dialects import render_events
from checkout.domain.event import ChangeContext
from checkout.domain.timer import Timer, TimerKind
from checkout.firing import BULK_MS, BULK_RESERVE_MS, PRIORITY, RESERVE_MS, SHARE, Firing, in_turn
from checkout.processors.registry import ProcessorRouter
from checkout.store import events, paging, timers
from checkout.store.table import Delete
from checkout.webhooks import fan_out, resending
from checkout.webhooks.queue import open_queue
from tests.world import SESSIONS, World

CALL_MS = 100
"""How long each call of the table takes by the clock of these tests."""

WEBHOOKS = "/v1/webhooks"
MONEY = (TimerKind.EXPIRY, TimerKind.ATTEMPT, TimerKind.REFUND)


def expiries(owner: str, count: int, due: int) -> list[Timer]:
    return [timers.expiry(f"cs_{owner}_{number}", owner, due) for number in range(count)]


def deliveries(endpoint: str, count: int, due: int) -> list[Timer]:
    return [timers.delivery(f"evt_{number}", endpoint, due) for number in range(count)]


# ------------------------------------------------------------------------------ order


def test_every_kind_of_timer_has_a_priority() -> None:
    assert set(PRIORITY) == set(TimerKind)


def test_timers_of_money_come_before_deliveries_and_those_before_bulk() -> None:
    due = [
        timers.resend("rs_1", 1),
        timers.resume("merc_a#test", "we_1", 1),
        *deliveries("we_1", 2, 2),
        timers.fanout("evt_1", 3),
        *expiries("merc_a#test", 2, 4),
        timers.refund("re_1", 5),
        timers.attempt("pay_1", 6),
    ]

    kinds = [timer.kind for timer in in_turn(due)]

    assert set(kinds[:4]) == set(MONEY)
    assert set(kinds[4:7]) == {TimerKind.DELIVERY, TimerKind.FANOUT}
    assert set(kinds[7:]) == {TimerKind.RESEND, TimerKind.RESUME}


def test_merchants_take_turns() -> None:
    due = expiries("merc_a#test", 9, 1) + expiries("merc_b#test", 3, 2)
    random.shuffle(due)

    owners = [timer.shard_by[5] for timer in in_turn(due)]

    assert "".join(owners) == "abababaaaaaa"


def test_endpoints_take_turns() -> None:
    due = deliveries("we_a", 4, 1) + deliveries("we_b", 2, 2)

    targets = [timer.target[-1] for timer in in_turn(due)]

    assert "".join(targets) == "ababaa"


def test_the_longest_overdue_timer_of_an_owner_comes_first() -> None:
    due = [timers.expiry(f"cs_{due}", "merc_a#test", due) for due in (3, 1, 2)]

    assert [timer.due for timer in in_turn(due)] == [1, 2, 3]


def test_what_exceeds_a_merchants_share_comes_after_everything_else() -> None:
    flood = expiries("merc_a#test", 9000, 1)
    others = [
        *[each for number in range(320) for each in expiries(f"merc_{number}#test", 1, 2)],
        *deliveries("we_b", SHARE, 2),
        timers.resend("rs_b", 2),
    ]

    order = in_turn(flood + others)

    assert set(order[: len(others) + SHARE]) >= set(others)
    assert set(order) == set(flood + others)


# ------------------------------------------------------------------------------- time


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


def sweeper(world: World, left: int = 55_000) -> Firing:
    context = ChangeContext(int(world.now), render_events)
    router, time_left = ProcessorRouter(world.table), Clock(world, left)
    return Firing(world.table, open_queue(), router, context, time_left)


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

    runs = sweeper(world)
    firing.sweep(runs)

    status, first = resent(world, id)
    assert status == "pending"
    assert 0 < first < resending.PAGE
    read_due_timers = 16 * CALL_MS
    assert runs.time_left_ms() > 55_000 - read_due_timers - BULK_MS - 10 * CALL_MS
    asked = Counter(world.messages())
    while resent(world, id)[0] == "pending":
        world.now += 2
        firing.sweep(sweeper(world))
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

    sweeper(world, BULK_RESERVE_MS).fire(timers.from_item(timer))

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
    (timer,) = [each for each in world.having("TIMER#") if each["kind"] == "resume"]

    sweeper(world, BULK_RESERVE_MS).fire(timers.from_item(timer))

    assert world.messages() == []
    (later,) = [each for each in world.having("TIMER#") if each["kind"] == "resume"]
    assert later["due"] == world.now + fan_out.RESUME_PAUSE
    world.now += 2
    world.sweep()
    assert len(world.messages()) == 1


def test_resends_leave_time_for_other_merchants_lapses(world: World, hook: str) -> None:
    """A resend's timer that is long overdue does not come before them either."""
    expired(world, 8)
    id = world.post("/v1/events/resend", {"created_at": {"gte": 0}}).json["id"]
    lapsing = [world.create_session()["id"] for _ in range(5)]
    world.now += 86_400

    firing.sweep(sweeper(world, RESERVE_MS + (16 + 5 * 4) * CALL_MS))

    assert {world.session(each)["status"] for each in lapsing} == {"expired"}
    assert len(world.having("EVENT#", "EVENT")) == 8 + 5
    assert resent(world, id) == ("pending", 0)


def test_a_firing_of_a_resend_reads_a_bounded_number_of_events_that_do_not_match(
    world: World, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "PAGE", 1)
    monkeypatch.setattr(resending, "PAGES", 2)
    monkeypatch.setattr(paging, "MAX_QUERIES", 1)
    monkeypatch.setattr(events, "FIRST_FILTERED", 2)
    expired(world, 6)
    body = {"created_at": {"gte": 0}, "type": "payment.failed"}
    id = world.post("/v1/events/resend", body).json["id"]

    firing.sweep(sweeper(world))
    assert resent(world, id) == ("pending", 0)
    world.now += 2
    firing.sweep(sweeper(world))

    assert resent(world, id) == ("done", 0)
