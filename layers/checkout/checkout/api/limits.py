"""Limits of requests: token buckets in the memory of the process, so that no request costs a write.

They are approximate on purpose: each process counts alone. In Lambda every environment of every
function is a process, so the rates are per endpoint, and a caller whose requests run in parallel
gets them once from each environment. API Gateway's throttling bounds all callers together.
"""

from functools import lru_cache
from ipaddress import ip_address
from math import ceil
from typing import NamedTuple

from checkout.api.http import Request
from checkout.domain.errors import RateLimitError
from checkout.settings import settings

BURST_SECONDS = 2
"""A full bucket holds the requests of this many seconds."""
MAX_BUCKETS = 10_000
"""When there are more, those that were used least recently are forgotten, as if they were full."""

PAGE_KEY = 64
"""How much of a page's key tells it from others. A request may have thousands of characters."""


class Bucket(NamedTuple):
    tokens: float
    at: int
    """When the tokens were counted, in epoch seconds."""


@lru_cache(maxsize=1)
def buckets() -> dict[tuple[str, str], Bucket]:
    """Those of this process, by what is limited and by whom, the least recently used first."""
    return {}


def admit_caller(request: Request, scope: str) -> None:
    """Counts a request of a merchant and mode, and gives its response the rate headers.

    Raises RateLimitError.
    """
    rate = settings().merchant_rate
    if not rate:
        return
    left = _take("merchant", scope, rate, request.now)
    request.response_headers.update(
        {
            "ratelimit-limit": str(rate * BURST_SECONDS),
            "ratelimit-remaining": str(max(0, int(left))),
            "ratelimit-reset": str(ceil((rate * BURST_SECONDS - max(0, left)) / rate)),
        }
    )
    _refuse_if_negative(left)


def admit_unknown_key(request: Request) -> None:
    """Counts a request whose key has to be looked up in the table. Raises RateLimitError."""
    _admit("key", network_of(request.source_ip), settings().visitor_rate, request.now)


def admit_visit(request: Request) -> None:
    """Counts a request for a hosted page, by the visitor and by the page. Raises RateLimitError."""
    _admit("visitor", network_of(request.source_ip), settings().visitor_rate, request.now)
    _admit("page", request.path_id[:PAGE_KEY], settings().page_rate, request.now)


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 network of an IPv6 address: one subscriber has all of it."""
    parsed = ip_address(address)
    return address if parsed.version == 4 else parsed.packed[:8].hex()


def _admit(kind: str, id: str, rate: int, now: int) -> None:
    if rate:
        _refuse_if_negative(_take(kind, id, rate, now))


def _refuse_if_negative(left: float) -> None:
    if left < 0:
        raise RateLimitError


def _take(kind: str, id: str, rate: int, now: int) -> float:
    """Takes a token from a bucket, which gets `rate` tokens a second. Returns how many are left;
    less than 0 if there was none to take."""
    # The order of a dict is that of insertion. `pop` with a default, because in devstack other
    # threads may be faster.
    found, size = buckets(), rate * BURST_SECONDS
    tokens, at = found.pop((kind, id), Bucket(size, now))
    tokens = min(size, tokens + rate * max(0, now - at))
    left = tokens - 1
    found[kind, id] = Bucket(left if left >= 0 else tokens, now)
    if len(found) > MAX_BUCKETS:
        found.pop(next(iter(found)), None)
    return left
