"""Empty docstrings for clients' methods: `help()` is not used in a Lambda."""

from typing import Any, Self


class LazyLoadedDocstring(str):
    __slots__ = ()

    def __new__(cls, *_args: Any, **_named: Any) -> Self:
        return super().__new__(cls)


ClientMethodDocstring = WaiterDocstring = PaginatorDocstring = LazyLoadedDocstring
