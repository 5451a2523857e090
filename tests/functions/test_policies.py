"""Least privilege: a function uses everything that its policy grants. Every test that runs a
function checks that it uses nothing else (tests/policies.py)."""

import json
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from checkout import encryption
from checkout.api import authentication
from checkout.dispatch import to_body
from checkout.domain.payment import ATTEMPT_SECONDS
from checkout.domain.reconciliation import DAY
from checkout.encryption import decrypt
from checkout.mail import Mailer, Outcome, Sending
from checkout.processors import breaker, registry
from checkout.processors.paymongo import TIMES
from checkout.repairs import GRACE_SECONDS
from checkout.settings import settings
from checkout.store import accounts, keys, reconciliations, retention, timers
from checkout.store.items import to_wire
from checkout.store.table import Put, Update
from checkout.webhooks import retry, sending
from devstack.fakes.paymongo import PayMongoFake
from devstack.fakes.paystack import PROMPT, PaystackFake
from tests.payrex.forms import CUSTOMER, MANUAL, encode, order
from tests.payrex.forms import HOOK as HOOK_OF_PAYREX
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.policies import Access, granted
from tests.processors.accounts import open_at_paymongo, open_at_paystack, open_at_stripe
from tests.processors.notifications import deliver, event_about
from tests.processors.stripe_server import StripeServer
from tests.roots import ROOT
from tests.world import (
    ACCRA,
    CARD,
    KUMASI,
    MANILA,
    OTHER_KEY,
    SCOPE,
    SESSIONS,
    TEMPLATE,
    Response,
    World,
    attempt_in,
)

HOOK = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}


SLOWLY_REFUNDED = "4000000000007726"

LATE_REFUND = Access("sqs:SendMessage", "ProcessorQueue")
REFUND_LATE_MONEY = {
    *("ShowPage", "DecideSimulatedPayment"),
    *("ReceiveStripeNotification", "ReceivePaystackNotification"),
    "ReceivePaymongoNotification",
}
"""Functions that send the timer of a refund if a payment was approved too late and its refund stays
pending, which is the only case that `drive` leaves out."""


OUTCOMES_OF_A_BATCH = Access("dynamodb:PartiQLInsert", "Table", "EVENT#evt_1")
"""How SendWebhook stores the outcomes of several deliveries. moto cannot carry that out, so `drive`
leaves it out."""

SETTLE = {
    *("ShowPage", "PayPage", "AskProcessors", "CreateRefund", "PayrexCreateRefund"),
    *("ReceiveStripeNotification", "ReceivePaystackNotification", "ReceivePaymongoNotification"),
}
SETTLED = {
    *("BREAKER#*", "EVENT#*", "MERCHANT#*", "PAYMENT#*", "REFUND#*"),
    *("SESSION#*", "SIMULATOR#*", "TASKS", "TIMER#*"),
}
"""Functions that settle payments or refunds, and the items that this may need. Which of them a call
uses depends on the processor; `drive` reaches each in some function."""
CREATE = {
    *("CreateCheckoutSession", "CreateCustomer", "CreateRefund", "CreateWebhook", "RotateWebhook"),
    "ResendEvents",
}
"""Functions that read an idempotency record if a repeated request is refused."""


def rarely_used(function: str) -> set[str]:
    """Key prefixes and queues that the function needs on paths which `drive` leaves out."""
    settled = SETTLED if function in SETTLE else set()
    if function == "PayrexCancelPaymentIntent":
        return {"ReceiptQueue"}  # if the money was captured at the processor's dashboard
    return settled | ({"IDEMPOTENCY#*"} if function in CREATE else set())


def drive(
    world: World, server: StripeServer, at_phone: PaystackFake, at_wallet: PayMongoFake
) -> None:
    """Runs every function on every path that makes other AWS calls."""
    merchants_objects(world)
    lists(world)
    ses_is_busy(world)
    payments(world)
    events(world)
    payrex(world)
    world.get("/v1/nowhere")
    at_stripe(world, server)
    at_paystack(world, at_phone)
    at_paymongo(world, at_wallet)
    lost_items(world)


def merchants_objects(world: World) -> None:
    customer = world.post("/v1/customers", {"name": "Ama"}).json["id"]
    hook = world.post("/v1/webhooks", HOOK).json["id"]
    session = world.create_session(customer=customer)["id"]
    world.post(f"{SESSIONS}/{session}/expire")
    world.session(session)
    world.get(f"/v1/customers/{customer}")
    world.get(f"/v1/webhooks/{hook}")
    world.call("PATCH", f"/v1/webhooks/{hook}", {"status": "enabled"})
    world.call("DELETE", f"/v1/webhooks/{world.post('/v1/webhooks', HOOK).json['id']}")


def lists(world: World) -> None:
    customer = world.get("/v1/customers").json["data"][0]["id"]
    payment = f"pay_{'1' * 32}"
    world.create_session(expires_at="2027-01-15T08:30:00Z")
    world.now += 1800
    for query in ("", "?status=expired", f"?customer={customer}", f"?payment={payment}"):
        world.get(SESSIONS + query)
    for path in ("/v1/events", "/v1/webhooks"):
        world.get(path)


def payments(world: World) -> None:
    for number in ("4242424242424242", "4000000000000002"):
        world.page(world.pay(world.create_session()["id"], number).headers["location"])
    waiting = world.create_session()["id"]
    location = world.pay_by_phone(waiting, "0240000002").headers["location"]
    world.now += 10
    world.page(location)
    world.get(f"/v1/payments/{location.partition('=')[2]}")
    world.get("/v1/payments")
    refunds(world)
    comes_early(world)
    abandoned = world.create_session()["id"]
    location = world.pay_by_phone(abandoned, "0240000005").headers["location"]
    world.now += ATTEMPT_SECONDS
    world.page(location)
    world.pay_by_phone(abandoned, "0240000005")


def ses_is_busy(world: World) -> None:
    """A receipt is attempted again in a minute."""
    busy = Sending(Outcome.NOT_SENT, "TooManyRequestsException")
    with patch.object(Mailer, "send", lambda *_: busy):
        world.pay(world.create_session()["id"])
        world.fire_due()


def comes_early(world: World) -> None:
    """A timer's message arrives where the clock is behind, and the timer is sent again."""
    due = int(world.now) + 9
    session = world.payrex("POST", PAYREX_SESSIONS, order(expires_at=due)).json["id"]
    world.fire("FireTimers", to_body(timers.expiry(session, "merc_manila#test", due)))


def refunds(world: World) -> None:
    session = world.create_session()["id"]
    world.pay(session, SLOWLY_REFUNDED)
    payment = world.session(session)["payment"]
    refund = world.post(
        "/v1/refunds",
        {"payment": payment, "metadata": {"for": "Ama"}},
        headers={"idempotency-key": "back"},
    ).json["id"]
    world.get(f"/v1/refunds/{refund}")
    for query in ("", f"?payment={payment}"):
        world.get(f"/v1/refunds{query}")


def events(world: World) -> None:
    world.get(f"/v1/events/{world.get('/v1/events').json['data'][0]['id']}")
    stored = world.having("EVENT#", "EVENT")
    (completed, *_) = [item for item in stored if item["type"] in HOOK["events"]]
    unheard, other, *_ = [item for item in stored if item["type"] not in HOOK["events"]]
    world.post(f"/v1/events/{other['id']}/resend")
    pauses_soon_over(world)
    for item in (completed, unheard):
        record = {"dynamodb": {"NewImage": to_wire(item), "SequenceNumber": "1"}}
        world.invoke("FanOutEvents", {"Records": [record]})
    busy_and_disabled(world)
    deliveries_and_resends(world, completed["id"])
    for seconds in (90, 90, ATTEMPT_SECONDS, 86_400):
        world.now += seconds
        world.sweep()


def pauses_soon_over(world: World) -> None:
    """A second webhook endpoint, to which a delivery is postponed for some seconds."""
    hook = world.post("/v1/webhooks", HOOK).json["id"]
    pause = Update(keys.webhook_endpoint(SCOPE, hook), {"slow_until": world.now + 30})
    world.table.write(pause)


def busy_and_disabled(world: World) -> None:
    """A delivery finds a pause, then all leases taken, then the endpoint disabled, then it is
    sent."""
    *_, hook = (each["id"] for each in world.get("/v1/webhooks").json["data"])
    pause = {"slow_until": int(world.now) + 120}
    world.table.write(Update(keys.webhook_endpoint(SCOPE, hook), pause))
    send_what_is_due(world)
    for number in range(settings().webhook_in_flight):
        lease = {"since": world.now + 90, "until": world.now + 200}
        world.table.write(Put({**keys.lease(hook, number), "number": number, **lease}))
    send_what_is_due(world)
    world.call("PATCH", f"/v1/webhooks/{hook}", {"status": "disabled"})
    world.now += retry.LONGEST_WAIT
    send_what_is_due(world)
    world.table.write(Put(keys.parked_delivery(hook, "evt_that_is_gone")))
    world.call("PATCH", f"/v1/webhooks/{hook}", {"status": "enabled"})
    send_what_is_due(world)


def send_what_is_due(world: World) -> None:
    world.now += 90
    world.sweep()
    for body in world.messages():
        world.invoke("SendWebhook", {"Records": [{"messageId": "1", "body": body}]})


def deliveries_and_resends(world: World, event: str) -> None:
    hook = world.post("/v1/webhooks", HOOK).json["id"]
    world.get(f"/v1/events/{event}/deliveries")
    world.now += 1
    world.post(f"/v1/events/{event}/resend")
    world.post(f"/v1/events/{event}/resend", {"webhook": hook})
    world.now += 1
    world.post(f"/v1/events/{event}/resend")
    range_of = {"created_at": {"gte": int(world.now) - 9999}, "webhook": hook}
    resend = world.post("/v1/events/resend", range_of, headers={"idempotency-key": "1"}).json["id"]
    world.get(f"/v1/events/resends/{resend}")
    world.post(f"/v1/webhooks/{hook}/test")
    world.post(f"/v1/webhooks/{hook}/rotate", headers={"idempotency-key": "1"})


def payrex(world: World) -> None:
    customer = world.payrex("POST", "/customers", encode(CUSTOMER)).json["id"]
    hook = world.payrex("POST", "/webhooks", encode(HOOK_OF_PAYREX)).json["id"]
    limits = {"card": {"allowed_bins": [SLOWLY_REFUNDED[:6]]}}
    form = order(customer_id=customer, payment_method_options=limits)
    session = world.payrex("POST", PAYREX_SESSIONS, form).json
    world.submit(session["client_secret"], CARD | {"number": SLOWLY_REFUNDED})
    payment = world.payrex("GET", f"{PAYREX_SESSIONS}/{session['id']}").json["payment_intent"]
    paid = payment["latest_payment"]
    capture_and_cancel(world)
    wallet = world.payrex("POST", PAYREX_SESSIONS, order()).json
    location = world.submit(wallet["client_secret"], {"method": "gcash"}).headers["location"]
    world.decide(attempt_in(location), "approve")
    params = {"payment_id": paid, "amount": 5, "currency": "PHP", "reason": "others"}
    refund = world.payrex("POST", "/refunds", encode(params)).json["id"]
    expiring, canceled = (world.payrex("POST", PAYREX_SESSIONS, order()).json for _ in range(2))
    for method, target in (
        ("GET", PAYREX_SESSIONS),
        ("POST", f"{PAYREX_SESSIONS}/{expiring['id']}/expire"),
        ("GET", f"/payment_intents/{payment['id']}"),
        ("POST", f"/payment_intents/{canceled['payment_intent']['id']}/cancel"),
        ("GET", f"/payments/{paid}"),
        ("PUT", f"/payments/{paid}"),
        ("PUT", f"/refunds/{refund}"),
        ("GET", "/customers"),
        ("GET", "/customers?name=Ana"),
        ("GET", "/customers?email=ana%40example.com"),
        ("GET", f"/customers/{customer}"),
        ("PUT", f"/customers/{customer}"),
        ("DELETE", f"/customers/{customer}"),
        ("GET", "/webhooks"),
        ("GET", f"/webhooks/{hook}"),
        ("PUT", f"/webhooks/{hook}"),
        ("POST", f"/webhooks/{hook}/disable"),
        ("POST", f"/webhooks/{hook}/enable"),
        ("DELETE", f"/webhooks/{hook}"),
    ):
        assert world.payrex(method, target, "description=x").status == 200, target


def capture_and_cancel(world: World) -> None:
    for action in ("capture", "cancel"):
        held = world.payrex("POST", PAYREX_SESSIONS, MANUAL).json
        world.submit(held["client_secret"], CARD | {"number": "4242424242424242"})
        target = f"/payment_intents/{held['payment_intent']['id']}/{action}"
        assert world.payrex("POST", target, "amount=5").status == 200


def at_stripe(world: World, server: StripeServer) -> None:
    open_at_stripe(world.table, ACCRA.id)
    paid, waiting = (world.create_session()["id"] for _ in range(2))
    world.submit(paid, {"method": "card"})
    world.page(f"/checkout/{paid}")
    (intent,) = server.intents()
    server.confirm(intent["id"])
    assert deliver(world, event_about(intent)).status == 200
    payment = world.session(paid)["payment"]
    assert world.post("/v1/refunds", {"payment": payment}).json["status"] == "succeeded"
    world.submit(waiting, {"method": "card"})
    world.now += ATTEMPT_SECONDS
    world.sweep()
    at_stripe_in_payrex(world, server)


def at_stripe_in_payrex(world: World, server: StripeServer) -> None:
    open_at_stripe(world.table, MANILA.id)
    session = world.payrex("POST", PAYREX_SESSIONS, order()).json
    before = {each["id"] for each in server.intents()}
    world.submit(session["client_secret"], {"method": "card"})
    (intent,) = {each["id"] for each in server.intents()} - before
    server.confirm(intent)
    world.page(f"/c/{session['client_secret']}")
    found = world.payrex("GET", f"{PAYREX_SESSIONS}/{session['id']}").json["payment_intent"]
    params = {"payment_id": found["latest_payment"], "amount": 5, "currency": "PHP"}
    refund = world.payrex("POST", "/refunds", encode(params | {"reason": "others"}))
    assert refund.json["status"] == "succeeded"
    for action in ("capture", "cancel"):
        held = world.payrex("POST", PAYREX_SESSIONS, MANUAL).json
        before = {each["id"] for each in server.intents()}
        world.submit(held["client_secret"], {"method": "card"})
        (intent,) = {each["id"] for each in server.intents()} - before
        server.confirm(intent)
        world.page(f"/c/{held['client_secret']}")
        target = f"/payment_intents/{held['payment_intent']['id']}/{action}"
        server.faults = ["lost", "lost"]
        breaker.forget()
        assert world.payrex("POST", target, "amount=5").json["status"] == "processing"


def at_paystack(world: World, fake: PaystackFake) -> None:
    open_at_paystack(world.table, ACCRA.id)
    session = world.create_session()["id"]
    world.pay_by_phone(session, PROMPT)
    (reference,) = fake.transactions
    fake.pay(reference)
    notify_of_paystack(world, fake, "charge.success", reference)
    payment = world.session(session)["payment"]
    assert world.post("/v1/refunds", {"payment": payment, "amount": 100}).status == 201
    notify_of_paystack(world, fake, "refund.pending", reference)
    fail_and_watch(world, fake)
    reconciliations.start(world.table, registry.PAYSTACK, SCOPE, int(world.now))
    world.now += DAY
    world.sweep()


def fail_and_watch(world: World, fake: PaystackFake) -> None:
    """Payments that fail and are watched for late money: one whose charge is refused, and two whose
    deadline has passed when the page is shown or a notification comes."""
    refused = world.create_session(customer_email="ama@shop.test")["id"]
    world.submit(refused, {"method": "card"})
    shown, notified = (world.create_session()["id"] for _ in range(2))
    for id in (shown, notified):
        world.submit(id, {"method": "card"})
    world.now += ATTEMPT_SECONDS
    world.page(f"/checkout/{shown}")
    notify_of_paystack(world, fake, "charge.success", list(fake.transactions)[-1])


def notify_of_paystack(world: World, fake: PaystackFake, event: str, reference: str) -> None:
    body, headers = fake.webhook(event, reference)
    path = f"/processors/paystack/{ACCRA.id}.test"
    assert world.post(path, body, key=None, headers=headers).status == 200


def at_paymongo(world: World, fake: PayMongoFake) -> None:
    open_at_paymongo(world.table, MANILA.id)
    session = world.payrex("POST", PAYREX_SESSIONS, order()).json
    world.submit(session["client_secret"], {"method": "gcash"})
    (id,) = fake.sessions
    fake.pay(id)
    notify_of_paymongo(world, fake, id)
    found = world.payrex("GET", f"{PAYREX_SESSIONS}/{session['id']}").json["payment_intent"]
    params = {"payment_id": found["latest_payment"], "amount": 500, "currency": "PHP"}
    refund = world.payrex("POST", "/refunds", encode(params | {"reason": "others"}))
    assert refund.status == 200, refund.text
    notify_of_paymongo(world, fake, fake.paid_payment(id))
    session = world.payrex("POST", PAYREX_SESSIONS, order()).json
    world.submit(session["client_secret"], {"method": "gcash"})
    world.now += TIMES["gcash"].attempt
    notify_of_paymongo(world, fake, list(fake.sessions)[-1])


def notify_of_paymongo(world: World, fake: PayMongoFake, id: str) -> None:
    resource = fake.resource(id)
    body, headers = fake.webhook("checkout_session.payment.paid", resource)
    path = f"/processors/paymongo/{MANILA.id}.test"
    assert world.post(path, body, key=None, headers=headers).status == 200


def lost_items(world: World) -> None:
    """DynamoDB's TTL has deleted a timer, and a restore has lost an item of each kind that can be
    put back."""
    deletion = (ROOT / "events/dispatch_timers.json").read_text()
    world.invoke("DispatchTimers", json.loads(deletion))
    world.now += GRACE_SECONDS + 1
    complete = next(each for each in world.having("SESSION#") if each["status"] == "complete")
    disabled = world.post("/v1/webhooks", HOOK).json["id"]
    world.call("PATCH", f"/v1/webhooks/{disabled}", {"status": "disabled"})
    lost = [
        keys.payment(complete["payment"]),
        keys.event(complete["final_event_ids"][0]),
        *({"pk": each["pk"], "sk": each["sk"]} for each in world.having("TIMER#")),
        *({"pk": each["pk"], "sk": each["sk"]} for each in world.having("PARKED#")),
    ]
    world.table.delete_many(lost)
    world.invoke("RepairItems", {"source": "aws.scheduler"})
    world.now += retention.DAY * 91  # every object has ended, and names no person any more
    world.invoke("RepairItems", {"source": "aws.scheduler"})


_submit = World.submit


def _submit_wanting_a_receipt(
    world: World, id: str, form: dict[str, str], token: str | None = None
) -> Response:
    return _submit(world, id, {"receipt": "on", "email": "ama@example.com"} | form, token)


_invoke = World.invoke


def _invoke_in_a_new_process(world: World, function: str, event: Any) -> Any:
    decrypt.cache_clear()
    return _invoke(world, function, event)


@pytest.fixture
def used(
    world: World,
    localstripe: StripeServer,
    paystack_side: PaystackFake,
    paymongo_side: PayMongoFake,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, set[Access]]:
    monkeypatch.setattr(
        authentication, "CACHE_SECONDS", 0
    )  # every call reads the key, as in a new process
    # Likewise every call decrypts.
    monkeypatch.setattr(registry, "_open", registry._open.__wrapped__)
    monkeypatch.setattr(encryption, "decrypt", encryption.decrypt.__wrapped__)
    localstripe.reset()
    monkeypatch.setenv("STRIPE_API", localstripe.url)
    monkeypatch.setenv("RETENTION_DAYS", "90")
    world.offer_receipts(configuration_set="receipts")
    monkeypatch.setattr(World, "submit", _submit_wanting_a_receipt)
    monkeypatch.setattr(World, "invoke", _invoke_in_a_new_process)
    monkeypatch.setattr(sending, "LEASE_PAUSES", ())
    for merchant in (ACCRA, MANILA):
        accounts.save_merchant(merchant, world.table)
    drive(world, localstripe, paystack_side, paymongo_side)
    return world.recorder.used


def test_every_function_uses_all_that_its_policy_grants(used: dict[str, set[Access]]) -> None:
    """Statement by statement: each action, resource, key prefix and owner of secrets."""
    unused = {}
    for function in TEMPLATE.functions:
        late = {LATE_REFUND} if function in REFUND_LATE_MONEY else set()
        together = {OUTCOMES_OF_A_BATCH} if function == "SendWebhook" else set()
        accesses = used.get(function, set()) | late | together
        for number, statement in enumerate(granted(function)):
            if left := statement.unused(accesses) - rarely_used(function):
                unused[f"{function} {number}"] = sorted(left)

    assert unused == {}, json.dumps(unused, indent=1)


def test_every_grant_on_the_table_and_on_secrets_is_limited() -> None:
    """To keys with certain prefixes, or to certain owners. Keys of an index begin with the
    merchant's id."""
    for function in TEMPLATE.functions:
        for statement in granted(function):
            if statement.actions == ("dynamodb:Scan",):
                assert function == "RepairItems"
            elif {"Table", "SecretsKey"} & {*statement.resources}:
                assert statement.patterns, function


def test_the_page_can_open_no_webhook_secret() -> None:
    for function in ("ShowPage", "PayPage"):
        allowed = granted(function)
        for owner in ("we_1", "wh_1", f"{SCOPE}/stripe/signing_secret"):
            access = Access("kms:Decrypt", "SecretsKey", owner)
            assert not any(each.allows(access) for each in allowed), owner


def test_the_page_can_open_no_processor_key_of_another_merchant(world: World) -> None:
    """KMS compares the owner that the page names, the session's merchant, with the one for which
    the key was encrypted."""
    open_at_stripe(world.table, ACCRA.id)
    accra = accounts.merchant(world.table, ACCRA.id)
    assert accra
    accounts.save_merchant(replace(KUMASI, accounts=accra.accounts), world.table)

    session = world.create_session(key=OTHER_KEY)["id"]

    assert world.page(f"/checkout/{session}").status == 500


def test_a_call_beyond_the_policy_fails(world: World) -> None:
    """Shows that the test above can fail."""
    with world.recorder.running("RetrieveEvent"), pytest.raises(AssertionError, match="PutItem"):
        world.table.client.put_item(TableName=world.table.name, Item=to_wire({"pk": "x"}))
