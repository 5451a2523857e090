"""The addresses under /dev/ accept valid requests only."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.cli import pages
from devstack.cli.control import Control
from devstack.cli.pages import Pages
from devstack.clock import Clock
from devstack.errors import DevstackError
from devstack.http_messages import Request, Response

OWN = ("host", "127.0.0.1:3000")
HTML = ("accept", "text/html,application/xhtml+xml")


def discard(*_: object) -> None:
    """Does nothing."""


def request(
    method: str, path: str, body: bytes = b"", *headers: tuple[str, str]
) -> tuple[int, list[float], bytes]:
    """The response's status, the seconds by which the clock was moved, and the response's body."""
    advanced: list[float] = []
    control = new_control(advanced.append)
    response = control.respond(Request(method, path, [OWN, *headers], body))
    return response.status, advanced, response.body


def new_control(
    advance: Callable[[float], None] = discard, reset: Callable[[], None] = discard
) -> Control:
    clock = Clock()
    shown = Pages("http://127.0.0.1:3000", "moto", None, clock, [])
    return Control("moto", clock, advance, reset, forwarded, shown)


def forwarded(_: Request) -> Response:
    return Response.from_json(200, {"aws": True})


@pytest.mark.parametrize(("body", "seconds"), [(b'{"advance": 0}', 0), (b'{"advance": 1.5}', 1.5)])
def test_clock_accepts_whole_and_fractional_seconds(body: bytes, seconds: float) -> None:
    status, advanced, _ = request("POST", "/dev/clock", body)
    assert (status, advanced) == (200, [seconds])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"\xff",
        b"[]",
        b"{}",
        b'{"advance": -1}',
        b'{"advance": "5"}',
        b'{"advance": true}',
        b'{"advance": null}',
        b'{"advance": NaN}',
        b'{"advance": 1e300}',
        b'{"advance": 1, "other": 2}',
    ],
)
def test_invalid_advance_is_refused(body: bytes) -> None:
    status, advanced, answer = request("POST", "/dev/clock", body)
    assert (status, advanced) == (400, [])
    assert b"seconds" in answer


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("DELETE", "/dev/clock", 405),
        ("POST", "/dev/health", 405),
        ("GET", "/dev/reset", 405),
        ("GET", "/dev/openapi/other.json", 404),
        ("GET", "/dev/openapi/%2e%2e", 404),
        ("POST", "/dev/reference", 404),
        ("GET", "/dev/other", 404),
    ],
)
def test_unknown_methods_and_paths_are_refused(method: str, path: str, expected: int) -> None:
    assert request(method, path)[0] == expected


@pytest.mark.parametrize(
    "header",
    [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", ""),
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:4001"),
        ("origin", "https://127.0.0.1:3000"),
        ("origin", "null"),
        ("Origin", "http://evil.example"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_page_of_another_site_changes_nothing(method: str, header: tuple[str, str]) -> None:
    status, advanced, answer = request(method, "/dev/clock", b'{"advance": 60}', header)
    assert (status, advanced) == (403, [])
    assert b"another site" in answer


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("sec-fetch-site", "none"),),
        (("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:3000")),
    ],
)
def test_programs_and_own_pages_move_the_clock(headers: tuple[tuple[str, str], ...]) -> None:
    assert request("POST", "/dev/clock", b'{"advance": 60}', *headers)[:2] == (200, [60])


def test_other_sites_may_read_what_changes_nothing() -> None:
    assert request("GET", "/dev/health", b"", ("sec-fetch-site", "cross-site"))[0] == 200


def test_health_says_by_how_much_the_clock_was_moved() -> None:
    control = new_control()
    health = Request("GET", "/dev/health", [OWN])

    assert json.loads(control.respond(health).body)["clock"] == "real time"
    control._clock.shift_to(3600)

    assert json.loads(control.respond(health).body)["clock"] == "moved by 3600 s"


def test_a_reset_starts_anew_and_another_site_cannot_ask_for_it() -> None:
    resets: list[None] = []
    control = new_control(reset=lambda: resets.append(None))
    reset = Request("POST", "/dev/reset", [OWN])
    foreign = Request("POST", "/dev/reset", [OWN, ("origin", "https://evil.example")])

    assert control.respond(foreign).status == 403
    assert resets == []
    assert control.respond(reset).status == 200
    assert len(resets) == 1


def test_a_reset_that_is_refused_says_why() -> None:
    def refuse() -> None:
        raise DevstackError("not mine")

    response = new_control(reset=refuse).respond(Request("POST", "/dev/reset", [OWN]))

    assert (response.status, json.loads(response.body)) == (409, {"error": {"message": "not mine"}})


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (Request("GET", "/", [OWN, HTML]), True),
        (Request("GET", "/dev/", [OWN]), True),
        (Request("GET", "/", [OWN, ("accept", "*/*")]), False),
        (Request("GET", "/", [OWN]), False),
        (Request("POST", "/", [OWN, HTML]), False),
        (Request("GET", "/v1/customers", [OWN, HTML]), False),
    ],
)
def test_only_browsers_get_a_page_instead_of_the_apis_root(request_: Request, wanted: bool) -> None:
    assert new_control().wants(request_) is wanted


@pytest.mark.parametrize("api", ["paygate", "payrex"])
def test_the_reference_and_its_document_come_from_this_machine(api: str) -> None:
    control = new_control()

    document = control.respond(Request("GET", f"/dev/openapi/{api}.json", [OWN]))
    page = control.respond(Request("GET", f"/dev/reference/{api}", [OWN])).body.decode()

    assert json.loads(document.body)["openapi"].startswith("3.1")
    assert f"/dev/openapi/{api}.json" in page
    assert "//" not in page.replace("<!doctype html>", "")


def test_without_npm_the_reference_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "REFERENCE", tmp_path / "redoc.js")
    monkeypatch.setenv("PATH", str(tmp_path))

    response = new_control().respond(Request("GET", "/dev/redoc.js", [OWN]))

    assert response.status == 503
    assert b"without npm" in response.body
