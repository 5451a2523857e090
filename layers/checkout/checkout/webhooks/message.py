"""What the queue carries from fan-out to sender."""

import json
from typing import NamedTuple

from checkout.domain.records import Delivery


class Message(NamedTuple):
    """Try number `tried` + 1 of a delivery; once that try was made, the message means nothing."""

    scope: str
    event: str
    endpoint: str
    tried: int

    @classmethod
    def of(cls, delivery: Delivery) -> "Message":
        return cls(delivery.scope, delivery.event, delivery.endpoint, delivery.tried)

    @classmethod
    def from_body(cls, body: str) -> "Message":
        return cls(**json.loads(body))

    def to_body(self) -> str:
        return json.dumps(self._asdict())
