"""PayGate's list parameters (contract, section 3). No pydantic: lists start faster without it."""

from checkout.api.http import Request
from checkout.domain.errors import ParameterInvalidError, ParameterUnknownError
from checkout.domain.ids import CUSTOMER, PAYMENT, REFUND, SESSION, is_id
from checkout.domain.session import Status
from checkout.store.paging import Cursor, Filters

DEFAULT_LIMIT, MAX_LIMIT = 10, 100


def parse_cursor(query: dict[str, str], prefix: str) -> Cursor:
    """`limit` and `starting_after`, an id with this prefix; any other parameter is unknown."""
    for name in query:
        if name not in ("limit", "starting_after"):
            raise ParameterUnknownError(name)
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= MAX_LIMIT):
        raise ParameterInvalidError(f"limit must be a number from 1 to {MAX_LIMIT}.", "limit")
    after = query.get("starting_after")
    if after is not None and not is_id(after, prefix):
        raise ParameterInvalidError(
            f"starting_after must be the id ({prefix}_…) that the page is to follow.",
            "starting_after",
        )
    return Cursor(int(limit), after)


def refuse_parameters(request: Request) -> None:
    """For endpoints that take none: neither in the query nor in a POST's body."""
    body = request.json() if request.method == "POST" else {}
    for name in [*request.query(), *body]:
        raise ParameterUnknownError(name)


def parse_session_list(request: Request) -> tuple[Filters, Cursor]:
    query = request.query()
    status = query.pop("status", None)
    if status is not None and status not in list(Status):
        raise ParameterInvalidError("status must be open, complete or expired.", "status")
    filters = Filters(
        Status(status) if status else None,
        _id(query, "customer", CUSTOMER),
        _id(query, "payment", PAYMENT),
    )
    return filters, parse_cursor(query, SESSION)


def parse_refund_list(request: Request) -> tuple[str | None, Cursor]:
    """The payment whose refunds are wanted, if one is named, and the page."""
    query = request.query()
    return _id(query, "payment", PAYMENT), parse_cursor(query, REFUND)


def _id(query: dict[str, str], name: str, prefix: str) -> str | None:
    value = query.pop(name, None)
    if value is not None and not is_id(value, prefix):
        raise ParameterInvalidError(f"{name} must be an id ({prefix}_…).", name)
    return value
