"""The one logger. Nothing that a merchant or a shopper sent is ever logged, faults included."""

import json
import logging
import os
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


NAMESPACE = "Checkout"


def log_metric(name: str, value: int, unit: str, now: int) -> None:
    """A number that CloudWatch finds in the log by its Embedded Metric Format: a line by itself,
    and no call. Its one dimension is the function's name, which no other stack has; where there is
    no such name nobody collects it."""
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    if function is None:
        return
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    about = {"Timestamp": now * 1000, "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": about, "FunctionName": function, name: value}), flush=True)
