"""AWS's list prices in us-east-1, in US dollars per million, and the cost of a million sessions."""

from typing import Any

WRITE_UNITS, READ_UNITS = 0.625, 0.125
HTTP_REQUESTS = 1.00
QUEUE_REQUESTS = 0.40
INVOCATIONS = 0.20
GB_SECONDS_ARM = 13.3334

MEMORY_GB = 1.0
WARM_SECONDS = 0.02
"""An estimate of a warm invocation, which mostly waits for DynamoDB."""

LIFE = {
    "create, with an idempotency key": 1,
    "show the page": 3,
    "pay, by a card that succeeds": 1,
    "fan an event out to one endpoint": 2,
    "deliver it": 2,
    "retrieve": 1,
}
"""How often each step happens in the life of a paid session: its page is shown before and after the
payment and once more, and two events are delivered to one webhook endpoint."""

INVOKED = sum(LIFE.values())
REQUESTS = INVOKED - LIFE["fan an event out to one endpoint"] - LIFE["deliver it"]
QUEUE_CALLS = 3 * LIFE["deliver it"]
"""Send, receive, delete."""


def write_units(costs: dict[str, Any]) -> float:
    """Of a paid session."""
    return sum(float(costs[name].write_units) * times for name, times in LIFE.items())


def of_a_million(costs: dict[str, Any]) -> list[tuple[str, float]]:
    writes = write_units(costs)
    reads = sum(costs[name].read_units * times for name, times in LIFE.items())
    return [
        (f"DynamoDB, {writes:g} write units", writes * WRITE_UNITS),
        (f"DynamoDB, {reads:g} read units", reads * READ_UNITS),
        (f"API Gateway, {REQUESTS} requests", REQUESTS * HTTP_REQUESTS),
        (f"Lambda, {INVOKED} invocations", INVOKED * INVOCATIONS),
        (
            f"Lambda, {INVOKED} × {WARM_SECONDS * 1000:g} ms at {MEMORY_GB:g} GB",
            INVOKED * WARM_SECONDS * MEMORY_GB * GB_SECONDS_ARM,
        ),
        (f"SQS, {QUEUE_CALLS} requests", QUEUE_CALLS * QUEUE_REQUESTS),
    ]


def page(rows: str, prices: list[tuple[str, float]], units_with_metadata: float) -> str:
    lines = "\n".join(f"| {name} | {price:.2f} |" for name, price in prices)
    total = sum(price for _, price in prices)
    return f"""# What each operation costs

`UPDATE_COSTS=1 .venv/bin/pytest tests/store/test_costs.py` writes this page from what the engine
reports with `ReturnConsumedCapacity=INDEXES`. The test fails if the code costs something else. The
items are those of the README's example. Units are DynamoDB's: a transaction doubles the table's,
not the indexes'. The lookup of an API key is not included: one read unit per minute and process.

| operation | read calls | read units | write calls | write units |
|---|---|---|---|---|
{rows}

A page of a list costs the same with 1,000 sessions and with 50,000. Expiring reads the session
before it writes, because the event that it writes holds the session. All pages of a payment at
Stripe together call Stripe at most once in two seconds; for this, showing a page during the payment
costs one write unit more, whether or not it may call: {WRITE_UNITS:g} dollars for a million pages.

## A million paid sessions

List prices in us-east-1 in US dollars. Each session is created, shown, paid and retrieved once by
the merchant, and two events are delivered to one webhook endpoint. Free tiers, log storage,
traffic and the table's storage are not included. A warm invocation is assumed to last
{WARM_SECONDS * 1000:g} ms.

| per session | cost of a million |
|---|---|
{lines}
| **total** | **{total:.2f}** |

With twelve metadata fields of 60 characters a paid session takes {units_with_metadata:g} write
units. One of the writes of a payment is the simulator's own ledger; a real processor does not need
it.
"""
