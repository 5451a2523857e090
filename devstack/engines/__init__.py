"""The DynamoDB behind a stack: moto, dynoxide, or an endpoint given by its URL."""

from devstack.engines.engine import Engine, open

__all__ = ["Engine", "open"]
