"""Checkout sessions in the table. Each transition is one write, conditional on its guards."""

from collections.abc import Callable

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain import session as machine
from checkout.domain.errors import (
    BusyError,
    CheckoutError,
    PaymentInProgressError,
    ReferenceMissingError,
    ResourceMissingError,
    SessionNotOpenError,
    TooManyAttemptsError,
)
from checkout.domain.event import ChangeContext, EventKind
from checkout.domain.ids import SESSION, is_id
from checkout.domain.session import Guard, Session, Status, Transition
from checkout.domain.timer import Timer
from checkout.store import customers, events, keys, timers
from checkout.store.idempotency import Creation
from checkout.store.items import Item, to_item, to_record
from checkout.store.paging import Cursor, Filters, read_page
from checkout.store.table import Action, ConditionFailedError, Put, Table, Update

RACES = 5
"""How often a timer's work starts over when somebody else changed the session meanwhile."""


def prepare_creation(session: Session, answer: str) -> Creation:
    """The session, its expiry timer and, if it names a customer, a check that there is one."""
    item = to_item(session, **keys.session(session.id), **index_keys(session))
    actions: list[Action] = [
        Put(item, Attr("pk").not_exists()),
        timers.put(timers.expiry(session.id, session.scope, session.expires_at)),
    ]
    if not session.customer:
        return Creation(actions, answer)
    missing = ReferenceMissingError("customer", "customer")
    check = customers.check_exists(session.scope, session.customer)
    return Creation([*actions, check], answer, {len(actions): missing})


def find(table: Table, id: str) -> Session | None:
    item = table.get(keys.session(id)) if is_id(id, SESSION) else None
    return to_record(Session, item)


def retrieve(table: Table, scope: str, id: str) -> Session:
    """Raises ResourceMissingError, also for another merchant's or mode's session."""
    session = find(table, id)
    if session is None or session.scope != scope:
        raise ResourceMissingError("checkout session")
    return session


def expire(table: Table, scope: str, id: str, context: ChangeContext) -> Session:
    """Ends an open session. Raises SessionNotOpenError or PaymentInProgressError."""
    now = context.now
    session = retrieve(table, scope, id)
    for _ in range(RACES):
        if not machine.allows(machine.EXPIRE, session, now):
            raise refusal(session, now)
        told = context.record_events([EventKind.SESSION_EXPIRED], machine.expire(session, now))
        try:
            table.write(
                transition(machine.EXPIRE, session, told.session, now),
                timers.delete(timers.expiry(id, scope, session.expires_at)),
                *events.writes(told.events),
            )
            return told.session
        except ConditionFailedError as failed:
            session = session_in_conflict(failed)
    raise BusyError


def lapse(table: Table, timer: Timer, context: ChangeContext) -> None:
    """What an expiry timer does: ends a lapsed session, or waits on.

    A session whose attempt is in flight lapses later; its timer moves there.
    """
    now = context.now
    for _ in range(RACES):
        session = find(table, timer.target)
        if session is None or session.status is not Status.OPEN:
            table.write(timers.delete(timer))
            return
        if session.lapses_at > now:
            later = timers.expiry(session.id, session.scope, session.lapses_at)
            table.write(timers.delete(timer), timers.put(later))
            return
        told = context.record_events([EventKind.SESSION_EXPIRED], machine.lapse(session, now))
        try:
            table.write(
                transition(machine.LAPSE, session, told.session, now),
                timers.delete(timer),
                *events.writes(told.events),
            )
            return
        except ConditionFailedError:
            continue  # It was paid or expired this moment: look again.
    raise RuntimeError(f"session {timer.target} kept changing while its expiry was due")


def transition(
    step: Transition, before: Session, after: Session, now: int, attempt: str | None = None
) -> Update:
    """The one write of a transition, which holds only while the transition's guards do."""
    condition = Attr("pk").exists()
    for guard in step.guards:
        condition = condition & CONDITIONS[guard](now, attempt)
    return _update(before, after, condition)


def record_event_count(before: Session, after: Session) -> Update:
    """The write for events that a session had without a transition of its own."""
    return _update(before, after, Attr("pk").exists())


def _update(before: Session, after: Session, condition: ConditionBase) -> Update:
    old, new = (to_item(each) | index_keys(each) for each in (before, after))
    changes: Item = {name: new.get(name) for name in old | new if new.get(name) != old.get(name)}
    for name in COUNTERS:
        if new.get(name) != old.get(name):
            condition = condition & Attr(name).eq(old[name])
    return Update(keys.session(before.id), changes, condition)


COUNTERS = ("event_count", "failed_attempts")
"""Who counts on from an old reading looks again: two events can't have one number, and a guesser's
failures are not forgotten."""

CONDITIONS: dict[Guard, Callable[[int, str | None], ConditionBase]] = {
    Guard.OPEN: lambda _now, _attempt: Attr("status").eq(Status.OPEN),
    Guard.NOT_LAPSED: lambda now, _attempt: Attr("lapses_at").gt(now),
    Guard.LAPSED: lambda now, _attempt: Attr("lapses_at").lte(now),
    Guard.NO_ATTEMPT: lambda _now, _attempt: Attr("attempt").not_exists(),
    Guard.OWN_ATTEMPT: lambda _now, attempt: Attr("attempt").eq(attempt),
    Guard.NOT_BLOCKED: lambda now, _attempt: (
        Attr("blocked_until").not_exists() | Attr("blocked_until").lte(now)
    ),
}
"""Each guard as DynamoDB understands it; a property test holds it against `machine.HOLDS`."""


def refusal(session: Session, now: int) -> CheckoutError:
    """Why a session that is as it is can't be paid or expired."""
    status = session.status_at(now)
    if status is not Status.OPEN:
        return SessionNotOpenError(status)
    if session.attempt is None and session.blocked_until and session.is_blocked_at(now):
        return TooManyAttemptsError(session.blocked_until)
    return PaymentInProgressError()


def explain_conflict(failed: ConditionFailedError, now: int) -> CheckoutError:
    return refusal(session_in_conflict(failed), now)


def session_in_conflict(failed: ConditionFailedError) -> Session:
    """The session that a transaction's first action failed on. Raises ResourceMissingError."""
    item = failed.found.get(0)
    if item is None:
        raise ResourceMissingError("checkout session")
    return to_record(Session, item)


def list_page(
    table: Table, scope: str, filters: Filters, cursor: Cursor, now: int
) -> tuple[list[Session], bool]:
    """Sessions, newest first, and whether more follow. A lapsed session counts as expired."""
    if filters.payment:
        return _of_payment(table, scope, filters, cursor, now), False
    if filters.customer:
        index, partition = "gsi3", keys.sessions_by_customer(scope, filters.customer)
    elif filters.status:
        index, partition = "gsi2", keys.sessions_by_status(scope, filters.status)
    else:
        index, partition = "gsi1", keys.by_kind(scope, "session")
    only = _status_filter(filters, now)
    items, more = read_page(table, index, partition, cursor, only)
    sessions = [to_record(Session, item) for item in items]
    if index == "gsi2" and filters.status is Status.EXPIRED:
        sessions += _unswept(table, scope, cursor, now)
        sessions = sorted({each.id: each for each in sessions}.values(), key=_id, reverse=True)
    return sessions[: cursor.limit], more or len(sessions) > cursor.limit


def _status_filter(filters: Filters, now: int) -> ConditionBase | None:
    """What the index alone can't tell: whether an open session has lapsed."""
    lapsed = Attr("lapses_at").lte(now)
    if filters.status is Status.OPEN:
        return Attr("status").eq(Status.OPEN) & Attr("lapses_at").gt(now)
    if filters.status is None or not filters.customer:
        return None
    if filters.status is Status.EXPIRED:
        return Attr("status").eq(Status.EXPIRED) | (Attr("status").eq(Status.OPEN) & lapsed)
    return Attr("status").eq(filters.status)


def _unswept(table: Table, scope: str, cursor: Cursor, now: int) -> list[Session]:
    """The sessions that lapsed within the last minute or so, which no index calls expired yet."""
    ids = [id for id in timers.lapsed_sessions(table, scope, now) if cursor.admits(id)]
    newest = sorted(ids, reverse=True)[: cursor.limit + 1]
    items = table.get_many([keys.session(id) for id in newest])
    found = [to_record(Session, item) for item in items if item]
    return [session for session in found if session.status_at(now) is Status.EXPIRED]


def _id(session: Session) -> str:
    return session.id


def _of_payment(
    table: Table, scope: str, filters: Filters, cursor: Cursor, now: int
) -> list[Session]:
    """A payment names its session, so this list has one at most: the one it paid."""
    payment = table.get(keys.payment(filters.payment or ""))
    session = find(table, payment["session"]) if payment and payment["scope"] == scope else None
    if session is None or session.payment != filters.payment or not cursor.admits(session.id):
        return []
    if filters.customer and session.customer != filters.customer:
        return []
    if filters.status and session.status_at(now) is not filters.status:
        return []
    return [session]


def index_keys(session: Session) -> Item:
    """What puts a session into its lists."""
    return {
        "gsi1pk": keys.by_kind(session.scope, "session"),
        "gsi1sk": session.id,
        "gsi2pk": keys.sessions_by_status(session.scope, session.status),
        "gsi3pk": session.customer and keys.sessions_by_customer(session.scope, session.customer),
    }
