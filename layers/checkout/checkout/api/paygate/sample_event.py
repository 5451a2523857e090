"""A sample event, for an endpoint that wants to see one: real in all but what it tells of."""

from checkout.api.paygate.render import EVENT_TYPES, announce, encode
from checkout.domain.account import Caller
from checkout.domain.errors import ParameterInvalidError
from checkout.domain.events import Cause, Event, Fact, Subject
from checkout.domain.ids import EVENT, PAYMENT, REFUND, SESSION, TIME_LENGTH, new_id, within
from checkout.domain.payment import Failure, Payment, PaymentStatus
from checkout.domain.records import Endpoint
from checkout.domain.refund import Refund, RefundStatus
from checkout.domain.session import MAX_LIFETIME, Session, Status

TAIL = "1" * TIME_LENGTH + "SAMPLE" + "1" * 18
"""Of the ids of what does not exist: those of 1970, and no random ones."""
METADATA = {"sample": "true"}
SHOP = "https://example.com"


def new_sample(
    caller: Caller, endpoint: Endpoint, event_type: str | None, cause: Cause, now: int
) -> Event:
    """An event of one of the endpoint's types, by default its first, for it alone. It has no
    `sequence`: it is no session's. Raises ParameterInvalidError."""
    wanted = event_type or endpoint.events[0]
    if wanted not in endpoint.events:
        raise ParameterInvalidError("type must be one of the endpoint's events.", "type")
    fact = next(fact for fact, name in EVENT_TYPES.items() if name == wanted)
    session = _session(caller, fact, now)
    ((_, rendered),) = announce(fact, session, _subject(session, fact))
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


def _session(caller: Caller, fact: Fact, now: int) -> Session:
    paid = fact is Fact.SESSION_COMPLETED
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


def _subject(session: Session, fact: Fact) -> Subject:
    payment = _payment(session, fact)
    if fact not in (Fact.REFUND_CREATED, Fact.REFUND_UPDATED):
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
        status=RefundStatus.PENDING if fact is Fact.REFUND_CREATED else RefundStatus.SUCCEEDED,
        metadata=METADATA,
    )


def _payment(session: Session, fact: Fact) -> Payment:
    failed = fact is Fact.PAYMENT_FAILED
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
