"""Errors that stop devstack from starting."""


class DevstackError(Exception):
    """Its message is printed as one line, without a traceback."""


class EngineError(DevstackError):
    """The chosen DynamoDB engine is not available on this machine."""
