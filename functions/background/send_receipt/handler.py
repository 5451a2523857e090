"""Queue: sends the receipts whose timers are due by e-mail."""

from typing import Any

from checkout.domain.timer import TimerKind
from checkout.firing import Kinds, fire_messages
from checkout.mail import open_mailer
from checkout.receipts import Receipts
from checkout.store.table import open_table


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    table, mailer, time_left_ms = open_table(), open_mailer(), context.get_remaining_time_in_millis

    def kinds(now: int) -> Kinds:
        return {TimerKind.RECEIPT: Receipts(table, mailer, now).on_timer}

    return fire_messages(event["Records"], kinds, time_left_ms)
