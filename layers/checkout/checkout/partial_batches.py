"""Batches of stream and queue records: the answer names those that Lambda has to retry.

A batch stops before the invocation's timeout. The remaining records are reported as failed, and
Lambda delivers them again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from checkout import deadline
from checkout.dispatch import handing_over
from checkout.log import log_fault, naming_subjects

Record = dict[str, Any]
A = TypeVar("A")
B = TypeVar("B")

Work = Callable[[Record], None]
TimeLeft = Callable[[], int]
"""The milliseconds until the invocation's timeout."""

THREADS = 10
"""The most messages or groups that are handled at the same time: the clients have as many
connections."""


def stop_at_first_failure(
    records: Sequence[Record], work: Work, time_left_ms: TimeLeft, reserve_ms: int
) -> dict[str, Any]:
    """Handles a stream's records, none with less than `reserve_ms` left. Lambda retries the failed
    record and those after it."""
    for record in records:
        number = record["dynamodb"]["SequenceNumber"]
        if time_left_ms() < reserve_ms or not _succeeds(work, record, number, time_left_ms):
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}


def report_failures(
    records: Sequence[Record], work: Work, time_left_ms: TimeLeft, reserve_ms: int
) -> dict[str, Any]:
    """Handles a queue's messages at the same time, and begins none with less than `reserve_ms`
    left. Lambda retries each failed message by itself."""

    def succeeds(record: Record) -> bool:
        has_time = time_left_ms() >= reserve_ms
        return has_time and _succeeds(work, record, record["messageId"], time_left_ms)

    succeeded = _at_the_same_time(succeeds, records)
    failed = [each["messageId"] for each, done in zip(records, succeeded, strict=True) if not done]
    return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}


class Group(NamedTuple):
    """Records that are handled one after the other, at the same time as other groups."""

    records: Sequence[Record]
    work: Work
    close: Callable[[], None]
    """Called after the last record. If it fails, all records of the group count as failed."""


def report_failures_of_groups(
    records: list[Record],
    open_groups: Callable[[list[Record]], Sequence[Group]],
    time_left_ms: TimeLeft,
    reserve_ms: int,
) -> dict[str, Any]:
    """Handles a queue's messages in groups, the groups at the same time, and no message with less
    than `reserve_ms` left. Lambda retries each failed message by itself."""

    def handle(group: Group) -> list[Record]:
        failed = [
            record
            for record in group.records
            if time_left_ms() < reserve_ms
            or not _succeeds(group.work, record, record["messageId"], time_left_ms)
        ]
        closed = _succeeds(lambda _: group.close(), {}, "end of a group", time_left_ms)
        return failed if closed else list(group.records)

    try:
        with deadline.of_invocation(time_left_ms()):
            groups = open_groups(records)
    except Exception as error:  # reported to Lambda, which retries all records, and to the log
        log_fault(error, where="opening groups")
        failed = records
    else:
        failed = list(chain.from_iterable(_at_the_same_time(handle, groups)))
    return {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in failed]}


def _at_the_same_time(work: Callable[[A], B], each: Sequence[A]) -> list[B]:
    if len(each) <= 1:  # in this thread, because a new one would only cost time
        return list(map(work, each))
    contexts = [(copy_context(), one) for one in each]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda pair: pair[0].run(work, pair[1]), contexts))


def _succeeds(work: Work, record: Record, name: str, time_left_ms: TimeLeft) -> bool:
    with naming_subjects():
        try:
            with deadline.of_invocation(time_left_ms()), handing_over():
                work(record)
        except Exception as error:  # reported to Lambda, which retries it, and to the log
            log_fault(error, where=name)
            return False
    return True
