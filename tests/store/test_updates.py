"""Updates of stored records write what differs and remove what the record no longer has."""

from dataclasses import replace

import pytest

from checkout.domain.payment import Payment, PaymentStatus
from checkout.domain.refund import RefundStatus
from checkout.domain.timer import Timer, TimerKind
from checkout.store import payments, refunds, timers
from checkout.store.items import changes, unchanged
from checkout.store.paging import Cursor
from checkout.store.table import ConditionFailedError, Delete, Put, Update
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import encode, order
from tests.world import SCOPE, World

A = {"pk": "A", "sk": "1"}


def test_changes_has_what_differs_and_none_for_what_is_gone() -> None:
    before = {"same": 1, "other": 1, "gone": 1}
    after = {"same": 1, "other": 2, "new": 3}

    assert changes(before, after) == {"other": 2, "gone": None, "new": 3}
    assert changes(before, before) == {}


@pytest.mark.parametrize("stored", [{"due": 2}, {"due": 1, "target": "x"}, {}])
def test_unchanged_fails_if_one_of_the_fields_differs(
    world: World, stored: dict[str, object]
) -> None:
    record = Timer(kind=TimerKind.RESEND, target="rs", due=1, scope="merc#test", shard=0)
    world.table.write(Put(A | stored))

    with pytest.raises(ConditionFailedError):
        world.table.write(Update(A, {"seen": 1}, unchanged(record, "due", "target")))

    world.table.write(Put(A | {"due": 1, "target": "rs"}))
    world.table.write(Update(A, {"seen": 1}, unchanged(record, "due", "target")))


@pytest.fixture
def payment(world: World) -> Payment:
    """A pending payment with a description."""
    world.pay_by_phone(world.create_session()["id"], "0240000002")
    (found,) = payments.list_page(world.table, SCOPE, Cursor()).objects
    given = {"description": "Two books"}
    return payments.update(world.table, SCOPE, found.id, given, int(world.now))


def test_a_payments_transition_can_clear_its_description(world: World, payment: Payment) -> None:
    cleared = replace(payment, status=PaymentStatus.FAILED, description=None)

    world.table.write(payments.change(payment, cleared))

    assert payments.find(world.table, payment.id) == cleared
    (item,) = world.having("PAYMENT#")
    assert "description" not in item


def test_a_refunds_transition_can_clear_its_reason(world: World) -> None:
    session = world.create_session()["id"]
    world.pay(session, "4000000000007726")  # its refund stays pending for a while
    body = {"payment": world.session(session)["payment"], "reason": "requested"}
    id = world.post("/v1/refunds", body).json["id"]
    refund = refunds.retrieve(world.table, SCOPE, id)
    cleared = replace(refund, status=RefundStatus.SUCCEEDED, reason=None)

    world.table.write(refunds.change(refund, cleared))

    assert refunds.find(world.table, id) == cleared


def test_a_merchant_can_clear_a_payments_description_and_a_refunds_metadata(world: World) -> None:
    session = world.payrex("POST", PAYREX_SESSIONS, order(description="Two mugs")).json
    world.pay(session["client_secret"])
    (stored,) = world.having("PAYMENT#")
    payment = stored["id"]
    form = {"payment_id": payment, "amount": 100, "currency": "PHP", "reason": "others"}
    refund = world.payrex("POST", "/refunds", encode(form) + "&metadata[order]=7").json
    assert world.payrex("GET", f"/payments/{payment}").json["description"] == "Two mugs"
    assert refund["metadata"] == {"order": "7"}

    cleared = world.payrex("PUT", f"/payments/{payment}", "description=")
    emptied = world.payrex("PUT", f"/refunds/{refund['id']}", "metadata=")

    assert cleared.json["description"] is None
    assert not emptied.json["metadata"]
    assert world.payrex("GET", f"/payments/{payment}").json == cleared.json
    (stored,) = world.having("REFUND#")
    assert stored["metadata"] == {}


def test_updates_of_another_scopes_objects_find_nothing(world: World, payment: Payment) -> None:
    form = "description=x"
    assert world.payrex("PUT", f"/payments/{payment.id}", form).status == 404
    assert payments.find(world.table, payment.id) == payment


def test_a_moved_timer_replaces_the_old_one(world: World) -> None:
    old, new = timers.refund("re_1", "merc#test", 10), timers.refund("re_1", "merc#test", 20)

    assert timers.move(old, new) == [timers.delete(old), timers.put(new)]


def test_a_timer_that_stays_is_put_and_not_deleted(world: World) -> None:
    """A transaction can't delete and put the same key."""
    timer = timers.refund("re_1", "merc#test", 10)

    world.table.write(*timers.move(timer, timer), Put(A))

    assert [each["target"] for each in world.having("TIMER#")] == ["re_1"]
    assert not [each for each in timers.move(timer, timer) if isinstance(each, Delete)]
