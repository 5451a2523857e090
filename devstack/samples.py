"""The objects that the sample events in `events/` speak of, so that each sample does something."""

from dataclasses import replace
from typing import Any, Protocol

ID = "11111111SAMPLE111111111111111111"
SCOPE = "merc_paygate#test"
PAYREX_ID = "11111111SAMPLE222222222222222222"
PAID_ID = "11111111SAMPLE333333333333333333"
PAYREX_PAID_ID = "11111111SAMPLE444444444444444444"
PAYREX_SCOPE = "merc_payrex#test"
APPROVAL_ID = "11111111SAMPLE555555555555555555"
"""Of a payment that waits for its approval."""
FORM_KEY = "sample"


class Seal(Protocol):
    def __call__(self, plain: str, *, encryption_context: str) -> str: ...


def save_samples(table: Any, now: int, seal: Seal) -> None:
    """Puts an open session, a customer, a payment, an endpoint, an event with its delivery and a
    resend, and what PayRex has of these; what an earlier sample left of them is written over.
    `seal` is what the endpoints' secrets are sealed with."""
    from checkout.store.table import Put

    for item in [*_items(now, seal), *_payrex_items(now, seal)]:
        table.write(Put(item))


def _items(now: int, seal: Seal) -> list[dict[str, Any]]:
    from checkout.domain.customer import Customer
    from checkout.domain.delivery import Delivery
    from checkout.domain.resend import Resend, ResendStatus
    from checkout.domain.webhook_endpoint import WebhookEndpoint
    from checkout.store import keys, sessions
    from checkout.store.items import to_item

    session, payment = _session(now), _payment(now)
    customer = Customer(
        id=f"cus_{ID}", scope=SCOPE, name="Ama Sample", created_at=now, updated_at=now
    )
    endpoint = WebhookEndpoint(
        id=f"we_{ID}",
        scope=SCOPE,
        url="http://127.0.0.1:9/hooks",
        event_types=("checkout.session.completed",),
        secret=seal(
            "whsec_c2FtcGxlIHNlY3JldCBmb3IgZGV2c3RhY2sgb25seQ==", encryption_context=f"we_{ID}"
        ),
        created_at=now,
        updated_at=now,
    )
    event = _event(now)
    delivery = Delivery(
        event=event.id, endpoint=endpoint.id, scope=SCOPE, next_attempt_at=now, timer_due=now + 60
    )
    resend = Resend(
        id=f"rs_{ID}",
        scope=SCOPE,
        created_at=now,
        updated_at=now,
        since=now - 3600,
        until=now,
        timer_due=now,
        status=ResendStatus.DONE,
        sent_count=2,
    )
    return [
        to_item(resend, **keys.resend(resend.id)),
        to_item(session, **keys.session(session.id), **sessions.index_keys(session)),
        to_item(payment, **keys.payment(payment.id), **_listed("payment", payment.id)),
        *_refunded(_paid(now), f"re_{ID}"),
        to_item(customer, **keys.customer(customer.id), **_listed("customer", customer.id)),
        to_item(endpoint, **keys.webhook_endpoint(SCOPE, endpoint.id)),
        to_item(event, **keys.event(event.id), **_listed("event", event.id)),
        to_item(delivery, **keys.delivery(event.id, endpoint.id)),
    ]


def _payrex_items(now: int, seal: Seal) -> list[dict[str, Any]]:
    from checkout.domain.customer import Customer
    from checkout.domain.webhook_endpoint import WebhookEndpoint
    from checkout.store import keys, sessions
    from checkout.store.items import to_item

    own: dict[str, Any] = {"scope": PAYREX_SCOPE, "created_at": now, "updated_at": now}
    session = _payrex_session(now)
    payment = _of_payrex(_payment(now), PAYREX_ID)
    waiting = _waiting(payment, now)
    customer = Customer(
        id=f"cus_{PAYREX_ID}",
        name="Ana Sample",
        email="ana@example.com",
        details={"currency": "PHP", "billing_statement_prefix": "SAMPLE"},
        **own,
    )
    endpoint = WebhookEndpoint(
        id=f"wh_{PAYREX_ID}",
        url="http://127.0.0.1:9/hooks",
        event_types=("payment_intent.succeeded",),
        secret=seal("whsk_sample", encryption_context=f"wh_{PAYREX_ID}"),
        **own,
    )
    listed_payment = _listed("payment", payment.id, PAYREX_SCOPE)
    listed_customer = _listed("customer", customer.id, PAYREX_SCOPE)
    return [
        to_item(session, **keys.session(session.id), **sessions.index_keys(session)),
        to_item(payment, **keys.payment(payment.id), **listed_payment),
        to_item(waiting, **keys.payment(waiting.id)),
        *_refunded(_of_payrex(_paid(now), PAYREX_PAID_ID), f"re_{PAYREX_ID}"),
        to_item(customer, **keys.customer(customer.id), **listed_customer),
        to_item(endpoint, **keys.webhook_endpoint(PAYREX_SCOPE, endpoint.id)),
    ]


def _payrex_session(now: int) -> Any:
    return replace(
        _session(now),
        id=f"cs_{PAYREX_ID}",
        scope=PAYREX_SCOPE,
        api="payrex",
        currency="PHP",
        url=f"http://127.0.0.1:3000/c/cs_{PAYREX_ID}_secret_sample",
        methods=("card", "gcash"),
        submit_type="pay",
        client_secret=f"cs_{PAYREX_ID}_secret_sample",
        details={
            "billing_details_collection": "always",
            "payment_method_options": {"card": {"capture_type": "automatic"}},
            "payment_intent_secret": f"pi_{PAYREX_ID}_secret_sample",
        },
    )


def _of_payrex(payment: Any, id: str) -> Any:
    """A payment as one of the PayRex session's."""
    return replace(
        payment,
        id=f"pay_{id}",
        scope=PAYREX_SCOPE,
        api="payrex",
        session=f"cs_{PAYREX_ID}",
        currency="PHP",
    )


def _waiting(payment: Any, now: int) -> Any:
    """A payment as one that waits for its approval."""
    from checkout.domain.payment import ATTEMPT_SECONDS, PaymentStatus

    return replace(
        payment,
        id=f"pay_{APPROVAL_ID}",
        method="gcash",
        status=PaymentStatus.PENDING,
        failure=None,
        deadline_at=now + ATTEMPT_SECONDS,
        check_at=now + ATTEMPT_SECONDS,
    )


def _listed(kind: str, id: str, scope: str = SCOPE) -> dict[str, str]:
    from checkout.store import keys

    return {"gsi1pk": keys.by_kind(scope, kind), "gsi1sk": id}


def _session(now: int) -> Any:
    from checkout.domain.session import MAX_LIFETIME, Session

    return Session(
        id=f"cs_{ID}",
        scope=SCOPE,
        api="paygate",
        amount=5000,
        currency="GHS",
        success_url="https://yoursite.com/success?session_id={CHECKOUT_SESSION_ID}",
        cancel_url="https://yoursite.com/cancel",
        url=f"http://127.0.0.1:3000/checkout/cs_{ID}",
        expires_at=now + MAX_LIFETIME,
        lapses_at=now + MAX_LIFETIME,
        created_at=now,
        updated_at=now,
        methods=("card", "mobile_money", "bank_transfer"),
        form_key=FORM_KEY,
        metadata={"order_id": "1234"},
    )


def _payment(now: int) -> Any:
    from checkout.domain.payment import Failure, Payment, PaymentStatus

    return Payment(
        id=f"pay_{ID}",
        scope=SCOPE,
        api="paygate",
        session=f"cs_{ID}",
        amount=5000,
        currency="GHS",
        method="card",
        status=PaymentStatus.FAILED,
        failure=Failure.DECLINED,
        deadline_at=now,
        check_at=now,
        created_at=now,
        updated_at=now,
    )


def _paid(now: int) -> Any:
    from checkout.domain.payment import PaymentStatus

    paid = replace(_payment(now), id=f"pay_{PAID_ID}", status=PaymentStatus.SUCCEEDED)
    return replace(paid, failure=None, amount_refunded=100)


def _refunded(payment: Any, refund_id: str) -> list[dict[str, Any]]:
    """A paid payment, a refund of a part of it, and what the simulator knows of the charge."""
    from checkout.domain.refund import Refund, RefundStatus
    from checkout.store import keys
    from checkout.store.items import to_item

    own = {name: getattr(payment, name) for name in ("scope", "api", "session", "currency")}
    refund = Refund(
        id=refund_id,
        payment=payment.id,
        amount=100,
        status=RefundStatus.SUCCEEDED,
        created_at=payment.created_at,
        updated_at=payment.created_at,
        check_at=payment.created_at,
        processed_at=payment.created_at,
        **own,
    )
    of_payment = keys.refunds_by_payment(payment.scope, payment.id)
    charge = {
        "amount": payment.amount,
        "currency": payment.currency,
        "settles_at": payment.created_at,
        "refunded": refund.amount,
        "refund_after": 0,
    }
    return [
        to_item(
            payment, **keys.payment(payment.id), **_listed("payment", payment.id, payment.scope)
        ),
        to_item(
            refund,
            **keys.refund(refund.id),
            **_listed("refund", refund.id, refund.scope),
            gsi3pk=of_payment,
        ),
        charge | keys.simulator(payment.id),
    ]


def _event(now: int) -> Any:
    from checkout.domain.event import Event

    return Event(
        id=f"evt_{ID}",
        scope=SCOPE,
        api="paygate",
        type="checkout.session.completed",
        session=f"cs_{ID}",
        object="{}",
        created_at=now,
    )
