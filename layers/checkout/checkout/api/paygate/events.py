"""Sending PayGate's events again (docs/contracts/paygate.md, section 5)."""

from typing import Annotated, Any, Literal

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.paygate.event_query import parse_time
from checkout.api.paygate.parse import (
    EventType,
    IdempotentParams,
    Params,
    described,
    fits,
    parse_params,
)
from checkout.api.paygate.render import render_resend
from checkout.domain.delivery import Delivery
from checkout.domain.errors import (
    ParameterInvalidError,
    ParameterMissingError,
    ParameterUnknownError,
)
from checkout.domain.event import EventState
from checkout.domain.ids import ENDPOINT, RESEND, is_id, new_id
from checkout.domain.resend import Resend
from checkout.store import resends, tracked_events
from checkout.store.idempotency import Creation
from checkout.webhooks import resending
from checkout.webhooks.queue import open_queue
from checkout.webhooks.resending import endpoint_for

WebhookId = Annotated[
    str,
    fits(lambda text: is_id(text, ENDPOINT)),
    described("a webhook endpoint's id (we_…)"),
]
State = Annotated[
    Literal["pending", "delivered", "failed"], described("pending, delivered or failed")
]


class ResendEvent(Params):
    webhook: WebhookId | None = None


class ResendEvents(IdempotentParams):
    created_at: Annotated[
        dict[str, Any],
        described(
            "an object with gte and, if it has an end before now, lte",
            required=["gte"],
            properties={name: {"type": ["string", "integer"]} for name in ("gte", "lte")},
            additionalProperties=False,
        ),
    ]
    type: EventType | None = None
    webhook: WebhookId | None = None
    delivery_state: State | None = None


def resend_event(call: Call) -> list[Delivery]:
    """Sends the event to the webhook endpoint that the body names, or to all that subscribe to it.

    Raises ResourceMissingError, or ReferenceMissingError or EndpointDisabledError for `webhook`.
    """
    params = parse_params(call, ResendEvent)
    event = tracked_events.retrieve(call.table, call.scope, call.path_id)
    endpoint = endpoint_for(call.table, call.scope, params.webhook) if params.webhook else None
    return resending.resend_event(call.table, open_queue(), event, endpoint, call.now)


def prepare_resend(call: Call, params: ResendEvents) -> Creation:
    """Raises ReferenceMissingError or EndpointDisabledError for `webhook`, and the error of a bad
    time range."""
    if params.webhook:
        endpoint_for(call.table, call.scope, params.webhook)
    since, until = _time_range(params.created_at, call.now)
    resend = Resend(
        id=new_id(RESEND),
        scope=call.scope,
        created_at=call.now,
        updated_at=call.now,
        since=since,
        until=until,
        timer_due=call.now,
        type=params.type,
        endpoint=params.webhook,
        state=EventState(params.delivery_state) if params.delivery_state else None,
    )
    return resends.prepare_creation(resend, encode_json(render_resend(resend)))


def _time_range(created_at: dict[str, Any], now: int) -> tuple[int, int]:
    """The first and the last second of the range. It ends now at the latest, because later events
    are sent anyway."""
    bounds = dict(created_at)
    if "gte" not in bounds:
        raise ParameterMissingError("created_at[gte]")
    since = parse_time(bounds.pop("gte"), "created_at[gte]")
    until = parse_time(bounds.pop("lte", now), "created_at[lte]")
    for name in bounds:
        raise ParameterUnknownError(f"created_at[{name}]")
    if until < since:
        raise ParameterInvalidError(
            "created_at[lte] must not be before created_at[gte].", "created_at[lte]"
        )
    return since, min(until, now)
