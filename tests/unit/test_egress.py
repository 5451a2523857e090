"""Addresses a webhook may not go to, whatever name or spelling leads there."""

import socket

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


def answering(*addresses: str):
    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    return resolve


@pytest.mark.parametrize("address", HOSTILE)
def test_no_private_address_is_called(address: str, monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering(address))

    with pytest.raises(egress.AddressRefusedError):
        egress.post("https://example.com/hook", b"{}", {}, LIMITS)


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8", "10.0.0.1"))

    with pytest.raises(egress.AddressRefusedError):
        egress.post("https://example.com/hook", b"{}", {}, LIMITS)


def test_public_addresses_are_called(monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8", "2606:4700::1111"))

    assert egress.public_addresses("example.com", 443, 5) == ["8.8.8.8", "2606:4700::1111"]


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch, socket_enabled) -> None:
    """A second look-up would let the name answer differently."""
    called = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", answering("8.8.8.8"))
    monkeypatch.setattr(socket.socket, "connect", connect)

    with pytest.raises(egress.NotConnectedError):
        egress.post("https://example.com:8443/hook?a=1", b"{}", {}, LIMITS)

    assert called == [("8.8.8.8", 8443)]


def test_local_endpoints_are_for_devstack_alone(monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("127.0.0.1"))

    with pytest.raises(egress.AddressRefusedError):
        egress.post("http://127.0.0.1:80/hook", b"{}", {}, LIMITS)


@pytest.mark.parametrize("host", ["a" * 64 + ".example.com", "a..example.com"])
def test_a_name_that_cannot_be_one_is_a_failed_try(host: str, monkeypatch) -> None:
    """Not a fault of ours, which would leave the delivery's tries uncounted for ever."""

    def resolve(name: str, *_: object, **__: object) -> list[object]:
        name.encode("idna")  # what the real look-up does first
        raise AssertionError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(egress.NoAnswerError):
        egress.post(f"https://{host}/hook", b"{}", {}, LIMITS)
