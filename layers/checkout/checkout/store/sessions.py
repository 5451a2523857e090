"""Checkout sessions: each transition is one transaction, conditional on its guards."""

from collections.abc import Callable

from boto3.dynamodb.conditions import Attr, ConditionBase

from checkout.domain import session as machine
from checkout.domain.errors import (
    CheckoutError,
    PaymentInProgressError,
    ReferenceMissingError,
    ResourceMissingError,
    SessionNotOpenError,
    TooManyAttemptsError,
)
from checkout.domain.event import ChangeContext, EventKind
from checkout.domain.ids import SESSION
from checkout.domain.payment import Payment
from checkout.domain.session import Guard, Session, Status, Transition
from checkout.domain.timer import Timer
from checkout.store import customers, events, keys, timers
from checkout.store.idempotency import Creation
from checkout.store.items import Item, changes, to_item, to_record, unchanged
from checkout.store.objects import Collection
from checkout.store.paging import Cursor, Listing, Page, SessionFilters, read_page
from checkout.store.table import (
    Action,
    ConditionFailedError,
    Put,
    Table,
    Update,
    until_no_conflict,
)

SESSIONS = Collection(Session, keys.session, SESSION, kind="session", name="checkout session")

find = SESSIONS.find
retrieve = SESSIONS.retrieve


def prepare_creation(session: Session, answer: str) -> Creation:
    """The actions that create a session: the session, its expiry timer and, if it names a customer,
    a check that the customer exists."""
    actions = _creation(session)
    if not session.customer:
        return Creation(actions, answer)
    missing = ReferenceMissingError("customer", "customer")
    check = customers.existence_check(session.scope, session.customer)
    return Creation([*actions, check], answer, {len(actions): missing})


def recover(table: Table, expired: Session, fresh: Session) -> Session:
    """Creates the fresh session of an expired one, unless there is one already. Returns the fresh
    session that is stored. Raises BusyError."""

    def write() -> Session:
        stored = find(table, expired.id) or expired
        if stored.recovered_by:
            return find(table, stored.recovered_by) or stored
        condition = Attr("pk").exists() & Attr("recovered_by").not_exists()
        link = Update(keys.session(expired.id), {"recovered_by": fresh.id}, condition)
        table.write(link, *_creation(fresh))
        return fresh

    return until_no_conflict(table, write)


def _creation(session: Session) -> list[Action]:
    return [Put(_item(session), Attr("pk").not_exists()), timers.put(expiry_timer(session))]


def expire(table: Table, scope: str, id: str, context: ChangeContext) -> Session:
    """Ends an open session. Raises SessionNotOpenError, PaymentInProgressError or BusyError."""
    now = context.now

    def write() -> Session:
        session = retrieve(table, scope, id)
        if not machine.allows(machine.EXPIRE, session, now):
            raise refusal(session, now)
        expired = machine.expire(session, now)
        recorded = context.record_events([EventKind.SESSION_EXPIRED], expired)
        table.write(
            transition(machine.EXPIRE, session, recorded.session, now),
            *events.writes(recorded.events),
        )
        timers.discard(table, [expiry_timer(session)])
        return recorded.session

    return until_no_conflict(table, write)


def lapse(table: Table, timer: Timer, context: ChangeContext) -> None:
    """Fires an expiry timer: ends a lapsed session. Raises BusyError.

    Moves the timer if the session lapses later, because a payment attempt is in flight.
    """
    now = context.now

    def write() -> None:
        session = find(table, timer.target)
        if session is None or session.status is not Status.OPEN:
            table.write(timers.delete(timer))
            return
        if session.lapses_at > now:
            later = timers.expiry(session.id, session.scope, session.lapses_at)
            table.write(*timers.move(timer, later))
            return
        lapsed = machine.lapse(session, now)
        recorded = context.record_events([EventKind.SESSION_EXPIRED], lapsed)
        table.write(
            transition(machine.LAPSE, session, recorded.session, now),
            *events.writes(recorded.events),
        )
        timers.discard(table, [timer])

    until_no_conflict(table, write)


def set_locale(table: Table, session: Session, locale: str) -> None:
    """Stores the language that the shopper chose for the page."""
    table.write(Update(keys.session(session.id), {"locale": locale}, Attr("pk").exists()))


def expiry_timer(session: Session) -> Timer:
    return timers.expiry(session.id, session.scope, session.expires_at)


def transition(
    step: Transition, before: Session, after: Session, now: int, attempt: Payment | None = None
) -> Update:
    """The write of a transition, on condition that its guards hold for the stored session."""
    condition: ConditionBase = Attr("pk").exists()
    for guard in step.guards:
        condition = condition & CONDITIONS[guard](now, attempt)
    return _update(before, after, condition)


def record_event_count(before: Session, after: Session) -> Update:
    """The write that counts new events of a session whose status does not change, and stores the
    state of its held money."""
    return _update(before, after, Attr("pk").exists())


CONDITIONS: dict[Guard, Callable[[int, Payment | None], ConditionBase]] = {
    Guard.OPEN: lambda _now, _attempt: Attr("status").eq(Status.OPEN),
    Guard.NOT_LAPSED: lambda now, _attempt: Attr("lapses_at").gt(now),
    Guard.LAPSED: lambda now, _attempt: Attr("lapses_at").lte(now),
    Guard.NO_ATTEMPT: lambda _now, _attempt: Attr("attempt").not_exists(),
    Guard.OWN_ATTEMPT: lambda _now, attempt: Attr("attempt").eq(attempt.id if attempt else None),
    Guard.NOT_BLOCKED: lambda now, attempt: _is_not_blocked(
        attempt.method if attempt else None, now
    ),
}
"""The guards as DynamoDB conditions; a property test compares them with `machine.HOLDS`."""

COMPARED = ("event_count", "failures", "latest_payment")
"""A write that changes one of these fields compares it with the value read, so a stale writer
fails: no two events get the same number, no failed attempt is left out of the count, and a form of
the page starts one attempt at most (its token is valid for the latest payment that was read)."""


def _is_not_blocked(method: str | None, now: int) -> ConditionBase:
    until = Attr(f"blocks.{method}")
    return until.not_exists() | until.lte(now)


def _update(before: Session, after: Session, condition: ConditionBase) -> Update:
    changed = changes(_item(before), _item(after))
    compared = [name for name in COMPARED if name in changed]
    if compared:
        condition = condition & unchanged(before, *compared)
    return Update(keys.session(before.id), changed, condition)


def _item(session: Session) -> Item:
    return to_item(session, **keys.session(session.id), **index_keys(session))


def index_keys(session: Session) -> dict[str, str | None]:
    """The attributes that put a session into its lists."""
    customer = session.customer
    return {
        "gsi1pk": keys.listed(session.scope, SESSIONS.kind, session.id),
        "gsi1sk": session.id,
        "gsi2pk": keys.listed(session.scope, keys.sessions_of_status(session.status), session.id),
        "gsi3pk": keys.sessions_by_customer(session.scope, customer) if customer else None,
    }


def refusal(session: Session, now: int, method: str = "") -> CheckoutError:
    """Why a session can't be paid by the method, or can't be expired, now."""
    status = session.status_at(now)
    if status is not Status.OPEN:
        return SessionNotOpenError(status)
    blocked_until = session.blocked_until(method)
    if session.attempt is None and blocked_until > now:
        return TooManyAttemptsError(blocked_until)
    return PaymentInProgressError()


def explain_conflict(failed: ConditionFailedError, now: int, method: str) -> CheckoutError:
    """Why a payment could not begin. The transaction's first action must be the session's."""
    item = failed.found.get(0)
    if item is None:
        return ResourceMissingError(SESSIONS.name)
    return refusal(to_record(Session, item), now, method)


def list_page(
    table: Table, scope: str, filters: SessionFilters, cursor: Cursor, now: int
) -> Page[Session]:
    """The scope's sessions that match the filters. A lapsed session counts as expired."""
    if filters.payment:
        return Page(_find_by_payment(table, scope, filters.payment, filters, cursor, now), None)
    listing = SESSIONS.listing(scope)
    if filters.customer:
        listing = Listing("gsi3", [keys.sessions_by_customer(scope, filters.customer)])
    elif filters.status:
        of_status = keys.sessions_of_status(filters.status)
        listing = Listing("gsi2", keys.list_partitions(scope, of_status))

    def keep(session: Session) -> bool:
        return filters.status is None or session.status_at(now) is filters.status

    page = read_page(table, listing, cursor, SESSIONS.load, keep=keep if filters.status else None)
    if filters.status is Status.EXPIRED and not filters.customer:
        return _merge(_find_unswept(table, scope, cursor, now), page, cursor.limit)
    return page


def _merge(others: list[Session], page: Page[Session], limit: int) -> Page[Session]:
    """The page, merged with those of `others` that sort before the objects of the next page."""
    before_next = [each for each in others if page.next is None or each.id > page.next]
    by_id = {each.id: each for each in (*page.objects, *before_next)}
    merged = [by_id[id] for id in sorted(by_id, reverse=True)]
    if len(merged) > limit:
        return Page(merged[:limit], merged[limit - 1].id)
    return Page(merged, page.next)


def _find_by_payment(
    table: Table, scope: str, payment_id: str, filters: SessionFilters, cursor: Cursor, now: int
) -> list[Session]:
    """The session that the payment paid, if it matches the filters; at most one."""
    payment = table.get(keys.payment(payment_id))
    session = find(table, payment["session"]) if payment and payment["scope"] == scope else None
    if session is None or session.payment != payment_id or not cursor.admits(session.id):
        return []
    if filters.customer and session.customer != filters.customer:
        return []
    if filters.status and session.status_at(now) is not filters.status:
        return []
    return [session]


def _find_unswept(table: Table, scope: str, cursor: Cursor, now: int) -> list[Session]:
    """The newest lapsed sessions that are still stored as open: their timers were not fired yet."""
    ids = [id for id in timers.lapsed_sessions(table, scope, now) if cursor.admits(id)]
    newest = sorted(ids, reverse=True)[: cursor.limit + 1]
    items = table.get_many([keys.session(id) for id in newest])
    found = [to_record(Session, item) for item in items if item]
    return [session for session in found if session.status_at(now) is Status.EXPIRED]
