"""A sample event, for an endpoint that wants to see one: real in all but what it tells of."""

from checkout.api.paygate.render import EVENT_TYPES, encode, render_events
from checkout.domain.account import Caller
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.event import Cause, Event, EventKind, Subject
from checkout.domain.ids import EVENT, PAYMENT, REFUND, SESSION, TIME_LENGTH, new_id, within
from checkout.domain.payment import Failure, Payment, PaymentStatus
from checkout.domain.refund import Refund, RefundStatus
from checkout.domain.session import MAX_LIFETIME, Session, Status
from checkout.domain.webhook_endpoint import WebhookEndpoint

TAIL = "1" * TIME_LENGTH + "SAMPLE" + "1" * 18
"""Of the ids of what does not exist: those of 1970, and no random ones."""
METADATA = {"sample": "true"}
SHOP = "https://example.com"


def new_sample(
    caller: Caller, endpoint: WebhookEndpoint, event_type: str | None, cause: Cause, now: int
) -> Event:
    """An event of one of the endpoint's types, by default its first, for it alone. It has no
    `sequence`: it is no session's. Raises ParameterInvalidError."""
    wanted = event_type or endpoint.event_types[0]
    if wanted not in endpoint.event_types:
        raise ParameterInvalidError("type must be one of the endpoint's events.", "type")
    kind = next(kind for kind, name in EVENT_TYPES.items() if name == wanted)
    session = _session(caller, kind, now)
    ((_, rendered),) = render_events(kind, session, _subject(session, kind))
    return Event(
        id=new_id(EVENT, within(now)),
        scope=caller.scope,
        api=caller.api,
        type=wanted,
        session=session.id,
        object=encode(rendered),
        created_at=now,
        request_id=cause.request_id,
        only_endpoint=endpoint.id,
    )


def _session(caller: Caller, kind: EventKind, now: int) -> Session:
    paid = kind is EventKind.SESSION_COMPLETED
    return Session(
        id=f"{SESSION}_{TAIL}",
        scope=caller.scope,
        api=caller.api,
        amount=5000,
        currency="GHS",
        success_url=f"{SHOP}/success",
        cancel_url=f"{SHOP}/cancel",
        url=f"{SHOP}/checkout/{SESSION}_{TAIL}",
        expires_at=now + MAX_LIFETIME,
        lapses_at=now + MAX_LIFETIME,
        created_at=now,
        updated_at=now,
        status=Status.COMPLETE if paid else Status.EXPIRED,
        payment=f"{PAYMENT}_{TAIL}" if paid else None,
        methods=("card",),
        customer_email="customer@example.com",
        metadata=METADATA,
    )


def _subject(session: Session, kind: EventKind) -> Subject:
    payment = _payment(session, kind)
    if kind not in (EventKind.REFUND_CREATED, EventKind.REFUND_UPDATED):
        return payment
    return Refund(
        id=f"{REFUND}_{TAIL}",
        scope=session.scope,
        api=session.api,
        session=session.id,
        payment=payment.id,
        amount=payment.amount,
        currency=payment.currency,
        created_at=session.created_at,
        updated_at=session.created_at,
        check_at=session.created_at,
        status=RefundStatus.PENDING if kind is EventKind.REFUND_CREATED else RefundStatus.SUCCEEDED,
        metadata=METADATA,
    )


def _payment(session: Session, kind: EventKind) -> Payment:
    failed = kind is EventKind.PAYMENT_FAILED
    return Payment(
        id=f"{PAYMENT}_{TAIL}",
        scope=session.scope,
        api=session.api,
        session=session.id,
        amount=session.amount,
        currency=session.currency,
        method="card",
        status=PaymentStatus.FAILED if failed else PaymentStatus.SUCCEEDED,
        failure=Failure.DECLINED if failed else None,
        deadline_at=session.created_at,
        check_at=session.created_at,
        created_at=session.created_at,
        updated_at=session.created_at,
        metadata=METADATA,
    )
