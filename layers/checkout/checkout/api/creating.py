"""Creates an object, for the endpoints of both dialects."""

import json
from collections.abc import Callable
from http import HTTPStatus

from checkout.api.authentication import Call
from checkout.api.http import Response
from checkout.store import idempotency as idempotent_writes
from checkout.store.idempotency import Creation, IdempotentRequest
from checkout.store.table import until_no_conflict


def create(
    call: Call,
    prepare: Callable[[], Creation],
    idempotency: IdempotentRequest | None,
    *,
    status: int,
) -> Response:
    """Writes what `prepare` returns and responds with its rendered object.

    A request that repeats one under the same idempotency key gets the first one's object and
    writes nothing. `idempotency` is None for a request without a key, and in a dialect that has
    no keys. After a conflict for which the creation has no refusal, it is prepared again.
    """
    body, replayed = until_no_conflict(
        call.table, lambda: idempotent_writes.create(call.table, prepare, idempotency, call.now)
    )
    return render_created(call, body, replayed, status)


def render_created(call: Call, body: str, replayed: bool, status: int) -> Response:
    """The response to a creation. A replayed one has the header `Idempotent-Replayed`, and a 201
    the address of the object."""
    headers = {"content-type": "application/json"}
    if replayed:
        headers["idempotent-replayed"] = "true"
    if status == HTTPStatus.CREATED:
        headers["location"] = f"{call.path}/{json.loads(body)['id']}"
    return Response(body, status, headers)
