"""Requests become events, and results responses, as in an HTTP API."""

import base64
from typing import Any

import pytest

from devstack.aws.api_gateway import build_event, choose_route, render_response
from devstack.http_messages import Request
from devstack.template import Json, Route

ROUTES = [
    Route("Default", "ANY", "$default"),
    Route("Any", "ANY", "/things/{id}"),
    Route("Show", "GET", "/things/{id}"),
    Route("New", "GET", "/things/new"),
    Route("Rest", "GET", "/things/{path+}"),
    Route("End", "POST", "/things/{id}/end"),
]


def event_of(**given: Any) -> Json:
    headers = given.pop("headers", [("Host", "127.0.0.1:3000")])
    request = Request(**{"method": "GET", "target": "/things/a", "headers": headers, **given})
    match = choose_route(ROUTES, request.method, request.path)
    assert match
    return build_event(request, match, now=1_600_000_000.5)


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("GET", "/things/new", "New"),
        ("GET", "/things/a", "Show"),
        ("PUT", "/things/a", "Any"),
        ("GET", "/things/a/b", "Rest"),
        ("POST", "/things/a/end", "End"),
        ("POST", "/things/a/start", "Default"),
        ("POST", "/things", "Default"),
        ("PUT", "/things/", "Default"),
        ("GET", "/", "Default"),
        ("HEAD", "/things/new", "Any"),
        ("GET", "/%74hings/n%65w", "New"),
        ("GET", "/things/a%2Fb", "Show"),
        ("GET", "/things/a/%62", "Rest"),
    ],
)
def test_most_specific_route_is_chosen(method: str, path: str, function: str) -> None:
    match = choose_route(ROUTES, method, path)
    assert match
    assert match.route.function == function


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/things/a%20b", {"id": "a b"}),
        ("/things/a%2Fb", {"id": "a/b"}),
        ("/things/a%252Fb", {"id": "a%2Fb"}),
        ("/things/%C3%A4", {"id": "ä"}),
        ("/things/a/b%2Fc/d", {"path": "a/b/c/d"}),
        ("/things/new", {}),
    ],
)
def test_path_parameters_are_decoded(path: str, parameters: dict[str, str]) -> None:
    match = choose_route(ROUTES, "GET", path)
    assert match
    assert match.parameters == parameters


def test_without_default_route_there_may_be_no_match() -> None:
    assert choose_route(ROUTES[1:], "DELETE", "/nowhere") is None


def test_event_has_all_fields_of_format_2() -> None:
    event = event_of(
        target="/things/a%20b?x=1&x=2&y=&z=%C3%A4+o",
        headers=[
            ("Host", "shop.test:3000"),
            ("User-Agent", "tests"),
            ("X-Twice", "1"),
            ("x-twice", "2"),
            ("Cookie", "a=1; b=2"),
            ("Transfer-Encoding", "chunked"),
        ],
    )
    context = event.pop("requestContext")
    trace = event["headers"].pop("x-amzn-trace-id")
    assert trace.startswith("Root=1-")
    assert event == {
        "version": "2.0",
        "routeKey": "GET /things/{id}",
        "rawPath": "/things/a b",
        "rawQueryString": "x=1&x=2&y=&z=%C3%A4+o",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "shop.test:3000",
            "user-agent": "tests",
            "x-twice": "1,2",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-proto": "http",
            "x-forwarded-port": "3000",
            "content-length": "0",
        },
        "queryStringParameters": {"x": "1,2", "y": "", "z": "ä o"},
        "pathParameters": {"id": "a b"},
        "isBase64Encoded": False,
    }
    assert len(context.pop("requestId")) == 16
    assert context == {
        "accountId": "123456789012",
        "apiId": "devstack",
        "domainName": "shop.test:3000",
        "domainPrefix": "shop",
        "http": {
            "method": "GET",
            "path": "/things/a b",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "tests",
        },
        "routeKey": "GET /things/{id}",
        "stage": "$default",
        "time": "13/Sep/2020:12:26:40 +0000",
        "timeEpoch": 1_600_000_000_500,
    }


def test_empty_fields_are_omitted() -> None:
    event = event_of(target="/")
    assert event["routeKey"] == "$default"
    for name in ("cookies", "queryStringParameters", "pathParameters", "body"):
        assert name not in event


def test_client_address_is_appended_to_x_forwarded_for() -> None:
    event = event_of(headers=[("X-Forwarded-For", "10.1.1.1")])
    assert event["headers"]["x-forwarded-for"] == "10.1.1.1, 127.0.0.1"


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        ("application/json", b"{}", False),
        ("Application/JSON; charset=utf-8", b"{}", False),
        ("text/html", "ä".encode(), False),
        ("application/xml", b"<a/>", False),
        ("application/javascript", b"a", False),
        ("application/x-www-form-urlencoded", b"a=1", True),
        ("application/octet-stream", b"a", True),
        ("", b"a", True),
        ("application/json", b"\xff", True),
    ],
)
def test_only_text_bodies_are_not_in_base64(content_type: str, body: bytes, encoded: bool) -> None:
    event = event_of(body=body, headers=[("Content-Type", content_type)])
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (base64.b64encode(body).decode() if encoded else body.decode())


def test_result_becomes_a_response() -> None:
    response = render_response(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/html", "X-Count": 3, "x-yes": True},
            "cookies": ["a=1", "b=2"],
            "body": "ä",
        }
    )
    assert response.status == 201
    assert response.body == "ä".encode()
    assert response.headers == (
        ("content-type", "text/html"),
        ("x-count", "3"),
        ("x-yes", "true"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    )


def test_base64_body_is_decoded() -> None:
    result = {
        "statusCode": 200,
        "body": base64.b64encode(b"\xff").decode(),
        "isBase64Encoded": True,
    }
    assert render_response(result).body == b"\xff"


@pytest.mark.parametrize("result", [{"ok": 1}, ["a"], None])
def test_result_without_status_code_is_the_body(result: object) -> None:
    response = render_response(result)
    assert response.status == 200
    assert dict(response.headers) == {"content-type": "application/json"}


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "x"},
        {"statusCode": None},
        {"statusCode": 999},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
        {"statusCode": 200, "headers": {"location": "a\r\nset-cookie: b=1"}},
        {"statusCode": 200, "headers": ["a"]},
    ],
)
def test_malformed_result_of_a_function_is_answered_with_500(result: object) -> None:
    response = render_response(result)
    assert (response.status, response.body) == (500, b'{"message": "Internal Server Error"}')
