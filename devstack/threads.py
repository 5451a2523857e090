"""Calls in threads that do not keep the process from ending."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")

# A call and the future of its result.
_Job = tuple[Callable[[], Any], Future[Any]]

# The queues of the threads without a call. Appending and popping are atomic.
_idle: list["SimpleQueue[_Job]"] = []


def call_in_thread(call: Callable[[], Result]) -> Future[Result]:
    """Start `call` in a daemon thread that runs nothing else meanwhile.

    concurrent.futures and asyncio.to_thread are not used, because Python waits for their threads at
    exit. A thread is reused after its call, because starting one takes milliseconds while other
    threads are busy.
    """
    future: Future[Result] = Future()
    future.set_running_or_notify_cancel()
    try:
        jobs = _idle.pop()
    except IndexError:
        jobs = SimpleQueue()
        threading.Thread(target=_work, args=(jobs,), name="call", daemon=True).start()
    jobs.put((call, future))
    return future


def _work(jobs: "SimpleQueue[_Job]") -> None:
    while True:
        _run(*jobs.get(), jobs)


def _run(call: Callable[[], Any], future: Future[Any], jobs: "SimpleQueue[_Job]") -> None:
    try:
        result = call()
    except BaseException as error:
        _idle.append(jobs)
        future.set_exception(error)
    else:
        _idle.append(jobs)  # first, so that the caller's next call can use this thread
        future.set_result(result)
