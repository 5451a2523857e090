"""Bad PayGate bodies: each gets an error that names the parameter, and nothing is written
(docs/contracts/paygate.md, sections 1, 2, 5 and 6)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from checkout.settings import settings
from devstack.engines import Engine
from tests.world import LIVE_KEY, ORDER, OTHER_KEY, SESSIONS, START, World

CUSTOMERS, WEBHOOKS = "/v1/customers", "/v1/webhooks"
HOOK = {"url": "https://shop.example.com/hooks", "events": ["payment.failed"]}
TYPE = "invalid_request_error"
INVALID, MISSING, UNKNOWN = "parameter_invalid", "parameter_missing", "parameter_unknown"
BODY = (400, TYPE, "body_invalid", None)
TAIL = "1" * 32
"""The tail of a well-formed id of no object."""


def at(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def shop(engine: Engine) -> Iterator[World]:
    """One world for all refused requests, which must not change it."""
    with World.open(engine) as world:
        world.create_session()
        world.post(WEBHOOKS, HOOK)
        yield world


def endpoint_of(world: World) -> str:
    return f"{WEBHOOKS}/{world.get(WEBHOOKS).json['data'][0]['id']}"


def short(value: Any) -> str:
    return repr(value)[:40]


def each(**fields: list[Any]) -> pytest.MarkDecorator:
    """A test for each value of each field."""
    pairs = [(name, value) for name, values in fields.items() for value in values]
    return pytest.mark.parametrize(
        ("field", "value"), pairs, ids=[f"{name}={short(value)}" for name, value in pairs]
    )


# ------------------------------------------------------------------ parameters

AMOUNTS = [0, -5000, 49.5, 0.0, 1e300, "5000", True, 100_000_000, 10**40, None, [5000], {}]
URLS = [
    "", "/success", "yoursite.com/success", "//yoursite.com/success", "javascript:alert(1)",
    "data:text/html,paid", "ftp://yoursite.com/", "https:", "https://", "https:///success",
    "https:/success", "https://yoursite.com/" + "a" * 2028, "https://your site.com/",
    "https://yoursite.com/a b", " https://yoursite.com/", "https://yoursite.com/\n",
    "java\tscript:alert(1)", "https://yoursite.com/\x00", "https://yoursite.com/\x7f",
    "https://yoursite.com/\x85", "https://yoursite.com/\u00a0", "https://yoursite.com/\u2028",
    "https://ama:hunter2@yoursite.com/", "https://ama@yoursite.com/", "https://yoursite.com:0/",
    "https://yoursite.com:99999/", "https://yoursite.com:port/", "https://[::1/",
    "https://yoursite.com\\@evil.example/", 'https://yoursite.com/"><b>', 5, True, None, [], {},
]  # fmt: skip
EMAILS = [
    "ama", "ama@", "@example.com", "ama@example", "ama asante@example.com", "a@b@example.com",
    "ama@exa mple.com", "ama@example..com", "ama@.com", "ama@example.com\n", "ama@example.com\x00",
    "a" * 65 + "@example.com", "ama@" + "b" * 250 + ".com", 5, True, ["ama@example.com"],
]  # fmt: skip
PHONES = [
    "024123456", "02412345678", "1241234567", "+0241234567", "024 123 456", "024/123/4567",
    "+2331234567890123", "٠٢٤١٢٣٤٥٦٧", "0241234567" + " " * 31, "call me", 241234567, True,
    ["0241234567"],
]  # fmt: skip
METHODS = [
    [], ["cash"], ["CARD"], ["card", "card"], ["card", "bank_transfer", "card"], ["card", "cash"],
    "cash", {"card": True}, [5], [None], [["card"]], True,
]  # fmt: skip
METADATA = [
    {f"key_{number}": "" for number in range(51)}, {f"key_{number}": 0 for number in range(51)},
    {"k" * 55: "1234"}, ["order"], [[]], "order", 5, True,
]  # fmt: skip
EXPIRIES = [
    START + 3600, str(START + 3600), START + 0.5, "tomorrow", "", "2027-01-15", "20:00",
    "2027-01-15T20:00:00", "2027-01-15 20:00:00Z", "2027-02-30T20:00:00Z", "2027-01-15T20:00Z",
    "2027-01-15T20:00:00+99:99", "２027-01-15T20:00:00Z", at(3600) + "\n", True, [at(3600)],
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    at(-3600), at(-1), at(0), at(60), at(1788), at(1789), at(86411), at(86412), at(30 * 86400),
]  # fmt: skip


@each(
    amount=AMOUNTS,
    currency=["USD", "PHP", "ghs", "GHS ", "", 936, True, ["GHS"]],
    success_url=URLS,
    cancel_url=URLS,
    customer=["", "x" * 65, 5, True, ["cus_" + TAIL]],
    customer_email=EMAILS,
    customer_phone=PHONES,
    payment_method_types=METHODS,
    metadata=METADATA,
    expires_at=EXPIRIES,
    idempotency_key=["", "k" * 256, 5, True],
)
def test_a_session_with_a_bad_parameter_is_refused(shop: World, field: str, value: Any) -> None:
    response = shop.refused((400, TYPE, INVALID, field), "POST", SESSIONS, ORDER | {field: value})

    assert value == "" or not isinstance(value, str) or value not in response.text
    assert "hunter2" not in response.text


@each(
    email=EMAILS,
    name=["x" * 501, 5, True, ["Ama"], {}],
    phone=PHONES,
    metadata=METADATA,
    idempotency_key=["", "k" * 256, 5],
)
def test_a_customer_with_a_bad_parameter_is_refused(shop: World, field: str, value: Any) -> None:
    body = {"name": "Ama", field: value}

    shop.refused((400, TYPE, INVALID, field), "POST", CUSTOMERS, body)


ENDPOINT_URLS = [*URLS, "http://shop.example.com/", "http://localhost./", "http://127.0.0.2/"]
EVENTS = [
    [], ["payment.unheard_of"], ["*"], ["payment.failed", "payment.failed"], ["payment.failed", 5],
    "payment.unheard_of", {"payment.failed": True}, None, [None], [["payment.failed"]],
]  # fmt: skip


@each(
    url=ENDPOINT_URLS,
    events=EVENTS,
    description=["x" * 501, 5, True, ["mine"]],
    idempotency_key=["", "k" * 256, 5],
)
def test_a_webhook_endpoint_with_a_bad_parameter_is_refused(
    shop: World, field: str, value: Any
) -> None:
    response = shop.refused((400, TYPE, INVALID, field), "POST", WEBHOOKS, HOOK | {field: value})

    assert "hunter2" not in response.text


@each(
    url=[*ENDPOINT_URLS, None],
    events=EVENTS,
    description=["x" * 501, 5],
    status=["paused", "ENABLED", "", None, True, 1, ["enabled"]],
)
def test_an_update_with_a_bad_parameter_is_refused(shop: World, field: str, value: Any) -> None:
    shop.refused((400, TYPE, INVALID, field), "PATCH", endpoint_of(shop), {field: value})


@pytest.mark.parametrize(
    ("target", "body", "missing"),
    [(SESSIONS, ORDER, name) for name in ("amount", "success_url", "cancel_url")]
    + [(WEBHOOKS, HOOK, name) for name in HOOK],
)
def test_a_missing_required_parameter_is_named(
    shop: World, target: str, body: dict[str, Any], missing: str
) -> None:
    rest = {name: value for name, value in body.items() if name != missing}

    shop.refused((400, TYPE, MISSING, missing), "POST", target, rest)


@pytest.mark.parametrize("unknown", ["colour", "livemode", "ui_mode", "Amount", "status", "id"])
def test_an_unknown_parameter_is_refused_without_its_value(shop: World, unknown: str) -> None:
    for target, body in ((SESSIONS, ORDER), (CUSTOMERS, {}), (WEBHOOKS, HOOK)):
        body_with_unknown = body | {unknown: "4242424242424242"}
        response = shop.refused((400, TYPE, UNKNOWN, unknown), "POST", target, body_with_unknown)
        assert "4242" not in response.text


@pytest.mark.parametrize("unknown", ["id", "secret", "created_at", "idempotency_key"])
def test_an_unknown_parameter_of_an_update_is_refused(shop: World, unknown: str) -> None:
    shop.refused((400, TYPE, UNKNOWN, unknown), "PATCH", endpoint_of(shop), {unknown: "whsec_mine"})


def test_a_customer_of_another_scope_cannot_be_referenced(shop: World) -> None:
    others = [shop.post(CUSTOMERS, {}, key=key).json["id"] for key in (LIVE_KEY, OTHER_KEY)]
    malformed = ["ama", "cus_", "cus_" + "0" * 32, "cs_" + TAIL, "cus_" + TAIL + "\n", " "]

    for id in [*others, *malformed, "cus_" + TAIL]:
        error = (400, TYPE, "resource_missing", "customer")
        shop.refused(error, "POST", SESSIONS, ORDER | {"customer": id})


def test_values_at_the_limits_are_accepted(world: World) -> None:
    metadata = {f"{number:040}": "x" * 500 for number in range(50)}
    url = "https://yoursite.com/".ljust(2048, "a")
    for within in (
        {"amount": 1, "success_url": url, "cancel_url": url},
        {"amount": 99_999_999, "success_url": "http://localhost:3000/?a=é#b"},
        {"metadata": metadata, "customer_email": "a" * 64 + "@" + "b" * 185 + ".com"},
        {"customer_phone": "0241234567", "payment_method_types": ["card"]},
        {"customer_phone": "+233241234567", "currency": None, "customer": None, "metadata": None},
    ):
        session = world.create_session(**within)
        assert session["metadata"] == (within.get("metadata", ORDER["metadata"]) or {})
    assert world.post(CUSTOMERS, {"name": "x" * 500, "metadata": metadata}).status == 201
    assert world.post(WEBHOOKS, HOOK | {"description": "x" * 500}).status == 201


@pytest.mark.parametrize("seconds", [1790, 1795, 1800, 86400, 86405, 86410])
def test_expires_at_has_ten_seconds_of_tolerance_at_both_ends(world: World, seconds: int) -> None:
    assert world.create_session(expires_at=at(seconds))["expires_at"] == at(seconds)
    elsewhere = datetime.fromisoformat(at(seconds)[:-1] + "+00:00").timestamp() + 5.5 * 3600
    shifted = datetime.fromtimestamp(elsewhere, UTC).strftime("%Y-%m-%dT%H:%M:%S+05:30")
    assert world.create_session(expires_at=shifted)["expires_at"] == at(seconds)


def test_local_endpoint_urls_are_refused_by_default(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_LOCAL_ENDPOINTS", "false")
    settings.cache_clear()
    try:
        body = HOOK | {"url": "http://127.0.0.1:8000/hooks"}
        shop.refused((400, TYPE, INVALID, "url"), "POST", WEBHOOKS, body)
    finally:
        settings.cache_clear()


def test_a_scope_has_at_most_sixteen_webhook_endpoints(world: World) -> None:
    for _ in range(16):
        assert world.post(WEBHOOKS, HOOK).status == 201

    world.refused((422, TYPE, "limit_reached", None), "POST", WEBHOOKS, HOOK)

    assert world.post(WEBHOOKS, HOOK, key=LIVE_KEY).status == 201
    world.call("DELETE", endpoint_of(world))
    assert world.post(WEBHOOKS, HOOK).status == 201


# ---------------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nope", b"'{}'", b"{} {}", b"{},", b'{"amount": NaN}', b'{"amount": -Infinity}',
        b"[" * 60_000, b'{"a":' * 10_000, b'{"amount": ' + b"9" * 5000 + b"}",
        b'{"metadata": {"a": "\\ud800"}}', b'{"\\udfff": 1}', b'{"name": "\xe9"}', b"\xff\xfe{}",
        b"\xef\xbb\xbf{}", b"\x00", b"[[]]", b'[{"amount": 5000}]', b"5", b'"amount"', b"null",
        b"true", b"amount=5000&currency=GHS",
    ],
    ids=short,
)  # fmt: skip
def test_a_body_that_is_not_a_json_object_is_refused(shop: World, body: bytes) -> None:
    routes = [("POST", SESSIONS), ("POST", CUSTOMERS), ("POST", WEBHOOKS)]
    form = {"content-type": "application/x-www-form-urlencoded"}

    with shop.untouched():
        for method, target in [*routes, ("PATCH", endpoint_of(shop))]:
            assert shop.call(method, target, body).error == BODY
            assert shop.call(method, target, body, headers=form).error == BODY


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{}".ljust(64 * 1024 + 1), b"\xff" * 10**6])
def test_a_body_that_is_too_large_is_refused(shop: World, body: bytes) -> None:
    for method, target in (("POST", SESSIONS), ("PATCH", endpoint_of(shop))):
        shop.refused((413, TYPE, "body_too_large", None), method, target, body)


def test_a_missing_body_is_an_empty_object(shop: World) -> None:
    for body in (None, b"", b" \n", b"{}"):
        shop.refused((400, TYPE, MISSING, "amount"), "POST", SESSIONS, body)


def test_a_body_of_the_maximum_size_and_one_in_base64_are_accepted(world: World) -> None:
    full = json.dumps(ORDER).encode().ljust(64 * 1024)

    assert world.post(SESSIONS, full).status == 201
    assert world.post(SESSIONS, full, headers={"content-type": "text/json"}).status == 201
    assert world.post(SESSIONS, full, headers={"content-type": "image/png"}).json["amount"] == 5000
