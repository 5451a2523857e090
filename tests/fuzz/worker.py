"""Runs the built functions in one process of their Python. `Artifact.start` runs it as a script.

Each line of stdin is a JSON object: {"variables": …, "now": …} makes all functions use another
table, {"function": …, "event": …} calls one. Each is answered with a line of JSON on stdout.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from calling import call  # type: ignore[import-not-found]

answers, sys.stdout = sys.stdout, (log := StringIO())  # before the library makes its logger

from checkout.api.authentication import forget_keys  # noqa: E402
from checkout.domain import clock  # noqa: E402
from checkout.settings import settings  # noqa: E402
from checkout.store.table import open_table  # noqa: E402
from checkout.webhooks.queue import open_queue  # noqa: E402


class Context:
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def load_handler(folder: Path) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location(f"handler_{folder.name}", folder / "handler.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[..., Any] = module.handler
    return handler


def use_table(variables: dict[str, str], now: float) -> None:
    os.environ.update(variables)
    for cached in (settings, open_table, open_queue):
        cached.cache_clear()
    forget_keys()
    clock.read = lambda: now


def main() -> None:
    handlers = {each.name: load_handler(each) for each in Path(os.environ["TASKS"]).iterdir()}
    for line in sys.stdin:
        message = json.loads(line)
        answer = {}
        if "variables" in message:
            use_table(**message)
        else:
            answer = call(handlers[message["function"]], message["event"], Context, log)
        print(json.dumps(answer), file=answers, flush=True)


main()
