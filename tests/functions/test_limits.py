"""Limits of requests: of a merchant and mode, of a visitor, of a page, and of unknown keys."""

from collections.abc import Callable
from typing import Any

import pytest

from checkout.api import limits
from checkout.api.limits import BURST_SECONDS, network_of
from checkout.settings import settings
from tests.world import (
    KEY,
    LIVE_KEY,
    ORDER,
    OTHER_KEY,
    PAYREX_KEY,
    SESSIONS,
    TEMPLATE,
    Response,
    World,
)

RATE = 2
AT_ONCE = RATE * BURST_SECONDS
LIMITED = (429, "rate_limit_error", "rate_limit", None)


@pytest.fixture
def limited(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Sets limits, for example `MERCHANT_RATE`, and returns the world."""

    def limit(*names: str) -> World:
        for name in names:
            monkeypatch.setenv(name, str(RATE))
        settings.cache_clear()
        limits.buckets.cache_clear()
        return world

    return limit


def statuses(send: Callable[[], Response], times: int) -> list[int]:
    return [send().status for _ in range(times)]


# ----------------------------------------------------------------- merchants


def test_a_merchant_gets_a_burst_and_then_the_rate(limited: Callable[..., World]) -> None:
    world = limited("MERCHANT_RATE")

    def send() -> Response:
        return world.get(SESSIONS)

    assert statuses(send, AT_ONCE + 2) == [200] * AT_ONCE + [429] * 2
    world.now += 1
    assert statuses(send, RATE + 1) == [200] * RATE + [429]
    world.now += 3600
    assert statuses(send, AT_ONCE + 1) == [200] * AT_ONCE + [429]


def test_the_headers_tell_how_many_requests_are_left(limited: Callable[..., World]) -> None:
    world = limited("MERCHANT_RATE")

    seen = [world.get(SESSIONS).headers for _ in range(AT_ONCE + 1)]

    assert [each["ratelimit-limit"] for each in seen] == [str(AT_ONCE)] * 5
    assert [each["ratelimit-remaining"] for each in seen] == ["3", "2", "1", "0", "0"]
    assert [each["ratelimit-reset"] for each in seen] == ["1", "1", "2", "2", "2"]
    assert [each.get("retry-after") for each in seen] == [None] * AT_ONCE + ["1"]


def test_an_error_has_the_headers_too(limited: Callable[..., World]) -> None:
    response = limited("MERCHANT_RATE").post(SESSIONS, {"amount": -1})

    assert response.status == 400
    assert response.headers["ratelimit-remaining"] == str(AT_ONCE - 1)


def test_a_request_above_the_limit_reads_and_writes_nothing(
    limited: Callable[..., World],
) -> None:
    world = limited("MERCHANT_RATE")
    statuses(lambda: world.get(SESSIONS), AT_ONCE)
    calls: list[Any] = []
    world.table.client.meta.events.register("before-call", lambda **call: calls.append(call))

    assert world.post(SESSIONS, ORDER).error == LIMITED
    assert calls == []


def test_payrex_has_its_own_shape_of_the_error(limited: Callable[..., World]) -> None:
    world = limited("MERCHANT_RATE")

    def send() -> Response:
        return world.payrex("GET", "/customers")

    assert statuses(send, AT_ONCE) == [200] * AT_ONCE
    refused = send()
    assert refused.errors == (429, [("rate_limit", None)])
    assert refused.headers["retry-after"] == "1"


def test_merchants_and_modes_are_counted_apart(limited: Callable[..., World]) -> None:
    world = limited("MERCHANT_RATE")
    statuses(lambda: world.get(SESSIONS), AT_ONCE)

    assert world.get(SESSIONS, key=KEY).status == 429
    assert world.get(SESSIONS, key=LIVE_KEY).status == 200
    assert world.get(SESSIONS, key=OTHER_KEY).status == 200
    assert world.payrex("GET", "/customers", key=PAYREX_KEY).status == 200


def test_without_the_setting_there_is_no_limit(world: World) -> None:
    responses = [world.get(SESSIONS) for _ in range(300)]

    assert {each.status for each in responses} == {200}
    assert "ratelimit-limit" not in responses[0].headers


# -------------------------------------------------------------- unknown keys


def test_unknown_keys_are_limited_by_address(limited: Callable[..., World]) -> None:
    world = limited("VISITOR_RATE")

    def guess(address: str = "192.0.2.1") -> Response:
        return world.get(SESSIONS, key="sk_test_guessed", address=address)

    assert statuses(guess, AT_ONCE + 1) == [401] * AT_ONCE + [429]
    assert guess("192.0.2.2").status == 401
    assert guess().error == LIMITED


def test_guesses_do_not_limit_a_key_that_was_read(limited: Callable[..., World]) -> None:
    world = limited("VISITOR_RATE")
    assert world.get(SESSIONS).status == 200
    statuses(lambda: world.get(SESSIONS, key="sk_test_guessed"), AT_ONCE)

    assert world.get(SESSIONS).status == 200


# --------------------------------------------------------------------- pages


def test_a_visitor_is_limited_over_all_pages(limited: Callable[..., World]) -> None:
    world = limited("VISITOR_RATE")
    pages = [f"/checkout/{world.create_session()['id']}" for _ in range(AT_ONCE + 1)]

    found = [world.get(page, key=None, address="192.0.2.1").status for page in pages]

    assert found == [200] * AT_ONCE + [429]
    assert world.get(pages[0], key=None, address="192.0.2.2").status == 200


def test_a_page_is_limited_over_all_visitors(limited: Callable[..., World]) -> None:
    world = limited("PAGE_RATE")
    page, other = (f"/checkout/{world.create_session()['id']}" for _ in range(2))

    found = [
        world.get(page, key=None, address=f"192.0.2.{number}").status
        for number in range(AT_ONCE + 1)
    ]

    assert found == [200] * AT_ONCE + [429]
    assert world.get(other, key=None).status == 200


@pytest.mark.parametrize(
    ("accepted", "text"),
    [("en", "One moment, please"), ("fr", "Un instant"), ("fil", "Sandali lang po")],
)
def test_a_limited_shopper_sees_a_page_in_their_language(
    limited: Callable[..., World], accepted: str, text: str
) -> None:
    world = limited("PAGE_RATE")
    page = f"/checkout/{world.create_session()['id']}"
    statuses(lambda: world.page(page), AT_ONCE)

    response = world.get(page, key=None, headers={"accept-language": accepted})

    assert response.status == 429
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["retry-after"] == "1"
    assert text in response.text


def test_nothing_is_charged_above_the_limit(limited: Callable[..., World]) -> None:
    world = limited("PAGE_RATE")
    session = world.create_session()["id"]
    token = world.form_token(f"/checkout/{session}")
    form = {"method": "card", "number": "4242424242424242", "expiry": "12 / 40", "code": "123"}
    limits.buckets()["page", session] = limits.Bucket(0, int(world.now))
    statuses(lambda: world.submit(session, form, token), 1)

    assert world.session(session)["status"] == "open"
    assert world.session(session)["payment"] is None


def test_every_function_of_the_page_has_the_limits_of_visits(
    limited: Callable[..., World],
) -> None:
    world = limited("VISITOR_RATE")
    paths = {
        (route.method, route.path.replace("{id}", "x"))
        for route in TEMPLATE.routes
        if TEMPLATE.functions[route.function].folder.parent.name == "page"
    }

    for method, path in sorted(paths):
        limits.buckets.cache_clear()
        found = [world.call(method, path, key=None).status for _ in range(AT_ONCE + 1)]
        assert found.count(429) == 1, path


# ------------------------------------------------------------------- buckets


def test_an_ipv6_subscriber_is_one_visitor() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::2")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")


def test_the_least_recently_used_buckets_are_forgotten(
    limited: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_BUCKETS", 3)
    world = limited("VISITOR_RATE")

    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1", "192.0.2.4"):
        world.get("/checkout/x", key=None, address=address)

    assert [id for _, id in limits.buckets()] == ["192.0.2.3", "192.0.2.1", "192.0.2.4"]


def test_a_clock_that_is_set_back_gives_no_requests(limited: Callable[..., World]) -> None:
    world = limited("MERCHANT_RATE")
    statuses(lambda: world.get(SESSIONS), AT_ONCE)
    world.now -= 3600

    assert world.get(SESSIONS).status == 429
    world.now += 1
    assert world.get(SESSIONS).status == 200
