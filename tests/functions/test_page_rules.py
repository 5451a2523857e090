"""The hosted page: its language, its form tokens, its screens and its size."""

import base64
import gzip
import json
import random
import re
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from checkout.domain.account import Merchant
from checkout.domain.delivery import DeliveryState
from checkout.domain.errors import PaymentInProgressError
from checkout.domain.session import BLOCK_SECONDS, MAX_FAILED_ATTEMPTS
from checkout.page.tokens import token_of
from checkout.page.view import RETURN_SECONDS
from checkout.processors.attempts import Attempts
from checkout.processors.protocol import Instrument
from checkout.processors.simulator import Simulator
from checkout.store import accounts, deliveries, sessions, tracked_events
from checkout.store.items import to_wire
from tests.payrex.forms import MANUAL, order
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.world import (
    ACCRA,
    CARD,
    LIVE_KEY,
    MANILA,
    START,
    World,
    attempt_in,
    change_context,
    token_in,
)

FINE, DECLINED = CARD | {"number": "4242424242424242"}, CARD | {"number": "4000000000000002"}
MAX_BYTES, MAX_COMPRESSED = 30_000, 10_000


def path_of(world: World, **changes: Any) -> str:
    return f"/checkout/{world.create_session(**changes)['id']}"


def payrex_path(world: World, **changes: Any) -> str:
    response = world.payrex("POST", PAYREX_SESSIONS, order(**changes))
    assert response.status == 200, response.text
    return f"/c/{response.json['client_secret']}"


def state_of(page: str) -> str:
    found = re.search(r'<main data-state="([\w-]+)"', page)
    assert found
    return found[1]


# ------------------------------------------------------------------- language


@pytest.mark.parametrize(
    ("accepted", "language", "text"),
    [
        ("fr-FR,fr;q=0.9", "fr", "Comment voulez-vous payer\u202f?"),
        ("fil-PH,en;q=0.5", "fil", "Paano mo gustong magbayad?"),
        ("de", "en", "How do you want to pay?"),
    ],
)
def test_the_page_is_in_the_shoppers_language(
    world: World, accepted: str, language: str, text: str
) -> None:
    page = world.get(path_of(world), key=None, headers={"accept-language": accepted})

    assert text in page.text
    assert f'<html lang="{language}">' in page.text
    assert page.headers["content-language"] == language
    assert page.headers["vary"] == "accept-language, accept-encoding"


def test_the_not_found_page_is_in_the_shoppers_language(world: World) -> None:
    page = world.get("/checkout/cs_nothing", key=None, headers={"accept-language": "fr"})

    assert page.status == 404
    assert "Ce lien n’est pas le bon" in page.text


def test_amounts_are_formatted_by_currency(world: World) -> None:
    assert "GH₵\xa012,345.60" in world.page(path_of(world, amount=1234560)).text
    assert "₱1,000.00" in world.page(payrex_path(world)).text


def test_amounts_are_written_as_in_the_shoppers_language(world: World) -> None:
    path = path_of(world, amount=1234560)

    page = world.get(path, key=None, headers={"accept-language": "fr"})

    assert "12\u202f345,60\xa0GH₵" in page.text


def test_the_language_that_the_shopper_chose_is_kept(world: World) -> None:
    path = path_of(world)
    token = re.findall(r'name="token" value="(\w+)"', world.page(path).text)[-1]

    with world.untouched():
        world._send(path, {"language": "fr", "token": "0" * 64})
        world._send(path, {"language": "xx", "token": token})
    world.choose_language(path, "fr")

    assert '<html lang="fr">' in world.get(path, key=None, headers={"accept-language": "en"}).text


@pytest.mark.parametrize("query", ["canceled=1", "items=1"])
def test_a_shopper_who_chooses_a_language_stays_on_the_screen(world: World, query: str) -> None:
    items = [{"name": name, "amount": 5000, "quantity": 1} for name in ("Mug", "Tea")]
    path = payrex_path(world, line_items=items) + f"?{query}"
    before = state_of(world.page(path).text)

    chosen = world.choose_language(path, "fr").headers["location"]

    assert before in ("canceled", "more_items")
    assert state_of(world.page(chosen).text) == before
    assert '<html lang="fr">' in world.page(chosen).text


def test_a_paid_page_in_another_language_does_not_leave_for_the_shop(world: World) -> None:
    id = world.create_session()["id"]
    paid = world.pay(id).headers["location"]
    world.now += 60
    assert "data-redirect" in world.page(paid).text

    chosen = world.page(world.choose_language(paid, "fr").headers["location"]).text

    assert "C’était déjà payé" in unescape(chosen)
    assert "data-redirect" not in chosen


# --------------------------------------------------------------------- tokens


@pytest.mark.parametrize("token", ["", "0" * 64, "é", "another session's", "the last attempt's"])
def test_a_form_without_a_current_token_charges_nothing(world: World, token: str) -> None:
    id = world.create_session()["id"]
    if token == "another session's":
        token = world.form_token(path_of(world))
    elif token == "the last attempt's":
        token = world.form_token(f"/checkout/{id}")
        world.submit(id, DECLINED, token)

    with world.untouched():
        response = world.submit(id, FINE, token or "none")
        page = world.page(response.headers["location"]).text

    assert response.status == 303
    assert "this time nothing was charged" in page
    assert state_of(page) == "open"


def test_a_double_click_charges_once_and_both_responses_lead_to_the_paid_page(world: World) -> None:
    id = world.create_session()["id"]
    token = world.form_token(f"/checkout/{id}")

    pages = [world.page(world.submit(id, FINE, token).headers["location"]).text for _ in range(2)]

    assert len(world.having("SIMULATOR#")) == 1
    for page in pages:
        assert "Payment received" in page


def test_an_attempt_from_a_session_that_was_read_before_another_attempt_writes_nothing(
    world: World,
) -> None:
    """The form's token was valid when the session was read."""
    id = world.create_session()["id"]
    read_before = sessions.find(world.table, id)
    assert read_before
    world.submit(id, DECLINED)

    context = change_context(world)
    attempts = Attempts(world.table, Simulator(world.table), context)
    with world.untouched(), pytest.raises(PaymentInProgressError):
        attempts.pay(Simulator(world.table), read_before, Instrument("card", FINE["number"]))


def test_each_session_has_its_own_form_key_that_no_api_shows(world: World) -> None:
    path_of(world)
    payrex_path(world)
    keys = [item["form_key"] for item in world.having("SESSION#")]
    assert len(set(keys)) == 2

    rendered = world.get("/v1/checkout/sessions").text + world.payrex("GET", PAYREX_SESSIONS).text
    assert not any(key in rendered for key in keys)


def test_a_session_stored_without_a_form_key_can_be_paid(world: World) -> None:
    id = world.create_session()["id"]
    session = sessions.find(world.table, id)
    assert session

    assert token_of(replace(session, form_key=None)) != token_of(session)
    assert len(token_of(replace(session, form_key=None))) == 32


# --------------------------------------------------------------------- screens


def test_a_shopper_who_cancels_can_still_pay(world: World) -> None:
    path = path_of(world)
    assert 'href="?canceled=1"' in world.page(path).text
    world.now += 3600

    page = world.page(f"{path}?canceled=1").text

    assert state_of(page) == "canceled"
    assert "within 23\xa0h" in page
    assert "0\xa0min" not in page
    assert 'href="https://yoursite.com/cancel"' in page
    assert f'href="{path}"' in page


def test_nothing_was_charged_is_only_shown_for_a_session_without_attempts(world: World) -> None:
    """A payment that failed may be approved late, and is then charged and refunded."""
    fresh, failed, waiting = (path_of(world) for _ in range(3))
    world.submit(failed.removeprefix("/checkout/"), DECLINED)
    world.pay_by_phone(waiting.removeprefix("/checkout/"), "0240000005")

    assert "So far you have not been charged" in world.page(f"{fresh}?canceled=1").text
    for path, state in ((failed, "canceled-after-attempt"), (waiting, "waiting")):
        page = world.page(f"{path}?canceled=1").text
        assert state_of(page) == state
        main = page[page.index("<main") : page.index("</main>")]
        assert "charged" not in main


def test_cards_that_are_blocked_leave_the_other_methods(world: World) -> None:
    id = world.create_session(payment_method_types=["card", "mobile_money"])["id"]
    for _ in range(MAX_FAILED_ATTEMPTS):
        world.submit(id, DECLINED)
    world.now += 60

    page = unescape(world.page(f"/checkout/{id}").text)

    assert state_of(page) == "open"
    assert re.search(r'value="card" disabled', page)
    assert "Too many tries. Again in 14\xa0min." in page
    assert re.search(r'value="mobile_money" checked', page)


@pytest.mark.parametrize("then", ["retry", "leave"])
def test_a_shopper_can_end_an_attempt(world: World, then: str) -> None:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000005").headers["location"]
    forms = world.page(location).text
    assert forms.count(f'name="token" value="{token_in(forms)}"') == 2

    ended = world.submit(id, {"end": then}, token_in(forms))

    page = world.page(ended.headers["location"]).text
    assert state_of(page) == ("open" if then == "retry" else "canceled-after-attempt")
    assert "If the old payment still goes through, we send that money back." in page
    world.pay(id)
    assert world.session(id)["status"] == "complete"


@pytest.mark.parametrize("token", ["none", "the form's", "another attempt's"])
def test_an_attempt_is_not_ended_without_its_own_token(world: World, token: str) -> None:
    id, other = (world.create_session()["id"] for _ in range(2))
    first = world.form_token(f"/checkout/{id}")
    world.pay_by_phone(id, "0240000005")
    world.pay_by_phone(other, "0240000005")
    tokens = {"the form's": first, "another attempt's": world.form_token(f"/checkout/{other}")}

    with world.untouched():
        response = world.submit(id, {"end": "retry"}, tokens.get(token, "0" * 64))

    assert response.status == 303
    assert state_of(world.page(f"/checkout/{id}").text) == "waiting"


def test_ending_an_attempt_that_was_approved_meanwhile_shows_that_it_is_paid(world: World) -> None:
    id = world.create_session()["id"]
    token = token_in(world.page(world.pay_by_phone(id, "0240000002").headers["location"]).text)
    world.now += 10

    ended = world.submit(id, {"end": "leave"}, token)

    assert "Payment received" in world.page(ended.headers["location"]).text
    assert world.session(id)["status"] == "complete"


def test_a_transfer_has_hours_and_a_reference_without_look_alikes(world: World) -> None:
    id = world.create_session()["id"]
    page = world.page(world.submit(id, {"method": "bank_transfer"}).headers["location"]).text
    world.now += 9

    session = sessions.find(world.table, id)

    assert session and re.fullmatch(r"[2-9A-Y]{8}", session.reference)
    assert not set(session.reference) & set("01OIL5S8B")
    assert session.reference in page
    assert session.lapses_at >= world.now + 23 * 3600


def test_an_open_page_reloads_itself_at_the_second_the_session_lapses(world: World) -> None:
    path = path_of(world, expires_at="2027-01-15T08:30:00Z")
    world.now += 1000

    page = world.page(path).text

    assert '<noscript><meta http-equiv="refresh" content="800; url=?"></noscript>' in page
    assert 'data-reload="800"' in page


def test_an_expiry_beyond_a_browsers_longest_timer_sets_no_timer(world: World) -> None:
    page = world.page(payrex_path(world, expires_at=START + 90 * 86_400)).text

    assert "data-reload=" not in page
    assert 'http-equiv="refresh"' not in page


def test_the_waiting_page_shows_what_to_do_and_the_time_left(world: World) -> None:
    location = world.pay_by_phone(world.create_session()["id"], "0240000005").headers["location"]
    world.now += 13

    page = unescape(world.page(location).text)

    assert "Approve the prompt on your phone with your PIN." in page
    assert "We sent it to 024\xa0000\xa00005 (MTN)." in page
    assert re.search(r'data-seconds="287"[^>]*>4:47<', page)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"method": "mobile_money", "phone": "0240000005"}, "# min left to approve"),
        (CARD | {"number": "4000000000006975"}, ""),
        ({"method": "bank_transfer"}, ""),
    ],
)
def test_the_minutes_to_approve_are_read_out_where_there_is_something_to_approve(
    world: World, form: dict[str, str], text: str
) -> None:
    page = world.page(world.submit(world.create_session()["id"], form).headers["location"]).text

    assert state_of(page) == "waiting"
    assert f'data-status="{text}"' in page


def test_a_blocked_page_does_not_say_that_nothing_is_charged_if_it_may_be(world: World) -> None:
    path = path_of(world, payment_method_types=["mobile_money"])
    for _ in range(10):
        location = world.pay_by_phone(path.rpartition("/")[2], "0240000005").headers["location"]
        ended = world.submit(
            path.rpartition("/")[2], {"end": "retry"}, token_in(world.page(location).text)
        ).headers["location"]

    for page in (world.page(path).text, world.page(ended).text):
        assert state_of(page) == "blocked"
        assert "not been charged" not in page
    assert "If the old payment still goes through, we send that money back." in page


def test_the_page_of_held_money_says_what_becomes_of_it(world: World) -> None:
    captured, voided = (world.payrex("POST", PAYREX_SESSIONS, MANUAL).json for _ in range(2))
    for each in (captured, voided):
        world.pay(each["client_secret"])
        held = world.page(f"/c/{each['client_secret']}").text
        assert "Payment authorized" in held
        assert "Manila Mugs charges your card later, or releases the amount." in held
        assert "Paid on" not in held and "paid already" not in held

    world.payrex("POST", f"/payment_intents/{voided['payment_intent']['id']}/cancel")
    world.payrex(
        "POST", f"/payment_intents/{captured['payment_intent']['id']}/capture", "amount=5050"
    )

    released, paid = (world.page(f"/c/{each['client_secret']}").text for each in (voided, captured))
    assert "Payment released" in released and "₱" not in released.partition('class="paying"')[2]
    assert "This was paid already" in paid and "Paid on" in paid and "₱50.50" in paid


def test_the_total_stands_only_where_the_list_begins(world: World) -> None:
    items = [{"name": name, "amount": 5000, "quantity": 1} for name in ("Mug", "Tea")]
    path = payrex_path(world, line_items=items)

    assert 'class="total"' in world.page(path).text
    assert 'class="total"' in world.page(f"{path}?items=0").text
    assert 'class="total"' not in world.page(f"{path}?items=1").text


def test_a_qr_code_leads_to_the_simulators_page_and_back(world: World) -> None:
    path = payrex_path(world, payment_methods=["qrph"])
    location = world.submit(path.removeprefix("/c/"), {"method": "qrph"}).headers["location"]
    page = world.page(location).text
    assert '<svg class="qr"' in page or 'class="qr"' in page

    attempt = location.partition("?attempt=")[2]
    approval = world.page(f"/simulator/{attempt}").text
    assert "Test simulator" in approval
    assert "Manila Mugs" in approval

    assert "Payment received" in world.decide(attempt, "approve").text
    assert "Nothing is left to decide" in world.page(f"/simulator/{attempt}").text


def test_the_qr_code_holds_the_full_url_of_the_simulators_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkout.page import qr

    drawn: list[str] = []

    def draw(text: str, _label: str) -> str:
        drawn.append(text)
        return "<svg></svg>"

    monkeypatch.setattr(qr, "draw", draw)
    path = payrex_path(world, payment_methods=["qrph"])

    location = world.submit(path.removeprefix("/c/"), {"method": "qrph"}).headers["location"]
    world.page(location)

    attempt = location.partition("?attempt=")[2]
    session = sessions.find(world.table, path[3:].partition("_secret_")[0])
    assert session
    assert drawn == [session.url.partition("/c/")[0] + f"/simulator/{attempt}"]
    assert drawn[0].startswith("https://")


@pytest.mark.parametrize("wallet", ["gcash", "maya"])
def test_a_wallet_payment_leads_to_the_simulators_page(world: World, wallet: str) -> None:
    path = payrex_path(world, payment_methods=[wallet])

    location = world.submit(path.removeprefix("/c/"), {"method": wallet}).headers["location"]

    assert location.startswith("/simulator/pay_")
    declined = world.decide(attempt_in(location), "decline").text
    assert "The payment was declined" in declined
    assert state_of(declined) == "open"


def test_a_payments_id_alone_does_not_lead_to_the_secret_checkout_page(world: World) -> None:
    """The id is in the merchant's events and in the QR code."""
    path = payrex_path(world, payment_methods=["gcash"])
    secret = path.removeprefix("/c/")
    location = world.submit(secret, {"method": "gcash"}).headers["location"]
    session = sessions.find(world.table, secret.partition("_secret_")[0])
    assert session
    with_key = world.page(location).text
    assert f'href="{path}?attempt={attempt_in(location)}"' in with_key

    for key in ("", "?key=", "?key=" + "0" * 64, "?key=é"):
        address = f"/simulator/{attempt_in(location)}{key}"
        page = world.page(address)
        assert page.status == 200
        assert secret not in page.text
        assert token_of(session) not in page.text
        form = {"token": token_in(page.text), "decision": "decline"}
        response = world._send(address, form)
        assert response.headers["location"] == f"/simulator/{attempt_in(location)}"
    assert "The payment was declined" in world.page(f"{path}?attempt=latest").text


def test_a_token_of_the_simulators_form_does_not_pay(world: World) -> None:
    path = payrex_path(world, payment_methods=["gcash", "card"])
    id = path.removeprefix("/c/")
    location = world.submit(id, {"method": "gcash"}).headers["location"]
    token = world.form_token(location)
    world.decide(attempt_in(location), "decline")

    assert world.submit(id, FINE, token).headers["location"].startswith(f"{path}?stale=1")
    assert len(world.having("PAYMENT#")) == 1


def test_a_payment_without_a_wallet_has_no_simulator_page(world: World) -> None:
    location = world.pay_by_phone(world.create_session()["id"], "0240000002").headers["location"]

    for id in (location.partition("?attempt=")[2], "pay_" + "1" * 32, "x"):
        assert world.page(f"/simulator/{id}").status == 404


def test_a_decision_without_the_forms_token_is_ignored(world: World) -> None:
    path = payrex_path(world, payment_methods=["gcash"])
    location = world.submit(path.removeprefix("/c/"), {"method": "gcash"}).headers["location"]

    with world.untouched():
        response = world._send(location, {"token": "0" * 64, "decision": "approve"})

    assert response.headers["location"] == location


def test_a_blocked_page_shows_when_payments_are_accepted_again(world: World) -> None:
    id = world.create_session(payment_method_types=["card"])["id"]
    for _ in range(MAX_FAILED_ATTEMPTS):
        world.submit(id, DECLINED)
    world.now += 60

    page = world.page(f"/checkout/{id}").text

    assert state_of(page) == "blocked"
    assert f'data-seconds="{BLOCK_SECONDS - 60}"' in page
    assert f'data-reload="{BLOCK_SECONDS - 60}"' in page
    assert 'name="method"' not in page
    world.now += BLOCK_SECONDS - 60
    assert state_of(world.page(f"/checkout/{id}").text) == "open"


def test_a_poll_by_the_script_returns_only_the_state(world: World) -> None:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000002").headers["location"]
    assert json.loads(world.page(f"{location}&poll=1").text) == {"state": "waiting"}

    world.now += 10

    response = world.page(f"{location}&poll=1")
    assert json.loads(response.text) == {"state": "complete-redirect"}
    assert response.headers["content-type"].startswith("application/json")


def test_the_latest_attempt_is_found_when_its_response_was_lost(world: World) -> None:
    id = world.create_session()["id"]
    world.submit(id, FINE)

    assert "Payment received" in world.page(f"/checkout/{id}?attempt=latest").text


# ------------------------------------------------------ return to the merchant

HOOK = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}


def paid_page(world: World) -> str:
    id = world.create_session()["id"]
    return world.submit(id, FINE).headers["location"]


def fan_out(world: World) -> None:
    for item in world.having("EVENT#", "EVENT"):
        record = {"dynamodb": {"NewImage": to_wire(item), "SequenceNumber": "1"}}
        world.invoke("FanOutEvents", {"Records": [record]})


def test_the_page_waits_until_the_merchant_has_received_the_event(world: World) -> None:
    world.post("/v1/webhooks", HOOK)
    location = paid_page(world)
    assert state_of(world.page(location).text) == "complete"

    fan_out(world)
    assert state_of(world.page(location).text) == "complete"
    assert f'content="1; url={location}"' in world.page(location).text

    (event,) = [e for e in world.having("EVENT#", "EVENT") if e["type"] in HOOK["events"]]
    tracked = tracked_events.find(world.table, event["id"])
    assert tracked is not None
    (delivery,) = tracked.deliveries
    deliveries.finish(world.table, delivery, DeliveryState.DELIVERED, None)
    page = world.page(location).text
    assert state_of(page) == "complete-redirect"
    assert 'content="0; url=https://yoursite.com/success?session_id=cs_' in page


def test_the_page_waits_no_longer_than_ten_seconds(world: World) -> None:
    world.post("/v1/webhooks", HOOK)
    location = paid_page(world)
    world.now += RETURN_SECONDS - 1
    assert state_of(world.page(location).text) == "complete"

    world.now += 1

    assert state_of(world.page(location).text) == "complete-redirect"


@pytest.mark.parametrize("hook", [None, HOOK | {"events": ["payment.failed"]}])
def test_the_page_does_not_wait_for_a_merchant_without_a_subscription(
    world: World, hook: Any
) -> None:
    if hook:
        world.post("/v1/webhooks", hook)

    assert state_of(world.page(paid_page(world)).text) == "complete-redirect"


# ------------------------------------------------------------------- addresses


@pytest.mark.parametrize("path", ["/", "/checkout", "/checkout/", "/c/", "/checkout/x/y"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_person_with_a_wrong_address_gets_a_page(world: World, path: str, method: str) -> None:
    page = world.call(method, path, key=None, headers={"accept-language": "fr"})

    assert page.status == 404
    assert "Ce lien n’est pas le bon" in page.text


def test_a_program_with_a_key_gets_json_at_a_wrong_address(world: World) -> None:
    assert world.get("/").json["error"]["code"] == "route_missing"


def test_a_slash_after_the_address_leads_to_the_page(world: World) -> None:
    for path in (path_of(world), payrex_path(world)):
        moved = world.page(f"{path}/?canceled=1")
        assert (moved.status, moved.headers["location"]) == (308, f"{path}?canceled=1")


def test_head_answers_as_get(world: World) -> None:
    for path in (path_of(world), payrex_path(world), "/checkout/cs_nothing"):
        answers = [world.call(method, path, key=None) for method in ("GET", "HEAD")]
        assert answers[0].status == answers[1].status
        assert set(answers[0].headers) == set(answers[1].headers)


def test_a_repeated_parameter_of_a_page_is_no_error(world: World) -> None:
    page = world.page(f"{path_of(world)}?canceled=1&utm=a&utm=b&canceled=1")

    assert (page.status, state_of(page.text)) == (200, "canceled")


def test_every_page_keeps_out_of_search_engines_and_away_from_devices(world: World) -> None:
    for path in (path_of(world), "/checkout/cs_nothing", "/"):
        headers = world.page(path).headers
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize(
    ("support", "shown"),
    [
        ("help@shop.example", '<a href="mailto:help@shop.example">help@shop.example</a>'),
        ("https://shop.example/help", '<a href="https://shop.example/help">shop.example/help</a>'),
        ("+233 24 000 0000", '<a href="tel:+233240000000">+233 24 000 0000</a>'),
        ("Ask at the counter", "<span>Ask at the counter</span>"),
        ("javascript:alert(1)", "<span>javascript:alert(1)</span>"),
    ],
)
def test_the_foot_names_the_seller_and_links_support_as_what_it_is(
    world: World, support: str, shown: str
) -> None:
    seller = replace(
        ACCRA,
        operator="Accra Books Ltd",
        support=support,
        terms="https://shop.example/terms",
        privacy="https://shop.example/privacy",
    )
    accounts.save_merchant(seller, world.table)

    page = world.page(path_of(world)).text

    assert (
        f"<p><span>Accra Books Ltd</span>{shown}"
        '<a href="https://shop.example/terms">Terms</a>'
        '<a href="https://shop.example/privacy">Privacy</a></p>'
    ) in page


def test_a_suspended_merchants_page_takes_no_payments(world: World) -> None:
    path = path_of(world)
    token = token_in(world.page(path).text)
    accounts.save_merchant(replace(ACCRA, suspended_at=START), world.table)

    assert state_of(world.page(path).text) == "suspended"
    with world.untouched():
        world.submit(path.removeprefix("/checkout/"), FINE, token)


# --------------------------------------------------------------- safety, size


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "GZIP"])
def test_a_page_is_compressed_for_browsers(world: World, accepted: str) -> None:
    path = path_of(world)

    page = world.get(path, key=None, headers={"accept-encoding": accepted})

    assert page.headers["content-encoding"] == "gzip"
    text = gzip.decompress(base64.b64decode(page.text)).decode()
    assert state_of(text) == "open"


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity, gzip; q=0.0"])
def test_nothing_is_compressed_for_those_that_do_not_accept_it(world: World, accepted: str) -> None:
    page = world.get(path_of(world), key=None, headers={"accept-encoding": accepted})

    assert "content-encoding" not in page.headers
    assert page.headers["vary"] == "accept-language, accept-encoding"
    assert state_of(page.text) == "open"


EVIL = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{7*7}}{% x %}"""


def test_a_merchants_texts_are_never_markup(world: World) -> None:
    for merchant in (ACCRA, MANILA):
        evil = Merchant(
            merchant.id, EVIL, merchant.api, logo='https://x/"onload=alert(1)', colour="red;}x{"
        )
        accounts.save_merchant(evil, world.table)
    item = {"name": EVIL, "amount": 5000, "quantity": 2, "description": EVIL}
    paths = [
        path_of(world, metadata={"a": EVIL}, customer_email="a'b@example.com"),
        payrex_path(
            world, description=EVIL, metadata={"a": EVIL}, payment_methods=[],
            line_items=[item | {"image": "https://x/?a='&b=%22%3E"}],
        ),
    ]  # fmt: skip

    for path in paths:
        page = world.page(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "red;" not in page
        assert EVIL in unescape(page)
        assert EVIL.replace("{{7*7}}", "49") not in unescape(page)
        assert 'src="https://x/"' not in page
    assert unescape(page).count(EVIL) >= 3


@pytest.mark.parametrize("field", ["email", "phone", "method", "number", "expiry", "code", "other"])
def test_an_answer_to_a_large_form_is_no_larger_than_any_page(world: World, field: str) -> None:
    """The texts of a form that is refused are shown again, unless they are too long."""
    id = payrex_path(world, payment_methods=[]).removeprefix("/c/")
    form = {"method": "card", "email": "me", field: "'" * 20_000}

    response = world.submit(id, form)

    assert response.status == 422
    assert len(response.text.encode()) < MAX_BYTES
    assert field == "email" or 'value="me"' in response.text


def test_every_line_item_can_be_reached(world: World) -> None:
    items = [{"name": f"Plate {n:03}", "amount": 100_00, "quantity": 1} for n in range(100)]
    path = payrex_path(world, line_items=items, description="d" * 990)
    seen: list[str] = []

    target = path
    for _ in range(10):
        page = world.page(target).text
        seen += re.findall(r"Plate \d{3}", page)
        more = re.search(r'href="(\?items=\d+)"', page)
        if not more:
            break
        target = path + more[1]

    assert seen == [item["name"] for item in items]
    assert "Back to payment" in page


@pytest.mark.parametrize("place", ["", "100", "-1", "x", "1" * 5000, "١"])
def test_a_list_of_items_that_is_not_there_is_the_page(world: World, place: str) -> None:
    page = world.page(f"{payrex_path(world)}?items={quote(place)}")

    assert state_of(page.text) == "open"


HEAVY_ITEM = {
    "name": "Tea & honey " * 10,
    "amount": 100_00,
    "quantity": 3,
    "description": "Tea & honey " * 10,
    "image": "https://pictures.example/" + "a" * 200,
}
HEAVY_ORDER: dict[str, Any] = {
    "line_items": [HEAVY_ITEM] * 60,
    "description": ("Ünïcödé & <b> " * 70)[:990],
    "payment_methods": [],
    "statement_descriptor": "M" * 22,
}
HEAVY_MERCHANT = replace(
    MANILA,
    operator="Manila Mugs Trading Corporation " * 3,
    support="help@manila-mugs.example",
    logo="https://manila-mugs.example/" + "logo" * 40,
    terms="https://manila-mugs.example/" + "terms" * 40,
    privacy="https://manila-mugs.example/" + "privacy" * 40,
)


@pytest.mark.parametrize("language", ["en", "fr", "fil"])
@pytest.mark.parametrize("billing", ["auto", "always"])
def test_no_page_is_larger_than_thirty_kilobytes(
    world: World, billing: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Compressed, other random texts would have other sizes.
    monkeypatch.setattr("random._urandom", random.Random(language).randbytes)
    accounts.save_merchant(HEAVY_MERCHANT, world.table)
    heaviest = payrex_path(
        world, locale=language, billing_details_collection=billing, **HEAVY_ORDER
    )
    waiting = payrex_path(world, locale=language, payment_methods=["qrph"]).removeprefix("/c/")
    world.offer_receipts()
    pages = {
        "open": world.page(heaviest),
        "items": world.page(f"{heaviest}?items=0"),
        "mistakes": world.submit(heaviest.removeprefix("/c/"), {"method": "card"}),
        "qr": world.page(
            world.submit(waiting, {"method": "qrph", "email": "a@example.com"}).headers.get(
                "location", heaviest
            )
        ),
        "open, PayGate": world.page(path_of(world, locale=language)),
        "live": world.page(path_of(world, key=LIVE_KEY)),
        "unknown": world.page("/checkout/x"),
    }

    weights = {name: len(page.text.encode()) for name, page in pages.items()}

    compressed = {name: len(gzip.compress(page.text.encode())) for name, page in pages.items()}
    print(weights, compressed)
    assert max(weights.values()) < MAX_BYTES, weights
    assert max(compressed.values()) < MAX_COMPRESSED, compressed
    assert "₱18,000.00" in world.page(payrex_path(world, **HEAVY_ORDER)).text
