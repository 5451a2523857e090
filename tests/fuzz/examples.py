"""Valid requests of every route of template.yaml: its function's sample event, and fuller ones."""

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from devstack.fakes import paymongo, paystack
from devstack.fixtures.sample_objects import (
    APPROVAL_SUFFIX,
    PAID_SUFFIX,
    PAYGATE_SUFFIX,
    PAYREX_PAID_SUFFIX,
    PAYREX_SUFFIX,
)
from devstack.template import Route
from tests.functions.test_samples import SAMPLES
from tests.fuzz.mutations import Example, Pairs
from tests.processors.accounts import SIGNING
from tests.world import START, World

STRIPE_MERCHANT = "merc_stripe"
"""The merchant of the signed notifications."""
SIGNING_SECRETS = {
    "stripe": SIGNING,
    "paystack": paystack.TEST_SECRET,
    "paymongo": paymongo.SIGNING,
}

PAYREX_PAGE, PAYREX_KEY = "/c/{id}", f"cs_{PAYREX_SUFFIX}_secret_sample"
KEPT_HEADERS = ("authorization", "content-type", "accept")

METADATA = {"order_id": "1234", "10": "é", "k" * 40: "x" * 500}
ITEM = {"name": "Mug", "amount": "25000", "quantity": "2"}

BODIES: dict[str, list[dict[str, Any] | Pairs]] = {
    "POST /v1/checkout/sessions": [
        {
            "amount": 5000,
            "currency": "GHS",
            "success_url": "https://yoursite.com/success?session_id={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://yoursite.com/cancel",
            "customer": f"cus_{PAYGATE_SUFFIX}",
            "customer_email": "customer@example.com",
            "customer_phone": "+233240000001",
            "payment_method_types": ["card", "mobile_money"],
            "locale": "fr",
            "after_expiration": {"recovery": {"enabled": True}},
            "metadata": METADATA,
            "expires_at": "2027-01-15T12:00:00+02:00",
            "idempotency_key": "order-1234",
        }
    ],
    "POST /v1/customers": [
        {
            "email": "customer@example.com",
            "name": "Ama Sample",
            "phone": "0240000001",
            "metadata": METADATA,
            "idempotency_key": "customer-1",
        }
    ],
    "POST /v1/refunds": [
        {
            "payment": f"pay_{PAID_SUFFIX}",
            "amount": 100,
            "reason": "damaged",
            "metadata": METADATA,
            "idempotency_key": "refund-1",
        },
        {"payment": f"pay_{PAID_SUFFIX}"},
    ],
    "POST /v1/webhooks": [
        {
            "url": "https://hooks.yoursite.com:8443/checkout?a=b",
            "events": ["checkout.session.completed", "payment.failed"],
            "description": "Orders",
            "idempotency_key": "hook-1",
        }
    ],
    "PATCH /v1/webhooks/{id}": [
        {
            "url": "https://hooks.yoursite.com/checkout",
            "events": ["checkout.session.completed"],
            "description": None,
            "status": "disabled",
        }
    ],
    "POST /v1/events/resend": [
        {
            "created_at": {"gte": START - 60, "lte": "2027-01-15T08:00:00Z"},
            "type": "checkout.session.completed",
            "webhook": f"we_{PAYGATE_SUFFIX}",
            "delivery_state": "failed",
            "idempotency_key": "resend-1",
        }
    ],
    "POST /checkout_sessions": [
        (
            ("customer_id", f"cus_{PAYREX_SUFFIX}"),
            ("currency", "PHP"),
            *((f"line_items[][{name}]", value) for name, value in ITEM.items()),
            ("line_items[][description]", "Blue"),
            ("line_items[][image]", "https://yoursite.com/mug.png"),
            *((f"line_items[10][{name}]", value) for name, value in ITEM.items()),
            ("success_url", "https://yoursite.com/success"),
            ("cancel_url", "https://yoursite.com/cancel"),
            ("payment_methods[]", "card"),
            ("payment_methods[]", "gcash"),
            ("payment_method_options[card][capture_type]", "automatic"),
            ("payment_method_options[card][allowed_bins][]", "424242"),
            ("payment_method_options[card][allowed_funding][]", "credit"),
            ("billing_details_collection", "auto"),
            ("customer_reference_id", "ref-1"),
            ("statement_descriptor", "MUGS AND MORE"),
            ("description", "Two mugs"),
            ("submit_type", "donate"),
            ("locale", "fil"),
            ("after_expiration[recovery][enabled]", "true"),
            ("expires_at", str(START + 3600)),
            ("metadata[order_id]", "1234"),
            ("metadata[10]", "é"),
        )
    ],
    "POST /customers": [
        (
            ("currency", "PHP"),
            ("name", "Ana Sample"),
            ("email", "ana@example.com"),
            ("billing_statement_prefix", "SAMPLE"),
            ("billing_details[phone]", "+639170000000"),
            ("billing_details[address][city]", "Manila"),
            ("metadata[order_id]", "1234"),
        )
    ],
    "PUT /customers/{id}": [
        (
            ("name", "Ana Reyes"),
            ("email", "ana@example.com"),
            ("currency", "PHP"),
            ("billing_statement_prefix", "SAMPLE"),
            ("billing_details[address][city]", "Manila"),
            ("metadata[order_id]", "1234"),
        )
    ],
    "POST /refunds": [
        (
            ("payment_id", f"pay_{PAYREX_PAID_SUFFIX}"),
            ("amount", "100"),
            ("currency", "PHP"),
            ("reason", "others"),
            ("description", "A mug"),
            ("remarks", "It was broken"),
            ("metadata[order_id]", "1234"),
        )
    ],
    "PUT /refunds/{id}": [(("metadata[order_id]", "1234"), ("metadata[10]", ""))],
    "PUT /payments/{id}": [(("description", "Two mugs"), ("metadata[order_id]", "1234"))],
    "POST /webhooks": [
        (
            ("url", "https://hooks.yoursite.com/payrex"),
            ("events[]", "payment_intent.succeeded"),
            ("events[]", "refund.updated"),
            ("description", "Orders"),
        )
    ],
    "PUT /webhooks/{id}": [
        (
            ("url", "https://hooks.yoursite.com/payrex"),
            ("events[]", "payment_intent.succeeded"),
            ("description", "Orders"),
        )
    ],
    "POST /checkout/{id}": [
        (("method", "mobile_money"), ("phone", "0240000002"), ("email", "ama@example.com")),
        (("method", "mobile_money"), ("phone", "240000002"), ("network", "telecel")),
        (("language", "fr"),),
        (("end", "leave"),),
        (("method", "bank_transfer"), ("email", "")),
        (
            ("method", "card"),
            ("number", "4000 0000 0000 0002"),
            ("expiry", "1240"),
            ("code", "1234"),
        ),
    ],
    "POST /c/{id}": [
        (
            ("method", "card"),
            ("number", "4242424242424242"),
            ("expiry", "12 / 2040"),
            ("code", "123"),
        ),
        (("method", "gcash"), ("email", "ana@example.com")),
    ],
    "POST /simulator/{id}": [(("decision", "decline"),)],
    "POST /processors/stripe/{id}": [
        {
            "id": "evt_sample",
            "object": "event",
            "type": "charge.refund.updated",
            "data": {
                "object": {
                    "id": "re_sample",
                    "object": "refund",
                    "payment_intent": "pi_sample",
                    "metadata": {
                        "payment": f"pay_{PAYGATE_SUFFIX}",
                        "refund": f"re_{PAYGATE_SUFFIX}",
                    },
                }
            },
        }
    ],
}
"""Bodies with every parameter of the operation, by route key."""

PAGE = (("limit", "10"), ("starting_after", f"cs_{PAYGATE_SUFFIX}"))

QUERIES: dict[str, list[Pairs]] = {
    "GET /v1/checkout/sessions": [
        (
            ("status", "open"),
            ("customer", f"cus_{PAYGATE_SUFFIX}"),
            ("payment", f"pay_{PAYGATE_SUFFIX}"),
            *PAGE,
        )
    ],
    "GET /v1/customers": [(("limit", "100"), ("starting_after", f"cus_{PAYGATE_SUFFIX}"))],
    "GET /v1/payments": [(("limit", "1"), ("starting_after", f"pay_{PAYGATE_SUFFIX}"))],
    "GET /v1/refunds": [
        (
            ("payment", f"pay_{PAID_SUFFIX}"),
            ("limit", "10"),
            ("starting_after", f"re_{PAYGATE_SUFFIX}"),
        )
    ],
    "GET /v1/webhooks": [(("limit", "10"), ("starting_after", f"we_{PAYGATE_SUFFIX}"))],
    "GET /v1/events": [
        (
            ("type", "checkout.session.completed"),
            ("delivery_state", "pending"),
            ("created_at[gte]", str(START - 60)),
            ("created_at[lt]", "2027-01-15T08:00:01Z"),
            ("checkout_session", f"cs_{PAYGATE_SUFFIX}"),
            ("limit", "10"),
        ),
        (("created_at[gt]", "0"), ("limit", "10"), ("starting_after", f"evt_{PAYGATE_SUFFIX}")),
    ],
    "GET /checkout_sessions": [(("limit", "10"), ("after", f"cs_{PAYREX_SUFFIX}"))],
    "GET /customers": [
        (
            ("limit", "10"),
            ("before", f"cus_{PAYREX_SUFFIX}"),
            ("name", "Ana Sample"),
            ("email", "ana@example.com"),
            ("metadata[order_id]", "1234"),
        )
    ],
    "GET /webhooks": [
        (("limit", "10"), ("url", "http://127.0.0.1:9/hooks"), ("description", "Orders"))
    ],
    "GET /checkout/{id}": [
        (("attempt", f"pay_{PAYGATE_SUFFIX}"), ("poll", "1")),
        (("attempt", "latest"), ("canceled", "1"), ("stale", "1")),
        (("attempt", "latest"), ("not_ended", "1")),
    ],
    "GET /c/{id}": [(("attempt", f"pay_{APPROVAL_SUFFIX}"), ("poll", "1"))],
}
"""Queries with every parameter of the operation, by route key."""


def examples_of(route: Route, world: World) -> list[Example]:
    """The sample of the route's function first, then those of the tables above."""
    sample = _read_sample(route)
    if route.path == "$default":
        return [sample, *_other_refusals(sample)]
    bodies = [sample.body, *BODIES.get(route.key, [])]
    if isinstance(sample.body, tuple) and "token" in dict(sample.body):
        token = world.form_token(sample.path)
        bodies = [_with_token(body, token) for body in bodies]
    return [
        *(replace(sample, body=body) for body in bodies),
        *(replace(sample, query=query) for query in QUERIES.get(route.key, [])),
    ]


def _other_refusals(sample: Example) -> list[Example]:
    """Requests of both dialects to paths and with methods that have no route."""
    payrex = sample.headers | {"authorization": "Basic c2tfdGVzdF9wYXlyZXg6"}
    return [
        replace(sample, method="DELETE", path="/v1/customers", body={"name": "Ama Sample"}),
        replace(
            sample,
            method="PUT",
            path=f"/v1/payments/pay_{PAYGATE_SUFFIX}",
            variable=f"pay_{PAYGATE_SUFFIX}",
        ),
        replace(sample, path="/unknown", headers=payrex),
        replace(sample, method="PATCH", path="/customers", body=(("a", "b"),), headers=payrex),
        replace(sample, method="OPTIONS", path="/checkout_sessions", headers=payrex),
        replace(sample, method="OPTIONS", path="/v1/customers", headers={"host": "a.example.com"}),
        replace(sample, path="/v1/customers/", query=(("limit", "5"),)),
        replace(sample, path="/customers/", headers=payrex),
        replace(sample, method="GET", path="/checkout", headers={"host": "a.example.com"}),
    ]


def all_bodies() -> list[Any]:
    return [body for bodies in BODIES.values() for body in bodies]


def _with_token(form: Any, token: str) -> Pairs:
    return (("token", token), *(pair for pair in form if pair[0] != "token"))


def _read_sample(route: Route) -> Example:
    event = _sample_event(route.key)
    variable = next(iter(event.get("pathParameters", {}).values()), None)
    path, secret = event["rawPath"], None
    if route.path == PAYREX_PAGE:
        variable = PAYREX_KEY
        path = route.path.replace("{id}", variable)
    if route.path.startswith("/processors/"):
        variable = f"{STRIPE_MERCHANT}.test"
        secret = SIGNING_SECRETS[route.path.split("/")[2]]
        path = route.path.replace("{id}", variable)
    method = event["requestContext"]["http"]["method"]
    return Example(
        method="HEAD" if route.method == "HEAD" else method,
        path=path,
        variable=variable,
        query=tuple(parse_qsl(event["rawQueryString"], keep_blank_values=True)),
        headers={"host": "api.example.com"}
        | {name: text for name, text in event["headers"].items() if name in KEPT_HEADERS},
        body=_decode_body(event),
        signing_secret=secret,
    )


def _sample_event(route_key: str) -> dict[str, Any]:
    """The sample of a route. PayRex's page has PayGate's, because they share their functions, and
    HEAD has that of GET."""
    wanted = route_key.replace(PAYREX_PAGE, "/checkout/{id}").replace("HEAD ", "GET ")
    events = (json.loads(file.read_text("utf-8")) for file in SAMPLES)
    found: dict[str, Any] = next(each for each in events if each.get("routeKey") == wanted)
    return found


def _decode_body(event: dict[str, Any]) -> dict[str, Any] | Pairs | None:
    text = event.get("body")
    if not text:
        return None
    if event["isBase64Encoded"]:
        text = base64.b64decode(text).decode()
    if text.startswith("{"):
        body: dict[str, Any] = json.loads(text)
        return body
    return tuple(parse_qsl(text, keep_blank_values=True))
