"""The addresses under /dev/ take what they should, and nothing else."""

import pytest

from devstack.clock import Clock
from devstack.control import Control
from devstack.gateway import Request


def ask(method: str, path: str, body: bytes = b"") -> tuple[int, list[float], bytes]:
    advanced: list[float] = []
    control = Control("moto", Clock(), advanced.append)
    response = control.answer(Request(method, path, [], body))
    return response.status, advanced, response.body


@pytest.mark.parametrize(("body", "seconds"), [(b'{"advance": 0}', 0), (b'{"advance": 1.5}', 1.5)])
def test_the_clock_takes_whole_and_broken_seconds(body: bytes, seconds: float) -> None:
    status, advanced, _ = ask("POST", "/dev/clock", body)
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
def test_an_advance_that_is_no_time_is_refused(body: bytes) -> None:
    status, advanced, answer = ask("POST", "/dev/clock", body)
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
def test_there_is_nothing_else(method: str, path: str, expected: int) -> None:
    assert ask(method, path)[0] == expected
