"""The one logger. Nothing that a merchant or a shopper sent is ever logged, faults included."""

import logging
import traceback

from aws_lambda_powertools import Logger

logger = Logger()
# Where it found its credentials is nobody's news at every start.
logging.getLogger("botocore").setLevel(logging.WARNING)


def log_fault(error: Exception, where: str) -> None:
    """Where it broke, without the exception's text: that may repeat what a shopper typed."""
    answer = getattr(error, "response", None)  # botocore's errors of a service
    frames = traceback.extract_tb(error.__traceback__)
    logger.error(
        "unexpected error",
        error=type(error).__name__,
        code=answer["Error"]["Code"] if isinstance(answer, dict) else None,
        stack=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        where=where,
    )
