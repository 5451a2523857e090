"""PayGate's query parameters (docs/contracts/paygate.md, section 3).

The filters are data, which the parsers and the OpenAPI document read. Without pydantic, so that
functions that list and retrieve start faster.
"""

from collections.abc import Iterable
from typing import NamedTuple

from checkout.api.authentication import Call
from checkout.api.integers import read_integer
from checkout.domain.errors import ParameterInvalidError, ParameterUnknownError
from checkout.domain.ids import CUSTOMER, ENDPOINT, PAYMENT, REFUND, SESSION, is_id
from checkout.domain.session import Status
from checkout.store.paging import Cursor, SessionFilters

DEFAULT_LIMIT, MAX_LIMIT = 10, 100


class IdFilter(NamedTuple):
    """An optional id with a prefix."""

    name: str
    prefix: str

    def take(self, params: dict[str, str]) -> str | None:
        """Takes it out of the parameters. Raises ParameterInvalidError."""
        value = params.pop(self.name, None)
        if value is not None and not is_id(value, self.prefix):
            raise ParameterInvalidError(f"{self.name} must be an id ({self.prefix}_…).", self.name)
        return value


class ChoiceFilter(NamedTuple):
    """An optional text out of several."""

    name: str
    allowed: tuple[str, ...]

    def take(self, params: dict[str, str]) -> str | None:
        """Takes it out of the parameters. Raises ParameterInvalidError."""
        value = params.pop(self.name, None)
        if value is not None and value not in self.allowed:
            allowed = ", ".join(self.allowed)
            raise ParameterInvalidError(f"{self.name} must be one of {allowed}.", self.name)
        return value


Filter = IdFilter | ChoiceFilter

SESSION_FILTERS = (
    ChoiceFilter("status", tuple(Status)),
    IdFilter("customer", CUSTOMER),
    IdFilter("payment", PAYMENT),
)
REFUND_FILTERS = (IdFilter("payment", PAYMENT),)


def take_filters(filters: Iterable[Filter], params: dict[str, str]) -> dict[str, str | None]:
    """Takes the filters out of the parameters, by name. Raises ParameterInvalidError."""
    return {each.name: each.take(params) for each in filters}


def refuse_parameters(call: Call) -> None:
    """Refuses all parameters, in the query and in the body of a POST.

    Raises ParameterUnknownError.
    """
    body = call.request.json() if call.request.method == "POST" else {}
    for name in [*call.request.query(), *body]:
        raise ParameterUnknownError(name)


def parse_session_list(call: Call) -> tuple[SessionFilters, Cursor]:
    """A session has to match all filters that are sent."""
    params = call.request.query()
    sent = take_filters(SESSION_FILTERS, params)
    status = sent["status"]
    filters = SessionFilters(Status(status) if status else None, sent["customer"], sent["payment"])
    return filters, parse_cursor(params, SESSION)


def parse_customer_list(call: Call) -> Cursor:
    return parse_cursor(call.request.query(), CUSTOMER)


def parse_payment_list(call: Call) -> Cursor:
    return parse_cursor(call.request.query(), PAYMENT)


def parse_refund_list(call: Call) -> tuple[str | None, Cursor]:
    """The payment whose refunds are listed, or None for all refunds; and the page."""
    params = call.request.query()
    return take_filters(REFUND_FILTERS, params)["payment"], parse_cursor(params, REFUND)


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
