"""Calls one handler, and reports the outcome. It needs the standard library alone, because the
built functions' Python imports it too."""

import json
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

MAX_COMPUTED = 2.0
"""Seconds of the process's own work that a request may take."""
MAX_WAITED = 20.0
"""Seconds that a request may take in all. The limit is higher because other programs may use the
CPUs."""

TIMERS = {
    signal.SIGPROF: (signal.ITIMER_PROF, MAX_COMPUTED),
    signal.SIGALRM: (signal.ITIMER_REAL, MAX_WAITED),
}


class TooSlowError(BaseException):
    """Not an Exception, so that no handler catches it."""


def call(handler: Callable[..., Any], event: Any, context: Any, log: StringIO) -> dict[str, Any]:
    """`result`, or `error` and whether it was `slow`. `log` is where the functions log to; the
    `faults` in it are returned with a status of 500 and more."""
    log.seek(0)
    log.truncate()
    try:
        with _limited():
            result = handler(event, context)
            json.dumps(result)  # Lambda refuses a result that is not JSON
    except TooSlowError:
        return {"error": _end_of_traceback(), "slow": True}
    except Exception:
        return {"error": _end_of_traceback(), "slow": False}
    is_fault = isinstance(result, dict) and result.get("statusCode", 0) >= 500
    return {"result": result, "faults": _faults(log.getvalue()) if is_fault else []}


@contextmanager
def _limited() -> Iterator[None]:
    """Raises TooSlowError in the block when it exceeds a limit."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise TooSlowError

    previous = {number: signal.signal(number, interrupt) for number in TIMERS}
    try:
        for timer, seconds in TIMERS.values():
            signal.setitimer(timer, seconds)
        yield
    finally:
        for timer, _ in TIMERS.values():
            signal.setitimer(timer, 0)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end_of_traceback() -> str:
    lines = traceback.format_exc().strip().splitlines()
    return " / ".join(line.strip() for line in lines[-5:])[-600:]


def _faults(logged: str) -> list[str]:
    """The unexpected errors in a log, with their innermost frames."""
    lines = [line for line in logged.splitlines() if '"unexpected error"' in line]
    return [
        f"{fault['error']} {fault.get('code', '')} at {' < '.join(reversed(fault['stack'][-4:]))}"
        for fault in map(json.loads, lines)
    ]
