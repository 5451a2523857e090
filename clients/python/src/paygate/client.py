"""The sync and the async client."""

import os
from typing import Self

import httpx

from paygate.async_resources import (
    AsyncCheckout,
    AsyncCustomers,
    AsyncEvents,
    AsyncPayments,
    AsyncRefunds,
    AsyncWebhooks,
)
from paygate.calls import Config
from paygate.errors import PayGateError
from paygate.resources import Checkout, Customers, Events, Payments, Refunds, Webhooks
from paygate.transport import AsyncTransport, Transport

TIMEOUT = 30.0
MAX_RETRIES = 2


class Client:
    """PayGate's API. The secret key and the base URL may come from the environment.

    `timeout` is in seconds, for each attempt. As a context manager it closes its connections.
    """

    def __init__(
        self,
        secret_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = TIMEOUT,
        max_retries: int = MAX_RETRIES,
        http: httpx.Client | None = None,
    ) -> None:
        config = _configure(secret_key, base_url, timeout, max_retries)
        self._http = http or httpx.Client()
        transport = Transport(config, self._http)
        self.checkout = Checkout(transport)
        self.customers = Customers(transport)
        self.payments = Payments(transport)
        self.refunds = Refunds(transport)
        self.webhooks = Webhooks(transport)
        self.events = Events(transport)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncClient:
    """As `Client`, for asyncio."""

    def __init__(
        self,
        secret_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = TIMEOUT,
        max_retries: int = MAX_RETRIES,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        config = _configure(secret_key, base_url, timeout, max_retries)
        self._http = http or httpx.AsyncClient()
        transport = AsyncTransport(config, self._http)
        self.checkout = AsyncCheckout(transport)
        self.customers = AsyncCustomers(transport)
        self.payments = AsyncPayments(transport)
        self.refunds = AsyncRefunds(transport)
        self.webhooks = AsyncWebhooks(transport)
        self.events = AsyncEvents(transport)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


def _configure(
    secret_key: str | None, base_url: str | None, timeout: float, max_retries: int
) -> Config:
    key = secret_key or os.environ.get("PAYGATE_SECRET_KEY")
    if not key:
        raise PayGateError("The secret key is missing: pass it, or set PAYGATE_SECRET_KEY.")
    url = base_url or os.environ.get("PAYGATE_BASE_URL")
    if not url:
        raise PayGateError("The base URL is missing: pass base_url, or set PAYGATE_BASE_URL.")
    return Config(key, url.rstrip("/"), timeout, max_retries)
