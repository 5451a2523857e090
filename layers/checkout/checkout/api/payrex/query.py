"""PayRex's query parameters (docs/contracts/payrex.md, section 5). Unknown ones are ignored."""

from collections.abc import Callable

from checkout.api.authentication import Call
from checkout.api.payrex.reader import Reader
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.ids import CUSTOMER, SESSION, WEBHOOK, is_id
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.store.paging import Cursor, CustomerFilters, SessionFilters

DEFAULT_LIMIT, MAX_LIMIT = 10, 100


def parse_session_list(call: Call) -> tuple[SessionFilters, Cursor]:
    """PayRex's list of sessions has no filters."""
    return SessionFilters(), _cursor(Reader.of_query(call), SESSION)


def parse_customer_list(call: Call) -> tuple[Cursor, CustomerFilters]:
    reader = Reader.of_query(call)
    filters = CustomerFilters(reader.text("name"), reader.text("email"), reader.texts("metadata"))
    return _cursor(reader, CUSTOMER), filters


def parse_webhook_list(call: Call) -> tuple[Cursor, Callable[[WebhookEndpoint], bool]]:
    """A webhook has to have exactly the values that are sent."""
    reader = Reader.of_query(call)
    url, description = reader.text("url"), reader.text("description")

    def matches(webhook: WebhookEndpoint) -> bool:
        return url in (None, "", webhook.url) and description in (None, "", webhook.description)

    return _cursor(reader, WEBHOOK), matches


def _cursor(reader: Reader, prefix: str) -> Cursor:
    """`limit`, and `after` or `before`, which are ids with this prefix."""
    limit = reader.integer("limit", 1, MAX_LIMIT) or DEFAULT_LIMIT
    after, before = (
        reader.matching(name, lambda text: is_id(text, prefix), f"must be an id ({prefix}_…)")
        for name in ("after", "before")
    )
    if after and before:
        reader.fail(ParameterInvalidError, "before", "can't be sent together with after")
    reader.finish()
    return Cursor(limit, after, before)
