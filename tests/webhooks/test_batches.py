"""Batches of deliveries: those to one endpoint share a lease and a connection, those to different
endpoints delay each other in nothing, and each endpoint's number of attempts in flight adapts."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from typing import Any

import pytest

from checkout.domain.errors import BusyError
from checkout.domain.ids import shortened
from checkout.settings import settings
from checkout.store import deliveries, keys, leases, webhook_endpoints
from checkout.store.leases import Lease
from checkout.store.table import Put
from checkout.webhooks import egress, health, sending
from checkout.webhooks.message import Message
from tests.receiver import Receiver, listening
from tests.world import SCOPE, World

WEBHOOKS = "/v1/webhooks"
LOCAL = egress.Limits(connect_seconds=5, total_seconds=10, allow_local=True)


@dataclass
class KeepAliveServer:
    """A merchant's server that keeps connections open."""

    url: str = ""
    connections: int = 0
    bodies: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """Of each answer."""
    closes_after_answer: bool = False
    """Whether it closes each connection after an answer, without announcing it."""


@contextmanager
def keeping_alive() -> Iterator[KeepAliveServer]:
    shop = KeepAliveServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            shop.connections += 1
            super().setup()

        def do_POST(self) -> None:
            shop.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            for name, value in shop.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
            self.close_connection = self.close_connection or shop.closes_after_answer

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        shop.url = f"http://127.0.0.1:{server.server_port}/hooks"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield shop
        server.shutdown()


@pytest.fixture
def shop() -> Iterator[KeepAliveServer]:
    with keeping_alive() as opened:
        yield opened


def subscribe(world: World, url: str) -> str:
    body = {"url": url, "events": ["checkout.session.completed"]}
    id: str = world.post(WEBHOOKS, body).json["id"]
    return id


def pay(world: World, times: int) -> None:
    for _ in range(times):
        world.pay(world.create_session()["id"])
    world.fan_out_all()


def send_together(world: World) -> Any:
    """Sends SendWebhook all of the queue's messages as one batch."""
    records = [
        {"messageId": str(number), "body": body} for number, body in enumerate(world.messages())
    ]
    return world.invoke("SendWebhook", {"Records": records})


def delivery_states(world: World) -> list[str]:
    return [item["state"] for item in world.having("EVENT#", "DELIVERY#")]


def hold_all_leases(world: World, hook: str, count: int, since: float) -> None:
    for number in range(count):
        lease = {"number": number, "holder": "other", "since": int(since)}
        world.table.write(Put({**keys.lease(hook, number), **lease, "until": int(world.now) + 100}))


def test_a_batch_to_one_endpoint_takes_one_connection_and_one_lease(
    world: World, shop: KeepAliveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(world, shop.url)
    pay(world, 5)
    acquired = []
    acquire = leases.acquire

    def count(*arguments: Any) -> Any:
        acquired.append(acquire(*arguments))
        return acquired[-1]

    monkeypatch.setattr(leases, "acquire", count)
    assert send_together(world) == {"batchItemFailures": []}

    assert delivery_states(world) == ["delivered"] * 5
    assert len({json.loads(body)["id"] for body in shop.bodies}) == len(shop.bodies) == 5
    assert shop.connections == 1
    assert [type(each) for each in acquired] == [Lease]
    assert world.having("ENDPOINT#") == []


def test_a_repeated_message_of_a_batch_is_sent_once(world: World, shop: KeepAliveServer) -> None:
    subscribe(world, shop.url)
    pay(world, 1)
    (body,) = world.messages()
    records = [{"messageId": str(number), "body": body} for number in range(3)]

    assert world.invoke("SendWebhook", {"Records": records}) == {"batchItemFailures": []}

    assert len(shop.bodies) == 1


def test_a_batch_writes_one_log_line_that_names_every_event(
    world: World, shop: KeepAliveServer, log: StringIO
) -> None:
    subscribe(world, shop.url)
    pay(world, 3)
    log.truncate(0)
    log.seek(0)

    send_together(world)

    (line,) = map(json.loads, log.getvalue().splitlines())
    sent = {json.loads(body)["id"] for body in shop.bodies}
    assert set(line["event"]) == {shortened(each) for each in sent}
    assert len(line["session"]) == 3


def test_all_messages_of_a_batch_fail_if_the_outcomes_cannot_be_stored(
    world: World, shop: KeepAliveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is released, and another sender repeats the attempts."""
    subscribe(world, shop.url)
    pay(world, 3)
    records = [{"messageId": body, "body": body} for body in world.messages()]

    def refuse(*_: Any) -> None:
        raise BusyError

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "record_first_successes", refuse)
        failed = world.invoke("SendWebhook", {"Records": records})["batchItemFailures"]
    assert len(failed) == 3
    assert delivery_states(world) == []
    assert world.having("ENDPOINT#") == []
    assert [each["kind"] for each in world.having("TIMER#")].count("event") == 3

    assert world.invoke("SendWebhook", {"Records": records}) == {"batchItemFailures": []}

    assert delivery_states(world) == ["delivered"] * 3
    assert len(shop.bodies) == 6


def test_a_success_of_a_batch_does_not_replace_a_resend(
    world: World, shop: KeepAliveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sender has delivered the same event, and the merchant has asked for it again."""
    hook = subscribe(world, shop.url)
    pay(world, 2)
    records = [{"messageId": body, "body": body} for body in world.messages()]
    event, post = Message.from_body(records[0]["body"]).event, egress.post

    def deliver_twice(*arguments: Any) -> Any:
        monkeypatch.setattr(egress, "post", post)
        world.invoke("SendWebhook", {"Records": records[:1]})
        world.post(f"/v1/events/{event}/resend", {"webhook": hook})
        return post(*arguments)

    monkeypatch.setattr(egress, "post", deliver_twice)
    assert world.invoke("SendWebhook", {"Records": records}) == {"batchItemFailures": []}

    found = deliveries.find_stored(world.table, event, hook)
    assert found
    assert (found.state, found.attempt_count) == ("pending", 1)


def test_what_is_left_after_a_second_goes_back_to_the_queue(
    world: World, shop: KeepAliveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "GROUP_SECONDS", -1)
    subscribe(world, shop.url)
    pay(world, 3)

    assert send_together(world) == {"batchItemFailures": []}

    assert shop.bodies == []
    assert len(world.messages()) == 3


def test_a_failing_endpoint_of_a_batch_delays_no_other(world: World, shop: KeepAliveServer) -> None:
    with listening() as broken:
        broken.statuses = [500] * 9
        subscribe(world, broken.url)
        subscribe(world, shop.url)
        pay(world, 3)

        assert send_together(world) == {"batchItemFailures": []}

        assert len(broken.received) == len(shop.bodies) == 3
    assert sorted(delivery_states(world)) == ["delivered"] * 3 + ["pending"] * 3


def test_the_events_timer_ends_when_every_endpoint_has_an_outcome(world: World) -> None:
    with listening() as first, listening() as second:
        subscribe(world, first.url)
        subscribe(world, second.url)
        pay(world, 1)
        one, other = world.messages()

        def timers_after(body: str) -> int:
            world.invoke("SendWebhook", {"Records": [{"messageId": "1", "body": body}]})
            return len([each for each in world.having("TIMER#") if each["kind"] == "event"])

        assert [timers_after(one), timers_after(other)] == [1, 0]


def test_a_first_retry_comes_after_five_seconds_without_its_timer(
    world: World, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    subscribe(world, receiver.url)
    pay(world, 1)
    world.send_all()
    world.now += 6

    assert world.send_all() == 0

    assert [each.headers["webhook-id"] for each in receiver.received] == [
        json.loads(receiver.received[0].body)["id"]
    ] * 2
    assert delivery_states(world) == ["delivered"]
    assert world.having("TIMER#") == []


# ---------------------------------------------------------------------- attempts in flight


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LEASE_PAUSES", (0,))


@pytest.mark.usefixtures("_no_pauses")
def test_the_limit_grows_while_all_leases_of_a_healthy_endpoint_are_held(
    world: World, receiver: Receiver
) -> None:
    hook = subscribe(world, receiver.url)
    first = settings().webhook_in_flight
    limits = []
    for _ in range(3):
        endpoint = webhook_endpoints.retrieve(world.table, SCOPE, hook)
        hold_all_leases(world, hook, health.max_in_flight(endpoint, settings()), world.now)
        pay(world, 1)
        world.send_all()
        endpoint = webhook_endpoints.retrieve(world.table, SCOPE, hook)
        limits.append(health.max_in_flight(endpoint, settings()))
        world.now += 1

    step = health.IN_FLIGHT_STEP
    assert limits == [first + step, first + 2 * step, first + 3 * step]
    assert len(receiver.received) == 3


@pytest.mark.usefixtures("_no_pauses")
def test_the_limit_grows_at_most_once_a_second_and_up_to_its_bound(
    world: World, receiver: Receiver
) -> None:
    hook = subscribe(world, receiver.url)
    few = settings()._replace(webhook_in_flight=10, webhook_max_in_flight=25)

    def raised(seconds: int) -> int:
        endpoint = webhook_endpoints.retrieve(world.table, SCOPE, hook)
        now = int(world.now) + seconds
        return health.max_in_flight(health.raise_in_flight(world.table, endpoint, few, now), few)

    assert [raised(seconds) for seconds in (0, 0, 1, 2, 3)] == [20, 20, 25, 25, 25]


@pytest.mark.parametrize(("before", "after"), [(40, 20), (3, 1), (1, 1)])
def test_the_limit_is_halved_when_the_endpoint_asks_for_a_pause(
    world: World, receiver: Receiver, before: int, after: int
) -> None:
    hook = subscribe(world, receiver.url)
    found = webhook_endpoints.retrieve(world.table, SCOPE, hook)
    webhook_endpoints.update_health(world.table, found, {"in_flight": before}, "url")
    receiver.statuses = [429]
    pay(world, 1)
    world.send_all()

    assert webhook_endpoints.retrieve(world.table, SCOPE, hook).in_flight == after


def test_the_limit_of_a_failing_endpoint_does_not_grow(world: World, receiver: Receiver) -> None:
    hook = subscribe(world, receiver.url)
    found = webhook_endpoints.retrieve(world.table, SCOPE, hook)
    webhook_endpoints.update_health(world.table, found, {"failing_since": int(world.now)}, "url")
    failing = webhook_endpoints.retrieve(world.table, SCOPE, hook)

    assert health.raise_in_flight(world.table, failing, settings(), int(world.now)) == failing


# -------------------------------------------------------------------------- connections


def post(shop: KeepAliveServer, kept: egress.KeptConnection) -> int:
    return egress.post(shop.url, b"{}", {}, LOCAL, kept).status


def test_a_kept_connection_is_used_again(shop: KeepAliveServer) -> None:
    kept = egress.KeptConnection()
    assert [post(shop, kept) for _ in range(3)] == [200] * 3
    kept.close()

    assert shop.connections == 1


def test_a_connection_that_the_server_announces_to_close_is_not_kept(
    shop: KeepAliveServer,
) -> None:
    shop.headers = {"connection": "close"}
    kept = egress.KeptConnection()

    assert [post(shop, kept) for _ in range(2)] == [200] * 2
    assert shop.connections == 2


def test_a_connection_that_the_server_has_closed_is_opened_again(shop: KeepAliveServer) -> None:
    shop.closes_after_answer = True
    kept = egress.KeptConnection()

    assert [post(shop, kept) for _ in range(5)] == [200] * 5
    assert len(shop.bodies) == 5
    assert shop.connections == 5


def test_connection_sends_without_waiting_for_acknowledgments(shop: KeepAliveServer) -> None:
    kept = egress.KeptConnection()
    post(shop, kept)
    connection = kept.take()
    assert connection
    with connection:
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
