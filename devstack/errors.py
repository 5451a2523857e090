"""What stops devstack from starting, said in one line."""


class DevstackError(Exception):
    """Its text is the one line that the user sees; no traceback belongs to it."""


class EngineError(DevstackError):
    """The asked-for DynamoDB engine can't be had here."""
