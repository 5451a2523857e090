"""The Stripe layer's reduced package supports all calls of the adapter."""

import json

from build_tools.artifact import Artifact
from tests.processors.stripe_server import DECLINED, StripeServer

START = """
import os
from dataclasses import replace
from checkout.domain.payment import Payment
from checkout.domain.refund import refund_of_late
from checkout.processors.protocol import (
    Instrument, NotificationError, Order, ProcessorUnavailableError)
from checkout.processors.stripe_intents import StripeIntents, read_notification
from checkout.settings import settings

def payment(number):
    return Payment(id=f"pay_{number}", scope="m#test", api="paygate", session="cs", amount=5000,
        currency="GHS", method="card", deadline_at=1, created_at=1, updated_at=1, check_at=1)

processor = StripeIntents("pk_test_books", "sk_test_books")
"""

CHARGE = """
print(json.dumps([processor.charge(Order(payment(each), Instrument("card")), 1).reference
                  for each in range(3)]))
"""

USE = """
made = [replace(payment(number), reference=reference)
        for number, reference in enumerate(json.loads(os.environ["REFERENCES"]))]
found = [processor.look_up(made[0], 1).state, processor.look_up(made[1], 1).failure,
         processor.cancel(made[2], 1).state, processor.cancel(made[0], 1).state]
refund = refund_of_late(made[0], 1)
found += [processor.refund(refund, made[0], 1).status,
          processor.look_up_refund(refund, made[0], 1).status]
for body in (b"{}", b"no"):
    try:
        read_notification(body, "t=1,v1=0", "whsec_books")
    except NotificationError:
        found.append("forged")
os.environ["STRIPE_API"] = "http://127.0.0.1:9"
settings.cache_clear()
try:
    StripeIntents("pk_test_books", "sk_test_books").look_up(made[0], 1)
except ProcessorUnavailableError:
    found.append("unavailable")
print(json.dumps(found))
"""


def test_the_reduced_package_charges_cancels_and_refunds(
    artifact: Artifact, localstripe: StripeServer
) -> None:
    localstripe.reset()
    paid, declined, left = references = artifact.run(
        "ShowPage", START + CHARGE, STRIPE_API=localstripe.url
    )
    assert localstripe.confirm(paid)
    assert not localstripe.confirm(declined, DECLINED)

    found = artifact.run(
        "ShowPage", START + USE, STRIPE_API=localstripe.url, REFERENCES=json.dumps(references)
    )

    assert found[:4] == ["approved", "declined", "declined", "approved"]
    assert found[4:] == ["succeeded", "succeeded", "forged", "forged", "unavailable"]
    assert {each["status"] for each in localstripe.intents() if each["id"] == left} == {"canceled"}
