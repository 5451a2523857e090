"""The objects that the sample events in `events/` speak of, so that each sample does something."""

from dataclasses import replace
from typing import Any

ID = "11111111SAMPLE111111111111111111"
SCOPE = "merc_paygate#test"
PAYREX_ID = "11111111SAMPLE222222222222222222"
PAYREX_SCOPE = "merc_payrex#test"


def save_samples(table: Any, now: int) -> None:
    """Puts an open session, a customer, a payment, an endpoint, an event and its delivery, and what
    PayRex has of these; what an earlier sample left of them is written over."""
    from checkout.store.table import Put

    for item in [*_items(now), *_payrex_items(now)]:
        table.write(Put(item))


def _items(now: int) -> list[dict[str, Any]]:
    from checkout.domain.records import Customer, Delivery, Endpoint
    from checkout.store import keys, sessions
    from checkout.store.items import to_item

    session, payment = _session(now), _payment(now)
    customer = Customer(
        id=f"cus_{ID}", scope=SCOPE, name="Ama Sample", created_at=now, updated_at=now
    )
    endpoint = Endpoint(
        id=f"we_{ID}",
        scope=SCOPE,
        url="http://127.0.0.1:9/hooks",
        events=("checkout.session.completed",),
        secret="whsec_c2FtcGxlIHNlY3JldCBmb3IgZGV2c3RhY2sgb25seQ==",
        created_at=now,
        updated_at=now,
    )
    event = _event(now)
    delivery = Delivery(
        event=event.id, endpoint=endpoint.id, scope=SCOPE, next_try_at=now, timer_due=now + 60
    )
    return [
        to_item(session, **keys.session(session.id), **sessions.index_keys(session)),
        to_item(payment, **keys.payment(payment.id), **_listed("payment", payment.id)),
        to_item(customer, **keys.customer(customer.id), **_listed("customer", customer.id)),
        to_item(endpoint, **keys.endpoint(SCOPE, endpoint.id)),
        to_item(event, **keys.event(event.id), **_listed("event", event.id)),
        to_item(delivery, **keys.delivery(event.id, endpoint.id)),
    ]


def _payrex_items(now: int) -> list[dict[str, Any]]:
    from checkout.domain.records import Customer, Endpoint
    from checkout.store import keys, sessions
    from checkout.store.items import to_item

    own: dict[str, Any] = {"scope": PAYREX_SCOPE, "created_at": now, "updated_at": now}
    session = replace(
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
    payment = replace(
        _payment(now),
        id=f"pay_{PAYREX_ID}",
        scope=PAYREX_SCOPE,
        api="payrex",
        session=session.id,
        currency="PHP",
    )
    customer = Customer(
        id=f"cus_{PAYREX_ID}",
        name="Ana Sample",
        email="ana@example.com",
        details={"currency": "PHP", "billing_statement_prefix": "SAMPLE"},
        **own,
    )
    endpoint = Endpoint(
        id=f"wh_{PAYREX_ID}",
        url="http://127.0.0.1:9/hooks",
        events=("payment_intent.succeeded",),
        secret="whsk_sample",
        **own,
    )
    return [
        to_item(session, **keys.session(session.id), **sessions.index_keys(session)),
        to_item(
            payment, **keys.payment(payment.id), **_listed("payment", payment.id, PAYREX_SCOPE)
        ),
        to_item(
            customer, **keys.customer(customer.id), **_listed("customer", customer.id, PAYREX_SCOPE)
        ),
        to_item(endpoint, **keys.endpoint(PAYREX_SCOPE, endpoint.id)),
    ]


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


def _event(now: int) -> Any:
    from checkout.domain.events import Event

    return Event(
        id=f"evt_{ID}",
        scope=SCOPE,
        api="paygate",
        type="checkout.session.completed",
        session=f"cs_{ID}",
        object="{}",
        created_at=now,
    )
