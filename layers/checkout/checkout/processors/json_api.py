"""A small client for processors' JSON APIs, over urllib3, which botocore needs anyway.

It never repeats a call. An adapter decides which calls may be repeated.
"""

import json
from typing import Any, NamedTuple
from urllib.parse import urlencode

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

from checkout.processors.protocol import (
    CONNECT_SECONDS,
    READ_SECONDS,
    ProcessorSilentError,
    ProcessorUnavailableError,
)

CONNECTIONS = 10
"""The most connections that stay open. One process has at most ten threads."""

Json = dict[str, Any]


class UnexpectedAnswerError(Exception):
    """An answer that the processor should not give. Only logged, for people."""


class Answer(NamedTuple):
    """An answer with a JSON object, of any status that is neither 429 nor 5xx."""

    status: int
    body: Json


class JsonApi:
    def __init__(self, address: str, authorization: str) -> None:
        self._address = address.rstrip("/")
        self._authorization = authorization
        self._pool = PoolManager(maxsize=CONNECTIONS, retries=False, cert_reqs="CERT_REQUIRED")

    def get(self, path: str, query: dict[str, str] | None = None) -> Answer:
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(
        self,
        path: str,
        body: Json | None = None,
        *,
        seconds: float = READ_SECONDS,
        key: str | None = None,
    ) -> Answer:
        """`seconds` is how long the answer may take, `key` is sent as `Idempotency-Key`."""
        return self._call("POST", path, body, seconds, key)

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        seconds: float = READ_SECONDS,
        key: str | None = None,
    ) -> Answer:
        """Raises ProcessorSilentError without an answer or with a 5xx, and
        ProcessorUnavailableError for a 429 or an answer that is not a JSON object."""
        headers = {"authorization": self._authorization, "accept": "application/json"}
        if key:
            headers["idempotency-key"] = key
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(body).encode()
        try:
            answer = self._pool.request(
                method,
                self._address + path,
                body=content,
                headers=headers,
                timeout=Timeout(connect=CONNECT_SECONDS, read=seconds),
                redirect=False,
            )
        except HTTPError:
            # Without the error's text and cause, which contain the URL and thereby the payment.
            raise ProcessorSilentError from None
        if answer.status >= 500:
            raise ProcessorSilentError
        found = _object(answer.data)
        if answer.status == 429 or found is None:
            raise ProcessorUnavailableError
        return Answer(answer.status, found)


def _object(content: bytes) -> Json | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def part(body: Json, *names: str) -> Json:
    """The object inside an answer at these names; empty if there is none."""
    found: Any = body
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
