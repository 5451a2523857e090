"""Sample events, for merchants who test a webhook endpoint (docs/contracts/paygate.md, section 5).

They are sent like any event, but their session, payment or refund does not exist.
"""

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.paygate.objects import EVENT_TYPES
from checkout.api.paygate.parse import EventType, Params, parse_params
from checkout.api.paygate.render import render_events
from checkout.domain.errors import EndpointDisabledError, ParameterInvalidError
from checkout.domain.event import Event, EventKind, Subject
from checkout.domain.ids import EVENT, PAYMENT, REFUND, SESSION, TIME_LENGTH, new_id, within
from checkout.domain.payment import Failure, Payment, PaymentStatus
from checkout.domain.refund import Refund, RefundStatus
from checkout.domain.session import MAX_LIFETIME, Session, Status
from checkout.domain.webhook_endpoint import EndpointStatus, WebhookEndpoint
from checkout.store import events, webhook_endpoints

TAIL = "1" * TIME_LENGTH + "SAMPLE" + "1" * 18
"""The end of the sample objects' ids. Their time is 1970, so they differ from all real ids."""
METADATA = {"sample": "true"}
SHOP = "https://example.com"


class SendSample(Params):
    type: EventType | None = None


def send_sample(call: Call) -> Event:
    """Sends a sample event to one webhook endpoint.

    Raises ResourceMissingError, EndpointDisabledError, or the error of the body's first bad
    parameter.
    """
    params = parse_params(call, SendSample)
    endpoint = webhook_endpoints.retrieve(call.table, call.scope, call.path_id)
    if endpoint.status is EndpointStatus.DISABLED:
        raise EndpointDisabledError
    event = _event(call, endpoint, params)
    call.table.write(*events.writes([event]))
    return event


def _event(call: Call, endpoint: WebhookEndpoint, params: SendSample) -> Event:
    """An event for this endpoint only, by default of the first type it subscribes to.

    It has no `sequence`, because it belongs to no session. Raises ParameterInvalidError for a type
    that the endpoint does not subscribe to.
    """
    event_type = params.type or endpoint.event_types[0]
    if event_type not in endpoint.event_types:
        raise ParameterInvalidError("type must be one of the endpoint's events.", "type")
    kind = next(kind for kind, name in EVENT_TYPES.items() if name == event_type)
    session = _session(call, kind)
    ((_, rendered),) = render_events(kind, session, _subject(session, kind))
    return Event(
        id=new_id(EVENT, within(call.now)),
        scope=call.scope,
        api=call.caller.api,
        type=event_type,
        session=session.id,
        object=encode_json(rendered),
        created_at=call.now,
        request_id=call.request.id,
        only_endpoint=endpoint.id,
    )


def _session(call: Call, kind: EventKind) -> Session:
    is_paid = kind is EventKind.SESSION_COMPLETED
    return Session(
        id=f"{SESSION}_{TAIL}",
        scope=call.scope,
        api=call.caller.api,
        amount=5000,
        currency="GHS",
        success_url=f"{SHOP}/success",
        cancel_url=f"{SHOP}/cancel",
        url=f"{SHOP}/checkout/{SESSION}_{TAIL}",
        expires_at=call.now + MAX_LIFETIME,
        lapses_at=call.now + MAX_LIFETIME,
        created_at=call.now,
        updated_at=call.now,
        status=Status.COMPLETE if is_paid else Status.EXPIRED,
        payment=f"{PAYMENT}_{TAIL}" if is_paid else None,
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
    has_failed = kind is EventKind.PAYMENT_FAILED
    return Payment(
        id=f"{PAYMENT}_{TAIL}",
        scope=session.scope,
        api=session.api,
        session=session.id,
        amount=session.amount,
        currency=session.currency,
        method="card",
        status=PaymentStatus.FAILED if has_failed else PaymentStatus.SUCCEEDED,
        failure=Failure.DECLINED if has_failed else None,
        deadline_at=session.created_at,
        check_at=session.created_at,
        created_at=session.created_at,
        updated_at=session.created_at,
        metadata=METADATA,
    )
