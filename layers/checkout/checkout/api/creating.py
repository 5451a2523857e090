"""Creates an object, for the endpoints of both dialects."""

from collections.abc import Callable

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
    return render_created(body, replayed, status)


def render_created(body: str, replayed: bool, status: int) -> Response:
    """The response to a creation: a replayed one has the header `Idempotent-Replayed`."""
    headers = {"content-type": "application/json"}
    return Response(body, status, headers | ({"idempotent-replayed": "true"} if replayed else {}))
