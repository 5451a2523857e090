"""Repairs: finds what a partial restore or a lost region took from the table, and puts it back.

Each rule looks at one object and at what belongs to it. A repair is harmless if nothing was
missing: it puts a timer, which then finds nothing to do, or an item on condition that there is
none. What can't be made again becomes a task for a person.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from checkout.domain.account import merchant_of
from checkout.domain.delivery import Delivery, DeliveryState
from checkout.domain.event import KEPT_SECONDS, ChangeContext, Event, EventKind
from checkout.domain.ids import EVENT, new_id, second_of, within
from checkout.domain.payment import HOLD_SECONDS, Payment, PaymentStatus
from checkout.domain.receipt import Receipt
from checkout.domain.reconciliation import Reconciliation
from checkout.domain.refund import Refund, RefundStatus
from checkout.domain.session import Session, Status, follow_hold
from checkout.domain.timer import Timer
from checkout.log import log_metric
from checkout.store import (
    accounts,
    deliveries,
    events,
    keys,
    payments,
    receipts,
    retention,
    sessions,
    tasks,
    timers,
    tracked_events,
)
from checkout.store.items import Item, to_record
from checkout.store.paging import Cursor
from checkout.store.table import Put, Table
from checkout.store.tasks import Task

GRACE_SECONDS = 600
"""An event that is younger may still be on its way to its webhook endpoints."""
REPAIRS = "Repairs"
"""A metric: what was put back."""
RESERVE_MS = 10_000
"""With less time left than this, a run checks no further item, and the next run continues."""


class Repairs(NamedTuple):
    """Checks objects, one item at a time."""

    table: Table
    context: ChangeContext

    def check(self, item: Item) -> list[str]:
        """Repairs what belongs to the object in an item, and returns what was missing."""
        rule = RULES.get(keys.kind_of(item))
        return [] if rule is None else list(rule(self, item))

    def _session(self, item: Item) -> Iterator[str]:
        """Its payment, its expiry timer while it is open, and the events of its end."""
        session = to_record(Session, item)
        named = session.attempt or session.payment
        if named and payments.find(self.table, named) is None:
            self._rebuild_payment(session, named)
            yield "payment"
        if session.status is Status.OPEN:
            dues = {session.expires_at, session.lapses_at}
            possible = [timers.expiry(session.id, session.scope, due) for due in dues]
            if not any(map(self._has, possible)):
                due = timers.expiry(session.id, session.scope, session.lapses_at)
                yield from self._put_timer(due, "expiry timer")
        elif session.updated_at > self.context.now - KEPT_SECONDS:
            yield from self._final_events(session)

    def _payment(self, item: Item) -> Iterator[str]:
        """Its session, and its timer while it is pending, watched or holds money."""
        payment = to_record(Payment, item)
        is_lost = sessions.find(self.table, payment.session) is None
        if is_lost and self._add_task(payment, "session_lost"):
            yield "session"
        is_watched = (payment.watch_until or 0) > self.context.now
        if payment.status is PaymentStatus.PENDING or payment.is_held or is_watched:
            timer = timers.attempt(payment.id, payment.scope, payment.check_at)
            yield from self._put_timer(timer, "payment's timer")

    def _receipt(self, item: Item) -> Iterator[str]:
        """The timer of its next attempt."""
        timer = receipts.timer_of(to_record(Receipt, item))
        yield from self._put_timer(timer, "receipt's timer")

    def _refund(self, item: Item) -> Iterator[str]:
        """Its payment, and its timer while it is pending."""
        refund = to_record(Refund, item)
        is_lost = payments.find(self.table, refund.payment) is None
        if is_lost and self._add_task(refund, "payment_lost"):
            yield "payment of a refund"
        if refund.status is RefundStatus.PENDING:
            timer = timers.refund(refund.id, refund.scope, refund.check_at)
            yield from self._put_timer(timer, "refund's timer")

    def _event(self, item: Item) -> Iterator[str]:
        """Its fan-out and its deliveries. The event's timer makes them."""
        if item["created_at"] > self.context.now - GRACE_SECONDS:
            return
        tracked = tracked_events.find(self.table, item["id"])
        if tracked and (tracked.fan_out is None or tracked.not_stored):
            timer = replace(timers.event(tracked.event), due=self.context.now)
            yield from self._put_timer(timer, "fan-out")

    def _delivery(self, item: Item) -> Iterator[str]:
        """Its timer while it is pending, or its pointer while it is parked."""
        found = deliveries.find_stored(self.table, item["event"], item["endpoint"])
        if found is None or found.state is not DeliveryState.PENDING:
            return
        if found.timer_due is not None:
            timer = timers.delivery(found.event, found.endpoint, found.scope, found.timer_due)
            yield from self._put_timer(timer, "delivery's timer")
        elif found.is_parked:
            yield from self._put_pointer(found)

    def _reconciliation(self, item: Item) -> Iterator[str]:
        """The timer of its next comparison."""
        found = to_record(Reconciliation, item)
        timer = timers.reconciliation(found.processor, found.scope, found.timer_due)
        yield from self._put_timer(timer, "reconciliation's timer")

    def _put_pointer(self, parked: Delivery) -> Iterator[str]:
        pointer = keys.parked_delivery(parked.endpoint, parked.event)
        if self.table.add({**pointer, "ttl": second_of(parked.event) + KEPT_SECONDS}):
            yield "pointer of a parked delivery"

    def _has(self, timer: Timer) -> bool:
        return self.table.get(keys.timer(timer)) is not None

    def _put_timer(self, timer: Timer, name: str) -> Iterator[str]:
        if not self._has(timer):
            self.table.write(timers.put(timer))
            yield name

    def _rebuild_payment(self, session: Session, id: str) -> None:
        """Stores a payment again that only its session still names. What the session does not know,
        a person has to compare with the processor: the method and the shopper's phone."""
        now = self.context.now
        merchant = accounts.merchant(self.table, merchant_of(session.scope))
        accounts_of_mode = merchant.accounts_for(session.scope) if merchant else []
        processor = accounts_of_mode[0].processor if accounts_of_mode else "simulator"
        is_paid = session.status is Status.COMPLETE
        charged = PaymentStatus.SUCCEEDED if is_paid else PaymentStatus.PENDING
        rebuilt = Payment(
            id=id,
            scope=session.scope,
            api=session.api,
            session=session.id,
            amount=session.amount_captured or session.amount,
            currency=session.currency,
            method="card" if session.payment_status else session.methods[0],
            customer=session.customer,
            metadata=session.metadata,
            description=session.description,
            processor=processor,
            status=session.payment_status or charged,
            manual_capture=session.manual_capture,
            capture_before_at=session.capture_before_at,
            deadline_at=session.lapses_at,
            check_at=now,
            created_at=second_of(id),
            updated_at=now,
        )
        if self.table.add(payments.PAYMENTS.item(rebuilt)):
            self._add_task(rebuilt, "payment_rebuilt")
        if not is_paid or rebuilt.is_held:
            self.table.write(timers.put(timers.attempt(id, session.scope, now)))

    def _add_task(self, subject: Payment | Refund, reason: str) -> bool:
        """Adds a task for a person; False if it was added before."""
        payment = subject.payment if isinstance(subject, Refund) else subject.id
        task = Task(
            id=f"{subject.id}/{reason}",
            scope=subject.scope,
            payment=payment,
            processor=subject.processor if isinstance(subject, Payment) else "",
            amount=subject.amount,
            currency=subject.currency,
            reason=reason,
            created_at=self.context.now,
        )
        return tasks.add(self.table, task)

    def _final_events(self, session: Session) -> Iterator[str]:
        """The events that report the session's end. Their ids are stored with the session."""
        wanted = session.final_event_ids
        stored = self.table.get_many(list(map(keys.event, wanted)))
        if all(stored):
            return
        rendered = self._rendered_end(session)
        numbers = iter(_free_numbers(session, self._events_of(session)))
        for id, found, (type, object) in zip(wanted, stored, rendered, strict=True):
            if found is None:
                self._put_event(session, id, next(numbers), type, object, _ended_at(session))
                yield "event"

    def _rendered_end(self, session: Session) -> list[tuple[str, Mapping[str, Any]]]:
        """The types and objects of the events about the session's end, in their order."""
        paid = payments.find(self.table, session.payment) if session.payment else None
        if paid and session.payment_status:
            at = _ended_at(session)
            paid = replace(
                paid,
                status=PaymentStatus.AUTHORIZED,
                amount=session.amount,
                amount_refunded=0,
                updated_at=at,
            )
            session = follow_hold(session, paid, at)
        return [
            each
            for kind in _kinds_of_end(session)
            for each in self.context.render_events(kind, session, paid)
        ]

    def _put_event(
        self, session: Session, id: str, number: int, type: str, object: object, at: int
    ) -> None:
        event = Event(
            id=id,
            scope=session.scope,
            api=session.api,
            type=type,
            session=session.id,
            object=json.dumps(object, separators=(",", ":"), ensure_ascii=False),
            created_at=at,
            sequence=number,
        )
        self.table.write(*events.writes([event]))

    def _events_of(self, session: Session) -> list[Event]:
        filters = tracked_events.EventFilters(session=session.id)
        found: list[Event] = []
        after: str | None = None
        while True:
            cursor = Cursor(limit=100, after=after)
            page = tracked_events.list_page(self.table, session.scope, cursor, filters)
            found += [each.event for each in page.objects]
            after = page.next
            if after is None:
                return found

    def fill_gaps(self, session: Session, subjects: Iterable[Payment | Refund]) -> list[str]:
        """Writes the events again that a session, its payments and its refunds should have.

        `subjects` are all of them. Call it after `check` has seen the whole table.
        """
        if session.created_at < self.context.now - KEPT_SECONDS:
            return []  # Its first events may have ended their time.
        stored = self._events_of(session)
        numbers = iter(_free_numbers(session, stored))
        left = Counter(event.type for event in stored)
        left.subtract(type for type, _, _ in self._expected(session, subjects, ended=True))
        known = {event.object for event in stored}
        repaired = []
        for type, object, at in self._expected(session, subjects, ended=False):
            text = json.dumps(object, separators=(",", ":"), ensure_ascii=False)
            if left[type] < 0 and text not in known:
                left[type] += 1
                number = next(numbers, None)
                if number is not None:
                    self._put_event(session, new_id(EVENT, within(at)), number, type, object, at)
                    repaired.append("event")
        return repaired

    def _expected(
        self, session: Session, subjects: Iterable[Payment | Refund], *, ended: bool
    ) -> Iterator[tuple[str, object, int]]:
        """The type, object and time of each event about the subjects and, if `ended`, about the
        session's end."""
        for subject in subjects:
            for kind, then in _kinds_of(subject):
                for type, object in self.context.render_events(kind, session, then):
                    yield type, object, then.updated_at
        if ended and session.status is not Status.OPEN:
            for type, object in self._rendered_end(session):
                yield type, object, _ended_at(session)


def _ended_at(session: Session) -> int:
    """When the session ended. Held money changes the session later."""
    held_until = session.capture_before_at
    return session.updated_at if held_until is None else held_until - HOLD_SECONDS


def _kinds_of_end(session: Session) -> list[EventKind]:
    if session.payment_status:
        return [EventKind.PAYMENT_AUTHORIZED, EventKind.SESSION_COMPLETED]
    if session.status is Status.COMPLETE:
        return [EventKind.PAYMENT_SUCCEEDED, EventKind.SESSION_COMPLETED]
    return [EventKind.SESSION_EXPIRED]


def _kinds_of(subject: Payment | Refund) -> Iterator[tuple[EventKind, Payment | Refund]]:
    """The kinds of events about a payment or refund, each with its state at that time."""
    if isinstance(subject, Refund):
        created = replace(
            subject,
            status=RefundStatus.PENDING,
            failure=None,
            processed_at=None,
            updated_at=subject.created_at,
        )
        yield EventKind.REFUND_CREATED, created
        if subject.status is not RefundStatus.PENDING:
            yield EventKind.REFUND_UPDATED, subject
    elif subject.failure:
        yield EventKind.PAYMENT_FAILED, subject
    elif subject.manual_capture and subject.status is PaymentStatus.SUCCEEDED:
        yield EventKind.PAYMENT_SUCCEEDED, subject


def _free_numbers(session: Session, stored: Iterable[Event]) -> list[int]:
    """The numbers of the session's events that are missing."""
    taken = {event.sequence for event in stored}
    return [number for number in range(1, session.event_count + 1) if number not in taken]


RULES: Mapping[str, Callable[[Repairs, Item], Iterator[str]]] = {
    "SESSION": Repairs._session,
    "RECEIPT": Repairs._receipt,
    "PAYMENT": Repairs._payment,
    "REFUND": Repairs._refund,
    "EVENT": Repairs._event,
    "DELIVERY": Repairs._delivery,
    "RECONCILIATION": Repairs._reconciliation,
}
"""The rules by the kind of an item."""


def run(
    table: Table, context: ChangeContext, time_left_ms: Callable[[], int], retention_days: int = 0
) -> dict[str, int]:
    """Checks the table from where the last run stopped, as long as there is time. Returns how many
    items were read, and how often what was missing.

    The same pass takes persons out of objects that ended before `retention_days`; 0 keeps them.
    """
    repairs, counts = Repairs(table, context), Counter[str]()
    forgotten = 0
    after = (table.get(keys.REPAIRS) or {}).get("last_key")
    for item in table.scan_all(after=after):
        if time_left_ms() < RESERVE_MS:
            break
        counts.update(["items", *repairs.check(item)])
        if retention_days:
            forgotten += retention.forget(table, item, retention_days, context.now)
        after = {"pk": item["pk"], "sk": item["sk"]}
    else:
        after = None
    table.write(Put({**keys.REPAIRS, "last_key": after}))
    log_metric(REPAIRS, counts.total() - counts["items"], "Count", context.now)
    return counts | ({"forgotten": forgotten} if forgotten else {})


def run_completely(table: Table, context: ChangeContext) -> dict[str, int]:
    """Checks the whole table, also for events in the middle of a session's life."""
    repairs, counts = Repairs(table, context), Counter[str]()
    written: Counter[str] = Counter()
    expected: dict[str, int] = {}
    for item in table.scan_all():
        counts.update(["items", *repairs.check(item)])
        kind = keys.kind_of(item)
        if kind == "EVENT":
            written[item["session"]] += 1
        elif kind == "SESSION":
            expected[item["id"]] = item.get("event_count", 0)
    gaps = {id for id, count in expected.items() if written[id] < count}
    for session, subjects in _with_subjects(table, gaps):
        counts.update(repairs.fill_gaps(session, subjects))
    return dict(counts)


def _with_subjects(table: Table, ids: set[str]) -> Iterator[tuple[Session, list[Payment | Refund]]]:
    """These sessions, each with its payments and refunds, which a second pass finds."""
    if not ids:
        return
    subjects: dict[str, list[Payment | Refund]] = {id: [] for id in ids}
    kinds: dict[str, type[Payment] | type[Refund]] = {"PAYMENT": Payment, "REFUND": Refund}
    for item in table.scan_all():
        kind = kinds.get(keys.kind_of(item))
        if kind and item["session"] in ids:
            subjects[item["session"]].append(to_record(kind, item))
    for id, found in subjects.items():
        session = sessions.find(table, id)
        if session:
            yield session, sorted(found, key=lambda each: each.id.rpartition("_")[2])
