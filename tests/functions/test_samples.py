"""The sample events in `events/`, handled by their functions."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from checkout.domain.account import Merchant
from checkout.encryption import encrypt
from checkout.store import accounts
from devstack.fixtures.sample_objects import PAYGATE_SUFFIX, PAYREX_SUFFIX, save_samples
from tests.roots import ROOT
from tests.world import TEMPLATE, World

SAMPLES = sorted((ROOT / "events").glob("*.json"))

EXPECTED: dict[str, int] = {
    "create_checkout_session": 201,
    "create_customer": 201,
    "create_refund": 201,
    "create_webhook": 201,
    "refuse_route": 404,
    "resend_event": 202,
    "resend_events": 202,
    "test_webhook": 202,
    "pay_page": 303,
    "receive_stripe_notification": 400,
    "receive_paystack_notification": 400,
    "receive_paymongo_notification": 400,
    "decide_simulated_payment": 303,
}

NAMELESS = (
    *("show_page", "pay_page", "decide_simulated_payment", "receive_stripe_notification"),
    *("receive_paystack_notification", "receive_paymongo_notification"),
)
"""Samples whose responses name no object: a page, redirects, and errors."""


def function_of(sample: Path) -> str:
    """A sample's file is named after its function: `dispatch_timers_every_minute.json`."""
    fitting = [
        name
        for name in TEMPLATE.functions
        if sample.stem.startswith(re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
    ]
    return max(fitting, key=len)


@pytest.fixture
def sampled(world: World) -> World:
    save_sampled(world)
    return world


def save_sampled(world: World) -> None:
    """The accounts and the objects that the samples name."""
    for name, api in (("Accra Books", "paygate"), ("Manila Mugs", "payrex")):
        merchant = Merchant(f"merc_{api}", name, api)
        accounts.save_merchant(merchant, world.table)
        accounts.save_key(f"sk_test_{api}", merchant, world.table)
    save_samples(world.table, int(world.now), encrypt)


def test_every_function_has_a_sample() -> None:
    assert {function_of(sample) for sample in SAMPLES} == set(TEMPLATE.functions)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_function_handles_its_sample(sampled: World, sample: Path) -> None:
    event = json.loads(sample.read_text())

    response: Any = sampled.invoke(function_of(sample), event)

    if "routeKey" in event:
        assert response["statusCode"] == EXPECTED.get(sample.stem, 200), response["body"]
        if "{id}" in event["routeKey"] and sample.stem not in NAMELESS:
            of_payrex = sample.stem.startswith(("payrex", "show_simulated_wallet"))
            assert (PAYREX_SUFFIX if of_payrex else PAYGATE_SUFFIX) in response["body"]
    elif sample.stem == "dispatch_timers_every_minute":
        assert response["shards_left"] == 0
    elif sample.stem == "repair_items":
        assert response["items"] > 0
    else:
        assert response == {"batchItemFailures": []}


def test_the_delivery_sample_makes_a_delivery_attempt(sampled: World) -> None:
    sampled.invoke("SendWebhook", json.loads((ROOT / "events/send_webhook.json").read_text()))

    (delivery,) = sampled.having("EVENT#", "DELIVERY#")
    assert len(delivery["attempts"]) == 1
