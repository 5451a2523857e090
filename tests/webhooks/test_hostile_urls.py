"""Webhooks never go to addresses that are not public, whatever URL, name or answer points there.
Meanwhile all addresses of this machine listen, and must not be connected to."""

import socket
import threading
import time
from typing import Any

import pytest

from checkout.domain.addresses import is_endpoint_url
from checkout.webhooks import egress
from tests.receiver import Receiver
from tests.webhooks.conftest import Trap

LIMITS = egress.Limits(connect_seconds=2, total_seconds=4, allow_local=False)
DEVSTACK = egress.Limits(connect_seconds=2, total_seconds=4, allow_local=True)

SPELLINGS = {
    "loopback": "https://127.0.0.1:{port}/",
    "another loopback": "https://127.8.8.8:{port}/",
    "unspecified": "https://0.0.0.0:{port}/",
    "this network": "https://0.1.2.3:{port}/",
    "decimal": "https://2130706433:{port}/",
    "decimal of a public address": "https://134744072:{port}/",
    "hexadecimal": "https://0x7f000001:{port}/",
    "hexadecimal parts": "https://0x7f.0x0.0x0.0x1:{port}/",
    "upper-case hexadecimal": "https://0X7F.1:{port}/",
    "octal": "https://017700000001:{port}/",
    "octal parts": "https://0177.0.0.01:{port}/",
    "two parts": "https://127.1:{port}/",
    "three parts": "https://127.0.1:{port}/",
    "one part": "https://0:{port}/",
    "leading zeros": "https://127.000.000.001:{port}/",
    "trailing dot": "https://127.0.0.1.:{port}/",
    "too many parts": "https://127.0.0.0.1:{port}/",
    "ten": "https://10.0.0.1:{port}/",
    "a hundred and seventy-two": "https://172.31.255.254:{port}/",
    "home": "https://192.168.1.1:{port}/",
    "carriers' NAT": "https://100.64.0.1:{port}/",
    "metadata": "https://169.254.169.254/latest/meta-data/",
    "metadata, decimal": "https://2852039166/latest/meta-data/",
    "metadata of containers": "https://169.254.170.2:{port}/",
    "metadata of another cloud": "https://100.100.100.200:{port}/",
    "multicast": "https://224.0.0.1:{port}/",
    "reserved": "https://240.0.0.1:{port}/",
    "broadcast": "https://255.255.255.255:{port}/",
    "documentation": "https://203.0.113.9:{port}/",
    "benchmarks": "https://198.18.0.1:{port}/",
    "protocol assignments": "https://192.0.0.8:{port}/",
    "6to4 relay": "https://192.88.99.1:{port}/",
    "IPv6 loopback": "https://[::1]:{port}/",
    "IPv6 loopback at length": "https://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/",
    "IPv6 unspecified": "https://[::]:{port}/",
    "mapped": "https://[::ffff:127.0.0.1]:{port}/",
    "mapped, hexadecimal": "https://[::ffff:7f00:1]:{port}/",
    "mapped public": "https://[::ffff:8.8.8.8]:{port}/",
    "compatible": "https://[::127.0.0.1]:{port}/",
    "translated": "https://[::ffff:0:127.0.0.1]:{port}/",
    "NAT64": "https://[64:ff9b::7f00:1]:{port}/",
    "NAT64 of metadata": "https://[64:ff9b::169.254.169.254]:{port}/",
    "local NAT64": "https://[64:ff9b:1::7f00:1]:{port}/",
    "6to4": "https://[2002:7f00:1::]:{port}/",
    "Teredo": "https://[2001:0:7f00:1::]:{port}/",
    "ORCHID": "https://[2001:20::1]:{port}/",
    "unique local": "https://[fc00::1]:{port}/",
    "metadata over IPv6": "https://[fd00:ec2::254]:{port}/",
    "link-local": "https://[fe80::1]:{port}/",
    "link-local with a zone": "https://[fe80::1%25lo]:{port}/",
    "loopback with a zone": "https://[::1%25lo]:{port}/",
    "site-local": "https://[fec0::1]:{port}/",
    "IPv6 multicast": "https://[ff02::1]:{port}/",
    "IPv6 documentation": "https://[2001:db8::1]:{port}/",
    "newer documentation": "https://[3fff::1]:{port}/",
    "discarded": "https://[100::1]:{port}/",
    "segment routing": "https://[5f00::1]:{port}/",
    "localhost": "https://localhost:{port}/",
    "mixed case": "https://LocalHost:{port}/",
    "localhost with a dot": "https://localhost.:{port}/",
    "below localhost": "https://hooks.localhost:{port}/",
    "a name of one part": "https://kubernetes:{port}/",
    "internal": "https://metadata.google.internal/",
    "local": "https://printer.local:{port}/",
    "percent-encoded": "https://%6c%6f%63%61%6c%68%6f%73%74:{port}/",
    "percent-encoded dots": "https://127%2e0%2e0%2e1:{port}/",
    "circled letters": "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "full-width digits": "https://１２７.0.0.1:{port}/",
    "ideographic full stops": "https://127。0。0。1:{port}/",
    "empty label": "https://hooks..example.com:{port}/",
    "endless label": "https://" + "a" * 64 + ".example.com:{port}/",
    "credentials": "https://user:password@127.0.0.1:{port}/",
    "credentials that look like a host": "https://hooks.example.com@127.0.0.1:{port}/",
    "backslash": "https://127.0.0.1:{port}\\@hooks.example.com/",
    "line break": "https://127.0.0.1:{port}/\r\nHost: x",
    "no host": "https://:{port}/",
    "plain HTTP": "http://127.0.0.1:{port}/",
    "plain HTTP in public": "http://hooks.example.com/",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/_",
}  # fmt: skip

BEHIND_NAMES = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
    "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.127.255.255", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
    "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo",
    "fec0::1", "ff02::1",
]  # fmt: skip

NAME = "hooks.example.com"


class Resolver:
    """Replaces getaddrinfo: returns one list of addresses for each call."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.hosts: list[str] = []

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.hosts.append(host)
        addresses = self.answers.pop(0)
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "",
             (each, port))
            for each in addresses
        ]  # fmt: skip


def check_refused(url: str) -> None:
    with pytest.raises(egress.AddressRefusedError):
        egress.post(url, b"{}", {}, LIMITS)


def test_there_are_at_least_forty_cases() -> None:
    assert len(SPELLINGS) + len(BEHIND_NAMES) >= 40


def test_the_trap_notices_connections(trap: Trap) -> None:
    """Shows that the tests below can fail."""
    for address in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"):
        with socket.create_connection((address, trap.port), timeout=5) as connection:
            assert connection.recv(1) == b""

    assert len(trap.accepted) == 4


@pytest.mark.parametrize("url", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_hostile_urls_are_refused_at_registration(url: str) -> None:
    assert not is_endpoint_url(url.format(port=8443), allow_local=False)


@pytest.mark.parametrize("url", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_hostile_urls_are_refused_at_each_attempt(url: str, trap: Trap) -> None:
    """Even if an earlier version accepted it. It is not looked up either."""
    check_refused(url.format(port=trap.port))

    assert trap.accepted == []


@pytest.mark.parametrize("address", BEHIND_NAMES)
def test_names_that_resolve_to_hostile_addresses_are_refused(
    address: str, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver([address]))
    url = f"https://{NAME}:{trap.port}/"

    assert is_endpoint_url(url, allow_local=False)
    check_refused(url)

    assert trap.accepted == []


@pytest.mark.parametrize("answer", [["8.8.8.8", "127.0.0.1"], ["::1", "2606:4700::1111"]])
def test_one_private_address_among_public_ones_is_refused(
    answer: list[str], trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(answer))
    called: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: called.append(address))

    check_refused(f"https://{NAME}:{trap.port}/")

    assert called == trap.accepted == []


def test_dns_rebinding_has_no_effect(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is looked up once, and the socket connects to the address that was checked."""
    resolver = Resolver(["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"])
    called: list[Any] = []

    def connect(_: socket.socket, address: Any) -> None:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(egress.NotConnectedError):
        egress.post(f"https://{NAME}:{trap.port}/", b"{}", {}, LIMITS)

    assert resolver.hosts == [NAME]
    assert called == [("8.8.8.8", trap.port)]
    assert trap.accepted == []


def test_the_next_address_is_used_if_one_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[Any] = []

    def connect(_: socket.socket, address: Any) -> None:
        called.append(address[0])
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["2606:4700::1111", "8.8.8.8"]))
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(egress.NotConnectedError):
        egress.post(f"https://{NAME}/", b"{}", {}, LIMITS)

    assert called == ["2606:4700::1111", "8.8.8.8"]


def test_an_attempt_times_out_if_the_name_server_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hanging.wait(60))
    started = time.monotonic()

    with pytest.raises(egress.TimedOutError):
        egress.post(f"https://{NAME}/", b"{}", {}, LIMITS._replace(connect_seconds=0.2))

    hanging.set()
    assert time.monotonic() - started < 30


def test_redirects_are_answers_and_are_not_followed(trap: Trap, receiver: Receiver) -> None:
    receiver.statuses = [301, 302, 303, 307, 308]
    receiver.headers = {"location": f"http://127.0.0.1:{trap.port}/"}

    statuses = [egress.post(receiver.url, b"{}", {}, DEVSTACK).status for _ in range(5)]

    assert statuses == [301, 302, 303, 307, 308]
    assert trap.accepted == []


def test_proxies_of_the_environment_are_ignored(
    trap: Trap, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")

    assert egress.post(receiver.url, b"{}", {}, DEVSTACK).status == 200
    check_refused(f"https://127.0.0.1:{trap.port}/")

    assert len(receiver.received) == 1
    assert trap.accepted == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://localhost.:{port}/",
        "https://127.0.0.1:{port}/",
    ],
)
def test_devstack_only_allows_the_usual_names_of_this_machine(url: str, trap: Trap) -> None:
    hostile = url.format(port=trap.port)

    assert not is_endpoint_url(hostile, allow_local=True)
    with pytest.raises(egress.AddressRefusedError):
        egress.post(hostile, b"{}", {}, DEVSTACK)

    assert trap.accepted == []


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/",
        "https://Hooks.Example.COM:8443/a?b=c",
        "https://hooks.example.com./",
        "https://xn--bcher-kva.example/hooks",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/",
        "https://my_shop.example.com/",
        "https://1.shop.example.com/",
        "https://127.0.0.1.example.com/",
    ],
)
def test_public_urls_are_accepted(url: str) -> None:
    assert is_endpoint_url(url, allow_local=False)
