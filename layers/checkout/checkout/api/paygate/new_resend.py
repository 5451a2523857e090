"""PayGate's bodies that ask for an event once more: one event, those of a time range, a sample."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel

from checkout.api.http import Request
from checkout.api.paygate.event_query import parse_time
from checkout.api.paygate.parse import CONFIG, Body, described, fits
from checkout.api.paygate.render import EVENT_TYPES
from checkout.domain.account import Caller
from checkout.domain.errors import (
    ParameterInvalidError,
    ParameterMissingError,
    ParameterUnknownError,
)
from checkout.domain.event import EventState
from checkout.domain.ids import ENDPOINT, RESEND, is_id, new_id
from checkout.domain.resend import Resend

WebhookId = Annotated[
    str,
    fits(lambda text: is_id(text, ENDPOINT)),
    described("a webhook endpoint's id (we_…)"),
]
EventType = Annotated[
    str,
    fits(lambda text: text in EVENT_TYPES.values()),
    described(f"one of {', '.join(EVENT_TYPES.values())}"),
]
State = Annotated[
    Literal["pending", "delivered", "failed"], described("pending, delivered or failed")
]


class ResendEvent(BaseModel):
    model_config = CONFIG

    webhook: WebhookId | None = None


class SendTest(BaseModel):
    model_config = CONFIG

    type: EventType | None = None


class RotateSecret(Body):
    """Nothing but, if at all, the idempotency key."""


class ResendEvents(Body):
    created_at: Annotated[
        dict[str, Any], described("an object with gte and, if it has an end before now, lte")
    ]
    type: EventType | None = None
    webhook: WebhookId | None = None
    delivery_state: State | None = None


def new_resend(caller: Caller, request: Request, wanted: ResendEvents) -> Resend:
    """Raises the error of a range that is none."""
    given = dict(wanted.created_at)
    if "gte" not in given:
        raise ParameterMissingError("created_at[gte]")
    since = parse_time(given.pop("gte"), "created_at[gte]")
    until = parse_time(given.pop("lte", request.now), "created_at[lte]")
    for name in given:
        raise ParameterUnknownError(f"created_at[{name}]")
    if until < since:
        raise ParameterInvalidError(
            "created_at[lte] must not be before created_at[gte].", "created_at[lte]"
        )
    return Resend(
        id=new_id(RESEND),
        scope=caller.scope,
        created_at=request.now,
        updated_at=request.now,
        since=since,
        # What happens from now on is sent anyway.
        until=min(until, request.now),
        timer_due=request.now,
        type=wanted.type,
        endpoint=wanted.webhook,
        state=EventState(wanted.delivery_state) if wanted.delivery_state else None,
    )
