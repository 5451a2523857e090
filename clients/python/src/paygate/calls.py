"""A call of the API as data, shared by the sync and the async client."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import httpx

from paygate.errors import ApiError, ConnectionFailedError, PayGateError, error_from
from paygate.retries import delay_before, is_retryable

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """`params` are the body, or the query of a GET. `parse` makes the result of the answer."""

    method: str
    path: str
    parse: Callable[[Any], T]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Config:
    secret_key: str
    base_url: str
    timeout: float
    max_retries: int


@dataclass(frozen=True)
class Failure:
    """What went wrong in one attempt."""

    error: PayGateError
    is_retryable: bool
    retry_after: str | None = None


@dataclass(frozen=True)
class Success:
    body: Any
    next_cursor: str | None

    @property
    def cursor(self) -> str | None:
        """Where a list goes on. A page may end early, even empty, so its last object's id is not
        always the cursor."""
        if not self.body["has_more"]:
            return None
        return self.next_cursor or str(self.body["data"][-1]["id"])


def path_of(template: str, id: str) -> str:
    """The template with the id in place of `{}`. An empty id would be the address of the list."""
    if not isinstance(id, str) or not id:
        raise PayGateError("The id must be a non-empty string.")
    return template.format(quote(id, safe=""))


def build_request(config: Config, call: Call[Any]) -> httpx.Request:
    """One request serves all attempts of a call, and with it one idempotency key."""
    params = dict(call.params)
    key = params.pop("idempotency_key", None) or str(uuid.uuid4())
    url = config.base_url + call.path
    headers = {"Accept": "application/json", "Authorization": f"Bearer {config.secret_key}"}
    content = None
    if call.method == "GET":
        query = urlencode(list(_query_entries(params)))
        url = f"{url}?{query}" if query else url
    elif params:
        headers["Content-Type"] = "application/json"
        content = json.dumps(params, default=_encode).encode()
    if call.method == "POST":
        headers["Idempotency-Key"] = key
    timeout = httpx.Timeout(config.timeout).as_dict()
    return httpx.Request(
        call.method, url, headers=headers, content=content, extensions={"timeout": timeout}
    )


def read_answer(answer: httpx.Response) -> Success | Failure:
    body = _parse_json(answer.content)
    if answer.status_code >= 300:
        error = error_from(answer.status_code, body, answer.headers.get("request-id"))
        return Failure(error, _is_retryable(error), answer.headers.get("retry-after"))
    if body is None:
        error_text = f"The API answered {answer.status_code} without JSON: check the base URL."
        return Failure(PayGateError(error_text), is_retryable=False)
    return Success(body, answer.headers.get("next-cursor"))


def connection_failed(error: httpx.TransportError) -> Failure:
    reason = "it took too long" if isinstance(error, httpx.TimeoutException) else str(error)
    failed = ConnectionFailedError(f"No answer from the API: {reason}")
    failed.__cause__ = error
    return Failure(failed, is_retryable=True)


def delay_or_raise(failure: Failure, retry: int, max_retries: int) -> float:
    """Seconds to wait before the next attempt. Raises the error if there is none."""
    if failure.is_retryable and retry < max_retries:
        delay = delay_before(retry, failure.retry_after)
        if delay is not None:
            return delay
    raise failure.error


def _is_retryable(error: ApiError) -> bool:
    return is_retryable(error.status, error.code)


def _query_entries(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`created_at={"gte": 1}` becomes `created_at[gte]=1`. None is left out."""
    entries = list[tuple[str, str]]()
    for name, value in params.items():
        if isinstance(value, Mapping):
            entries += _query_entries({f"{name}[{key}]": each for key, each in value.items()})
        elif value is not None:
            entries.append((name, _encode(value) if isinstance(value, datetime) else str(value)))
    return entries


def _encode(value: Any) -> Any:
    if not isinstance(value, datetime):
        return dict(value) if isinstance(value, Mapping) else list(value)
    if value.tzinfo is None:
        raise PayGateError("A datetime must have a time zone: datetime.now(UTC).")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
