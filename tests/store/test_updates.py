"""A change of a stored record writes what differs, and removes what the record no longer has."""

from dataclasses import replace

import pytest

from checkout.domain.payment import Payment, PaymentStatus
from checkout.domain.refund import RefundStatus
from checkout.store import payments, refunds
from checkout.store.paging import Cursor
from tests.world import SCOPE, World


@pytest.fixture
def payment(world: World) -> Payment:
    """A pending payment with a description."""
    session = world.create_session()["id"]
    world.pay_by_phone(session, "0240000002")
    (found,), _ = payments.list_page(world.table, SCOPE, Cursor())
    return payments.update(
        world.table, SCOPE, found.id, {"description": "Two books"}, int(world.now)
    )


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
