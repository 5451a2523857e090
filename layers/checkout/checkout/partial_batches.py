"""Batches of stream and queue records: the answer names those that Lambda has to retry.

A batch stops in time. The records that are left are reported as failed; Lambda brings them again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from checkout import deadline
from checkout.dispatch import handing_over
from checkout.log import log_fault

Record = dict[str, Any]
Work = Callable[[Record], None]
TimeLeft = Callable[[], int]
"""The milliseconds until the invocation's timeout."""

THREADS = 10
"""Messages that are handled at the same time: as many as the clients have connections."""


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

    if len(records) == 1:  # in this thread, because a new one would only cost time
        succeeded = [succeeds(records[0])]
    else:
        with ThreadPoolExecutor(THREADS, "message") as pool:
            succeeded = list(pool.map(succeeds, records))
    failed = [each["messageId"] for each, done in zip(records, succeeded, strict=True) if not done]
    return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}


def _succeeds(work: Work, record: Record, name: str, time_left_ms: TimeLeft) -> bool:
    try:
        with deadline.of_invocation(time_left_ms()), handing_over():
            work(record)
    except Exception as error:  # reported to Lambda, which retries it, and to the log
        log_fault(error, where=name)
        return False
    return True
