"""Which answers are worth another attempt, and when."""

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

FIRST_DELAY = 0.5
LONGEST_DELAY = 8.0
LONGEST_RETRY_AFTER = 60.0


def is_retryable(status: int, code: str | None) -> bool:
    """Whether an answer may be another one a moment later."""
    in_progress = status == 409 and (code or "").endswith("_in_progress")
    return in_progress or status == 429 or status >= 500


def delay_before(retry: int, retry_after: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait before retry number `retry`, from 0 on.

    Half of the delay is random, so that many clients do not return at once. `retry_after` is the
    header of the answer, in seconds or as a date. None if the answer asks for more than a minute:
    then the caller gets the error instead.
    """
    longest = min(FIRST_DELAY * 2**retry, LONGEST_DELAY)
    backoff = longest * random.uniform(0.5, 1)
    asked = _read_retry_after(retry_after or "", now or datetime.now(UTC))
    return None if asked > LONGEST_RETRY_AFTER else max(backoff, asked)


def _read_retry_after(header: str, now: datetime) -> float:
    if re.fullmatch(r"\d{1,9}", header, re.ASCII):
        return float(header)
    try:
        at: Any = parsedate_to_datetime(header)
        return float((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError, TypeError):
        return 0.0
