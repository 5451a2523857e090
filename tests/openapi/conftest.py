"""The engine of requests that schemathesis makes."""

from tests.fuzz.conftest import fast_engine

__all__ = ["fast_engine"]
