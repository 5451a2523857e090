"""Runs a stack until Ctrl-C, with PORT, HOST, ENGINE, DATA, FRESH, SEED and TTL_LATE from the
environment."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from devstack.cli.settings import read_settings
from devstack.errors import DevstackError

if TYPE_CHECKING:
    from devstack.stack import Stack

OnStart = Callable[["Stack"], None]

_PACKAGES = {"boto3", "botocore", "moto", "uvicorn", "yaml"}


def main(on_start: OnStart = lambda _: None, **overrides: Any) -> int:
    """Run until a signal and return the exit code.

    `on_start` is called with the stack once it runs and its introduction is printed. `overrides`
    are fields of `devstack.stack.Settings`, and take precedence over the environment.
    """
    logging.basicConfig(format="%(levelname)s  %(message)s", level=logging.WARNING)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        return _run(stopped, read_settings() | overrides, on_start)
    except DevstackError as error:
        print(f"devstack: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        if error.name not in _PACKAGES:
            raise
        print(f"devstack: {error.name} is not installed: run `make dev`.", file=sys.stderr)
    return 1


def _run(stopped: threading.Event, settings: dict[str, Any], on_start: OnStart) -> int:
    # Imported late: importing moto takes a second, which a refused setting should not cost.
    from devstack.cli import console
    from devstack.stack import Stack

    with Stack(print_line=console.print_entry, **settings) as stack:
        data = settings["data"] if stack.engine.durable else None
        console.print_introduction(
            stack.engine.name, stack.url, data and str(data), stack.clock.offset
        )
        on_start(stack)
        while not stopped.wait(0.5):
            if not stack.engine.is_alive():
                raise DevstackError(f"{stack.engine.name} has ended unexpectedly.")
        console.print_line("stopping …")
    return 0
