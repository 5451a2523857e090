"""What PayGate's list of events may be asked for. No pydantic: lists start faster without it."""

import re
from datetime import datetime

from checkout.api.http import Request
from checkout.api.paygate.query import parse_cursor
from checkout.api.paygate.render import EVENT_TYPES
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.event import EventState
from checkout.domain.ids import EVENT, SESSION, is_id
from checkout.store.events import EventFilters
from checkout.store.paging import Cursor

_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_EPOCH = re.compile(r"\d{1,10}", re.ASCII)

RANGE = {"gte": ("since", 0), "gt": ("since", 1), "lte": ("until", 0), "lt": ("until", -1)}
"""Whole seconds: after one is from the next one on."""


def parse_event_list(request: Request) -> tuple[EventFilters, Cursor]:
    """`type`, `checkout_session`, `delivery_state` and `created_at[gte, gt, lte, lt]`, all of which
    an event has to have."""
    query = request.query()
    filters = EventFilters(
        type=_choice(query, "type", list(EVENT_TYPES.values())),
        state=_state(query),
        session=_session(query),
        **_range(query),
    )
    return filters, parse_cursor(query, EVENT)


def parse_time(value: object, name: str) -> int:
    """Epoch seconds, from the API's own form of a time or from epoch seconds."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    try:
        if isinstance(text, str) and _ISO.fullmatch(text):
            return int(datetime.fromisoformat(text).timestamp())
        if isinstance(text, str) and _EPOCH.fullmatch(text):
            return int(text)
    except ValueError:
        pass  # a month 13
    raise ParameterInvalidError(
        f"{name} must be a UTC time such as 2026-01-31T12:00:00Z, or epoch seconds.", name
    )


def _range(query: dict[str, str]) -> dict[str, int]:
    """Of two lower bounds the later one holds, of two upper ones the earlier."""
    found: dict[str, int] = {}
    for operator, (bound, shift) in RANGE.items():
        name = f"created_at[{operator}]"
        if name not in query:
            continue
        moment = parse_time(query.pop(name), name) + shift
        stricter = max if bound == "since" else min
        found[bound] = stricter(moment, found.get(bound, moment))
    return found


def _choice(query: dict[str, str], name: str, allowed: list[str]) -> str | None:
    value = query.pop(name, None)
    if value is not None and value not in allowed:
        raise ParameterInvalidError(f"{name} must be one of {', '.join(allowed)}.", name)
    return value


def _state(query: dict[str, str]) -> EventState | None:
    found = _choice(query, "delivery_state", [*EventState])
    return EventState(found) if found else None


def _session(query: dict[str, str]) -> str | None:
    value = query.pop("checkout_session", None)
    if value is not None and not is_id(value, SESSION):
        raise ParameterInvalidError("checkout_session must be an id (cs_…).", "checkout_session")
    return value
