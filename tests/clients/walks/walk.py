"""Calls every operation of the API. The lines that it prints are compared by
tests/clients/test_walks.py."""

import os
from datetime import UTC, datetime, timedelta

import paygate


def show(*words: object) -> None:
    print(*[str(each).lower() if isinstance(each, bool) else each for each in words])


def main() -> None:
    with paygate.Client() as client:
        endpoint = walk_customers_and_webhooks(client)
        session = walk_sessions(client)
        walk_payments(client)
        walk_events(client, session, endpoint)
        show("deleted", client.webhooks.delete(endpoint.id).deleted)


def walk_customers_and_webhooks(client: paygate.Client) -> paygate.WebhookEndpoint:
    customer = client.customers.create(name="Ama", metadata={"number": "7"})
    client.customers.create()
    client.customers.create()
    found = client.customers.retrieve(customer.id)
    show("customer", customer.name, customer.metadata["number"], found == customer)
    first = client.customers.list(limit=1)
    show("customers", len(first.data), len(list(first)) >= 3)

    endpoint = client.webhooks.create(
        url="https://shop.example.com/hooks",
        events=["checkout.session.completed", "checkout.session.expired"],
    )
    show("webhook", ",".join(endpoint.events), client.webhooks.retrieve(endpoint.id).status)
    show("webhooks", endpoint.id in [each.id for each in client.webhooks.list()])
    show("updated", client.webhooks.update(endpoint.id, description="Shop").description)
    show("cleared", client.webhooks.update(endpoint.id, description=None).description or "null")
    secret = client.webhooks.rotate(endpoint.id).secret
    show("rotated", secret.startswith("whsec_") and secret != endpoint.secret)
    show("sample", client.webhooks.test(endpoint.id, type="checkout.session.expired").type)
    return endpoint


def walk_sessions(client: paygate.Client) -> paygate.Session:
    customer = client.customers.create()
    expires_at = datetime.now(UTC) + timedelta(hours=1)

    def create() -> paygate.Session:
        return client.checkout.sessions.create(
            amount=5000,
            success_url="https://shop.example.com/thanks",
            cancel_url="https://shop.example.com/cart",
            customer=customer.id,
            expires_at=expires_at,
            idempotency_key=f"order-{customer.id}",
        )

    session = create()
    show("session", session.status, session.currency, session.amount, create() == session)
    show("retrieved", client.checkout.sessions.retrieve(session.id).customer == customer.id)
    show("sessions", len(list(client.checkout.sessions.list(customer=customer.id, status="open"))))
    show("expired", client.checkout.sessions.expire(session.id).status)
    try:
        client.checkout.sessions.expire(session.id)
    except paygate.ConflictError as error:
        has_request_id = (error.request_id or "").startswith("req_")
        show("conflict", True, error.status, error.type, error.code, has_request_id)
    try:
        client.payments.retrieve("pay_1")
    except paygate.NotFoundError as error:
        show("missing", True, error.status, error.code, error.param)
    return session


def walk_payments(client: paygate.Client) -> None:
    paid = client.checkout.sessions.retrieve(os.environ["PAID_SESSION"])
    payment = client.payments.retrieve(paid.payment or "")
    show("payment", payment.status, payment.payment_method, payment.amount)
    show("payments", len(list(client.payments.list())) >= 1)
    refund = client.refunds.create(payment=payment.id, amount=100, reason="A scratch")
    show("refund", refund.amount, refund.reason, client.refunds.retrieve(refund.id).id == refund.id)
    show("refunds", refund.id in [each.id for each in client.refunds.list(payment=payment.id)])


def walk_events(
    client: paygate.Client, session: paygate.Session, endpoint: paygate.WebhookEndpoint
) -> None:
    event, *_ = client.events.list(checkout_session=session.id)
    show("event", event.type, event.sequence, event.data.object.id == session.id)
    show("same event", client.events.retrieve(event.id).request == event.request)
    resent = client.events.resend(event.id, webhook=endpoint.id)
    show("resent", len(resent), resent[0].webhook == endpoint.id)
    deliveries = client.events.deliveries(event.id)
    (delivery,) = [each for each in deliveries if each.webhook == endpoint.id]
    show("delivery", delivery.event == event.id, isinstance(delivery.attempts, list))
    since = datetime.now(UTC) - timedelta(minutes=1)
    resend = client.events.resend_range(created_at={"gte": since}, webhook=endpoint.id)
    show("resend", resend.object, client.events.retrieve_resend(resend.id).id == resend.id)


if __name__ == "__main__":
    main()
