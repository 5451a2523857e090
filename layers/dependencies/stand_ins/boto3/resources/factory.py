"""What a boto3.Session makes of boto3.resources.factory."""

from typing import Any


class ResourceFactory:
    def __init__(self, emitter: Any) -> None:
        """A session has one, and uses it in `Session.resource` alone."""
