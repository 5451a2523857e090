"""The HTTP server on real sockets."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from devstack.errors import DevstackError
from devstack.http_messages import Request, Response
from devstack.http_server import MAXIMUM_BODY, Server

HOST = "127.0.0.1"
CONNECTIONS = 50


class Responder:
    """Describes each request in its response, with special cases by path."""

    def __init__(self) -> None:
        self.all_connected = threading.Barrier(CONNECTIONS)
        self.released = threading.Event()
        self.hanging = threading.Event()
        self.paths: list[str] = []

    def __call__(self, request: Request) -> Response:
        self.paths.append(request.path)
        headers: tuple[tuple[str, str], ...] = (("x-b", "1"), ("x-a", "2"), ("x-b", "3"))
        match request.path:
            case "/bytes":
                return Response(200, headers, request.body)
            case "/empty":
                return Response(204, headers, b"")
            case "/together":
                self.all_connected.wait(60)
            case "/hang":
                self.hanging.set()
                self.released.wait(120)
            case "/fail":
                raise RuntimeError("expected by the test")
        content = {
            "method": request.method,
            "target": request.target,
            "headers": list(request.headers),
            "body": request.body.decode(),
            "source_ip": request.source_ip,
            "protocol": request.protocol,
        }
        return Response.from_json(200, content)


@pytest.fixture
def responder() -> Iterator[Responder]:
    responder = Responder()
    yield responder
    responder.released.set()


@pytest.fixture
def server(responder: Responder) -> Iterator[Server]:
    with Server(HOST, 0, responder) as server:
        server.start()
        yield server


def connect(server: Server) -> socket.socket:
    return socket.create_connection((HOST, server.port), timeout=60)


def exchange(server: Server, sent: bytes) -> tuple[list[str], bytes]:
    """Send bytes and read until the server closes: the lines of the head, and the body."""
    with connect(server) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def call(server: Server, method: str, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
    url = f"http://{HOST}:{server.port}{path}"
    return urllib3.request(method, url, retries=False, **more)


def test_request_is_passed_on_unchanged(server: Server) -> None:
    _, body = exchange(
        server,
        b"PATCH /a%2Fb//c?x=%20&y HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nCookie: c\r\nX-A: 2\r\n"
        b"X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: https\r\n"
        b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
    )
    assert json.loads(body) == {
        "method": "PATCH",
        "target": "/a%2Fb//c?x=%20&y",
        "headers": [
            ["host", "x"],
            ["x-a", "1"],
            ["cookie", "c"],
            ["x-a", "2"],
            ["x-forwarded-for", "10.1.1.1"],
            ["x-forwarded-proto", "https"],
            ["connection", "close"],
            ["content-length", "2"],
        ],
        "body": "ok",
        "source_ip": HOST,
        "protocol": "HTTP/1.1",
    }


def test_url_as_target_is_reduced_to_its_path(server: Server) -> None:
    request = b"GET http://x:1/a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert json.loads(exchange(server, request)[1])["target"] == "/a?b"


@pytest.mark.parametrize(
    "host",
    [b"evil.example/a", b"x//evil.example", b"a@b", b"x?y", b"x#y", b"", b"x:", b"x:port", b"a,b",
     b"x\\y", b"[::1", b"\xe9vil.example", b"x" * 300],
)  # fmt: skip
def test_request_with_a_malformed_host_is_refused(
    server: Server, responder: Responder, host: bytes
) -> None:
    head, body = exchange(
        server, b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    )
    assert head[0] == "HTTP/1.1 400 Bad Request"
    assert json.loads(body) == {"message": "Bad Request"}
    assert responder.paths == []


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1:3000", b"[::1]:3000", b"a-b.example"])
def test_request_with_a_host_is_passed_on(server: Server, host: bytes) -> None:
    request = b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    assert exchange(server, request)[0][0] == "HTTP/1.1 200 OK"


def test_bodies_are_bytes(server: Server) -> None:
    content = bytes(range(256)) * 300
    assert call(server, "POST", "/bytes", body=content).data == content


def test_response_headers_keep_their_order_and_repetitions(server: Server) -> None:
    head, _ = exchange(
        server, b"GET /bytes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )  # fmt: skip
    assert [line for line in head if line.startswith("x-")] == ["x-b: 1", "x-a: 2", "x-b: 3"]


def test_response_to_head_has_a_length_and_no_body(server: Server) -> None:
    head, body = exchange(server, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert head[0] == "HTTP/1.1 200 OK"
    (length,) = [line for line in head if line.startswith("content-length: ")]
    assert int(length.partition(" ")[2]) > 0
    assert body == b""


def test_response_without_content_has_no_length(server: Server) -> None:
    answer = call(server, "DELETE", "/empty")
    assert (answer.status, answer.data) == (204, b"")
    assert not {"content-length", "transfer-encoding"} & {name.lower() for name in answer.headers}


def test_chunked_body_with_extension_and_trailer_is_joined(server: Server) -> None:
    _, body = exchange(
        server,
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
    )
    assert json.loads(body)["body"] == "abcde"


def test_client_that_expects_100_gets_it_before_it_sends_the_body(server: Server) -> None:
    with connect(server) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                           b"Expect: 100-continue\r\nConnection: close\r\n\r\n")  # fmt: skip
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ab")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_connection_is_kept_for_the_next_request(server: Server) -> None:
    one = b"GET / HTTP/1.1\r\nHost: x\r\n"
    head, rest = exchange(server, one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert head[0] == "HTTP/1.1 200 OK"
    assert rest.count(b"HTTP/1.1 200 OK") == 1


def test_kept_connection_responds_without_delay(server: Server) -> None:
    pool = urllib3.HTTPConnectionPool(HOST, server.port, maxsize=1, block=True)
    took = []
    for _ in range(50):
        started_at = time.monotonic()
        pool.request("GET", "/")
        took.append(time.monotonic() - started_at)
    # Nagle's algorithm and delayed acknowledgements would cost 40 ms each, after the first few.
    assert min(took[25:]) < 0.03
    assert pool.num_connections == 1


@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked"}])
@pytest.mark.parametrize("size", [MAXIMUM_BODY + 1, 3 * MAXIMUM_BODY // 2])
def test_body_over_the_limit_is_refused(
    server: Server, size: int, headers: dict[str, str]
) -> None:  # fmt: skip
    answer = call(server, "POST", "/bytes", body=b"x" * size, headers=headers)
    assert (answer.status, answer.json()) == (413, {"message": "Request Entity Too Large"})


def test_body_at_the_limit_is_accepted(server: Server) -> None:
    assert len(call(server, "POST", "/bytes", body=b"x" * MAXIMUM_BODY).data) == MAXIMUM_BODY


def test_connection_is_usable_after_a_refused_body(server: Server) -> None:
    pool = urllib3.HTTPConnectionPool(HOST, server.port, maxsize=1, block=True)
    assert pool.request("POST", "/", body=b"x" * (MAXIMUM_BODY + 1)).status == 413
    assert pool.request("GET", "/").status == 200


def test_requests_are_handled_at_the_same_time(server: Server) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(call(server, "GET", "/together").status))
        for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * CONNECTIONS


def test_incomplete_request_is_dropped(
    server: Server, responder: Responder, caplog: pytest.LogCaptureFixture
) -> None:
    for body in (b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc"):
        with connect(server) as connection:
            connection.sendall(b"POST /incomplete HTTP/1.1\r\nHost: x\r\n" + body)
    assert call(server, "GET", "/").status == 200
    assert responder.paths == ["/"]
    assert caplog.records == []


def test_client_that_does_not_wait_for_the_response_is_not_an_error(
    server: Server, responder: Responder, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        assert responder.hanging.wait(60)
    responder.released.set()
    assert call(server, "GET", "/").status == 200
    assert caplog.records == []


def test_failure_is_logged_and_has_status_500(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    assert call(server, "GET", "/fail").status == 500
    assert "expected by the test" in caplog.text


def test_port_in_use_is_a_devstack_error(server: Server, responder: Responder) -> None:
    with pytest.raises(DevstackError, match=rf"port {server.port} on {HOST}") as refused:
        Server(HOST, server.port, responder)
    assert "\n" not in str(refused.value)


def test_server_needs_no_dns_lookup(monkeypatch: pytest.MonkeyPatch, responder: Responder) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise AssertionError("a name was looked up")

    for function in ("getfqdn", "gethostbyaddr", "gethostbyname", "getnameinfo"):
        monkeypatch.setattr(socket, function, refuse)
    with Server(HOST, 0, responder) as server:
        server.start()
        assert call(server, "GET", "/").status == 200


def test_stop_does_not_wait_for_a_hanging_request(server: Server, responder: Responder) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        assert responder.hanging.wait(60)
        started_at = time.monotonic()
        server.stop()
        assert time.monotonic() - started_at < 60
