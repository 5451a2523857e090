"""AWS's list prices in us-east-1, in US dollars per million, and what a million sessions cost."""

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
    "deliver it": 1,
    "retrieve": 1,
}
"""How often each operation happens for a paid session. The page is shown before and after the
payment and once more, and two events are fanned out, of which an endpoint subscribes to one."""

INVOKED = sum(LIFE.values())
REQUESTS = INVOKED - LIFE["fan an event out to one endpoint"] - LIFE["deliver it"]
QUEUE_CALLS = 3
"""Send, receive, delete."""


def of_a_million(costs: dict[str, Any]) -> list[tuple[str, float]]:
    writes = sum(costs[name].write_units * times for name, times in LIFE.items())
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


def page(rows: str, prices: list[tuple[str, float]]) -> str:
    lines = "\n".join(f"| {name} | {price:.2f} |" for name, price in prices)
    total = sum(price for _, price in prices)
    return f"""# What each operation costs

Written by `UPDATE_COSTS=1 .venv/bin/pytest tests/store/test_costs.py` from what the engine reports
with `ReturnConsumedCapacity=INDEXES`; a test fails when the code costs something else. The items
are those of the README's example. Units are DynamoDB's: a transaction doubles the table's, not the
indexes'. The lookup of an API key, one read unit a minute and process, is left out.

| operation | read calls | read units | write calls | write units |
|---|---|---|---|---|
{rows}

A list's page costs what it shows: the same at 1,000 sessions and at 50,000. Expiring reads the
session before it writes, because the event it writes holds the session.

## A million paid sessions

List prices in us-east-1 in US dollars; each created, shown, paid and fetched once by the merchant,
with one webhook. Free tiers, log storage, traffic and the table's storage are left out, and a warm
invocation is taken to last {WARM_SECONDS * 1000:g} ms.

| per session | a million cost |
|---|---|
{lines}
| **total** | **{total:.2f}** |

The simulator's ledger is one of the writes of paying; a real processor has its own ledger.
"""
