"""Dispatch: each timer is sent once, to the right queue, for the second at which it is due. Lost
timers are sent again, and a sweep does not lengthen a backlog."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from checkout import deadline, dispatch, queues, sweep
from checkout.dispatch import LOOK_AHEAD, SOON, open_dispatcher
from checkout.domain.timer import Timer, TimerKind
from checkout.settings import settings
from checkout.store import keys, timers
from checkout.store.table import Put
from checkout.sweep import BACKLOG, OVERDUE, SENT_AGAIN_OF, ShardsFailedError
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import order
from tests.world import SCOPE, SESSIONS, START, World

HALF_AN_HOUR = 1800
PERIOD = 60


def expiring(world: World, seconds: int) -> str:
    """A session that lapses in this many seconds. PayRex's API allows one second or more."""
    session = world.payrex("POST", PAYREX_SESSIONS, order(expires_at=int(world.now) + seconds))
    id: str = session.json["id"]
    return id


def put_timers(world: World, due: int, count: int) -> list[Timer]:
    """Timers of sessions that do not exist."""
    added = [timers.expiry(f"cs_{due}_{number}", SCOPE, due) for number in range(count)]
    for timer in added:
        world.table.write(timers.put(timer))
    return added


def sent(world: World) -> list[Timer]:
    """Takes the visible messages out of both queues."""
    dispatcher = open_dispatcher()
    bodies = world.messages(dispatcher.timer_queue) + world.messages(dispatcher.processor_queue)
    return [dispatch.from_body(body) for body in bodies]


@given(
    st.builds(
        Timer,
        kind=st.sampled_from(TimerKind),
        target=st.text(),
        due=st.integers(0, 10**12),
        scope=st.text(),
        shard=st.integers(0, 1023),
    )
)
def test_a_message_holds_its_timer(timer: Timer) -> None:
    assert dispatch.from_body(dispatch.to_body(timer)) == timer


# ------------------------------------------------------------------------ to the second


def test_a_timer_is_fired_at_its_second_and_not_before(world: World) -> None:
    id = expiring(world, HALF_AN_HOUR)
    world.now += HALF_AN_HOUR - LOOK_AHEAD
    world.dispatch()

    world.now = START + HALF_AN_HOUR - 1
    assert sent(world) == []
    world.now += 1

    assert [(timer.kind, timer.target) for timer in sent(world)] == [(TimerKind.EXPIRY, id)]


def test_a_timer_beyond_the_look_ahead_waits_for_the_next_sweep(world: World) -> None:
    put_timers(world, START + LOOK_AHEAD + 1, 1)

    assert world.dispatch()["sent"] == 0
    world.now += PERIOD

    assert world.dispatch()["sent"] == 1


def test_each_timer_is_sent_by_one_sweep_only(world: World) -> None:
    added = put_timers(world, START + 70, 30)

    counts = []
    for _ in range(3):
        counts.append(world.dispatch()["sent"])
        world.now += PERIOD

    assert counts == [30, 0, 0]
    assert Counter(sent(world)) == Counter(added)


def test_a_timer_that_no_sweep_could_see_in_time_is_sent_by_its_writer(world: World) -> None:
    world.dispatch()
    id = expiring(world, 5)

    world.now += 5
    (timer,) = sent(world)

    assert timer.target == id
    world.fire("FireTimers", dispatch.to_body(timer))
    assert world.event_types() == ["checkout_session.expired"]


def test_a_timer_that_a_sweep_will_see_is_not_sent_by_its_writer(world: World) -> None:
    expiring(world, SOON + 1)

    world.now += SOON + 1

    assert sent(world) == []
    assert world.dispatch()["sent"] == 1


def test_a_timer_that_is_deleted_by_the_request_that_wrote_it_is_not_sent(world: World) -> None:
    world.pay(world.create_session()["id"])  # the attempt's timer is due in half a minute

    world.now += SOON

    assert sent(world) == []


def test_a_request_succeeds_although_its_timers_cannot_be_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> int:
        raise EndpointConnectionError(endpoint_url="https://sqs")

    with monkeypatch.context() as patched:
        patched.setattr(queues, "send", fail)
        id = expiring(world, 5)
    world.dispatch()
    world.now += 5 + OVERDUE
    world.sweep()

    assert world.event_types() == ["checkout_session.expired"]
    assert [item["session"] for item in world.having("EVENT#", "EVENT")] == [id]


def test_a_message_that_arrives_before_its_timer_is_due_is_sent_again(world: World) -> None:
    id = world.create_session(expires_at="2027-01-15T08:30:00Z")["id"]
    early = timers.expiry(id, SCOPE, START + HALF_AN_HOUR)
    world.now += HALF_AN_HOUR - 1

    world.fire("FireTimers", dispatch.to_body(early))

    assert sent(world) == []
    world.now += 1
    assert [timer.target for timer in sent(world)] == [id]


def test_the_delay_of_a_message_is_counted_from_the_moment_at_which_it_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of a thousand timers takes seconds to send."""
    added = put_timers(world, START + 60, 30)

    def spend_a_second(**_: Any) -> None:
        world.now += 1

    client = open_dispatcher().client
    client.meta.events.register("after-call.sqs.SendMessageBatch", spend_a_second)
    open_dispatcher().send(added)

    world.now = START + 60
    assert len(sent(world)) == 30


def test_a_worker_waits_for_the_second_of_a_timer_that_comes_a_moment_early(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS delays messages by whole seconds. Rounded up, a timer would be half a second late."""
    id = expiring(world, 50)
    world.now += 0.7
    world.dispatch()
    world.now = START + 49.7
    (timer,) = sent(world)

    def pause(seconds: float) -> None:
        world.now += seconds

    monkeypatch.setattr(deadline, "sleep", pause)
    world.fire("FireTimers", dispatch.to_body(timer))

    assert timer.target == id
    assert world.now == START + 50
    assert world.event_types() == ["checkout_session.expired"]


def test_processors_are_asked_from_a_queue_of_their_own(world: World) -> None:
    world.pay_by_phone(world.create_session()["id"], "0240000005")
    expiring(world, 30)
    world.now += 30
    dispatcher = open_dispatcher()

    asked = [dispatch.from_body(body).kind for body in world.messages(dispatcher.processor_queue)]
    others = [dispatch.from_body(body).kind for body in world.messages(dispatcher.timer_queue)]

    assert asked == [TimerKind.ATTEMPT]
    assert others == [TimerKind.EXPIRY]


def test_messages_are_grouped_by_merchant_and_mode(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS's fair queues act on these groups."""
    groups: list[str] = []
    send = queues.send

    def record(client: Any, url: str, messages: list[Any]) -> int:
        groups.extend(each.group for each in messages)
        return send(client, url, messages)

    monkeypatch.setattr(queues, "send", record)
    expiring(world, 9)
    put_timers(world, START + 9, 1)
    world.dispatch()

    assert set(groups) == {"merc_manila#test", SCOPE}


# ------------------------------------------------------------------- what is lost or late


@contextmanager
def visible(world: World, count: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block, all queues seem to have this many visible messages."""
    with monkeypatch.context() as patched:
        patched.setattr(queues, "count_visible", lambda *_: count)
        yield


def test_a_timer_whose_message_was_lost_is_sent_again(world: World) -> None:
    added = put_timers(world, START + 10, 3)
    world.dispatch()
    world.now += 10
    sent(world)  # The messages are lost.

    world.now += OVERDUE - 1
    assert world.dispatch()["sent_again"] == 0
    world.now += 1

    assert world.dispatch()["sent_again"] == 3
    assert set(sent(world)) == set(added)


def test_only_a_few_timers_of_a_backlog_are_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_timers(world, START, 60)
    world.dispatch()
    world.now += 3600

    monkeypatch.setattr(sweep, "random", lambda: 0)
    with visible(world, 10 * SENT_AGAIN_OF, monkeypatch):
        assert world.dispatch()["sent_again"] == 10
    with visible(world, BACKLOG - 1, monkeypatch):
        assert world.dispatch()["sent_again"] == 60


@pytest.mark.parametrize("waiting", [BACKLOG, 3000])
def test_a_backlog_of_an_hour_is_sent_again_by_a_fifth_at_most(
    monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    shards = 32
    monkeypatch.setattr(sweep, "random", Random(1).random)
    run = sweep.Sweep(Mock(), Mock(), START, lambda: 60_000, {"timers": waiting}, shards)

    sent_again = sum(run._may_send_again("timers", 0) for _ in range(PERIOD * shards))

    assert 0 < sent_again <= 0.2 * waiting


def test_a_queue_that_carries_much_is_not_taken_for_a_backlog(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost message must not wait because others are under way."""
    put_timers(world, START, 40)
    world.dispatch()
    world.now += 600
    put_timers(world, int(world.now) + 10, 6 * BACKLOG + 60)

    with visible(world, BACKLOG, monkeypatch):
        counts = world.dispatch()

    assert counts["sent_again"] == 40


def test_the_next_sweep_sends_the_timers_of_a_missed_sweep(world: World) -> None:
    """A backlog does not hold them back, because they were never sent."""
    world.dispatch()
    added = put_timers(world, START + LOOK_AHEAD + 30, 4)
    world.now += 3600

    counts = world.dispatch()

    assert (counts["sent"], counts["sent_again"]) == (4, 0)
    assert set(sent(world)) == set(added)


def test_a_sweep_without_time_sends_nothing_and_reports_its_shards(world: World) -> None:
    put_timers(world, START + 10, 8)
    without_time = sweep.sweep(world.table, open_dispatcher(), START, lambda: sweep.RESERVE_MS - 1)

    assert without_time == {"sent": 0, "sent_again": 0, "shards_left": settings().timer_shards}
    assert world.dispatch()["sent"] == 8


def test_a_sweep_that_runs_out_of_time_in_a_shard_continues_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "PAGE_SIZE", 2)
    added = [timer for due in range(START, START + 9) for timer in put_timers(world, due, 1)]
    left = iter([60_000] * 2 + [60_000, 0] * 50)

    monkeypatch.setattr(sweep, "SHARDS_AT_ONCE", 1)
    first = sweep.sweep(world.table, open_dispatcher(), START, lambda: next(left))
    second = world.dispatch()

    assert first["sent"] > 0
    assert first["shards_left"] > 0
    assert second["shards_left"] == 0
    world.now += 9
    assert set(sent(world)) == set(added)


def test_a_shard_that_fails_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = put_timers(world, START + 10, 20)
    due_between = timers.due_between

    def fail_one(table: Any, shard: int, *span: int) -> Iterator[Timer]:
        if shard == 0:
            raise RuntimeError("broken")
        return due_between(table, shard, *span)

    with monkeypatch.context() as patched:
        patched.setattr(timers, "due_between", fail_one)
        with pytest.raises(ShardsFailedError, match="1 of 2"):
            world.dispatch()
    in_shard_0 = [timer for timer in added if timer.shard == 0]
    assert 0 < len(in_shard_0) < 20

    assert world.dispatch()["sent"] == len(in_shard_0)


# -------------------------------------------------------------------------------- shards


@pytest.mark.parametrize(("before", "after"), [(2, 5), (5, 2)])
def test_every_timer_is_fired_after_the_number_of_shards_changes(
    world: World, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    def use(shards: int) -> None:
        monkeypatch.setenv("TIMER_SHARDS", str(shards))
        settings.cache_clear()

    use(before)
    world.dispatch()
    lapsing = [world.create_session()["id"] for _ in range(12)]
    expired = world.create_session()["id"]
    use(after)
    world.post(f"{SESSIONS}/{expired}/expire")

    world.now += 86_400
    world.sweep()

    assert {world.session(id)["status"] for id in lapsing} == {"expired"}
    assert world.event_types() == ["checkout.session.expired"] * 13
    world.now += 600  # the events' timers
    world.sweep()
    assert world.having("TIMER#") == []


def test_the_timers_of_one_merchant_are_spread_over_all_shards_and_index_partitions(
    world: World,
) -> None:
    added = put_timers(world, START + 10, 200)

    assert {timer.shard for timer in added} == set(range(settings().timer_shards))
    items = world.having("TIMER#")
    assert len({item["gsi3pk"] for item in items}) == keys.DUE_PARTITIONS


# ---------------------------------------------------------------------- status=expired


def test_sessions_that_lapsed_a_second_ago_are_listed_as_expired_before_they_are_swept(
    world: World,
) -> None:
    expires_at = "2027-01-15T08:30:00Z"
    lapsing = [world.create_session(expires_at=expires_at)["id"] for _ in range(12)]
    world.create_session()
    world.now += HALF_AN_HOUR

    listed = world.get(f"{SESSIONS}?status=expired&limit=20").json["data"]

    assert [each["id"] for each in listed] == sorted(lapsing, reverse=True)
    assert world.event_types() == []


def test_a_list_of_expired_sessions_is_refused_while_too_many_are_unswept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list without the unswept ones would be wrong, so it is refused if there are too many to
    read."""
    monkeypatch.setattr(timers, "MAX_UNSWEPT", 10)
    put_timers(world, START, 11)

    response = world.get(f"{SESSIONS}?status=expired")

    assert response.status == 503
    assert "retry-after" in response.headers


def test_a_sweep_stores_how_far_it_came_in_each_shard(world: World) -> None:
    world.dispatch()

    (item,) = world.having("DISPATCH")
    assert item["until"] == {"0": START + LOOK_AHEAD, "1": START + LOOK_AHEAD}
    world.table.write(Put({**keys.DISPATCH, "until": {"0": START}}))
    assert timers.read_progress(world.table).until == {0: START}
