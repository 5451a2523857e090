"""Durations as the page shows them."""

from checkout.domain.money import NO_BREAK


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
