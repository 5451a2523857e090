"""The addresses under /dev/ accept valid requests only."""

import pytest

from devstack.cli.control import Control
from devstack.clock import Clock
from devstack.http_messages import Request

OWN = ("host", "127.0.0.1:3000")


def request(
    method: str, path: str, body: bytes = b"", *headers: tuple[str, str]
) -> tuple[int, list[float], bytes]:
    """The response's status, the seconds by which the clock was moved, and the response's body."""
    advanced: list[float] = []
    control = Control("moto", Clock(), advanced.append)
    response = control.respond(Request(method, path, [OWN, *headers], body))
    return response.status, advanced, response.body


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
