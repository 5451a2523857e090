"""Makes moto safe for threads, and its TransactWriteItems idempotent.

moto is not atomic: with eight threads, increments are lost and a condition holds twice. So only
one call at a time enters it. It also ignores ClientRequestToken, so a repeated transaction would
be executed twice.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from moto.core.models import botocore_stubber

# Status, headers and body; None lets the call through to the network.
Answer = tuple[int, Any, Any] | None

TOKEN_LIFETIME = 600.0
"""Seconds for which DynamoDB remembers the token of a successful transaction."""

_MISMATCH = {
    "__type": "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
    "message": "The request uses the same client token as a previous, but non-identical request.",
}


class MotoCalls:
    """Wraps the function by which moto intercepts botocore.

    No call enters moto while `lock` is held elsewhere. `listeners` are called with each operation's
    name: after moto answered it, or before it goes on to another endpoint.
    """

    def __init__(self, read_time: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()
        self.listeners: list[Callable[[str], None]] = []
        self._read_time = read_time
        self._tokens: dict[str, tuple[float, str, Answer]] = {}
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
        operation = _text(request.headers.get("X-Amz-Target", "")).rpartition(".")[2]
        with self.lock:
            if operation == "TransactWriteItems":
                answer = self._transact(request)
            else:
                answer = self._process(request)
        for listener in list(self.listeners):
            listener(operation)
        return answer

    def _transact(self, request: AWSPreparedRequest) -> Answer:
        parameters = json.loads(_text(request.body))
        token = parameters.pop("ClientRequestToken", None)
        requested = json.dumps(parameters, sort_keys=True)
        now = self._read_time()
        self._forget_tokens(now)
        if token in self._tokens:
            _, remembered, answer = self._tokens[token]
            if remembered == requested:
                return answer
            return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(_MISMATCH)
        answer = self._process(request)
        # A cancelled transaction changed nothing, and may be repeated with the same token.
        if token and answer and answer[0] == 200:
            self._tokens[token] = (now, requested, answer)
        return answer

    def _forget_tokens(self, now: float) -> None:
        # A dict keeps its order, so the oldest token is the first.
        while self._tokens:
            token = next(iter(self._tokens))
            if now - self._tokens[token][0] < TOKEN_LIFETIME:
                return
            del self._tokens[token]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes | bytearray) else str(value)
