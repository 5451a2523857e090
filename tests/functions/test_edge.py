"""Requests that come through CloudFront, and requests around it."""

import pytest

from checkout.api import limits
from checkout.settings import settings
from tests.world import SESSIONS, World

EDGE_KEY = "edge" * 8
THROUGH = {"x-edge-key": EDGE_KEY}


@pytest.fixture
def edge(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose functions stand behind CloudFront."""
    monkeypatch.setenv("EDGE_KEY", EDGE_KEY)
    monkeypatch.setenv("VISITOR_RATE", "1")
    settings.cache_clear()
    return world


@pytest.mark.parametrize("sent", [{}, {"x-edge-key": ""}, {"x-edge-key": EDGE_KEY[1:]}])
def test_a_request_around_cloudfront_is_not_found(edge: World, sent: dict[str, str]) -> None:
    error = (404, "invalid_request_error", "route_missing", None)
    edge.refused(error, "GET", SESSIONS, headers=sent)
    assert edge.payrex("GET", "/customers", headers=sent).errors == (
        404,
        [("route_not_found", None)],
    )
    assert edge.get("/checkout/x", key=None, headers=sent).status == 404


def test_a_request_through_cloudfront_is_answered(edge: World) -> None:
    assert edge.get(SESSIONS, headers=THROUGH).status == 200


def test_visitors_are_counted_by_the_address_that_cloudfront_saw(edge: World) -> None:
    for viewer in ("192.0.2.1:1024", "192.0.2.1:1025", "2001:db8::1:1024", "[2001:db8::2]:1024"):
        headers = THROUGH | {"cloudfront-viewer-address": viewer}
        edge.get("/checkout/x", key=None, headers=headers)

    assert [id for kind, id in limits.buckets() if kind == "visitor"] == [
        "192.0.2.1",
        "20010db800000000",
    ]


def test_without_cloudfront_nobody_chooses_an_address(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISITOR_RATE", "1")
    settings.cache_clear()
    forged = {"cloudfront-viewer-address": "192.0.2.1:1024"}

    world.get("/checkout/x", key=None, headers=forged)

    assert [id for kind, id in limits.buckets() if kind == "visitor"] == ["127.0.0.1"]
