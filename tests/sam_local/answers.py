"""The expected answers to the sample events."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devstack.fixtures.sample_objects import (
    APPROVAL_SUFFIX,
    HELD_SUFFIX,
    PAID_SUFFIX,
    PAYGATE_SUFFIX,
    PAYREX_SUFFIX,
)
from tests.functions.test_samples import EXPECTED

ERROR = {
    "type": "invalid_request_error",
    "code": "route_missing",
    "message": "No such route: GET: /v1/unknown",
}

UNKNOWN_NOTIFICATION = {
    "code": "body_invalid",
    "message": "There is no such account, or the signature is wrong.",
}

FIELDS: dict[str, dict[str, Any]] = {
    "create_checkout_session": {
        "object": "checkout.session",
        "status": "open",
        "amount": 5000,
        "currency": "GHS",
        "customer_email": "customer@example.com",
        "metadata": {"order_id": "1234"},
    },
    "create_customer": {"object": "customer", "name": "Ama Sample", "phone": "0240000001"},
    "create_webhook": {
        "object": "webhook_endpoint",
        "status": "enabled",
        "url": "https://hooks.yoursite.com/checkout",
    },
    "create_refund": {"object": "refund", "amount": 2000, "status": "succeeded"},
    "delete_webhook": {"id": f"we_{PAYGATE_SUFFIX}", "object": "webhook_endpoint", "deleted": True},
    "expire_checkout_session": {"id": f"cs_{PAYGATE_SUFFIX}", "status": "expired", "amount": 5000},
    "list_checkout_sessions": {"object": "list", "has_more": False, "url": "/v1/checkout/sessions"},
    "list_customers": {"object": "list", "has_more": False, "url": "/v1/customers"},
    "list_events": {"object": "list", "has_more": False, "url": "/v1/events"},
    "list_payments": {"object": "list", "has_more": False, "url": "/v1/payments"},
    "list_refunds": {"object": "list", "has_more": False, "url": "/v1/refunds"},
    "list_webhooks": {"object": "list", "has_more": False, "url": "/v1/webhooks"},
    "receive_stripe_notification": {"error": UNKNOWN_NOTIFICATION},
    "receive_paystack_notification": {"error": UNKNOWN_NOTIFICATION},
    "receive_paymongo_notification": {"error": UNKNOWN_NOTIFICATION},
    "refuse_route": {"error": ERROR},
    "retrieve_checkout_session": {"id": f"cs_{PAYGATE_SUFFIX}", "status": "open", "amount": 5000},
    "retrieve_customer": {
        "id": f"cus_{PAYGATE_SUFFIX}",
        "object": "customer",
        "name": "Ama Sample",
    },
    "retrieve_event": {"id": f"evt_{PAYGATE_SUFFIX}", "type": "checkout.session.completed"},
    "retrieve_payment": {
        "id": f"pay_{PAYGATE_SUFFIX}",
        "status": "failed",
        "payment_method": "card",
    },
    "retrieve_refund": {
        "id": f"re_{PAYGATE_SUFFIX}",
        "payment": f"pay_{PAID_SUFFIX}",
        "amount": 100,
    },
    "retrieve_webhook": {"id": f"we_{PAYGATE_SUFFIX}", "status": "enabled"},
    "list_event_deliveries": {"object": "list", "has_more": False},
    "resend_event": {
        "object": "list",
        "has_more": False,
        "url": f"/v1/events/evt_{PAYGATE_SUFFIX}/resend",
    },
    "resend_events": {"object": "event_resend", "status": "pending", "sent_count": 0},
    "retrieve_event_resend": {
        "id": f"rs_{PAYGATE_SUFFIX}",
        "object": "event_resend",
        "status": "done",
    },
    "test_webhook": {"object": "event", "type": "checkout.session.completed", "sequence": None},
    "rotate_webhook": {
        "id": f"we_{PAYGATE_SUFFIX}",
        "object": "webhook_endpoint",
        "status": "enabled",
    },
    "update_webhook": {"id": f"we_{PAYGATE_SUFFIX}", "description": "Orders"},
    "payrex_create_checkout_session": {
        "resource": "checkout_session",
        "status": "active",
        "amount": 50000,
        "metadata": {"order_id": "1234"},
    },
    "payrex_list_checkout_sessions": {"resource": "list", "has_more": False},
    "payrex_retrieve_checkout_session": {"id": f"cs_{PAYREX_SUFFIX}", "status": "active"},
    "payrex_expire_checkout_session": {"id": f"cs_{PAYREX_SUFFIX}", "status": "expired"},
    "payrex_retrieve_payment_intent": {
        "id": f"pi_{PAYREX_SUFFIX}",
        "status": "awaiting_payment_method",
    },
    "payrex_capture_payment_intent": {
        "id": f"pi_{HELD_SUFFIX}",
        "status": "succeeded",
        "amount_received": 3000,
    },
    "payrex_cancel_payment_intent": {"id": f"pi_{PAYREX_SUFFIX}", "status": "canceled"},
    "payrex_retrieve_payment": {"id": f"pay_{PAYREX_SUFFIX}", "status": "failed"},
    "payrex_update_payment": {"id": f"pay_{PAYREX_SUFFIX}", "description": "Two mugs"},
    "payrex_create_refund": {"resource": "refund", "amount": 2000, "status": "succeeded"},
    "payrex_update_refund": {"id": f"re_{PAYREX_SUFFIX}", "metadata": {"order_id": "1234"}},
    "payrex_create_customer": {"resource": "customer", "name": "Ana Sample"},
    "payrex_list_customers": {"resource": "list", "has_more": False},
    "payrex_retrieve_customer": {"id": f"cus_{PAYREX_SUFFIX}", "name": "Ana Sample"},
    "payrex_update_customer": {"id": f"cus_{PAYREX_SUFFIX}", "name": "Ana Reyes"},
    "payrex_delete_customer": {"id": f"cus_{PAYREX_SUFFIX}", "deleted": True},
    "payrex_create_webhook": {"resource": "webhook", "status": "enabled"},
    "payrex_list_webhooks": {"resource": "list", "has_more": False},
    "payrex_retrieve_webhook": {"id": f"wh_{PAYREX_SUFFIX}", "status": "enabled"},
    "payrex_update_webhook": {"id": f"wh_{PAYREX_SUFFIX}", "description": "Orders"},
    "payrex_delete_webhook": {"id": f"wh_{PAYREX_SUFFIX}", "deleted": True},
    "payrex_enable_webhook": {"id": f"wh_{PAYREX_SUFFIX}", "status": "enabled"},
    "payrex_disable_webhook": {"id": f"wh_{PAYREX_SUFFIX}", "status": "disabled"},
}

# The sample request lists complete sessions, and there are none.
LISTED: dict[str, list[str]] = {
    "list_checkout_sessions": [],
    "list_customers": [f"cus_{PAYGATE_SUFFIX}"],
    "list_events": [f"evt_{PAYGATE_SUFFIX}"],
    "list_payments": [f"pay_{PAID_SUFFIX}", f"pay_{PAYGATE_SUFFIX}"],
    "list_refunds": [f"re_{PAYGATE_SUFFIX}"],
    "list_webhooks": [f"we_{PAYGATE_SUFFIX}"],
}


def check_answer(sample: Path, status: int, headers: Mapping[str, str], body: str) -> None:
    """Fails unless this is the expected answer to the sample. Header names are in lower case."""
    assert status == EXPECTED.get(sample.stem, 200), body
    assert headers["cache-control"] == "no-store"
    if sample.stem == "pay_page":
        assert headers["location"].startswith(f"/checkout/cs_{PAYGATE_SUFFIX}?attempt=pay_")
    elif sample.stem == "show_page":
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert '<main data-state="open"' in body
        assert "50.00" in body
    elif sample.stem == "show_simulated_wallet":
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert f"/simulator/pay_{APPROVAL_SUFFIX}" in body
    elif sample.stem == "decide_simulated_payment":
        assert headers["location"].endswith(f"?attempt=pay_{APPROVAL_SUFFIX}")
    else:
        assert headers["content-type"] == "application/json"
        _check_object(sample.stem, json.loads(body))


def _check_object(name: str, answered: dict[str, Any]) -> None:
    assert {key: answered.get(key) for key in FIELDS[name]} == FIELDS[name]
    if name in LISTED:
        assert [each["id"] for each in answered["data"]] == LISTED[name]
