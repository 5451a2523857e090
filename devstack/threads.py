"""Calls in threads that do not keep the process from ending."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def call_in_thread(name: str, call: Callable[[], Result]) -> Future[Result]:
    """Start `call` in a daemon thread of its own.

    Not by concurrent.futures or asyncio.to_thread, because Python waits for their threads at exit.
    """
    future: Future[Result] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
