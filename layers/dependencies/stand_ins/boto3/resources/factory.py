"""The part of boto3.resources.factory that boto3.Session needs."""

from typing import Any


class ResourceFactory:
    def __init__(self, emitter: Any) -> None:
        """A session makes one and uses it only in `Session.resource`."""
