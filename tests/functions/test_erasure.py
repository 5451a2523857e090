"""scripts/erase.py: a shopper who is erased is in no item, and the books stay whole."""

import json
from io import StringIO

import pytest

from checkout.store import erasure
from devstack.aws.stream_sources import open_source
from scripts import erase
from tests.payrex.forms import CUSTOMER, encode, order
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.world import ACCRA, BILLING, CARD, MANILA, OTHER_KEY, SCOPE, SESSIONS, World

EMAIL, PHONE = "ama.shopper@example.com", "0240000001"
PATTERNS = erasure.patterns_of(EMAIL, None)


@pytest.fixture
def shopper(world: World) -> World:
    """A shopper who has a customer, a paid session, a failed payment and webhooks."""
    customer = {"name": "Ama Shopper", "email": EMAIL, "phone": PHONE}
    id = world.post("/v1/customers", customer, headers={"idempotency-key": "c"}).json["id"]
    order = {"customer": id, "customer_email": EMAIL, "metadata": {"call": f"+233 {PHONE[1:]}"}}
    session = world.create_session(**order)["id"]
    world.pay_by_phone(session, "0240000003")
    world.pay_by_phone(session, PHONE)
    world.fan_out_all()
    world.create_session(key=OTHER_KEY, customer_email=EMAIL)
    return world


def texts(world: World, scope: str = SCOPE) -> str:
    """All items of a scope, as one text."""
    return json.dumps([each for each in world.items() if each.get("scope", scope) == scope])


def test_an_erased_shopper_is_in_no_item(shopper: World) -> None:
    assert EMAIL in texts(shopper) and PHONE in texts(shopper)

    arguments = [ACCRA.id, "--email", EMAIL.upper(), "--phone", "+233 24 000 0001"]
    assert erase.main(arguments) == 0

    left = texts(shopper)
    for each in (EMAIL, PHONE, PHONE[1:], "Ama Shopper"):
        assert each not in left
    assert erasure.patterns_of(EMAIL, PHONE)[1].search(left) is None


def test_an_erasure_leaves_amounts_states_and_events(shopper: World) -> None:
    def books() -> object:
        sessions = shopper.get(SESSIONS).json["data"]
        payments = shopper.get("/v1/payments").json["data"]
        events = shopper.get("/v1/events").json["data"]
        kept = ("id", "amount", "currency", "status", "payment", "customer", "created_at")
        objects = [{name: each.get(name) for name in kept} for each in sessions + payments]
        return objects, [(each["id"], each["type"], each["sequence"]) for each in events]

    before = books()
    erase.main([ACCRA.id, "--email", EMAIL, "--phone", PHONE])

    assert books() == before


def test_an_erasure_touches_no_other_merchant(shopper: World) -> None:
    erase.main([ACCRA.id, "--email", EMAIL])

    assert EMAIL in texts(shopper, "merc_kumasi#test")


def test_an_erased_customer_is_not_found_by_the_address(world: World) -> None:
    form = CUSTOMER | {"email": EMAIL}
    world.payrex("POST", "/customers", encode(form))

    erase.main([MANILA.id, "--email", EMAIL])

    assert world.payrex("GET", f"/customers?email={EMAIL.replace('@', '%40')}").json["data"] == []
    assert len(world.payrex("GET", "/customers").json["data"]) == 1


def test_the_billing_details_of_an_erased_shopper_are_in_no_item(world: World) -> None:
    address = {"phone": "+639170000001", "address": {"city": "Cebu", "line1": "9 Copied Street"}}
    form = CUSTOMER | {"name": "Ana Copied", "email": EMAIL, "billing_details": address}
    customer = world.payrex("POST", "/customers", encode(form)).json["id"]
    session = world.payrex("POST", PAYREX_SESSIONS, order(customer_id=customer)).json
    typed = CARD | {"number": "4242424242424242", "name": "Ana Niño", "email": EMAIL}
    world.submit(session["client_secret"], typed)
    shown = world.payrex("GET", f"{PAYREX_SESSIONS}/{session['id']}").json["payment_intent"]
    target = f"/payments/{shown['latest_payment']}"
    before = world.payrex("GET", target).json
    typed_texts = ("Ana Niño", BILLING["line1"])
    copied_texts = ("Ana Copied", "9 Copied Street", "Cebu")
    for each in (*typed_texts, *copied_texts):
        assert json.dumps(each)[1:-1] in texts(world, f"{MANILA.id}#test")

    erase.main([MANILA.id, "--email", EMAIL])

    left = texts(world, f"{MANILA.id}#test")
    for each in (EMAIL, *typed_texts, *copied_texts):
        assert json.dumps(each)[1:-1] not in left
    after = world.payrex("GET", target).json
    assert set(after["billing"]) == set(before["billing"])
    assert set(after["billing"]["address"].values()) == {None}
    changing = ("billing", "customer")
    assert {name: after[name] for name in after if name not in changing} == {
        name: before[name] for name in before if name not in changing
    }


def test_an_answer_that_repeats_billing_details_and_is_cut_off_is_erased() -> None:
    item = {"pk": "EVENT#evt_1", "sk": "DELIVERY#we_1"}
    answer = f'{{"email": "{EMAIL}", "billing": {{"name": "Ana N'

    changed = erasure._changes(item | {"attempts": [{"answer": answer}]}, PATTERNS)

    assert changed == {"attempts": [{"answer": erasure.ERASED}]}


def test_an_erasure_is_recorded_without_the_address(
    shopper: World, capsys: pytest.CaptureFixture[str]
) -> None:
    from scripts import accounts

    erase.main([ACCRA.id, "--email", EMAIL, "--by", "ama"])
    capsys.readouterr()
    accounts.main(["audit", ACCRA.id])

    (line,) = capsys.readouterr().out.splitlines()
    assert "ama\terase" in line
    assert EMAIL not in line


def test_an_item_that_changes_meanwhile_is_not_overwritten(shopper: World) -> None:
    (session,) = (each for each in shopper.having("SESSION#") if each["scope"] == SCOPE)
    stale = session | {"customer_email": f"{EMAIL}.org"}

    update = erasure._update(stale, erasure._changes(stale, PATTERNS))

    assert not shopper.table.write_unless_conflict(update)


@pytest.mark.parametrize("arguments", [[], ["--phone", "0001"]])
def test_an_erasure_needs_an_address_or_a_whole_number(
    shopper: World, arguments: list[str]
) -> None:
    before = shopper.items()

    assert erase.main([ACCRA.id, *arguments]) == 1

    assert shopper.items() == before


def test_after_an_erasure_only_the_streams_old_images_have_the_shopper(shopper: World) -> None:
    """DynamoDB deletes them after 24 hours; nothing can delete them earlier."""
    source = open_source(shopper.engine, shopper.table.name)
    source.start_after({})
    before = source.read()
    assert EMAIL in json.dumps([each.content for each in before])

    erase.main([ACCRA.id, "--email", EMAIL, "--phone", PHONE])

    records = [*before, *source.read()]
    newest = {json.dumps(each.keys, sort_keys=True): each.content for each in records}
    of_others = '"merc_kumasi#test"'
    images = [json.dumps(each["dynamodb"].get("NewImage", {})) for each in newest.values()]
    left = json.dumps([each for each in images if of_others not in each])
    for pattern in erasure.patterns_of(EMAIL, PHONE):
        assert pattern.search(left) is None


def test_an_erasure_logs_nothing_of_the_shopper(
    shopper: World, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    erase.main([ACCRA.id, "--email", EMAIL, "--phone", PHONE])

    printed = capsys.readouterr()
    written = log.getvalue() + printed.out + printed.err
    assert "customer" in written
    for each in (EMAIL, PHONE, PHONE[1:], "Ama Shopper"):
        assert each not in written


def test_a_shopper_is_in_no_log_line(world: World, log: StringIO) -> None:
    session = world.create_session(customer_email=EMAIL)["id"]
    world.pay_by_phone(session, PHONE)
    world.fan_out_all()

    assert "request" in log.getvalue()
    for each in (EMAIL, PHONE):
        assert each not in log.getvalue()


def test_an_operator_is_named_by_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR", "kofi")
    assert erase.main([ACCRA.id, "--email", EMAIL]) == 0
    from checkout.store import merchants

    (record,) = merchants.list_audit_records(world.table, ACCRA.id)
    assert record.by == "kofi"
