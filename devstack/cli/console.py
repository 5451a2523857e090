"""What devstack prints: an introduction, then a line per request, event and delivery."""

import re
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from devstack.aws.stream_records import Record

# Characters of a session's id that are printed: the whole id opens its page.
_SHOWN_OF_ID = 14

_lock = threading.Lock()


def discard_line(_line: str) -> None:
    """Print nothing."""


def print_line(line: str) -> None:
    """Print one line at once. Lines of several threads do not mix."""
    with _lock:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def print_entry(entry: str) -> None:
    """Print one line after the time of day."""
    print_line(f"{time.strftime('%H:%M:%S')}  {entry}")


def describe_request(method: str, path: str, status: int, seconds: float) -> str:
    """The line of a request."""
    return f"{method:6} {mask_path(path)}  {status}  {seconds * 1000:.0f} ms"


def mask_path(path: str) -> str:
    """The path, with the id in a hosted page's address shortened."""
    found = re.match(r"(/(?:checkout|c)/)([^/]+)", path)
    if not found or len(found[2]) <= _SHOWN_OF_ID:
        return path
    return f"{found[1]}{found[2][:_SHOWN_OF_ID]}…{path[found.end() :]}"


FindUrl = Callable[[str, str], str]
"""Finds the URL of a webhook endpoint by its scope and id."""


def describe_record(record: Record, find_url: FindUrl) -> str | None:
    """The line of a new event or a delivery attempt; None for any other record."""
    sort_key = str(record.keys.get("sk", {}).get("S", ""))
    image = record.content["dynamodb"].get("NewImage", {})
    if record.content["eventName"] == "INSERT" and sort_key == "EVENT":
        return f"event   {_text(image, 'type')}  {_id(record)}"
    if sort_key.startswith("DELIVERY#") and _attempt_count(record) > 0:
        url = find_url(_text(image, "scope"), sort_key.removeprefix("DELIVERY#"))
        return f"webhook {_id(record)} to {url}  {_describe_attempt(image)}"
    return None


def _attempt_count(record: Record) -> int:
    """How many delivery attempts a record adds: a delivery is also written for other reasons."""
    new, old = (
        int(record.number(image, "attempt_count") or 0) for image in ("NewImage", "OldImage")
    )
    return new - old


def print_introduction(engine: str, url: str, data: str | None, offset: float) -> None:
    """Print what runs where, and what to try. `data` is the folder of the engine's file, `offset`
    the seconds by which the clock was moved."""
    kept = f", its file in {data}" if data else ", in memory: nothing is kept when it stops"
    print_line(f"checkout on {url}  (engine: {engine}{kept})")
    if offset:
        print_line(f"the clock was moved forward by {timedelta(seconds=int(offset))}")
    print_line("")
    print_line(f"in a browser: {url}/  (sessions, events, keys, the APIs' reference)")
    print_line("try:")
    for line in _curl_lines(url):
        print_line(f"  {line}")
    print_line("")
    print_line(f"the shopper's page: {url}/checkout/<session id>  (the session's `url`)")
    for title, numbers in _test_numbers():
        print_line(f"{title}:")
        for number, description in numbers:
            print_line(f"  {number:<17} {description}")
    print_line("")
    print_line(f"move the clock: curl {url}/dev/clock -d '{{\"advance\": 3600}}'")
    print_line(f"start anew: curl -X POST {url}/dev/reset   stop: Ctrl-C")
    print_line("")


def _curl_lines(url: str) -> list[str]:
    session = (
        '{"amount": 5000, "currency": "GHS", "success_url": "https://example.com/thanks", '
        '"cancel_url": "https://example.com/cart"}'
    )
    webhook = '{"url": "http://localhost:4000/hooks", "events": ["checkout.session.completed"]}'
    call = "curl -H 'Authorization: Bearer sk_test_paygate'"
    json_call = f"{call} -H 'Content-Type: application/json'"
    return [
        f"{json_call} {url}/v1/checkout/sessions -d '{session}'",
        f"{call} {url}/v1/checkout/sessions",
        f"{json_call} {url}/v1/webhooks -d '{webhook}'",
    ]


def _test_numbers() -> list[tuple[str, list[tuple[str, str]]]]:
    # The library is importable only while a stack runs.
    from checkout.processors import simulator

    return [
        (
            "test cards",
            [(each, outcome.description) for each, outcome in simulator.CARDS["paygate"].items()],
        ),
        (
            "test phones",
            [(each, outcome.description) for each, outcome in simulator.PHONES.items()],
        ),
    ]


def _id(record: Record) -> str:
    """The id in the item's partition key, `KIND#id`."""
    return str(record.keys["pk"]["S"]).partition("#")[2]


def _text(image: dict[str, Any], attribute: str) -> str:
    return str(image.get(attribute, {}).get("S", "?"))


def _describe_attempt(image: dict[str, Any]) -> str:
    """A delivery's state after its last attempt, with the attempt's number and outcome."""
    last = image["attempts"]["L"][-1]["M"]
    outcome = last.get("status", {}).get("N") or last.get("error", {}).get("S") or "no answer"
    number = image["attempt_count"]["N"]
    return f"{_text(image, 'state')}: {outcome} (attempt {number})"
