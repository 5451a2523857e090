"""Batches of stream and queue records: the answer names those that Lambda has to retry."""

from collections.abc import Callable, Sequence
from typing import Any

from checkout.dispatch import handing_over
from checkout.log import log_fault

Record = dict[str, Any]
Work = Callable[[Record], None]


def stop_at_first_failure(records: Sequence[Record], work: Work) -> dict[str, Any]:
    """Handles a stream's records. Lambda retries the failed record and those after it."""
    for record in records:
        number = record["dynamodb"]["SequenceNumber"]
        if not _succeeds(work, record, number):
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}


def report_failures(records: Sequence[Record], work: Work) -> dict[str, Any]:
    """Handles a queue's messages. Lambda retries each failed message by itself."""
    failed = [
        record["messageId"]
        for record in records
        if not _succeeds(work, record, record["messageId"])
    ]
    return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}


def _succeeds(work: Work, record: Record, name: str) -> bool:
    try:
        with handing_over():
            work(record)
    except Exception as error:  # reported to Lambda, which retries it, and to the log
        log_fault(error, where=name)
        return False
    return True
