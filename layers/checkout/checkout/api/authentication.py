"""API keys, and the endpoints that need one.

Keys are checked inside each function, so no route can be configured around the check.
"""

import base64
import re
from collections.abc import Callable
from functools import wraps
from typing import NamedTuple, Protocol

from checkout.api import limits
from checkout.api.http import (
    ErrorRenderer,
    Json,
    LambdaHandler,
    Request,
    Response,
    json_response,
    lambda_handler,
)
from checkout.domain.account import Caller
from checkout.domain.errors import (
    AccountSuspendedError,
    AuthenticationError,
    PermissionDeniedError,
)
from checkout.domain.event import ChangeContext, RenderEvents
from checkout.log import about
from checkout.store import keys
from checkout.store.accounts import ApiKey, find_key
from checkout.store.table import Table

CACHE_SECONDS = 60
"""A key that is revoked or suspended is accepted for at most this long by processes that have seen
it before."""
CACHE_KEYS = 1000

_KEY = re.compile(r"(?:sk|pk)_(?:test|live)_[A-Za-z0-9_]{1,200}")
_cache: dict[str, tuple[ApiKey, int]] = {}
"""The keys that this process has read, each with the time of reading, by the key's digest."""


class Call(NamedTuple):
    """An authenticated request, with the table that its handler reads and writes."""

    request: Request
    table: Table
    caller: Caller
    render_events: RenderEvents

    @property
    def scope(self) -> str:
        """The caller's merchant and mode: `merc_accra#test`."""
        return self.caller.scope

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def path_id(self) -> str:
        """The path parameter `{id}`."""
        return self.request.path_id

    @property
    def now(self) -> int:
        """The request's time in epoch seconds."""
        return self.request.now

    def change_context(self, idempotency_key: str | None = None) -> ChangeContext:
        """The context of the changes that this call makes."""
        return ChangeContext(self.now, self.render_events, self.request.cause(idempotency_key))


CallFunction = Callable[[Call], Json | Response]
"""A handler returns the JSON object of a 200, or a whole response."""
Authenticate = Callable[[Table, Request, str], Caller]


class Dialect(ErrorRenderer, Protocol):
    """What endpoints need of a dialect's renderer."""

    @property
    def render_events(self) -> RenderEvents: ...


def authenticated_endpoint(
    api: str, dialect: Dialect, authenticate: Authenticate
) -> Callable[[CallFunction], LambdaHandler]:
    """The decorator of a dialect's endpoints.

    It authenticates the caller before the handler runs. A merchant has one dialect, so the events
    of a call are rendered in the call's dialect.
    """

    def endpoint(function: CallFunction) -> LambdaHandler:
        @wraps(function)
        def respond(table: Table, request: Request) -> Response:
            caller = authenticate(table, request, api)
            result = function(Call(request, table, caller, dialect.render_events))
            return result if isinstance(result, Response) else json_response(result)

        handler = lambda_handler(dialect, respond)
        vars(handler)["authenticates"] = api
        return handler

    return endpoint


def authenticate_bearer(table: Table, request: Request, api: str) -> Caller:
    """The caller of `Authorization: Bearer <secret key>`.

    Raises AuthenticationError, PermissionDeniedError for a public key or a suspended merchant, or
    RateLimitError.
    """
    credentials = _credentials(request, "bearer", "Authorization: Bearer sk_test_…")
    return _authenticate(table, request, credentials, api)


def authenticate_basic(table: Table, request: Request, api: str) -> Caller:
    """The caller of `Authorization: Basic`, with the secret key as user name and no password.

    Raises AuthenticationError, PermissionDeniedError for a public key or a suspended merchant, or
    RateLimitError.
    """
    expected = "HTTP Basic with the key as user name and no password (curl -u sk_test_…:)"
    credentials = _credentials(request, "basic", expected)
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        user, password = "", ""
    return _authenticate(table, request, "" if password else user, api)


def forget_keys() -> None:
    """Empties the cache of keys."""
    _cache.clear()


def _credentials(request: Request, scheme: str, expected: str) -> str:
    """What follows the scheme in the header `Authorization`. `expected` is the error's advice."""
    sent, _, credentials = (request.header("authorization") or "").partition(" ")
    if not credentials:
        raise AuthenticationError(f"An API key is required: {expected}.")
    if sent.lower() != scheme:
        raise AuthenticationError(f"This API takes the key in another way: {expected}.")
    return credentials.strip()


def _authenticate(table: Table, request: Request, secret: str, api: str) -> Caller:
    if not _KEY.fullmatch(secret):
        raise AuthenticationError("The Authorization header has no well-formed API key.")
    key = _find(table, request, secret)
    if key is None or key.caller.api != api or key.is_revoked_at(request.now):
        raise AuthenticationError("The API key is unknown or was revoked.")
    if not key.is_secret:
        raise PermissionDeniedError("A public key can't be used here; use the secret key.")
    request.log_fields.update(merchant=key.caller.merchant, mode=key.caller.mode)
    about(merchant=key.caller.scope)
    limits.admit_caller(request, key.caller.scope)
    if key.is_suspended:
        raise AccountSuspendedError
    return key.caller


def _find(table: Table, request: Request, secret: str) -> ApiKey | None:
    digest = keys.api_key(secret)["pk"]
    cached, read_at = _cache.get(digest, (None, 0))
    if cached is not None and 0 <= request.now - read_at < CACHE_SECONDS:
        return cached
    limits.admit_unknown_key(request)
    key = find_key(table, secret)
    if key is None:
        _cache.pop(digest, None)
        return None
    if len(_cache) >= CACHE_KEYS:
        _cache.clear()
    _cache[digest] = (key, request.now)
    return key
