"""The sender's rules: retries, pauses, disabling, parking and resuming, leases. The clock stands
still unless a test moves it."""

import json
import time
from email.utils import formatdate
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest

from checkout.api.webhook_requests import build_request
from checkout.domain import clock
from checkout.domain.delivery import Delivery
from checkout.domain.event import Event
from checkout.domain.ids import EVENT, new_id
from checkout.domain.webhook_endpoint import FormerSecret, WebhookEndpoint
from checkout.settings import settings
from checkout.store import deliveries, keys, leases, tracked_events, webhook_endpoints
from checkout.store.items import to_record
from checkout.store.leases import Lease, NoFreeLease
from checkout.store.table import ConditionFailedError, Delete, Put, Table
from checkout.store.timers import NET_SECONDS
from checkout.webhooks import egress, health, retry, sending
from checkout.webhooks.answers import Answer
from checkout.webhooks.message import Message
from checkout.webhooks.queue import Queue, open_queue
from checkout.webhooks.sending import Sender
from tests.receiver import Receiver
from tests.world import SCOPE, World

HOUR, DAY = 3600, 86_400
WEBHOOKS = "/v1/webhooks"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
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
    (item,) = world.having("ENDPOINTS#")
    found: WebhookEndpoint = to_record(WebhookEndpoint, item)
    return found


def all_deliveries(world: World) -> list[Delivery]:
    events = [item["id"] for item in world.having("EVENT#", "EVENT")]
    tracked = [tracked_events.find(world.table, id) for id in events]
    return [delivery for each in tracked if each for delivery in each.deliveries]


def delivery(world: World) -> Delivery:
    (found,) = all_deliveries(world)
    return found


def advance(world: World, seconds: int) -> None:
    """Lets time pass, then runs the sweep and sends the queued deliveries."""
    world.now += seconds
    world.sweep()
    assert world.send_all() == 0


# ----------------------------------------------------------------- stored attempts


def test_an_attempt_stores_the_answers_first_part_as_printable_text(
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


def test_the_last_twenty_attempts_are_stored_and_all_are_counted(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [500] * 99
    pay(world)
    world.send_all()
    for _ in range(24):
        # Starts another round of the schedule, as a resend does.
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
        ("1", 4, 6),  # never earlier than the schedule
        ("30", 30, 30),
        ("600", 600, 600),
        ("999999999", DAY, DAY),  # never later than a day
        ("-5", 4, 6),
        ("soon", 4, 6),
        ("", 4, 6),
    ],
)
def test_retry_after_is_honoured_within_limits(
    world: World, receiver: Receiver, hook: str, asked: str, earliest: int, latest: int
) -> None:
    receiver.statuses, receiver.headers = [500], {"retry-after": asked}
    pay(world)
    world.send_all()

    assert earliest <= delivery(world).next_attempt_at - world.now <= latest


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    "asked",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2027 00:00:00 +99999999999999",
        "Mon, 99 Jan 2027 00:00:00 GMT",
        "9" * 5000,
    ],
)
def test_an_attempt_with_a_malformed_retry_after_is_recorded(
    world: World, receiver: Receiver, hook: str, asked: str, status: int
) -> None:
    receiver.statuses, receiver.headers = [status], {"retry-after": asked}
    pay(world)
    assert world.send_all() == 0

    assert delivery(world).state == ("delivered" if status == 200 else "pending")
    assert [each.status for each in delivery(world).attempts] == [status]


def test_an_unexpected_error_after_the_request_is_a_failed_attempt(
    world: World, hook: str, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    """Without a record, the endpoint would be called every minute for ever."""

    def fail(*_: Any) -> Answer:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(egress, "post", fail)
    pay(world)
    for _ in range(len(retry.DELAYS) + 1):
        assert world.send_all() == 0
        world.now += DAY * 1.25
        world.sweep()

    assert delivery(world).state == "pending"  # parked: five days of failures
    assert {each.error for each in delivery(world).attempts} == {"broken_answer"}
    assert endpoint(world).disabled_because == "failing"
    assert '"error":"RuntimeError"' in log.getvalue()


def test_retry_after_may_be_a_date(world: World, receiver: Receiver, hook: str) -> None:
    receiver.statuses = [503]
    receiver.headers = {"retry-after": formatdate(world.now + 7200, usegmt=True)}
    pay(world)
    world.send_all()

    assert delivery(world).next_attempt_at == world.now + 7200


# ------------------------------------------------------------------------------ pauses


@pytest.mark.parametrize("status", [429, 502, 504])
def test_an_overloaded_endpoint_gets_a_pause(
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
    advance(world, slow_until - int(world.now))
    assert len(receiver.received) == 3
    assert (endpoint(world).slow_until, endpoint(world).slowdowns) == (None, 0)


@pytest.mark.parametrize("status", [500, 503, 404])
def test_other_failures_cause_no_pause(
    world: World, receiver: Receiver, hook: str, status: int
) -> None:
    receiver.statuses = [status]
    pay(world)
    world.send_all()

    assert endpoint(world).slow_until is None


def test_pauses_in_a_row_double_up_to_an_hour(world: World, receiver: Receiver, hook: str) -> None:
    receiver.statuses = [429] * 99
    pauses = []
    for _ in range(10):
        pay(world)
        advance(world, 0)
        slow_until = endpoint(world).slow_until or 0
        pauses.append(slow_until - world.now)
        world.now = slow_until

    for number, pause in enumerate(pauses):
        expected = min(30 * 2**number, HOUR)
        assert 0.8 * expected - 1 <= pause <= min(1.2 * expected + 1, HOUR)


def test_an_overloaded_endpoint_gets_one_attempt_at_a_time(
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
    assert {each.attempt_count for each in all_deliveries(world)} == {0, 1}


# --------------------------------------------------------------- disabling, parking


def test_status_410_disables_the_endpoint_and_parks_the_delivery(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [410]
    pay(world)
    world.send_all()

    assert endpoint(world).status == "disabled"
    assert endpoint(world).disabled_because == "gone"
    assert delivery(world).is_parked
    assert delivery(world).attempt_count == 1
    advance(world, 10 * DAY)
    assert len(receiver.received) == 1


def test_an_endpoint_is_disabled_after_five_days_of_failures(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [500] * 999
    pay(world)
    world.send_all()
    advance(world, 5 * DAY - 1)
    assert endpoint(world).status == "enabled"

    pay(world)
    world.now += 1
    world.send_all()

    found = endpoint(world)
    assert (found.status, found.disabled_because) == ("disabled", "failing")
    assert found.failing_since == world.now - 5 * DAY
    assert next(each for each in all_deliveries(world) if each.attempt_count == 1).is_parked


def test_a_success_restarts_the_five_days(world: World, receiver: Receiver, hook: str) -> None:
    receiver.statuses = [500, 200, 500, 500]
    pay(world)
    world.send_all()
    assert endpoint(world).failing_since == world.now
    advance(world, 80)
    assert endpoint(world).failing_since is None
    pay(world)
    world.send_all()
    began = int(world.now)
    assert endpoint(world).failing_since == began
    advance(world, 80)

    assert endpoint(world).failing_since == began
    assert endpoint(world).status == "enabled"


def test_parked_deliveries_are_sent_when_the_endpoint_is_enabled(
    world: World, receiver: Receiver, hook: str
) -> None:
    """All parked deliveries, page by page, and each once."""
    for _ in range(12):
        pay(world)
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    world.send_all()
    assert all(each.is_parked for each in all_deliveries(world))
    assert world.having("TIMER#", "") == []
    advance(world, 30 * DAY)
    assert receiver.received == []

    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "enabled"})
    advance(world, 1)
    advance(world, 1)

    sent = [json.loads(each.body)["id"] for each in receiver.received]
    assert len(sent) == len(set(sent)) == 12
    assert {each.state for each in all_deliveries(world)} == {"delivered"}
    assert world.having("PARKED#") == world.having("TIMER#") == []


def test_parked_deliveries_of_a_deleted_endpoint_are_canceled(
    world: World, receiver: Receiver, hook: str
) -> None:
    pay(world)
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    world.send_all()

    world.call("DELETE", f"{WEBHOOKS}/{hook}")
    advance(world, 1)

    assert delivery(world).state == "canceled"
    assert world.having("PARKED#") == world.having("TIMER#") == []


def test_deliveries_stay_parked_if_the_endpoint_is_disabled_again_before_it_resumes(
    world: World, receiver: Receiver, hook: str
) -> None:
    pay(world)
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    world.send_all()
    for status in ("enabled", "disabled"):
        world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": status})

    advance(world, 1)
    assert delivery(world).is_parked
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "enabled"})
    advance(world, 1)

    assert len(receiver.received) == 1


def test_no_delivery_is_lost_if_the_endpoint_is_enabled_while_it_is_parked(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merchant enables it after the sender has read it and before the delivery is parked."""
    pay(world)
    world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "disabled"})
    park = deliveries.park

    def enable_first(*arguments: Any) -> bool:
        world.call("PATCH", f"{WEBHOOKS}/{hook}", {"status": "enabled"})
        world.sweep()  # resumes nothing: the delivery is not parked yet
        return park(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "park", enable_first)
        world.send_all()
    advance(world, NET_SECONDS)

    assert len(receiver.received) == 1


def test_enabling_an_endpoint_resets_its_health(
    world: World, receiver: Receiver, hook: str
) -> None:
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


def occupy_all(world: World, hook: str, until: float, since: float | None = None) -> None:
    for number in range(settings().webhook_in_flight):
        world.table.write(Put(held(hook, number, until, world.now if since is None else since)))


def test_waiting_for_a_lease_uses_up_no_attempt(
    world: World, receiver: Receiver, hook: str
) -> None:
    occupy_all(world, hook, world.now + 100)
    pay(world)
    (message,) = world.messages()
    record = {"Records": [{"messageId": "1", "body": message}]}
    world.invoke("SendWebhook", record)

    assert delivery(world).attempt_count == 0
    assert receiver.received == []
    assert world.messages() == []
    world.now += 30
    assert world.messages() == [message]


def test_waiting_for_a_lease_writes_nothing_until_its_timer_is_due(
    world: World, receiver: Receiver, hook: str
) -> None:
    pay(world)

    for _ in range(2):
        occupy_all(world, hook, world.now + 100)
        before = world.items()
        world.send_all()
        assert world.items() == before
        world.now += 30
    world.now += 55
    occupy_all(world, hook, world.now + 100)
    world.send_all()

    waiting = delivery(world)
    assert (waiting.is_stored, waiting.waits) == (True, 1)
    assert 5 <= waiting.next_attempt_at - world.now <= 30
    world.now += 30
    (message,) = world.messages()
    record = {"Records": [{"messageId": "1", "body": message}]}
    world.invoke("SendWebhook", record)
    before = world.items()
    world.invoke("SendWebhook", record)  # the queue delivers the message twice
    assert world.items() == before


def test_a_hanging_endpoint_gets_a_pause(world: World, receiver: Receiver, hook: str) -> None:
    """Its deliveries use up no attempts and send no messages."""
    occupy_all(world, hook, world.now + 20, since=world.now - health.HANGS_AFTER)
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
    advance(world, 30)
    assert len(receiver.received) == 2
    assert endpoint(world).slow_until is None


def test_a_slow_endpoint_gets_no_pause(world: World, receiver: Receiver, hook: str) -> None:
    occupy_all(world, hook, world.now + 20, since=world.now - 3)
    pay(world)
    world.send_all()

    assert endpoint(world).slow_until is None
    assert delivery(world).attempt_count == 0


def test_a_slow_success_ends_the_pause_of_a_hanging_endpoint(
    world: World, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sender marks it as hanging during this attempt."""
    as_read, seconds = endpoint(world), iter((0.0, 6.0))

    def answer_late(*_: Any) -> Answer:
        health.record_hanging(world.table, as_read, int(world.now))
        return Answer(200, {}, b"")

    monkeypatch.setattr(egress, "post", answer_late)
    clocks = SimpleNamespace(perf_counter=lambda: next(seconds), monotonic=time.monotonic)
    monkeypatch.setattr(sending, "time", clocks)
    pay(world)
    world.send_all()

    assert delivery(world).state == "delivered"
    assert endpoint(world).slow_until is None


def test_unprocessed_batch_keys_are_retried(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a throttled table would cancel deliveries, as if their endpoint were deleted."""
    pay(world)
    client = world.table.client
    read, key_counts = client.batch_get_item, []

    def read_one(RequestItems: Any) -> Any:
        ((table, wanted),) = RequestItems.items()
        key_counts.append(len(wanted["Keys"]))
        first, *rest = wanted["Keys"]
        answer = read(RequestItems={table: wanted | {"Keys": [first]}})
        left = {table: wanted | {"Keys": rest}} if rest else {}
        return answer | {"UnprocessedKeys": left}

    with monkeypatch.context() as patched:
        patched.setattr(client, "batch_get_item", read_one)
        world.send_all()

    assert key_counts == [4, 3, 2, 1]
    assert delivery(world).state == "delivered"
    assert len(receiver.received) == 1


def test_a_delivery_timer_sends_no_message_during_a_pause(
    world: World, receiver: Receiver, hook: str
) -> None:
    receiver.statuses = [500, 429]
    pay(world)
    world.send_all()
    pay(world)
    world.send_all()
    *_, latest = sorted(each.next_attempt_at for each in all_deliveries(world))
    world.now = latest
    world.messages()  # loses them
    pause_ends_at = int(latest) + 600
    (item,) = world.having("ENDPOINTS#")
    world.table.write(Put(item | {"slow_until": pause_ends_at}))

    world.now = latest + NET_SECONDS
    world.sweep()

    assert world.messages() == []
    assert {each.next_attempt_at for each in all_deliveries(world)} == {pause_ends_at}


def test_deliveries_to_failing_endpoints_are_sent_last(
    world: World, receiver: Receiver, hook: str
) -> None:
    (item,) = world.having("ENDPOINTS#")
    world.table.write(Put(item | {"failing_since": int(world.now)}))
    healthy = world.post(WEBHOOKS, {"url": receiver.url, "events": ["checkout.session.completed"]})
    id = f"evt_{'1' * 32}"
    event = {"id": id, "scope": SCOPE, "api": "paygate", "type": "x", "session": "",
             "object": "{}", "created_at": int(world.now)}  # fmt: skip
    world.table.write(Put(event | keys.event(id)))

    due = deliveries.fan_out(
        world.table,
        to_record(Event, event),
        webhook_endpoints.of_scope(world.table, SCOPE),
        int(world.now),
    )

    assert [each.endpoint for each in due] == [healthy.json["id"], hook]


def test_messages_do_not_wait_for_writes_about_paused_endpoints(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five paused endpoints doubled the time until the others got their messages."""
    (item,) = world.having("ENDPOINTS#")
    world.table.write(Put(item | {"slow_until": int(world.now) + 30}))
    other = world.post(WEBHOOKS, {"url": receiver.url, "events": ["checkout.session.completed"]})
    order: list[str] = []
    send, postpone = Queue.send, deliveries.postpone_all

    def note_and_send(queue: Queue, due: list[Delivery], delay: int = 0) -> None:
        order.extend(each.endpoint for each in due)
        send(queue, due, delay)

    def note_and_postpone(table: Table, paused: list[tuple[Delivery, int]]) -> None:
        order.extend(each.endpoint for each, _ in paused)
        postpone(table, paused)

    monkeypatch.setattr(Queue, "send", note_and_send)
    monkeypatch.setattr(deliveries, "postpone_all", note_and_postpone)
    pay(world)

    assert order == [other.json["id"], hook]
    stored = {each.endpoint: each.is_stored for each in all_deliveries(world)}
    assert stored == {hook: True, other.json["id"]: False}


def test_a_delivery_that_is_moved_meanwhile_keeps_no_other_from_being_postponed(
    world: World, hook: str
) -> None:
    now = int(world.now)
    first, second = (
        Delivery(event=new_id(EVENT), endpoint=hook, scope=SCOPE, next_attempt_at=now)
        for _ in range(2)
    )
    moved = deliveries.postpone(world.table, first, now + 5, now + 5)

    deliveries.postpone_all(world.table, [(first, now + 30), (second, now + 30)])

    assert deliveries.find_stored(world.table, first.event, hook) == moved
    found = deliveries.find_stored(world.table, second.event, hook)
    assert found
    assert (found.next_attempt_at, found.timer_due, found.waits) == (now + 30, now + 30, 1)


@pytest.mark.parametrize("failing", [False, True])
def test_a_time_out_after_a_failure_causes_a_pause(
    world: World, hook: str, failing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single timeout may be an accident."""

    def hang(*_: Any) -> None:
        raise egress.TimedOutError

    monkeypatch.setattr(egress, "post", hang)
    if failing:
        (item,) = world.having("ENDPOINTS#")
        world.table.write(Put(item | {"failing_since": int(world.now)}))
    pay(world)
    world.send_all()

    assert (endpoint(world).slow_until is not None) is failing


def test_the_sender_waits_briefly_for_a_free_lease(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a burst of events to a fast endpoint would take half a minute."""
    monkeypatch.setattr(sending, "LEASE_PAUSES", (0.1, 0.2))
    monkeypatch.setattr(health, "IN_FLIGHT_STEP", 0)
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
    sender = Sender(table, open_queue(), build_request, settings())
    asked = Message.from_body(message)
    sender.groups([asked])[hook].send(asked)

    assert paused == [0.1, 0.2]
    assert len(receiver.received) == 1


def test_the_timer_replaces_a_lost_delayed_message(
    world: World, receiver: Receiver, hook: str
) -> None:
    occupy_all(world, hook, world.now + 10)
    pay(world)
    world.send_all()
    world.now += 30
    world.messages()  # loses the delayed message

    advance(world, NET_SECONDS)

    assert len(receiver.received) == 1


def test_a_lease_expires_after_a_crash(world: World, hook: str) -> None:
    now = int(world.now)
    for _ in range(2):
        assert isinstance(leases.acquire(world.table, hook, 2, now + 30, now), Lease)
    for moment in (now, now + 29):
        assert leases.acquire(world.table, hook, 2, now + 60, moment) == NoFreeLease(since=now)

    assert isinstance(leases.acquire(world.table, hook, 2, now + 60, now + 30), Lease)


def test_each_lease_is_acquired_once(world: World, hook: str) -> None:
    now = int(world.now)
    acquired = [leases.acquire(world.table, hook, 10, now + 30, now) for _ in range(11)]

    found = [lease.number for lease in acquired if isinstance(lease, Lease)]
    assert sorted(found) == list(range(10))
    assert isinstance(acquired[10], NoFreeLease)


@pytest.mark.parametrize("status", [200, 500, 410])
def test_an_attempt_releases_its_lease_with_its_outcome(
    world: World, receiver: Receiver, hook: str, status: int
) -> None:
    receiver.statuses = [status]
    pay(world)
    world.send_all()

    assert len(receiver.received) == 1
    assert world.having("ENDPOINT#") == []


def test_an_attempt_whose_lease_expired_is_recorded_and_leaves_the_lease_to_its_new_holder(
    world: World, receiver: Receiver, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire = leases.acquire

    def lose(*arguments: Any) -> Any:
        lease = acquire(*arguments)
        assert isinstance(lease, Lease)
        world.table.write(Put(held(hook, lease.number, world.now + 100)))
        return lease

    monkeypatch.setattr(leases, "acquire", lose)
    pay(world)
    world.send_all()

    assert delivery(world).state == "delivered"
    (kept,) = world.having("ENDPOINT#")
    assert kept["holder"] == "other"


def test_a_failing_endpoint_gets_fewer_leases(world: World, receiver: Receiver, hook: str) -> None:
    receiver.statuses = [500]
    pay(world)
    world.send_all()
    for number in range(health.FAILING_IN_FLIGHT):
        world.table.write(Put(held(hook, number, world.now + 100)))

    pay(world)
    world.send_all()

    assert len(receiver.received) == 1


# ------------------------------------------------------------------------- rotation


def test_concurrent_rotations_lose_no_secret(world: World, hook: str) -> None:
    read = webhook_endpoints.retrieve(world.table, SCOPE, hook)
    assert world.post(f"/v1/webhooks/{hook}/rotate").status == 200
    rotated = endpoint(world).secret

    with pytest.raises(ConditionFailedError):
        world.table.write(webhook_endpoints.rotation(read, "encrypted-2", clock.now()))

    assert endpoint(world).secret == rotated != read.secret
    assert endpoint(world).former_secrets == (FormerSecret(read.secret, int(world.now) + DAY),)
