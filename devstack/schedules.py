"""EventBridge Scheduler's rate(…) schedules, by the stack's clock."""

import json
import math
import time
import uuid
from typing import Any

from devstack.functions import Function
from devstack.template import ACCOUNT, REGION, Schedule


class Ticker:
    """One schedule. It fires at once, and then every period from there."""

    def __init__(self, definition: Schedule, function: Function, now: float) -> None:
        self.name = definition.name
        self.period = definition.period
        self._definition = definition
        self._function = function
        self._first_at = now
        self.fired_at = -math.inf

    def next_at(self, epoch: float) -> float:
        """The first regular time that isn't before `epoch`."""
        periods = math.ceil((epoch - self._first_at) / self.period)
        return self._first_at + max(0, periods) * self.period

    def is_due(self, now: float) -> bool:
        """Whether a regular time has come since it last fired. Many that were missed are one."""
        if self.fired_at < self._first_at:
            return now >= self._first_at
        since = math.floor((self.fired_at - self._first_at) / self.period)
        return now >= self._first_at + (since + 1) * self.period

    def fire(self, now: float) -> None:
        """Invoke the function. Raises `InvocationError` when it failed."""
        self.fired_at = now
        self._function.invoke(self._build_event(now))

    def _build_event(self, now: float) -> Any:
        definition = self._definition
        if definition.payload is not None:
            return json.loads(definition.payload)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "region": REGION,
            "resources": [
                f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{definition.name}"
            ],
            "detail": "{}",
        }
