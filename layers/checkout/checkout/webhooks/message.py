"""The messages of the queue between fan-out and sender."""

import json
from typing import NamedTuple

from checkout.domain.delivery import Delivery


class Message(NamedTuple):
    """A request for delivery attempt number `attempt_count` + 1. It has no effect afterwards."""

    scope: str
    event: str
    endpoint: str
    attempt_count: int

    @classmethod
    def of(cls, delivery: Delivery) -> "Message":
        return cls(delivery.scope, delivery.event, delivery.endpoint, delivery.attempt_count)

    @classmethod
    def from_body(cls, body: str) -> "Message":
        return cls(**json.loads(body))

    def to_body(self) -> str:
        return json.dumps(self._asdict())
