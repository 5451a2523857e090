"""Batches of stream and queue records, and what of them is to be tried again."""

from collections.abc import Callable, Sequence
from typing import Any

from checkout.log import log_fault

Record = dict[str, Any]
Work = Callable[[Record], None]


def stop_at_first_failure(records: Sequence[Record], work: Work) -> dict[str, Any]:
    """For a stream: Lambda comes back with the failed record and those after it."""
    for record in records:
        number = record["dynamodb"]["SequenceNumber"]
        if not _done(record, work, number):
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}


def report_failures(records: Sequence[Record], work: Work) -> dict[str, Any]:
    """For a queue: each failed message comes back by itself."""
    failed = [each["messageId"] for each in records if not _done(each, work, each["messageId"])]
    return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}


def _done(record: Record, work: Work, name: str) -> bool:
    try:
        work(record)
    except Exception as error:  # reported to Lambda, which tries again, and to the log
        log_fault(error, where=name)
        return False
    return True
