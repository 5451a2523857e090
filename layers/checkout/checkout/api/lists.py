"""Renders pages of lists. A page has a limit of bytes too, because Lambda limits responses."""

import json
from collections.abc import Callable
from typing import Protocol, TypeVar

from checkout.api.http import Json, Response, encode_json, json_response
from checkout.store.paging import Page

MAX_BYTES = 4 * 1024 * 1024
"""The most bytes of a page's objects in a function's response. Lambda limits a response to 6 MB."""

NEXT_CURSOR = "next-cursor"
"""The header with the id that the next page follows. A page of a filtered list may be empty
although more follow, so the last object is not always there to continue from."""


class Listed(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Listed)
Envelope = Callable[[list[Json], bool], Json]
"""Makes a dialect's list from its rendered objects and whether more follow."""


def respond(page: Page[T], render: Callable[[T], Json], envelope: Envelope) -> Response:
    """The page with as many of its objects as fit."""
    objects, following = _render_objects(page, render)
    response = json_response(envelope(objects, following is not None))
    if following is None:
        return response
    return response._replace(headers={**response.headers, NEXT_CURSOR: following})


def _render_objects(page: Page[T], render: Callable[[T], Json]) -> tuple[list[Json], str | None]:
    """The rendered objects, newest first, and the id where the list continues, if it does."""
    rendered: list[Json] = []
    following, size, last = page.next, 0, ""
    for each in reversed(page.objects) if page.backwards else page.objects:
        one = render(each)
        size += _size(one)
        if rendered and size > MAX_BYTES:
            following = last
            break
        rendered.append(one)
        last = each.id
    return rendered[::-1] if page.backwards else rendered, following


def _size(rendered: Json) -> int:
    """The bytes that an object takes in a function's response, whose body is a JSON string."""
    return len(json.dumps(encode_json(rendered), ensure_ascii=False).encode())
