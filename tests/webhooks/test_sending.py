"""Retries, slowing down, disabling, parking and resuming, leases: the sender's rules, with a clock
that stands still until it is turned."""

import json
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest

from checkout.api.webhook_requests import build_request
from checkout.domain.delivery import Delivery
from checkout.domain.event import Event
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.settings import settings
from checkout.store import deliveries, keys, leases, webhook_endpoints
from checkout.store.items import to_record
from checkout.store.leases import AllLeased, Lease
from checkout.store.table import Delete, Put
from checkout.webhooks import egress, health, sending
from checkout.webhooks.message import Message
from checkout.webhooks.queue import open_queue
from checkout.webhooks.sending import Sender
from tests.receiver import Receiver
from tests.world import SCOPE, World

HOUR, DAY = 3600, 86_400
WEBHOOKS = "/v1/webhooks"


@pytest.fixture(autouse=True)
def _nobody_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LEASE_PAUSES", ())


@pytest.fixture
def hook(world: World, receiver: Receiver) -> str:
    body = {"url": receiver.url, "events": ["checkout.session.completed"]}
    id: str = world.post(WEBHOOKS, body).json["id"]
    return id


def pay(world: World) -> None:
    world.pay(world.create_session()["id"])
    world.fan_out_all()


def endpoint(world: World) -> WebhookEndpoint:
    (found,) = world.having("ENDPOINTS#")
    return to_record(WebhookEndpoint, found)


def all_deliveries(world: World) -> list[Delivery]:
    return [to_record(Delivery, item) for item in world.having("EVENT#", "DELIVERY#")]


def delivery(world: World) -> Delivery:
    (found,) = all_deliveries(world)
    return found


def come(world: World, seconds: int) -> None:
    """Time passes, the sweep comes, and the queue brings what it sent."""
    world.now += seconds
    world.sweep()
    assert world.send_all() == 0


# ------------------------------------------------------------- what is kept of a try


def test_a_try_keeps_the_answers_first_part_in_safe_letters(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [422]
    receiver.body = "é\x1b[31m\x00no\u202e \xff".encode("latin-1", "ignore") + b"x" * 2000
    pay(world)
    world.send_all()

    (made,) = delivery(world).attempts
    assert (made.at, made.status, made.error) == (int(world.now), 422, None)
    assert made.duration_ms >= 0
    assert made.answer is not None
    assert made.answer.startswith("\ufffd[31mno \ufffdxxx")
    assert len(made.answer) == 500


def test_of_many_tries_the_last_twenty_are_kept_and_all_counted(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [500] * 99
    pay(world)
    world.send_all()
    for _ in range(24):
        # As a resend does: another round of the schedule.
        (item,) = world.having("EVENT#", "DELIVERY#")
        again = {"round_start": item["attempt_count"], "next_attempt_at": int(world.now)}
        world.table.write(Put(item | again))
        message = Message(SCOPE, item["event"], hook, item["attempt_count"]).to_body()
        world.invoke("SendWebhook", {"Records": [{"messageId": "1", "body": message}]})
        world.now += 1

    found = delivery(world)
    assert found.attempt_count == len(receiver.received) == 25
    assert found.state == "pending"
    assert [each.at for each in found.attempts] == list(range(int(world.now) - 20, int(world.now)))


# ------------------------------------------------------------------------ Retry-After


@pytest.mark.parametrize(
    ("asked", "earliest", "latest"),
    [
        ("5", 48, 72),  # never earlier than the schedule
        ("600", 600, 600),
        ("999999999", DAY, DAY),  # never later than a day
        ("-5", 48, 72),
        ("soon", 48, 72),
        ("", 48, 72),
    ],
)
def test_retry_after_is_obeyed_within_bounds(
    world: World, receiver: Receiver, hook: str, asked: str, earliest: int, latest: int
) -> None:
    receiver.statuses, receiver.headers = [500], {"retry-after": asked}
    pay(world)
    world.send_all()

    assert earliest <= delivery(world).next_attempt_at - world.now <= latest


def test_retry_after_may_be_a_date(world: World, receiver: Receiver, hook: str) -> None:
    receiver.statuses = [503]
    receiver.headers = {"retry-after": formatdate(world.now + 7200, usegmt=True)}
    pay(world)
    world.send_all()

    assert delivery(world).next_attempt_at == world.now + 7200


# ----------------------------------------------------------------------- slowing down


@pytest.mark.parametrize("status", [429, 502, 504])
def test_an_endpoint_that_has_too_much_to_do_is_left_alone_for_a_while(
    world: World, receiver: Receiver, hook: str, status: int
) -> None:
    receiver.statuses = [status]
    pay(world)
    world.send_all()
    slow_until = endpoint(world).slow_until or 0
    assert 24 <= slow_until - world.now <= 36

    world.now += 1
    pay(world)
    world.send_all()

    assert len(receiver.received) == 1
    waiting = next(each for each in all_deliveries(world) if each.attempt_count == 0)
    assert waiting.next_attempt_at == waiting.timer_due == slow_until
    come(world, slow_until - int(world.now))
    assert len(receiver.received) == 2
    assert (endpoint(world).slow_until, endpoint(world).slowdowns) == (None, 0)


@pytest.mark.parametrize("status", [500, 503, 404])
def test_other_failures_slow_nothing_down(
    world: World, receiver: Receiver, hook: str, status: int
) -> None:
    receiver.statuses = [status]
    pay(world)
    world.send_all()

    assert endpoint(world).slow_until is None


def test_each_slowdown_in_a_row_is_twice_as_long_up_to_an_hour(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [429] * 99
    pauses = []
    for _ in range(10):
        pay(world)
        come(world, 0)
        slow_until = endpoint(world).slow_until or 0
        pauses.append(slow_until - world.now)
        world.now = slow_until

    for number, pause in enumerate(pauses):
        expected = min(30 * 2**number, HOUR)
        assert 0.8 * expected - 1 <= pause <= min(1.2 * expected + 1, HOUR)


def test_a_slow_endpoint_is_asked_one_try_at_a_time(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [429]
    pay(world)
    world.send_all()
    world.now = endpoint(world).slow_until or 0
    world.table.write(Put(held(hook, 0, world.now + 20)))

    pay(world)
    world.send_all()

    assert len(receiver.received) == 1
    assert {each.waits for each in all_deliveries(world)} == {0, 1}


# --------------------------------------------------------------- disabling, parking


def test_410_disables_at_once_and_the_delivery_waits(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [410]
    pay(world)
    world.send_all()

    assert endpoint(world).status == "disabled"
    assert endpoint(world).disabled_because == "gone"
    assert delivery(world).is_parked
    assert delivery(world).attempt_count == 1
    come(world, 10 * DAY)
    assert len(receiver.received) == 1


def test_an_endpoint_whose_every_try_failed_for_five_days_is_disabled(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [500] * 999
    pay(world)
    world.send_all()
    come(world, 5 * DAY - 1)
    assert endpoint(world).status == "enabled"

    pay(world)
    world.now += 1
    world.send_all()

    found = endpoint(world)
    assert (found.status, found.disabled_because) == ("disabled", "failing")
    assert found.failing_since == world.now - 5 * DAY
    assert next(each for each in all_deliveries(world) if each.attempt_count == 1).is_parked


def test_one_success_begins_the_five_days_anew(world: World, receiver: Receiver, hook: str) -> None:
    receiver.statuses = [500, 200, 500, 500]
    pay(world)
    world.send_all()
    assert endpoint(world).failing_since == world.now
    come(world, 80)
    assert endpoint(world).failing_since is None
    pay(world)
    world.send_all()
    began = int(world.now)
    assert endpoint(world).failing_since == began
    come(world, 80)

    assert endpoint(world).failing_since == began
    assert endpoint(world).status == "enabled"


def test_what_was_parked_is_sent_when_the_endpoint_is_enabled(
    world: World, receiver: Receiver, hook: str
) -> None:
    """All of it, page after page, and nothing twice."""
    for _ in range(12):
        pay(world)
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    world.send_all()
    assert all(each.is_parked for each in all_deliveries(world))
    assert world.having("TIMER#", "") == []
    come(world, 30 * DAY)
    assert receiver.received == []

    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "enabled"})
    come(world, 1)
    come(world, 1)

    sent = [json.loads(each.body)["id"] for each in receiver.received]
    assert len(sent) == len(set(sent)) == 12
    assert {each.state for each in all_deliveries(world)} == {"delivered"}
    assert world.having("PARKED#") == world.having("TIMER#") == []


def test_what_is_parked_for_an_endpoint_that_is_deleted_ends(
    world: World, receiver: Receiver, hook: str
) -> None:
    pay(world)
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    world.send_all()

    world.call("DELETE", f"{WEBHOOKS}/{hook}")
    come(world, 1)

    assert delivery(world).state == "canceled"
    assert world.having("PARKED#") == world.having("TIMER#") == []


def test_an_endpoint_disabled_again_before_it_resumed_keeps_what_is_parked(
    world: World, receiver: Receiver, hook: str
) -> None:
    pay(world)
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    world.send_all()
    for status in ("enabled", "disabled"):
        world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": status})

    come(world, 1)
    assert delivery(world).is_parked
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "enabled"})
    come(world, 1)

    assert len(receiver.received) == 1


def test_an_endpoint_enabled_while_its_delivery_is_parked_loses_nothing(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender saw it disabled; before it writes that down, the merchant enables it."""

    pay(world)
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    park = deliveries.park

    def enable_first(*arguments: Any) -> bool:
        world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "enabled"})
        world.sweep()  # resumes what is parked: nothing yet
        return park(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "park", enable_first)
        world.send_all()
    come(world, 90)

    assert len(receiver.received) == 1


def test_enabling_begins_with_a_clean_slate(world: World, receiver: Receiver, hook: str) -> None:
    receiver.statuses = [429]
    pay(world)
    world.send_all()
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    assert endpoint(world).disabled_because == "merchant"

    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "enabled"})

    found = endpoint(world)
    assert (found.failing_since, found.slow_until, found.slowdowns) == (None, None, 0)
    assert found.disabled_because is None


# ------------------------------------------------------------------------------ leases


def held(hook: str, number: int, until: float, since: float = 0) -> dict[str, Any]:
    return {
        **keys.lease(hook, number),
        "number": number,
        "holder": "other",
        "since": int(since),
        "until": int(until),
    }


def take_all(world: World, hook: str, until: float, since: float | None = None) -> None:
    for number in range(settings().webhook_in_flight):
        world.table.write(Put(held(hook, number, until, world.now if since is None else since)))


def test_a_busy_endpoints_delivery_waits_without_using_up_a_try(
    world: World, receiver: Receiver, hook: str
) -> None:
    take_all(world, hook, world.now + 100)
    pay(world)
    (message,) = world.messages()
    record = {"Records": [{"messageId": "1", "body": message}]}
    world.invoke("SendWebhook", record)

    waiting = delivery(world)
    assert (waiting.attempt_count, waiting.waits) == (0, 1)
    assert 5 <= waiting.next_attempt_at - world.now <= 30
    assert receiver.received == []
    before = world.items()
    world.invoke("SendWebhook", record)  # the queue brings it twice: it does not multiply
    assert world.items() == before


def test_an_endpoint_that_hangs_is_left_alone_for_a_while(
    world: World, receiver: Receiver, hook: str
) -> None:
    """Its deliveries neither use up tries nor keep the queue busy."""
    take_all(world, hook, world.now + 20, since=world.now - 5)
    pay(world)
    world.send_all()
    pause_ends_at = endpoint(world).slow_until
    assert pause_ends_at == world.now + 30
    world.now += 1
    pay(world)

    assert world.messages() == []
    waiting = all_deliveries(world)
    assert [each.next_attempt_at for each in waiting] == [pause_ends_at] * 2
    assert [each.attempt_count for each in waiting] == [0, 0]
    come(world, 30)
    assert len(receiver.received) == 2
    assert endpoint(world).slow_until is None


def test_an_endpoint_that_takes_its_time_is_waited_for_and_not_left_alone(
    world: World, receiver: Receiver, hook: str
) -> None:
    take_all(world, hook, world.now + 20, since=world.now - 3)
    pay(world)
    world.send_all()

    assert endpoint(world).slow_until is None
    assert delivery(world).waits == 1


def test_a_slow_success_says_that_the_endpoint_does_not_hang(
    world: World, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sender found it hanging while this try was under way."""
    as_read, seconds = endpoint(world), iter((0.0, 6.0))

    def answer_late(*_: Any) -> egress.Answer:
        health.record_hanging(world.table, as_read, int(world.now))
        return egress.Answer(200, {}, b"")

    monkeypatch.setattr(egress, "post", answer_late)
    monkeypatch.setattr(sending, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    pay(world)
    world.send_all()

    assert delivery(world).state == "delivered"
    assert endpoint(world).slow_until is None


def test_what_one_answer_leaves_out_is_asked_for_again_and_not_taken_for_gone(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a table that is throttled would cancel deliveries: their endpoint would be missing."""
    pay(world)
    client = world.table.client
    read, asked = client.batch_get_item, []

    def read_one(RequestItems: Any) -> Any:
        ((table, wanted),) = RequestItems.items()
        asked.append(len(wanted["Keys"]))
        first, *rest = wanted["Keys"]
        answer = read(RequestItems={table: wanted | {"Keys": [first]}})
        left = {table: wanted | {"Keys": rest}} if rest else {}
        return answer | {"UnprocessedKeys": left}

    with monkeypatch.context() as patched:
        patched.setattr(client, "batch_get_item", read_one)
        world.send_all()

    assert asked == [3, 2, 1]
    assert delivery(world).state == "delivered"
    assert len(receiver.received) == 1


def test_the_timer_of_a_delivery_to_a_slow_endpoint_sends_no_message(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [500, 429]
    pay(world)
    world.send_all()
    pay(world)
    world.send_all()
    (soonest, *_) = sorted(each.next_attempt_at for each in all_deliveries(world))
    pause_ends_at = int(soonest) + 600
    (item,) = world.having("ENDPOINTS#")
    world.table.write(Put(item | {"slow_until": pause_ends_at}))

    world.now = soonest + 120
    world.sweep()

    assert world.messages() == []
    assert {each.next_attempt_at for each in all_deliveries(world)} == {pause_ends_at}


def test_a_failing_endpoint_hears_of_an_event_after_the_others(
    world: World, receiver: Receiver, hook: str
) -> None:
    (item,) = world.having("ENDPOINTS#")
    world.table.write(Put(item | {"failing_since": int(world.now)}))
    well = world.post(WEBHOOKS, {"url": receiver.url, "events": ["checkout.session.completed"]})
    event = {"id": f"evt_{'1' * 32}", "scope": SCOPE, "api": "paygate", "type": "x", "session": "",
             "object": "{}", "created_at": int(world.now)}  # fmt: skip
    world.table.write(Put(event | keys.event(event["id"])))

    told = deliveries.create_all(
        world.table,
        to_record(Event, event),
        webhook_endpoints.of_scope(world.table, SCOPE),
        int(world.now),
    )

    assert [each.endpoint for each in told] == [well.json["id"], hook]


@pytest.mark.parametrize("failing", [False, True])
def test_a_server_that_stays_silent_again_is_slowed_down(
    world: World, hook: str, failing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once may be bad luck."""

    def hang(*_: Any) -> None:
        raise egress.TimedOutError

    monkeypatch.setattr(egress, "post", hang)
    if failing:
        (item,) = world.having("ENDPOINTS#")
        world.table.write(Put(item | {"failing_since": int(world.now)}))
    pay(world)
    world.send_all()

    assert (endpoint(world).slow_until is not None) is failing


def test_a_slot_that_is_free_in_a_moment_is_waited_for(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a burst to an endpoint that answers at once would take half a minute."""
    monkeypatch.setattr(sending, "LEASE_PAUSES", (0.1, 0.2))
    for number in range(settings().webhook_in_flight):
        world.table.write(Put(held(hook, number, world.now + 30) | {"since": int(world.now)}))
    pay(world)
    (message,) = world.messages()
    paused = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if seconds == 0.2:
            world.table.write(Delete(keys.lease(hook, 3)))

    table = world.table._replace(pause=pause)
    sender = Sender(table, open_queue(), build_request, settings(), int(world.now))
    sender.send(Message.from_body(message))

    assert paused == [0.1, 0.2]
    assert len(receiver.received) == 1


def test_a_message_held_back_is_soon_enough_and_its_timer_looks_after_it(
    world: World, receiver: Receiver, hook: str
) -> None:
    take_all(world, hook, world.now + 10)
    pay(world)
    world.send_all()
    waiting = delivery(world)
    assert waiting.timer_due - waiting.next_attempt_at == 60

    come(world, 100)  # the message that was held back is lost

    assert len(receiver.received) == 1


def test_a_crash_costs_a_slot_for_its_leases_time_and_no_longer(world: World, hook: str) -> None:
    now = int(world.now)
    for _ in range(2):
        assert isinstance(leases.acquire(world.table, hook, 2, now + 30, now), Lease)
    for moment in (now, now + 29):
        assert leases.acquire(world.table, hook, 2, now + 60, moment) == AllLeased(since=now)

    assert isinstance(leases.acquire(world.table, hook, 2, now + 60, now + 30), Lease)


def test_every_slot_is_found_and_none_is_given_twice(world: World, hook: str) -> None:
    now = int(world.now)
    taken = [leases.acquire(world.table, hook, 10, now + 30, now) for _ in range(11)]

    found = [lease.number for lease in taken if isinstance(lease, Lease)]
    assert sorted(found) == list(range(10))
    assert isinstance(taken[10], AllLeased)


@pytest.mark.parametrize("status", [200, 500, 410])
def test_a_try_gives_its_slot_back_with_its_outcome(
    world: World, receiver: Receiver, hook: str, status: int
) -> None:
    receiver.statuses = [status]
    pay(world)
    world.send_all()

    assert len(receiver.received) == 1
    assert world.having("ENDPOINT#") == []


def test_a_try_whose_lease_ended_is_on_record_and_leaves_the_slot_to_its_holder(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = leases.acquire

    def lose(*arguments: Any) -> Any:
        lease = take(*arguments)
        assert isinstance(lease, Lease)
        world.table.write(Put(held(hook, lease.number, world.now + 100)))
        return lease

    monkeypatch.setattr(leases, "acquire", lose)
    pay(world)
    world.send_all()

    assert delivery(world).state == "delivered"
    (kept,) = world.having("ENDPOINT#")
    assert kept["holder"] == "other"


def test_an_endpoint_that_fails_holds_fewer_slots(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [500]
    pay(world)
    world.send_all()
    for number in range(sending.FAILING_IN_FLIGHT):
        world.table.write(Put(held(hook, number, world.now + 100)))

    pay(world)
    world.send_all()

    assert len(receiver.received) == 1


# ------------------------------------------------------------------------- rotation


def test_rotations_side_by_side_lose_no_secret_that_a_merchant_was_shown(
    world: World, hook: str
) -> None:
    from checkout.domain import clock
    from checkout.store import webhook_endpoints
    from checkout.store.table import ConditionFailedError

    read = webhook_endpoints.retrieve(world.table, SCOPE, hook)
    assert world.post(f"/v1/webhooks/{hook}/rotate").status == 200
    rotated = endpoint(world).secret

    with pytest.raises(ConditionFailedError):
        world.table.write(webhook_endpoints.rotation(read, "encrypted-2", clock.now()))

    assert endpoint(world).secret == rotated != read.secret
    assert endpoint(world).previous_secret == read.secret
    assert endpoint(world).previous_until == world.now + DAY
