"""Webhooks are never sent to private addresses, whatever name or spelling leads there."""

import socket
from collections.abc import Callable

import pytest

from checkout.webhooks import egress

LIMITS = egress.Limits(connect_seconds=5, total_seconds=15, allow_local=False)

HOSTILE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
    "198.18.0.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
    "2001::1",
]  # fmt: skip


def answering(*addresses: str) -> Callable[..., object]:
    """A `getaddrinfo` that finds these addresses for every name."""

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    return resolve


def refused_connections(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The addresses that are connected to from now on. Each refuses."""
    called = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return called


@pytest.mark.parametrize("address", HOSTILE)
def test_a_private_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering(address))

    with pytest.raises(egress.AddressRefusedError):
        egress.post("https://example.com/hook", b"{}", {}, LIMITS)


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8", "10.0.0.1"))

    with pytest.raises(egress.AddressRefusedError):
        egress.post("https://example.com/hook", b"{}", {}, LIMITS)


def test_public_addresses_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8", "2606:4700::1111"))

    assert egress.public_addresses("example.com", 443, 5) == ["8.8.8.8", "2606:4700::1111"]


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    """A second DNS lookup could find another address."""
    called = refused_connections(monkeypatch)
    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8"))

    with pytest.raises(egress.NotConnectedError):
        egress.post("https://example.com:8443/hook?a=1", b"{}", {}, LIMITS)

    assert called == [("8.8.8.8", 8443)]


def test_localhost_is_tried_at_both_of_its_addresses_without_a_lookup(
    monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    called = refused_connections(monkeypatch)
    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8"))

    with pytest.raises(egress.NotConnectedError):
        egress.post("http://localhost:4000/hook", b"{}", {}, LIMITS._replace(allow_local=True))

    assert called == [("127.0.0.1", 4000), ("::1", 4000)]


def test_a_local_address_is_refused_outside_devstack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("127.0.0.1"))

    with pytest.raises(egress.AddressRefusedError):
        egress.post("http://127.0.0.1:80/hook", b"{}", {}, LIMITS)


@pytest.mark.parametrize("host", ["a" * 64 + ".example.com", "a..example.com"])
def test_an_impossible_name_is_a_failed_attempt(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error would leave the delivery's attempts uncounted for ever."""

    def resolve(name: str, *_: object, **__: object) -> list[object]:
        name.encode("idna")  # what the real lookup does first
        raise AssertionError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(egress.NoAnswerError):
        egress.post(f"https://{host}/hook", b"{}", {}, LIMITS)
