"""As walk.py, on the async client: its operations are awaited, one after the other."""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any
from unittest import mock

import paygate
from paygate.pages import AsyncList
from tests.clients.walks import walk


class Sync:
    """The async client as a sync one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: Any) -> None:
        self._loop = loop
        self._target = target

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return Sync(self._loop, found)
        return lambda *args, **params: self._finish(found(*args, **params))

    def __enter__(self) -> "Sync":
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.run_until_complete(self._target.close())

    def _finish(self, result: Any) -> Any:
        if isinstance(result, AsyncList):
            return Listed(self._loop, result)
        return self._loop.run_until_complete(result) if inspect.isawaitable(result) else result


class Listed:
    """An async list as a sync page."""

    def __init__(self, loop: asyncio.AbstractEventLoop, listed: AsyncList[Any]) -> None:
        self._loop = loop
        self._listed = listed

    @property
    def data(self) -> list[Any]:
        async def first() -> Any:
            return await self._listed

        found: list[Any] = self._run(first()).data
        return found

    def __iter__(self) -> Any:
        async def collect() -> list[Any]:
            return [each async for each in self._listed]

        return iter(self._run(collect()))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)


if __name__ == "__main__":
    client = Sync(asyncio.new_event_loop(), paygate.AsyncClient())
    with mock.patch.object(paygate, "Client", return_value=client):
        walk.main()
