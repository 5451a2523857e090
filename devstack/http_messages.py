"""An HTTP request and an HTTP response, between the server and what handles requests."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """One HTTP request; `target` is path and query, still percent-encoded."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"
    port: int = 3000

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query, still percent-encoded, without the question mark."""
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Response:
    """One HTTP response. The server adds content-length."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def from_json(cls, status: int, content: Any) -> "Response":
        """A response with a JSON body."""
        return cls(status, (("content-type", "application/json"),), json.dumps(content).encode())

    @classmethod
    def from_message(cls, status: int, message: str) -> "Response":
        """An error in the format of API Gateway."""
        return cls.from_json(status, {"message": message})
