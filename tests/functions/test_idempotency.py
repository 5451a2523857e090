"""PayGate's idempotency keys (docs/contracts/paygate.md, section 4)."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from devstack.engines import Engine
from tests.world import KEY, LIVE_KEY, ORDER, OTHER_KEY, SESSIONS, START, Response, World

DAY = 24 * 3600
CUSTOMERS, WEBHOOKS = "/v1/customers", "/v1/webhooks"
HOOK = {"url": "https://shop.example.com/hooks", "events": ["payment.failed"]}
BODIES: dict[str, dict[str, Any]] = {SESSIONS: ORDER, CUSTOMERS: {"name": "Ama"}, WEBHOOKS: HOOK}
REUSED = (409, "idempotency_error", "idempotency_key_reused", None)


def create(
    world: World,
    body: Any = ORDER,
    key: str = "order-1234",
    target: str = SESSIONS,
    secret: str = KEY,
) -> Response:
    return world.post(target, body, key=secret, headers={"idempotency-key": key})


def assert_replayed(first: Response, again: Response) -> None:
    assert first.status == again.status == 201
    assert again.text == first.text
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


def assert_new(response: Response) -> None:
    assert response.status == 201
    assert "idempotent-replayed" not in response.headers


@pytest.mark.parametrize("target", BODIES)
def test_a_repeat_gets_the_first_response_and_writes_nothing(world: World, target: str) -> None:
    first = create(world, BODIES[target], target=target)

    for seconds in (0, 60, 3600):
        world.now += seconds
        with world.untouched():
            assert_replayed(first, create(world, BODIES[target], target=target))

    assert [each["id"] for each in world.get(target).json["data"]] == [first.json["id"]]


def test_repeats_create_one_session_and_one_timer(world: World) -> None:
    ids = {create(world).json["id"] for _ in range(3)}

    assert [item["id"] for item in world.having("SESSION#")] == list(ids)
    assert [timer["kind"] for timer in world.having("TIMER#")] == ["expiry"]
    assert len(world.having("IDEMPOTENCY#")) == 1


def test_a_repeat_gets_the_first_response_after_the_session_has_ended(world: World) -> None:
    paid, expired = (create(world, key=key) for key in ("paid", "expired"))
    world.pay(paid.json["id"])
    world.post(f"{SESSIONS}/{expired.json['id']}/expire")
    world.now += DAY - 1

    for first, key in ((paid, "paid"), (expired, "expired")):
        with world.untouched():
            assert_replayed(first, create(world, key=key))
        assert first.json["status"] == "open"
    assert world.session(paid.json["id"])["status"] == "complete"
    assert world.session(expired.json["id"])["status"] == "expired"


def test_a_repeat_of_a_webhook_endpoint_shows_the_same_secret(world: World) -> None:
    first = create(world, HOOK, target=WEBHOOKS)

    again = create(world, HOOK, target=WEBHOOKS)

    assert again.json["secret"] == first.json["secret"]
    assert again.json["secret"].startswith("whsec_")


@pytest.mark.parametrize("target", BODIES)
def test_a_key_in_the_body_is_the_same_as_in_the_header(world: World, target: str) -> None:
    body = BODIES[target]
    in_body = body | {"idempotency_key": "order-1234"}
    first = world.post(target, in_body)

    assert_new(first)
    assert_replayed(first, world.post(target, in_body))
    assert_replayed(first, create(world, in_body, target=target))
    assert_replayed(first, create(world, body, target=target))


def test_different_keys_in_body_and_header_are_refused(world: World) -> None:
    body = ORDER | {"idempotency_key": "order-1234"}
    error = (400, "invalid_request_error", "parameter_invalid", "idempotency_key")

    for key in ("order-1235", "ORDER-1234", "order-1234 "):
        world.refused(error, "POST", SESSIONS, body, headers={"idempotency-key": key})


@pytest.mark.parametrize(
    ("target", "other"),
    [
        (SESSIONS, {"amount": 5001}),
        (SESSIONS, {"metadata": {"order_id": "1235"}}),
        (SESSIONS, {"currency": None}),
        (SESSIONS, {"amount": 5001, "idempotency_key": "order-1234"}),
        (CUSTOMERS, {"name": "Kofi"}),
        (WEBHOOKS, {"events": ["payment.succeeded"]}),
    ],
)
def test_another_body_under_the_same_key_is_a_conflict(
    world: World, target: str, other: dict[str, Any]
) -> None:
    first = create(world, BODIES[target], target=target)
    headers = {"idempotency-key": "order-1234"}

    response = world.refused(REUSED, "POST", target, BODIES[target] | other, headers=headers)

    assert "idempotent-replayed" not in response.headers
    assert_replayed(first, create(world, BODIES[target], target=target))


def test_white_space_and_key_order_do_not_change_the_body(world: World) -> None:
    first = create(world, json.dumps(ORDER))
    turned = dict(reversed(ORDER.items()))
    escaped = json.dumps(ORDER).replace("customer@", "\\u0063ustomer@")

    for text in (json.dumps(turned), json.dumps(ORDER, indent=4), f" {escaped}\r\n"):
        assert_replayed(first, create(world, text))


def test_a_key_is_scoped_to_a_merchant_mode_and_route(world: World) -> None:
    responses = [create(world, key="1", secret=key) for key in (KEY, LIVE_KEY, OTHER_KEY)]
    responses += [create(world, BODIES[target], "1", target) for target in (CUSTOMERS, WEBHOOKS)]
    responses += [create(world, key="2")]

    for response in responses:
        assert_new(response)
    assert len({response.json["id"] for response in responses}) == 6


def test_equal_requests_without_a_key_create_two_sessions(world: World) -> None:
    first, second = world.post(SESSIONS, ORDER), world.post(SESSIONS, ORDER)

    assert_new(first)
    assert_new(second)
    assert first.json["id"] != second.json["id"]


@pytest.mark.parametrize(
    "bad", [{"amount": 0}, {"colour": "blue"}, {"customer": "cus_" + "1" * 32}, {"expires_at": "-"}]
)
def test_an_error_response_is_not_kept(world: World, bad: dict[str, Any]) -> None:
    with world.untouched():
        assert create(world, ORDER | bad).status == 400

    first = create(world)

    assert_new(first)
    assert_replayed(first, create(world))


def test_a_key_is_free_again_after_24_hours(world: World) -> None:
    first = create(world)
    world.now += DAY - 1
    assert_replayed(first, create(world))

    world.now += 1
    second = create(world, ORDER | {"amount": 7000})

    assert_new(second)
    assert second.json["id"] != first.json["id"]
    assert_replayed(second, create(world, ORDER | {"amount": 7000}))
    world.refused(REUSED, "POST", SESSIONS, ORDER, headers={"idempotency-key": "order-1234"})
    assert [item["ttl"] for item in world.having("IDEMPOTENCY#")] == [START + 2 * DAY]


def test_a_key_has_1_to_255_characters(world: World) -> None:
    error = (400, "invalid_request_error", "parameter_invalid", "Idempotency-Key")
    for key in ("", "k" * 256):
        world.refused(error, "POST", SESSIONS, ORDER, headers={"idempotency-key": key})

    for key in ("k", "k" * 255, "#" * 255, "₵" * 255):
        first = create(world, key=key)
        assert_new(first)
        assert_replayed(first, create(world, key=key))


def test_a_repeat_succeeds_when_expires_at_has_become_too_near(world: World) -> None:
    order = ORDER | {"expires_at": "2027-01-15T08:30:00Z"}
    first = create(world, order)

    for _ in range(2):
        world.now += 1200
        assert_replayed(first, create(world, order))


def test_a_repeat_succeeds_when_the_limit_of_webhook_endpoints_is_reached(world: World) -> None:
    keys = [f"hook-{number}" for number in range(16)]
    responses = [create(world, HOOK, key, WEBHOOKS) for key in keys]

    for first, key in zip(responses, keys, strict=True):
        assert_replayed(first, create(world, HOOK, key, WEBHOOKS))


@pytest.mark.dynoxide
def test_one_of_twenty_concurrent_requests_creates(atomic_engine: Engine) -> None:
    with World.open(atomic_engine) as world, ThreadPoolExecutor(20) as pool:
        world.get(SESSIONS)  # the client is created before the threads start
        start = Barrier(20)

        def call(_: int) -> Response:
            start.wait()
            return create(world)

        responses = list(pool.map(call, range(20)))

        assert [response.status for response in responses] == [201] * 20
        assert len({response.text for response in responses}) == 1
        assert sum("idempotent-replayed" not in response.headers for response in responses) == 1
        assert [item["id"] for item in world.having("SESSION#")] == [responses[0].json["id"]]
        assert len(world.having("TIMER#")) == len(world.having("IDEMPOTENCY#")) == 1
