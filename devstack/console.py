"""What devstack prints: what to try, then a line for each request, event and delivery."""

import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from devstack.records import Record

Say = Callable[[str], None]

# Whoever has the whole id of a session can open its page.
_SHOWN_OF_AN_ID = 14

_lock = threading.Lock()


def keep_silent(_line: str) -> None:
    """Print nothing."""


def print_line(line: str) -> None:
    """Print one line, whole, at once."""
    with _lock:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def print_entry(entry: str) -> None:
    """Print one line with the time in front."""
    print_line(f"{time.strftime('%H:%M:%S')}  {entry}")


def describe_request(method: str, path: str, status: int, seconds: float) -> str:
    """A request's line."""
    return f"{method:6} {mask_path(path)}  {status}  {seconds * 1000:.0f} ms"


def mask_path(path: str) -> str:
    """The path with the end of a hosted page's id cut off."""
    found = re.match(r"(/(?:checkout|c)/)([^/]+)(.*)", path)
    if not found or len(found[2]) <= _SHOWN_OF_AN_ID:
        return path
    return f"{found[1]}{found[2][:_SHOWN_OF_AN_ID]}…{found[3]}"


def describe_record(record: Record) -> str | None:
    """The line of an event or of a delivery's try; None for any other record."""
    sort_key = str(record.keys.get("sk", {}).get("S", ""))
    image = record.content["dynamodb"].get("NewImage", {})
    name = record.content["eventName"]
    if name == "INSERT" and sort_key == "EVENT":
        return f"event   {_text(image, 'type')}  {_identify(record)}"
    if name == "MODIFY" and sort_key.startswith("DELIVERY#"):
        endpoint = sort_key.removeprefix("DELIVERY#")
        tried = _describe_last_try(image)
        return f"deliver {_identify(record)} to {endpoint}  {_text(image, 'state')}{tried}"
    return None


def introduce(say: Say, engine: str, address: str, data: str | None) -> None:
    """Say what runs where, and what to try."""
    kept = f", its file in {data}" if data else ", in memory: everything is gone when it stops"
    say(f"checkout on {address}  (engine: {engine}{kept})")
    say("")
    say("try:")
    for line in _curl_lines(address):
        say(f"  {line}")
    say("")
    say(f"the shopper's page: {address}/checkout/<session id>  (the session's `url`)")
    for title, numbers in _test_numbers():
        say(f"{title}:")
        for number, description in numbers:
            say(f"  {number:<17} {description}")
    say("")
    say("move the clock: "
        f"curl {address}/dev/clock -d '{{\"advance\": 3600}}'   stop: Ctrl-C")  # fmt: skip
    say("")


def _curl_lines(address: str) -> list[str]:
    session = (
        '{"amount": 5000, "currency": "GHS", "success_url": "https://example.com/thanks", '
        '"cancel_url": "https://example.com/cart"}'
    )
    webhook = '{"url": "http://127.0.0.1:4000/", "events": ["checkout.session.completed"]}'
    call = "curl -H 'Authorization: Bearer sk_test_paygate'"
    typed = f"{call} -H 'Content-Type: application/json'"
    return [
        f"{typed} {address}/v1/checkout/sessions -d '{session}'",
        f"{call} {address}/v1/checkout/sessions",
        f"{typed} {address}/v1/webhooks -d '{webhook}'",
    ]


def _test_numbers() -> list[tuple[str, list[tuple[str, str]]]]:
    # Of the library, which is only importable once a stack runs.
    from checkout.processors import simulator

    return [
        (
            "test cards",
            [(each, fate.description) for each, fate in simulator.CARDS["paygate"].items()],
        ),
        ("test phones", [(each, fate.description) for each, fate in simulator.PHONES.items()]),
    ]


def _identify(record: Record) -> str:
    return str(record.keys["pk"]["S"]).partition("#")[2]


def _text(image: dict[str, Any], attribute: str) -> str:
    return str(image.get(attribute, {}).get("S", "?"))


def _describe_last_try(image: dict[str, Any]) -> str:
    tries = image.get("tries", {}).get("L", [])
    if not tries:
        return ""
    last = tries[-1]["M"]
    answer = last.get("status", {}).get("N") or last.get("error", {}).get("S") or "no answer"
    return f"  {answer} (try {len(tries)})"
