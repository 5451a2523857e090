"""`python -m devstack`: a stack until Ctrl-C. Settings: PORT, HOST, ENGINE, DATA, TTL_LATE."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devstack.errors import DevstackError

if TYPE_CHECKING:
    from devstack.stack import Stack

Started = Callable[["Stack"], None]

_PACKAGES = {"boto3", "botocore", "moto", "yaml"}


def main(started: Started = lambda _: None, **chosen: Any) -> int:
    """Run until told to stop; answers the exit code.

    `started` is called with the stack once that answers and has said so; what is `chosen` of
    `devstack.stack.Settings` comes before what the environment says.
    """
    logging.basicConfig(format="%(levelname)s  %(message)s", level=logging.WARNING)
    stopped = threading.Event()
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, lambda *_: stopped.set())
    try:
        return _serve(stopped, _read_settings() | chosen, started)
    except DevstackError as error:
        print(f"devstack: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        if error.name not in _PACKAGES:
            raise
        print(f"devstack: {error.name} isn't installed; `make dev` does it.", file=sys.stderr)
    return 1


def _serve(stopped: threading.Event, settings: dict[str, Any], started: Started) -> int:
    # After the settings were read: importing moto takes a second, refusing a port shouldn't.
    from devstack import console
    from devstack.stack import Stack

    with Stack(say=console.print_entry, **settings) as stack:
        data = settings["data"] if stack.engine.durable else None
        console.introduce(console.print_line, stack.engine.name, stack.url, data and str(data))
        started(stack)
        while not stopped.wait(0.5):
            if not stack.engine.alive():
                raise DevstackError(f"{stack.engine.name} has stopped by itself.")
        console.print_line("stopping …")
    return 0


def _read_settings() -> dict[str, Any]:
    return {
        "engine": os.environ.get("ENGINE") or None,
        "data": Path(os.environ.get("DATA") or ".data"),
        "host": os.environ.get("HOST") or "127.0.0.1",
        "port": int(read_number("PORT", 3000, 65_535)),
        "lateness": read_number("TTL_LATE", 600, 10**9),
        "table_name": os.environ.get("TABLE_NAME") or None,
    }


def read_number(name: str, default: int, most: int) -> float:
    """A setting of the environment. Raises DevstackError for anything but digits up to `most`."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) > most:
        raise DevstackError(f"{name}={text}: a whole number up to {most} is needed.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
