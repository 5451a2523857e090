"""The fuzz finds responses that break a rule."""

import json
from io import StringIO
from itertools import islice
from typing import Any

import pytest

from devstack.http_messages import Request
from devstack.template import Route
from tests.fuzz import calling, examples, rules, values
from tests.fuzz.mutations import Example, hostile_requests
from tests.world import TEMPLATE

JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}
PAYGATE = {"error": {"type": "api_error", "code": "x", "message": "x"}}
PAYREX = {"errors": [{"code": "x", "detail": "x"}]}
GET_PAGE, GET_PAYREX = "GET /checkout/{id}", "GET /customers"


def broken(
    status: int,
    body: Any,
    headers: dict[str, str] = JSON,
    key: str = "GET /v1/customers",
    path: str = "/",
) -> list[str]:
    """The rules that a response of a route breaks."""
    text = body if isinstance(body, str) else json.dumps(body)
    result = {"statusCode": status, "headers": headers, "body": text}
    outcome = {"result": result, "faults": []}
    return list(rules.broken_rules(route_of(key), Request("GET", path, []), outcome))


def route_of(key: str) -> Route:
    return next(route for route in TEMPLATE.routes if route.key == key)


def test_responses_that_keep_the_rules_are_accepted() -> None:
    assert not broken(200, {"data": []})
    assert not broken(404, PAYGATE)
    assert not broken(404, PAYREX, key=GET_PAYREX)
    assert not broken(404, "<p>&lt;script></html>", HTML, GET_PAGE)
    assert not broken(404, "</html>", HTML, "$default", "/c/%63s_1/x")
    assert not broken(404, PAYGATE, JSON, "$default", "/v1/nowhere")
    assert not broken(303, "", {"location": "/checkout/cs_1"}, GET_PAGE)


@pytest.mark.parametrize(
    ("status", "body", "headers", "key"),
    [
        (500, PAYGATE, JSON, "GET /v1/customers"),
        (404, PAYREX, JSON, "GET /v1/customers"),
        (404, {"error": {"code": "x", "message": "x"}}, JSON, "GET /v1/customers"),
        (404, {"error": {**PAYGATE["error"], "hint": "x"}}, JSON, "GET /v1/customers"),
        (404, PAYGATE, HTML, "GET /v1/customers"),
        (404, PAYGATE, JSON, GET_PAYREX),
        (404, {"errors": []}, JSON, GET_PAYREX),
        (404, {"errors": [{"code": "x", "detail": ""}]}, JSON, GET_PAYREX),
        (404, PAYGATE, JSON, GET_PAGE),
        (404, PAYGATE, JSON, "$default"),
        (200, values.MARKER, HTML, GET_PAGE),
        (200, "{", JSON, "GET /v1/customers"),
        (200, '{"a": NaN}', JSON, "GET /v1/customers"),
        (200, {}, JSON | {"x": "a\nb"}, "GET /v1/customers"),
        (200, {}, JSON | {"x": "\u2028"}, "GET /v1/customers"),
        (400, {"error": {**PAYGATE["error"], "param": "x" * 200_000}}, JSON, "GET /v1/customers"),
    ],
)
def test_a_response_that_breaks_a_rule_is_found(
    status: int, body: Any, headers: dict[str, str], key: str
) -> None:
    assert broken(status, body, headers, key)


def test_a_request_that_computes_or_waits_too_long_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shorter = {number: (timer, 0.02) for number, (timer, _) in calling.TIMERS.items()}
    monkeypatch.setattr(calling, "TIMERS", shorter)

    def compute(_event: Any, _context: Any) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:  # as handlers have
                continue

    outcome = calling.call(compute, {}, None, StringIO())

    assert outcome["slow"]
    (rule,) = rules.broken_rules(route_of(GET_PAGE), Request("GET", "/", []), outcome)
    assert "too slow" in rule


def test_an_exception_of_a_handler_is_found() -> None:
    def fail(_event: Any, _context: Any) -> None:
        raise ValueError("x")

    outcome = calling.call(fail, {}, None, StringIO())

    (rule,) = rules.broken_rules(route_of(GET_PAGE), Request("GET", "/", []), outcome)
    assert rule.startswith("raised")
    assert "ValueError" in rule


def test_the_same_seed_makes_the_same_requests() -> None:
    form = (("name", "Ana"), ("metadata[a]", "1"))
    known = [
        Example("POST", "/customers", None, (), {}, form),
        Example(
            "PATCH", "/v1/webhooks/we_1", "we_1", (("limit", "1"),), {}, {"url": "https://a.b"}
        ),
    ]
    others = examples.all_bodies()

    first, again = (list(islice(hostile_requests(known, others, "1"), 300)) for _ in range(2))
    other = list(islice(hostile_requests(known, others, "2"), 300))

    assert first == again
    assert first != other
