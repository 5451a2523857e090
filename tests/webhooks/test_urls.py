"""A URL that is accepted for an endpoint arrives at the merchant's server as it was written."""

import socket
from collections.abc import Iterator

import pytest

from checkout.domain.addresses import is_endpoint_url
from checkout.webhooks import egress
from tests.webhooks.conftest import serving
from tests.world import World

LIMITS = egress.Limits(connect_seconds=5, total_seconds=10, allow_local=True)

TARGETS = {
    "no path": ("", "/"),
    "a query without a path": ("?token=x", "/?token=x"),
    "an empty query": ("/hooks?", "/hooks?"),
    "an empty query without a path": ("?", "/?"),
    "two slashes": ("//a//b", "//a//b"),
    "slashes only": ("///", "///"),
    "a dot segment": ("/a/../b/./c", "/a/../b/./c"),
    "parameters": ("/a;b=1;c/d;e?f;g", "/a;b=1;c/d;e?f;g"),
    "a percent-encoded slash": ("/%2F%2f%41?%26=%3d", "/%2F%2f%41?%26=%3d"),
    "a percent sign": ("/100%?50%", "/100%?50%"),
    "a URL in the path": ("/http://x.example/y", "/http://x.example/y"),
    "a URL in the query": ("?to=https://x.example/?y=z", "/?to=https://x.example/?y=z"),
    "an at sign": ("/@me?a@b", "/@me?a@b"),
    "reserved characters": ("/:@!$&'()*+,;=~-._?/?:!$&'()*", "/:@!$&'()*+,;=~-._?/?:!$&'()*"),
    "repeated parameters": ("/?a=1&a=2&&b", "/?a=1&a=2&&b"),
    "a fragment": ("/a?b#c", "/a?b"),
    "a fragment without a path": ("#?/c", "/"),
    "characters that no request may contain": ("/{a}|[b]^`", "/%7Ba%7D%7C%5Bb%5D%5E%60"),
    "letters beyond ASCII": ("/caf\u00e9?n=\u00fc", "/caf%C3%A9?n=%C3%BC"),
}  # fmt: skip

REFUSED = {
    "credentials": "https://user:password@shop.example/",
    "a user": "https://user@shop.example/",
    "an empty user": "https://@shop.example/",
    "a host beyond ASCII": "https://b\u00fccher.example/",
    "a host that is ASCII in lower case only": "https://\u212aiosk.example/",
    "a future address": "https://[v1.example]/",
    "brackets around a name": "https://[shop.example]/",
    "port zero": "https://shop.example:0/",
    "a port that is too large": "https://shop.example:65536/",
    "a blank": "https://shop.example/a b",
    "a line break": "https://shop.example/a\r\nX: y",
    "no host": "https:///hooks",
    "one slash": "https:/shop.example/",
}

requests: list[bytes] = []


def record(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with serving(record, requests) as url:
        yield url.removesuffix("/hooks")


@pytest.mark.parametrize(("written", "sent"), TARGETS.values(), ids=TARGETS.keys())
def test_an_accepted_url_arrives_as_written(origin: str, written: str, sent: str) -> None:
    assert is_endpoint_url(f"https://shop.example{written}", allow_local=False)

    assert egress.post(f"{origin}{written}", b"{}", {}, LIMITS).status == 200

    host = origin.partition("//")[2]
    head = requests.pop().split(b"\r\n")
    assert head[:2] == [f"POST {sent} HTTP/1.1".encode(), f"Host: {host}".encode()]


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED.keys())
def test_a_url_that_cannot_be_sent_as_written_is_refused(world: World, url: str) -> None:
    body = {"url": url, "events": ["checkout.session.completed"]}
    error = (400, "invalid_request_error", "parameter_invalid", "url")

    world.refused(error, "POST", "/v1/webhooks", body)
