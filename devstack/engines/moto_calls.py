"""Makes moto safe for threads, and TransactWriteItems idempotent.

moto is not atomic: with eight threads, increments are lost and a condition holds twice. So only
one call at a time enters it. It also ignores ClientRequestToken, so a repeated transaction would
be executed twice.

dynoxide remembers tokens for ten minutes, and looks at all of them at each transaction: 25,000
transactions make the next one take five times as long. So tokens are remembered here, and
transactions go on to dynoxide without them.
"""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.httpsession import URLLib3Session
from moto.core.models import botocore_stubber

# Status, headers and body; None lets the call through to the network.
Answer = tuple[int, Any, Any] | None

TOKEN_LIFETIME = 600.0
"""Seconds for which DynamoDB remembers the token of a successful transaction."""

# Connections that stay open between transactions. If all are in use, more are opened.
_CONNECTIONS = 50

# The same options as botocore's. Without them a request takes 40 ms.
_SOCKET_OPTIONS: Any = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]

_MISMATCH = {
    "__type": "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
    "message": "The request uses the same client token as a previous, but non-identical request.",
}


class _Remembered(NamedTuple):
    """A successful transaction: when, the digest of its request, and its answer."""

    time: float
    requested: bytes
    answer: Answer


class MotoCalls:
    """Wraps the function by which moto intercepts botocore.

    No call enters moto while `lock` is held elsewhere. `listeners` are called with each operation's
    name: after moto answered it, or before it goes on to another endpoint. With
    `forwards_dynamodb`, calls of DynamoDB do not enter moto, and so do not wait for each other;
    transactions are sent from here, without their token.
    """

    def __init__(self, read_time: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()
        self.listeners: list[Callable[[str], None]] = []
        self.forwards_dynamodb = False
        self._forwarding = URLLib3Session(
            max_pool_connections=_CONNECTIONS, socket_options=_SOCKET_OPTIONS
        )
        self._read_time = read_time
        self._tokens: dict[str, _Remembered] = {}
        self._tokens_lock = threading.Lock()
        self._process: Callable[[AWSPreparedRequest], Answer] = botocore_stubber.process_request

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Replace moto's function with `process`, and restore it afterwards."""
        self._process = botocore_stubber.process_request
        setattr(botocore_stubber, "process_request", self.process)  # noqa: B010 (mypy)
        try:
            yield
        finally:
            setattr(botocore_stubber, "process_request", self._process)  # noqa: B010 (mypy)

    def process(self, request: AWSPreparedRequest) -> Answer:
        """moto's answer to a call, with no other call in moto at the same time."""
        service, _, operation = _text(request.headers.get("X-Amz-Target", "")).rpartition(".")
        if operation == "TransactWriteItems":
            answer = self._transact(request)
        elif self.forwards_dynamodb and service.startswith("DynamoDB"):
            answer = None
        else:
            with self.lock:
                answer = self._process(request)
        for listener in list(self.listeners):
            listener(operation)
        return answer

    def _transact(self, request: AWSPreparedRequest) -> Answer:
        parameters = json.loads(_text(request.body))
        token = parameters.pop("ClientRequestToken", None)
        requested = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).digest()
        now = self._read_time()
        with self._tokens_lock:
            self._forget_tokens(now)
            remembered = self._tokens.get(token)
        if remembered is not None:
            if remembered.requested == requested:
                return remembered.answer
            return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(_MISMATCH)
        if self.forwards_dynamodb:
            answer = self._forward(request, json.dumps(parameters))
        else:
            with self.lock:
                answer = self._process(request)
        # A canceled transaction changed nothing, and may be repeated with the same token.
        if token and answer and answer[0] == 200:
            with self._tokens_lock:
                self._tokens[token] = _Remembered(now, requested, answer)
        return answer

    def _forward(self, request: AWSPreparedRequest, body: str) -> Answer:
        """Send the request with another body. Without an answer, raises botocore's error."""
        content = body.encode()
        headers: Any = HeadersDict(request.headers.items())
        headers["Content-Length"] = str(len(content))
        answer = self._forwarding.send(
            AWSPreparedRequest(request.method, request.url, headers, content, False)
        )
        return answer.status_code, dict(answer.headers), answer.content

    def _forget_tokens(self, now: float) -> None:
        # A dict keeps its order, so the oldest token is the first.
        while self._tokens:
            token = next(iter(self._tokens))
            if now - self._tokens[token].time < TOKEN_LIFETIME:
                return
            del self._tokens[token]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes | bytearray) else str(value)
