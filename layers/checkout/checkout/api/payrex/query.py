"""PayRex's query parameters (docs/contracts/payrex.md, section 5). Unknown ones are ignored."""

from collections.abc import Callable

from checkout.api.authentication import Call
from checkout.api.payrex.fields import Field, Id, Integer, Text, Texts, read_all
from checkout.api.payrex.reader import Reader
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.ids import CUSTOMER, SESSION, WEBHOOK
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.store.paging import Cursor, CustomerFilters, SessionFilters

DEFAULT_LIMIT, MAX_LIMIT = 10, 100

CUSTOMER_FILTERS = (Text("name"), Text("email"), Texts("metadata"))
WEBHOOK_FILTERS = (Text("url"), Text("description"))


def cursor_fields(prefix: str) -> tuple[Field, ...]:
    """The parameters of a page: its size, and the id that it follows or precedes."""
    return (
        Integer("limit", low=1, high=MAX_LIMIT),
        Id("after", prefix=prefix),
        Id("before", prefix=prefix),
    )


def parse_session_list(call: Call) -> tuple[SessionFilters, Cursor]:
    """PayRex's list of sessions has no filters."""
    return SessionFilters(), _cursor(Reader.of_query(call), SESSION)


def parse_customer_list(call: Call) -> tuple[Cursor, CustomerFilters]:
    reader = Reader.of_query(call)
    filters = CustomerFilters(**read_all(CUSTOMER_FILTERS, reader))
    return _cursor(reader, CUSTOMER), filters


def parse_webhook_list(call: Call) -> tuple[Cursor, Callable[[WebhookEndpoint], bool]]:
    """A webhook has to have exactly the values that are sent."""
    reader = Reader.of_query(call)
    sent = read_all(WEBHOOK_FILTERS, reader)

    def matches(webhook: WebhookEndpoint) -> bool:
        return all(not value or value == getattr(webhook, name) for name, value in sent.items())

    return _cursor(reader, WEBHOOK), matches


def _cursor(reader: Reader, prefix: str) -> Cursor:
    """`limit`, and `after` or `before`, which are ids with this prefix."""
    values = read_all(cursor_fields(prefix), reader)
    if values["after"] and values["before"]:
        reader.fail(ParameterInvalidError, "before", "can't be sent together with after")
    reader.finish()
    return Cursor(values["limit"] or DEFAULT_LIMIT, values["after"], values["before"])
