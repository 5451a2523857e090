"""PayRex's list parameters (contract, section 5)."""

from collections.abc import Callable
from typing import Any

from checkout.api.http import Request
from checkout.api.payrex.form import Group, ShapeError, parse
from checkout.api.payrex.parse import Reader
from checkout.domain.errors import ParameterInvalidError, ParameterTypeError
from checkout.domain.ids import is_id
from checkout.store.paging import Cursor

DEFAULT_LIMIT, MAX_LIMIT = 10, 100


def parse_query(request: Request) -> Group:
    try:
        return parse(request.event.get("rawQueryString", ""))
    except ShapeError as error:
        raise ParameterTypeError("A parameter is given in two shapes.", error.parameter) from None


def parse_cursor(query: Group, prefix: str) -> Cursor:
    """`limit`, `after` and `before`; parameters that mean nothing here are ignored."""
    reader = Reader(query)
    limit = reader.integer("limit", 1, MAX_LIMIT) or DEFAULT_LIMIT
    after, before = (
        reader.matching(name, lambda text: is_id(text, prefix), f"must be an id ({prefix}_…)")
        for name in ("after", "before")
    )
    if after and before:
        reader.fail(ParameterInvalidError, "before", "can't be given together with after")
    reader.finish()
    return Cursor(limit, after, before)


def parse_filter(query: Group, *names: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a stored object has exactly these values; `metadata[key]` may be among them."""
    reader = Reader(query)
    wanted = {name: text for name in names if name != "metadata" and (text := reader.text(name))}
    within = reader.map("metadata") if "metadata" in names else None
    entries = within.texts() if within else {}
    reader.finish()

    def keep(item: dict[str, Any]) -> bool:
        metadata = item.get("metadata", {})
        return all(item.get(name) == text for name, text in wanted.items()) and all(
            metadata.get(key) == value for key, value in entries.items()
        )

    return keep
