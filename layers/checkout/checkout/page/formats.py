"""Times and durations as the page shows them."""

from datetime import UTC, datetime, timedelta

from checkout.domain.money import NO_BREAK
from checkout.page.language import Translate

ZONES = {"GHS": ("GMT", 0), "PHP": ("UTC+8", 8)}
"""The time zone of each currency's country: its name and its hours from UTC."""


def format_moment(moment: int, currency: str, t: Translate) -> str:
    """Epoch seconds as `21 November 2026, 23:40 GMT`."""
    zone, hours = ZONES[currency]
    local = datetime.fromtimestamp(moment, UTC) + timedelta(hours=hours)
    month = t("months").split()[local.month - 1]
    date = t("date", day=local.day, month=month, year=local.year)
    return f"{date}, {local:%H:%M}{NO_BREAK}{zone}"


def format_duration(seconds: int) -> str:
    """At least a minute, as `23 h 10 min`, `23 h` or `10 min`."""
    hours, minutes = divmod(max(1, seconds // 60), 60)
    parts = [f"{hours}{NO_BREAK}h"] * bool(hours) + [f"{minutes}{NO_BREAK}min"] * bool(minutes)
    return NO_BREAK.join(parts)


def format_countdown(seconds: int) -> str:
    """As `4:59`, or `23:59:59` from an hour on."""
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
