"""Connections to merchants' servers: TLS keeps the name while the address is pinned, and no server
can make an attempt longer than its limit or fill the memory."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from checkout.webhooks import egress
from checkout.webhooks.answers import ANSWER_BYTES
from tests.webhooks.conftest import serving

NAME, PUBLIC = "hooks.example.com", "93.184.215.14"
LIMITS = egress.Limits(connect_seconds=20, total_seconds=60, allow_local=False)
LOCAL = LIMITS._replace(allow_local=True)
SHORT = LOCAL._replace(total_seconds=0.6)
READING = LOCAL._replace(total_seconds=3)
"""Enough for a connection and the first part of an answer."""
SLACK = 20  # for a busy machine; without a limit the answers below take a minute
OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class TlsServer:
    port: int
    names: list[str] = field(default_factory=list)
    """Host names in the clients' TLS hello."""
    requests: list[bytes] = field(default_factory=list)
    connected: list[Any] = field(default_factory=list)
    """Addresses that the sender connected to."""
    pause: float = 0
    """Seconds before each read of a request."""
    answer: Callable[[ssl.SSLSocket], None] = lambda secured: secured.sendall(
        OK + b"content-length: 5\r\n\r\nhello"
    )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    """A merchant's server for `NAME` with a certificate that the sender trusts. `NAME` resolves to
    `PUBLIC`, and connections to that address are redirected here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path, NAME))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = TlsServer(listener.getsockname()[1])
        context.sni_callback = lambda _, name, __: server.names.append(name)
        threading.Thread(target=_serve, args=(listener, context, server), daemon=True).start()

        real_connect = socket.socket.connect

        def connect(connection: socket.socket, address: Any) -> None:
            server.connected.append(address)
            real_connect(connection, ("127.0.0.1", server.port))

        monkeypatch.setattr(socket.socket, "connect", connect)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (PUBLIC, 443))])
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        egress.tls.cache_clear()
        yield server
    egress.tls.cache_clear()


def _serve(listener: socket.socket, context: ssl.SSLContext, server: TlsServer) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                request = b""
                while not request.endswith(b"\r\n\r\n{}"):
                    time.sleep(server.pause)
                    request += secured.recv(65_536)
                server.requests.append(request)
                server.answer(secured)
        except OSError:
            connection.close()


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Files of a certificate and key for `name`; its authority is in `authority.pem`."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _signed("Test authority", authority_key, "Test authority", authority_key, None)
    leaf = _signed(name, key, "Test authority", authority_key, name)
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "shop.pem").write_bytes(leaf.public_bytes(pem))
    (folder / "shop.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "shop.pem", folder / "shop.key"


def _signed(subject: str, key: Any, issuer: str, issuer_key: Any, host: str | None) -> Any:
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    )
    if host:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        built = built.add_extension(names, critical=False)
    return built.sign(issuer_key, hashes.SHA256())


def test_tls_and_host_header_keep_the_name_when_the_address_is_pinned(shop: TlsServer) -> None:
    answer = egress.post(f"https://{NAME}:8443/hooks?a=1", b"{}", {"x": "1"}, LIMITS)

    assert (answer.status, answer.body) == (200, b"hello")
    assert shop.connected == [(PUBLIC, 8443)]
    assert shop.names == [NAME]
    (request,) = shop.requests
    assert request.startswith(b"POST /hooks?a=1 HTTP/1.1\r\n")
    assert f"Host: {NAME}:8443\r\n".encode() in request


def test_certificates_of_other_names_are_refused(shop: TlsServer) -> None:
    with pytest.raises(egress.TlsFailedError):
        egress.post("https://other.example.com/", b"secret", {}, LIMITS)

    assert shop.names == ["other.example.com"]
    assert shop.requests == []


def test_certificates_of_unknown_authorities_are_refused(
    shop: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    egress.tls.cache_clear()

    with pytest.raises(egress.TlsFailedError):
        egress.post(f"https://{NAME}/", b"secret", {}, LIMITS)

    assert shop.requests == []


def drip(connection: socket.socket, head: bytes, drop: bytes) -> None:
    """Sends `head`, then `drop` again and again, without a pause long enough for a timeout."""
    connection.sendall(head)
    for _ in range(3000):
        connection.sendall(drop)
        time.sleep(0.02)


def pour(connection: socket.socket, head: bytes, drop: bytes) -> None:
    connection.sendall(head)
    while True:
        connection.sendall(drop * 1000)


def check_time_out(answer: Any) -> None:
    started = time.monotonic()
    with serving(answer) as url, pytest.raises(egress.TimedOutError):
        egress.post(url, b"{}", {}, SHORT)
    assert time.monotonic() - started < SHORT.total_seconds + SLACK


def test_an_attempt_times_out_if_the_server_never_answers() -> None:
    check_time_out(lambda _: threading.Event().wait(60))


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200", OK, OK + b"x: "])
def test_an_attempt_times_out_while_the_answer_drips(head: bytes) -> None:
    check_time_out(lambda connection: drip(connection, head, b"1"))


@pytest.mark.parametrize("status", [100, 102, 103])
def test_endless_interim_answers_end_the_attempt(status: int) -> None:
    interim = b"HTTP/1.1 %d Wait\r\n\r\n" % status
    with (
        serving(lambda connection: pour(connection, b"", interim)) as url,
        pytest.raises(egress.NoAnswerError) as failure,
    ):
        egress.post(url, b"{}", {}, LOCAL)

    assert failure.value.code == "broken_answer"


def test_an_attempt_times_out_while_interim_answers_drip() -> None:
    check_time_out(lambda connection: drip(connection, b"HTTP/1.1 103 Wait\r\n", b"x: y\r\n"))


def test_an_attempt_times_out_if_the_server_does_not_read() -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with pytest.raises(egress.TimedOutError):
            egress.post(url, b"x" * 50_000_000, {}, SHORT)
    assert time.monotonic() - started < SHORT.total_seconds + SLACK


def test_an_attempt_times_out_during_the_tls_handshake(
    shop: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        shop.port = silent.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(egress.TimedOutError):
            egress.post(f"https://{NAME}/", b"{}", {}, SHORT._replace(allow_local=False))
    assert time.monotonic() - started < SHORT.total_seconds + SLACK


def test_an_attempt_times_out_during_a_tls_answer(shop: TlsServer) -> None:
    shop.answer = lambda secured: drip(secured, OK, b"x")
    started = time.monotonic()

    with pytest.raises(egress.TimedOutError):
        egress.post(f"https://{NAME}/", b"{}", {}, SHORT._replace(allow_local=False))
    assert time.monotonic() - started < SHORT.total_seconds + SLACK


def test_the_first_part_of_an_endless_tls_body_is_read(shop: TlsServer) -> None:
    shop.answer = lambda secured: drip(secured, OK + b"\r\n", b"y")
    started = time.monotonic()

    answer = egress.post(f"https://{NAME}/", b"{}", {}, READING._replace(allow_local=False))

    assert time.monotonic() - started < READING.total_seconds + SLACK
    assert answer.status == 200
    assert set(answer.body) == {ord("y")}


def test_an_attempt_times_out_if_a_tls_server_reads_slowly(shop: TlsServer) -> None:
    """The time does not start again with every part that the server reads."""
    shop.pause = 0.1
    started = time.monotonic()

    with pytest.raises(egress.TimedOutError):
        egress.post(f"https://{NAME}/", b"x" * 50_000_000, {}, READING._replace(allow_local=False))
    assert time.monotonic() - started < READING.total_seconds + SLACK


def test_an_attempt_leaves_no_thread() -> None:
    """Otherwise a busy sender would collect threads."""
    with serving(lambda connection: connection.sendall(OK + b"content-length: 0\r\n\r\n")) as url:
        before = set(threading.enumerate())
        egress.post(url, b"{}", {}, LOCAL)

        for thread in set(threading.enumerate()) - before:
            thread.join(timeout=SLACK)
            assert not thread.is_alive()


def test_a_url_without_a_path_is_called_at_the_root() -> None:
    targets: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            targets.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}"
        for url in (root, f"{root}?a=1", f"{root}/é?b=[ü]#c"):
            egress.post(url, b"{}", {}, LOCAL)
        server.shutdown()

    assert targets == ["/", "/?a=1", "/%C3%A9?b=%5B%C3%BC%5D"]


@pytest.mark.parametrize("send", [drip, pour])
@pytest.mark.parametrize(
    "head",
    [OK + b"\r\n", OK + b"content-length: 9999999999\r\n\r\n",
     OK + b"content-encoding: gzip\r\n\r\n"],
)  # fmt: skip
def test_only_the_first_part_of_an_endless_body_is_read(send: Any, head: bytes) -> None:
    started = time.monotonic()
    with serving(lambda connection: send(connection, head, b"y")) as url:
        answer = egress.post(url, b"{}", {}, READING)

    assert answer.status == 200
    assert 0 < len(answer.body) <= ANSWER_BYTES
    assert set(answer.body) == {ord("y")}
    assert time.monotonic() - started < READING.total_seconds + SLACK


@pytest.mark.parametrize(
    "head",
    [OK + b"x: " + b"y" * 100_000, OK + b"x: y\r\n" * 1000, b"\x16\x03\x01" * 50_000,
     b"HTTP/1.1 abc\r\n\r\n", OK + b"content-length: many\r\n\r\nyes"],
)  # fmt: skip
def test_malformed_http_only_fails_the_attempt(head: bytes) -> None:
    with serving(lambda connection: connection.sendall(head + b"\r\n\r\n")) as url:
        try:
            assert egress.post(url, b"{}", {}, LOCAL).status == 200
        except egress.NoAnswerError as error:
            assert error.code == "broken_answer"


def test_a_closed_port_is_reported_as_not_connected() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # nobody else can listen there, and nobody does
        with pytest.raises(egress.NotConnectedError):
            egress.post(f"http://127.0.0.1:{bound.getsockname()[1]}/", b"{}", {}, LOCAL)
