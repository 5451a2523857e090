"""Batches of stream and queue records: the answer names those that Lambda has to retry.

A batch stops before the invocation's timeout. Records that are left are reported as failed, and
Lambda delivers them again.
"""

from collections.abc import Callable, Sequence
from typing import Any

from checkout import deadline
from checkout.dispatch import handing_over
from checkout.log import log_fault

Record = dict[str, Any]
Work = Callable[[Record], None]
TimeLeft = Callable[[], int]
"""The milliseconds until the invocation's timeout."""


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
    """Handles a queue's messages, none with less than `reserve_ms` left. Lambda retries each failed
    message by itself."""
    failed = [
        record["messageId"]
        for record in records
        if time_left_ms() < reserve_ms
        or not _succeeds(work, record, record["messageId"], time_left_ms)
    ]
    return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}


def _succeeds(work: Work, record: Record, name: str, time_left_ms: TimeLeft) -> bool:
    try:
        with deadline.of_invocation(time_left_ms()), handing_over():
            work(record)
    except Exception as error:  # reported to Lambda, which retries it, and to the log
        log_fault(error, where=name)
        return False
    return True
