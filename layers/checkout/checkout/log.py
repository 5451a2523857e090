"""The one logger. Values from merchants and shoppers are never logged, not even with a fault."""

import json
import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from aws_lambda_powertools import Logger

logger = Logger()
# At level INFO, botocore logs at every start from where it read its credentials.
logging.getLogger("botocore").setLevel(logging.WARNING)


_subjects: ContextVar[dict[str, set[str]] | None] = ContextVar("subjects", default=None)


@contextmanager
def naming_subjects() -> Iterator[None]:
    """Collects what `about` names within the block, for the log lines that are written there."""
    token = _subjects.set({})
    try:
        yield
    finally:
        _subjects.reset(token)


def about(**ids: str) -> None:
    """Names what the present work is about: request_id, merchant, session, payment, event.

    The ids of sessions are shortened: the whole id opens the page.
    """
    named = _subjects.get()
    if named is not None:
        for name, id in ids.items():
            named.setdefault(name, set()).add(id)


def subjects() -> dict[str, list[str]]:
    """What the present work is about."""
    return {name: sorted(ids) for name, ids in (_subjects.get() or {}).items()}


def log_fault(error: Exception, where: str) -> None:
    """Logs an unexpected error without its text, which may repeat what a shopper typed."""
    answer = getattr(error, "response", None)  # botocore's errors have the service's answer
    frames = traceback.extract_tb(error.__traceback__)
    logger.error(
        "unexpected error",
        error=type(error).__name__,
        code=answer["Error"]["Code"] if isinstance(answer, dict) else None,
        stack=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        where=where,
        extra=subjects(),
    )


NAMESPACE = "Checkout"


def log_metric(name: str, value: int, unit: str, now: int, **dimensions: str) -> None:
    """Prints a metric in CloudWatch's Embedded Metric Format, which takes no call to CloudWatch.

    The stack's name is a dimension of every metric. Outside Lambda nothing is printed.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return
    dimensions = {"Stack": os.environ.get("STACK", ""), **dimensions}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[*dimensions]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    metadata = {"Timestamp": now * 1000, "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": metadata, **dimensions, name: value}), flush=True)
