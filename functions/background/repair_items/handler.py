"""Schedule: puts back what a restore or a lost region took from the table, and takes persons out of
objects that ended long ago."""

from typing import Any

from checkout import repairs
from checkout.api.dialects import render_events
from checkout.domain import clock
from checkout.domain.event import ChangeContext
from checkout.settings import settings
from checkout.store.table import open_table


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    change_context = ChangeContext(clock.now(), render_events)
    time_left_ms = context.get_remaining_time_in_millis
    return repairs.run(open_table(), change_context, time_left_ms, settings().retention_days)
