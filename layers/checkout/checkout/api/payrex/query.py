"""PayRex's query parameters (docs/contracts/payrex.md, section 5). Unknown ones are ignored."""

from collections.abc import Callable
from typing import Any

from checkout.api.authentication import Call
from checkout.api.payrex.reader import Reader
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.ids import CUSTOMER, SESSION, WEBHOOK, is_id
from checkout.store.paging import Cursor, Filters

DEFAULT_LIMIT, MAX_LIMIT = 10, 100

Filter = Callable[[dict[str, Any]], bool]
"""Whether a stored item belongs to the list."""


def parse_session_list(call: Call) -> tuple[Filters, Cursor]:
    """PayRex's list of sessions has no filters."""
    return Filters(), _cursor(Reader.of_query(call), SESSION)


def parse_customer_list(call: Call) -> tuple[Cursor, Filter]:
    reader = Reader.of_query(call)
    matches = _filter(reader, ("name", "email"), metadata=True)
    return _cursor(reader, CUSTOMER), matches


def parse_webhook_list(call: Call) -> tuple[Cursor, Filter]:
    reader = Reader.of_query(call)
    matches = _filter(reader, ("url", "description"))
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


def _filter(reader: Reader, names: tuple[str, ...], *, metadata: bool = False) -> Filter:
    """An item has to have exactly the values that are sent, also those of `metadata[key]`."""
    values = {name: text for name in names if (text := reader.text(name))}
    entries = reader.texts("metadata") if metadata else {}
    reader.finish()

    def matches(item: dict[str, Any]) -> bool:
        stored = item.get("metadata", {})
        return all(item.get(name) == text for name, text in values.items()) and all(
            stored.get(key) == value for key, value in entries.items()
        )

    return matches
