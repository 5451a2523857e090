"""The docstrings of a client's methods, without their text: nobody asks a Lambda for help()."""

from typing import Any, Self


class LazyLoadedDocstring(str):
    __slots__ = ()

    def __new__(cls, *_args: Any, **_named: Any) -> Self:
        return super().__new__(cls)


ClientMethodDocstring = WaiterDocstring = PaginatorDocstring = LazyLoadedDocstring
