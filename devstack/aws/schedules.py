"""EventBridge Scheduler: rate(…) schedules that follow the stack's clock.

Also looked at: moto, which stores schedules but never runs them.
"""

import json
import math
import time
import uuid
from typing import Any

from devstack.aws.functions import Function
from devstack.template import ACCOUNT, REGION, Schedule


class ScheduledFunction:
    """One schedule. It is due when the stack starts, and each period after that."""

    def __init__(self, schedule: Schedule, function: Function, now: float) -> None:
        self.name = schedule.name
        self.period = schedule.period
        self._schedule = schedule
        self._function = function
        self._first_at = now
        self.invoked_at = -math.inf

    def is_due(self, now: float) -> bool:
        """Whether at least one due time has passed since the last invocation."""
        if self.invoked_at < self._first_at:
            return now >= self._first_at
        periods = math.floor((self.invoked_at - self._first_at) / self.period)
        return now >= self._first_at + (periods + 1) * self.period

    def invoke(self, now: float) -> None:
        """Invoke the function. Raises `InvocationError` if it fails."""
        self.invoked_at = now
        self._function.invoke(self._build_event(now))

    def _build_event(self, now: float) -> Any:
        schedule = self._schedule
        if schedule.payload is not None:
            return json.loads(schedule.payload)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "region": REGION,
            "resources": [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{schedule.name}"],
            "detail": "{}",
        }
