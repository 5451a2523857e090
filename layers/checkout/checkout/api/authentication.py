"""Whose key it is. Checked inside each function, so that no route can be reached around it."""

import base64
import re

from checkout.api.http import Request
from checkout.domain.account import Caller
from checkout.domain.errors import AuthenticationError, PermissionDeniedError
from checkout.store import keys
from checkout.store.accounts import ApiKey, find_key
from checkout.store.table import Table

CACHE_SECONDS = 60
CACHE_KEYS = 1000

_KEY = re.compile(r"(?:sk|pk)_(?:test|live)_[A-Za-z0-9_]{1,200}")
_seen: dict[str, tuple[ApiKey, int]] = {}
"""Keys found lately, by digest. A revoked key is taken for at most CACHE_SECONDS more."""


def authenticate_bearer(table: Table, request: Request, api: str) -> Caller:
    """The caller of `Authorization: Bearer <secret key>`.

    Raises AuthenticationError, or PermissionDeniedError for a public key.
    """
    scheme, credentials = _credentials(request, "Authorization: Bearer sk_test_…")
    return _authenticate(table, request, credentials if scheme == "bearer" else "", api)


def authenticate_basic(table: Table, request: Request, api: str) -> Caller:
    """The caller of `Authorization: Basic`, the secret key as user name and no password.

    Raises AuthenticationError, or PermissionDeniedError for a public key.
    """
    scheme, credentials = _credentials(request, "HTTP Basic, the key as user name")
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        user, password = "", ""
    return _authenticate(table, request, user if scheme == "basic" and not password else "", api)


def _credentials(request: Request, form: str) -> tuple[str, str]:
    scheme, _, credentials = (request.header("authorization") or "").partition(" ")
    if not credentials:
        raise AuthenticationError(f"An API key is required: {form}")
    return scheme.lower(), credentials.strip()


def _authenticate(table: Table, request: Request, secret: str, api: str) -> Caller:
    if not _KEY.fullmatch(secret):
        raise AuthenticationError("The Authorization header has no well-formed API key.")
    caller = _caller(table, secret, api, request.now)
    request.log_fields.update(merchant=caller.merchant, mode=caller.mode)
    return caller


def forget_keys() -> None:
    """Empties the cache."""
    _seen.clear()


def _caller(table: Table, secret: str, api: str, now: int) -> Caller:
    key = _find(table, secret, now)
    if key is None or key.caller.api != api:
        raise AuthenticationError("The API key is unknown or was revoked.")
    if not key.is_secret:
        raise PermissionDeniedError("A public key can't be used here; use the secret key.")
    return key.caller


def _find(table: Table, secret: str, now: int) -> ApiKey | None:
    digest = keys.api_key(secret)["pk"]
    found, at = _seen.get(digest, (None, 0))
    if found is not None and 0 <= now - at < CACHE_SECONDS:
        return found
    key = find_key(table, secret)
    if key is None:
        _seen.pop(digest, None)
        return None
    if len(_seen) >= CACHE_KEYS:
        _seen.clear()
    _seen[digest] = (key, now)
    return key
