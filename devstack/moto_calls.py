"""Makes moto safe for threads, and TransactWriteItems idempotent in it.

moto isn't atomic: eight threads lose increments and win a condition twice. Every call into it goes
through one lock. moto also ignores ClientRequestToken, so a retried transaction would run twice.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from moto.core.models import botocore_stubber

# status, headers, body; None lets the call through to the network.
Answer = tuple[int, Any, Any] | None

# DynamoDB remembers a token for ten minutes after the transaction succeeded.
TOKEN_LIFETIME = 600.0

_MISMATCH = {
    "__type": "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
    "message": "The request uses the same client token as a previous, but non-identical request.",
}


class MotoCalls:
    """Stands in front of moto's interception of botocore.

    `lock` keeps every other call out; `listeners` hear the operation's name after each call that
    moto answered, and before each that goes on to a real endpoint.
    """

    def __init__(self, read_time: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()
        self.listeners: list[Callable[[str], None]] = []
        self._read_time = read_time
        self._tokens: dict[str, tuple[float, str, Answer]] = {}
        self._process: Callable[[AWSPreparedRequest], Answer] = botocore_stubber.process_request

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Be in front of moto for as long as the block runs."""
        self._process = botocore_stubber.process_request
        setattr(botocore_stubber, "process_request", self.process)  # noqa: B010 (mypy)
        try:
            yield
        finally:
            setattr(botocore_stubber, "process_request", self._process)  # noqa: B010 (mypy)

    def process(self, request: AWSPreparedRequest) -> Answer:
        """moto's answer, alone in moto."""
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
        asked = json.dumps(parameters, sort_keys=True)
        now = self._read_time()
        self._forget_tokens(now)
        if token in self._tokens:
            _, remembered, answer = self._tokens[token]
            if remembered == asked:
                return answer
            return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(_MISMATCH)
        answer = self._process(request)
        # A refused transaction changed nothing, and may be tried again under its token.
        if token and answer and answer[0] == 200:
            self._tokens[token] = (now, asked, answer)
        return answer

    def _forget_tokens(self, now: float) -> None:
        # Tokens are in the order they came, so the old ones are in front.
        while self._tokens:
            token = next(iter(self._tokens))
            if now - self._tokens[token][0] < TOKEN_LIFETIME:
                return
            del self._tokens[token]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes | bytearray) else str(value)
