"""Sends calls, and repeats those that may succeed a moment later."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from paygate.calls import (
    Call,
    Config,
    Failure,
    Success,
    build_request,
    connection_failed,
    delay_or_raise,
    read_answer,
)

T = TypeVar("T")


class Transport:
    def __init__(self, config: Config, http: httpx.Client) -> None:
        self._config = config
        self._http = http
        self.sleep: Callable[[float], None] = time.sleep

    def send(self, call: Call[T]) -> T:
        return call.parse(self.answer(call).body)

    def answer(self, call: Call[Any]) -> Success:
        request = build_request(self._config, call)
        retry = 0
        while isinstance(outcome := self._attempt(request), Failure):
            self.sleep(delay_or_raise(outcome, retry, self._config.max_retries))
            retry += 1
        return outcome

    def _attempt(self, request: httpx.Request) -> Success | Failure:
        try:
            return read_answer(self._http.send(request))
        except httpx.TransportError as error:
            return connection_failed(error)


class AsyncTransport:
    def __init__(self, config: Config, http: httpx.AsyncClient) -> None:
        self._config = config
        self._http = http
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def send(self, call: Call[T]) -> T:
        return call.parse((await self.answer(call)).body)

    async def answer(self, call: Call[Any]) -> Success:
        request = build_request(self._config, call)
        retry = 0
        while isinstance(outcome := await self._attempt(request), Failure):
            await self.sleep(delay_or_raise(outcome, retry, self._config.max_retries))
            retry += 1
        return outcome

    async def _attempt(self, request: httpx.Request) -> Success | Failure:
        try:
            return read_answer(await self._http.send(request))
        except httpx.TransportError as error:
            return connection_failed(error)
