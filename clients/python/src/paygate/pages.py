"""Lists, a page at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Page(Generic[T]):
    """One page. Iterating over it goes on to the following pages; `data` is this page alone."""

    def __init__(
        self, data: list[T], next_cursor: str | None, load: Callable[[str], "Page[T]"]
    ) -> None:
        self.data = data
        self.has_more = next_cursor is not None
        self._next_cursor = next_cursor
        self._load = load

    def next_page(self) -> "Page[T] | None":
        return None if self._next_cursor is None else self._load(self._next_cursor)

    def __iter__(self) -> Iterator[T]:
        page: Page[T] | None = self
        while page is not None:
            yield from page.data
            page = page.next_page()


class AsyncPage(Generic[T]):
    """One page. Iterating over it goes on to the following pages; `data` is this page alone."""

    def __init__(
        self,
        data: list[T],
        next_cursor: str | None,
        load: "Callable[[str], Awaitable[AsyncPage[T]]]",
    ) -> None:
        self.data = data
        self.has_more = next_cursor is not None
        self._next_cursor = next_cursor
        self._load = load

    async def next_page(self) -> "AsyncPage[T] | None":
        return None if self._next_cursor is None else await self._load(self._next_cursor)

    async def __aiter__(self) -> AsyncIterator[T]:
        page: AsyncPage[T] | None = self
        while page is not None:
            for each in page.data:
                yield each
            page = await page.next_page()


class AsyncList(Generic[T]):
    """A list that is requested when it is awaited or iterated.

    `await list` is its first page, `async for each in list` goes through all pages.
    """

    def __init__(self, load: Callable[[str | None], Awaitable[AsyncPage[T]]]) -> None:
        self._load = load

    def __await__(self) -> Generator[Any, None, AsyncPage[T]]:
        return self._load(None).__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for each in await self._load(None):
            yield each
