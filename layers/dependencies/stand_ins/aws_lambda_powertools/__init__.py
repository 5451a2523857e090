"""Powertools with only its Logger: no Metrics, no Tracer, no feature header on AWS calls."""

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.package_logger import set_package_logger_handler

__all__ = ["Logger"]

set_package_logger_handler()
