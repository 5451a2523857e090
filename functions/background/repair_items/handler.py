"""Schedule: checks the table for what a restore or a lost region took, and puts it back."""

from typing import Any

from checkout import repairs
from checkout.api.dialects import render_events
from checkout.domain import clock
from checkout.domain.event import ChangeContext
from checkout.store.table import open_table


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    change_context = ChangeContext(clock.now(), render_events)
    return repairs.run(open_table(), change_context, context.get_remaining_time_in_millis)
