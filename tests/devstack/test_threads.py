"""Calls in threads that are used again."""

import threading

import pytest

from devstack.threads import call_in_thread


def fail() -> None:
    raise LookupError("expected by the test")


def test_result_and_exception_reach_the_caller() -> None:
    assert call_in_thread(lambda: 1).result(5) == 1
    with pytest.raises(LookupError):
        call_in_thread(fail).result(5)


def test_thread_is_reused_after_a_result_and_after_a_failure() -> None:
    first = call_in_thread(threading.get_ident).result(5)
    assert call_in_thread(threading.get_ident).result(5) == first
    with pytest.raises(LookupError):
        call_in_thread(fail).result(5)
    assert call_in_thread(threading.get_ident).result(5) == first


def test_call_does_not_wait_for_one_that_hangs() -> None:
    released = threading.Event()
    hanging = [call_in_thread(released.wait) for _ in range(5)]
    assert call_in_thread(lambda: 1).result(5) == 1
    released.set()
    assert all(each.result(5) for each in hanging)


def test_threads_do_not_keep_the_process_from_ending() -> None:
    assert call_in_thread(lambda: threading.current_thread().daemon).result(5)
