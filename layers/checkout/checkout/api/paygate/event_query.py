"""The filters of PayGate's list of events (docs/contracts/paygate.md, section 5).

Not part of `query`, because the functions of other lists do not import the store's events.
"""

import re
from datetime import datetime

from checkout.api.authentication import Call
from checkout.api.integers import read_integer
from checkout.api.paygate.objects import EVENT_TYPES
from checkout.api.paygate.query import ChoiceFilter, IdFilter, parse_cursor, take_filters
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.event import EventState
from checkout.domain.ids import EVENT, SESSION
from checkout.store.paging import Cursor
from checkout.store.tracked_events import EventFilters

_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
MAX_EPOCH = 9_999_999_999

EVENT_FILTERS = (
    ChoiceFilter("type", tuple(EVENT_TYPES.values())),
    ChoiceFilter("delivery_state", tuple(EventState)),
    IdFilter("checkout_session", SESSION),
)
BOUNDS = {"gte": ("since", 0), "gt": ("since", 1), "lte": ("until", 0), "lt": ("until", -1)}
"""The inclusive bound that each operator sets, and the seconds added to its value."""


def parse_event_list(call: Call) -> tuple[EventFilters, Cursor]:
    """An event has to match all of `type`, `checkout_session`, `delivery_state` and
    `created_at[gte, gt, lte, lt]` that are sent."""
    params = call.request.query()
    sent = take_filters(EVENT_FILTERS, params)
    state = sent["delivery_state"]
    filters = EventFilters(
        type=sent["type"],
        state=EventState(state) if state else None,
        session=sent["checkout_session"],
        **_pop_time_range(params),
    )
    return filters, parse_cursor(params, EVENT)


def parse_time(value: object, name: str) -> int:
    """The epoch seconds of a time that is given in epoch seconds, or as 2026-01-31T12:00:00Z.

    Raises ParameterInvalidError.
    """
    moment = _read_time(value)
    if moment is None:
        raise ParameterInvalidError(
            f"{name} must be a UTC time such as 2026-01-31T12:00:00Z, or epoch seconds.", name
        )
    return moment


def _read_time(value: object) -> int | None:
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            return int(datetime.fromisoformat(value).timestamp())
        except ValueError:
            return None  # the pattern lets a month 13 through
    epoch = read_integer(value) if isinstance(value, str) else value
    if isinstance(epoch, int) and not isinstance(epoch, bool) and 0 <= epoch <= MAX_EPOCH:
        return epoch
    return None


def _pop_time_range(params: dict[str, str]) -> dict[str, int]:
    """`since` and `until`, both inclusive. If a side has two bounds, the stricter one counts."""
    time_range: dict[str, int] = {}
    for operator, (bound, shift) in BOUNDS.items():
        name = f"created_at[{operator}]"
        if name not in params:
            continue
        moment = parse_time(params.pop(name), name) + shift
        stricter = max if bound == "since" else min
        time_range[bound] = stricter(moment, time_range.get(bound, moment))
    return time_range
