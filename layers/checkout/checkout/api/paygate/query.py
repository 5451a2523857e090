"""PayGate's query parameters (docs/contracts/paygate.md, section 3).

Without pydantic, so that functions that list and retrieve start faster.
"""

from checkout.api.authentication import Call
from checkout.api.integers import read_integer
from checkout.domain.errors import ParameterInvalidError, ParameterUnknownError
from checkout.domain.ids import CUSTOMER, ENDPOINT, PAYMENT, REFUND, SESSION, is_id
from checkout.domain.session import Status
from checkout.store.paging import Cursor, SessionFilters

DEFAULT_LIMIT, MAX_LIMIT = 10, 100


def refuse_parameters(call: Call) -> None:
    """Refuses all parameters, in the query and in the body of a POST.

    Raises ParameterUnknownError.
    """
    body = call.request.json() if call.request.method == "POST" else {}
    for name in [*call.request.query(), *body]:
        raise ParameterUnknownError(name)


def parse_session_list(call: Call) -> tuple[SessionFilters, Cursor]:
    """A session has to match all of `status`, `customer` and `payment` that are sent."""
    params = call.request.query()
    status = params.pop("status", None)
    if status is not None and status not in list(Status):
        raise ParameterInvalidError("status must be open, complete or expired.", "status")
    filters = SessionFilters(
        Status(status) if status else None,
        pop_id(params, "customer", CUSTOMER),
        pop_id(params, "payment", PAYMENT),
    )
    return filters, parse_cursor(params, SESSION)


def parse_customer_list(call: Call) -> Cursor:
    return parse_cursor(call.request.query(), CUSTOMER)


def parse_payment_list(call: Call) -> Cursor:
    return parse_cursor(call.request.query(), PAYMENT)


def parse_refund_list(call: Call) -> tuple[str | None, Cursor]:
    """The payment whose refunds are listed, or None for all refunds; and the page."""
    params = call.request.query()
    return pop_id(params, "payment", PAYMENT), parse_cursor(params, REFUND)


def parse_webhook_list(call: Call) -> Cursor:
    return parse_cursor(call.request.query(), ENDPOINT)


def parse_cursor(params: dict[str, str], prefix: str) -> Cursor:
    """`limit` and `starting_after`, an id with this prefix.

    Raises ParameterUnknownError for any other parameter.
    """
    for name in params:
        if name not in ("limit", "starting_after"):
            raise ParameterUnknownError(name)
    limit = read_integer(params.get("limit", str(DEFAULT_LIMIT)))
    if limit is None or not 1 <= limit <= MAX_LIMIT:
        raise ParameterInvalidError(f"limit must be a number from 1 to {MAX_LIMIT}.", "limit")
    after = params.get("starting_after")
    if after is not None and not is_id(after, prefix):
        raise ParameterInvalidError(
            f"starting_after must be the id ({prefix}_…) that the page is to follow.",
            "starting_after",
        )
    return Cursor(limit, after)


def pop_id(params: dict[str, str], name: str, prefix: str) -> str | None:
    """Takes an optional id with this prefix out of the parameters."""
    value = params.pop(name, None)
    if value is not None and not is_id(value, prefix):
        raise ParameterInvalidError(f"{name} must be an id ({prefix}_…).", name)
    return value
