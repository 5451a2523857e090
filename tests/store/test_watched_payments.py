"""The timer of a failed payment: it goes on while the payment is watched for late money, and ends
with a payment that is not watched."""

from checkout.domain.payment import WATCH_SECONDS, Failure, Payment
from checkout.store import payments, sessions
from tests.world import World, change_context


def pending_payment(world: World) -> Payment:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000005").headers["location"]
    found = payments.find(world.table, location.rpartition("=")[2])
    assert found is not None
    return found


def fail(world: World, payment: Payment, watch_until: int | None) -> Payment:
    session = sessions.find(world.table, payment.session)
    assert session is not None
    context = change_context(world)
    return payments.fail(
        world.table, session, payment, Failure.TIMED_OUT, context, watch_until=watch_until
    )


def due_times(world: World) -> list[int]:
    """When the timers of payments are due."""
    return [timer["due"] for timer in world.having("TIMER#") if timer["kind"] == "attempt"]


def test_the_timer_of_a_watched_payment_moves_to_its_first_look(world: World) -> None:
    payment = pending_payment(world)
    world.now = payment.deadline_at

    failed = fail(world, payment, watch_until=payment.deadline_at + 3600)

    assert failed.check_at == payment.deadline_at + WATCH_SECONDS
    assert due_times(world) == [failed.check_at]


def test_a_watch_that_begins_when_the_attempt_was_due_keeps_its_timer(world: World) -> None:
    """Both timers have the same key."""
    payment = pending_payment(world)

    failed = fail(world, payment, watch_until=payment.check_at)

    assert failed.check_at == payment.check_at
    assert due_times(world) == [payment.check_at]


def test_the_timer_of_a_payment_that_is_not_watched_is_deleted(world: World) -> None:
    payment = pending_payment(world)

    fail(world, payment, watch_until=None)

    assert due_times(world) == []
