"""The hosted page itself: its language, its tokens, its weight, and each state's screen."""

import json
import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from checkout.domain.account import Merchant
from checkout.domain.session import BLOCK_SECONDS, MAX_FAILED_ATTEMPTS
from checkout.page.tokens import token_of
from checkout.page.view import RETURN_SECONDS
from checkout.store import accounts, sessions
from checkout.store.items import to_wire
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.payrex.forms import order
from tests.world import ACCRA, CARD, LIVE_KEY, MANILA, START, World

FINE, DECLINED = CARD | {"number": "4242424242424242"}, CARD | {"number": "4000000000000002"}
MAX_BYTES = 30_000


def path_of(world: World, **changes: Any) -> str:
    return f"/checkout/{world.create_session(**changes)['id']}"


def payrex_path(world: World, **changes: Any) -> str:
    answer = world.payrex("POST", PAYREX_SESSIONS, order(**changes))
    assert answer.status == 200, answer.text
    return "/c/" + answer.json["client_secret"]


def state_of(page: str) -> str:
    found = re.search(r'<main data-state="([\w-]+)"', page)
    assert found
    return found[1]


# ------------------------------------------------------------------- language


@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        ("fr-FR,fr;q=0.9", "fr", "Comment voulez-vous payer ?"),
        ("fil-PH,en;q=0.5", "fil", "Paano mo gustong magbayad?"),
        ("de", "en", "How do you want to pay?"),
    ],
)
def test_the_page_speaks_the_shoppers_language(
    world: World, accepted: str, language: str, words: str
) -> None:
    page = world.get(path_of(world), key=None, headers={"accept-language": accepted})

    assert words in page.text
    assert f'<html lang="{language}">' in page.text
    assert page.headers["content-language"] == language
    assert page.headers["vary"] == "accept-language"


def test_an_unknown_link_is_told_of_in_the_shoppers_language_too(world: World) -> None:
    page = world.get("/checkout/cs_nothing", key=None, headers={"accept-language": "fr"})

    assert page.status == 404
    assert "Ce lien n’est pas le bon" in page.text


def test_amounts_are_written_as_their_currency_is(world: World) -> None:
    assert "GH₵ 12,345.60" in world.page(path_of(world, amount=1234560)).text
    assert "₱1,000.00" in world.page(payrex_path(world)).text


# --------------------------------------------------------------------- tokens


@pytest.mark.parametrize("token", ["", "0" * 64, "é", "another session's", "the last attempt's"])
def test_a_form_that_the_page_as_it_is_did_not_give_out_charges_nothing(
    world: World, token: str
) -> None:
    id = world.create_session()["id"]
    if token == "another session's":
        token = world.form_token(path_of(world))
    elif token == "the last attempt's":
        token = world.form_token(f"/checkout/{id}")
        world.submit(id, DECLINED, token)

    with world.untouched():
        answer = world.submit(id, FINE, token or "none")
        page = world.page(answer.headers["location"]).text

    assert answer.status == 303
    assert "this time nothing was charged" in page
    assert state_of(page) == "open"


def test_a_double_click_charges_once_and_both_answers_say_it_is_paid(world: World) -> None:
    id = world.create_session()["id"]
    token = world.form_token(f"/checkout/{id}")

    pages = [world.page(world.submit(id, FINE, token).headers["location"]).text for _ in range(2)]

    assert len(world.having("SIMULATOR#")) == 1
    for page in pages:
        assert "Payment received" in page


def test_each_session_signs_with_a_key_of_its_own_that_no_api_shows(world: World) -> None:
    path_of(world)
    payrex_path(world)
    keys = [item["form_key"] for item in world.having("SESSION#")]
    assert len(set(keys)) == 2

    shown = world.get("/v1/checkout/sessions").text + world.payrex("GET", PAYREX_SESSIONS).text
    assert not any(key in shown for key in keys)


def test_a_session_from_before_there_were_tokens_can_be_paid(world: World) -> None:
    id = world.create_session()["id"]
    session = sessions.find(world.table, id)
    assert session

    assert token_of(replace(session, form_key=None)) != token_of(session)
    assert len(token_of(replace(session, form_key=None))) == 64


# --------------------------------------------------------------------- screens


def test_the_shopper_who_cancels_may_still_pay(world: World) -> None:
    path = path_of(world)
    assert f'href="{path}?canceled=1"' in world.page(path).text
    world.now += 3600

    page = world.page(f"{path}?canceled=1").text

    assert state_of(page) == "canceled"
    assert "within 23 h 0 min" in page
    assert 'href="https://yoursite.com/cancel"' in page
    assert f'href="{path}"' in page


def test_an_open_page_ends_by_itself_at_the_second_it_lapses(world: World) -> None:
    path = path_of(world, expires_at="2027-01-15T08:30:00Z")
    world.now += 1000

    page = world.page(path).text

    assert f'<noscript><meta http-equiv="refresh" content="800; url={path}"></noscript>' in page
    assert 'data-reload="800"' in page


def test_an_expiry_beyond_what_browsers_count_to_sets_no_timer(world: World) -> None:
    page = world.page(payrex_path(world, expires_at=START + 90 * 86_400)).text

    assert "data-reload=" not in page
    assert 'http-equiv="refresh"' not in page


def test_who_waits_for_an_approval_is_told_what_to_do_and_how_long(world: World) -> None:
    location = world.pay_by_phone(world.create_session()["id"], "0240000005").headers["location"]
    world.now += 13

    page = unescape(world.page(location).text)

    assert "Approve the prompt on your phone with your PIN: 024****005, MTN." in page
    assert re.search(r'data-seconds="287"[^>]*>4:47<', page)


def test_a_qr_code_leads_to_the_simulators_page_and_its_decision_back(world: World) -> None:
    path = payrex_path(world, payment_methods=["qrph"])
    location = world.submit(path.removeprefix("/c/"), {"method": "qrph"}).headers["location"]
    page = world.page(location).text
    assert '<svg class="qr"' in page or 'class="qr"' in page

    attempt = location.partition("?attempt=")[2]
    approval = world.page(f"/simulator/{attempt}").text
    assert "Test simulator" in approval
    assert "Manila Mugs" in approval

    assert "Payment received" in world.decide(attempt, "approve").text
    assert "waits for nothing" in world.page(f"/simulator/{attempt}").text


def test_what_the_code_says_is_the_whole_address_of_the_simulators_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkout.page import qr

    drawn: list[str] = []
    monkeypatch.setattr(qr, "draw", lambda text, label: drawn.append(text) or "<svg></svg>")
    path = payrex_path(world, payment_methods=["qrph"])

    location = world.submit(path.removeprefix("/c/"), {"method": "qrph"}).headers["location"]
    world.page(location)

    attempt = location.partition("?attempt=")[2]
    url = sessions.find(world.table, path[3:].partition("_secret_")[0]).url
    assert drawn == [url.partition("/c/")[0] + f"/simulator/{attempt}"]
    assert drawn[0].startswith("https://")


@pytest.mark.parametrize("wallet", ["gcash", "maya"])
def test_a_wallets_form_leads_to_the_simulators_page(world: World, wallet: str) -> None:
    path = payrex_path(world, payment_methods=[wallet])

    location = world.submit(path.removeprefix("/c/"), {"method": wallet}).headers["location"]

    assert location.startswith("/simulator/pay_")
    declined = world.decide(location.rpartition("/")[2], "decline").text
    assert "The payment was declined" in declined
    assert state_of(declined) == "open"


def test_a_payment_that_waits_for_no_wallet_has_no_page_at_the_simulator(world: World) -> None:
    location = world.pay_by_phone(world.create_session()["id"], "0240000002").headers["location"]

    for id in (location.partition("?attempt=")[2], "pay_" + "1" * 32, "x"):
        assert world.page(f"/simulator/{id}").status == 404


def test_a_decision_without_the_forms_token_decides_nothing(world: World) -> None:
    path = payrex_path(world, payment_methods=["gcash"])
    location = world.submit(path.removeprefix("/c/"), {"method": "gcash"}).headers["location"]

    with world.untouched():
        answer = world._send(location, {"token": "0" * 64, "decision": "approve"})

    assert answer.headers["location"] == location


def test_after_too_many_failures_the_page_says_when_it_takes_payments_again(world: World) -> None:
    id = world.create_session()["id"]
    for _ in range(MAX_FAILED_ATTEMPTS):
        world.submit(id, DECLINED)
    world.now += 60

    page = world.page(f"/checkout/{id}").text

    assert state_of(page) == "blocked"
    assert f'data-seconds="{BLOCK_SECONDS - 60}"' in page
    assert f'data-reload="{BLOCK_SECONDS - 60}"' in page
    assert "<form" not in page
    world.now += BLOCK_SECONDS - 60
    assert state_of(world.page(f"/checkout/{id}").text) == "open"


def test_the_script_asks_for_the_state_alone(world: World) -> None:
    id = world.create_session()["id"]
    location = world.pay_by_phone(id, "0240000002").headers["location"]
    assert json.loads(world.page(f"{location}&poll=1").text) == {"state": "waiting"}

    world.now += 10

    answer = world.page(f"{location}&poll=1")
    assert json.loads(answer.text) == {"state": "complete-redirect"}
    assert answer.headers["content-type"].startswith("application/json")


def test_a_lost_answers_attempt_is_found_as_the_latest(world: World) -> None:
    id = world.create_session()["id"]
    world.submit(id, FINE)

    assert "Payment received" in world.page(f"/checkout/{id}?attempt=latest").text


# ---------------------------------------------------------- back to the shop

HOOK = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}


def paid_page(world: World) -> str:
    id = world.create_session()["id"]
    return world.submit(id, FINE).headers["location"]


def fan_out(world: World) -> None:
    for item in world.having("EVENT#", "EVENT"):
        record = {"dynamodb": {"NewImage": to_wire(item), "SequenceNumber": "1"}}
        world.invoke("FanOutEvents", {"Records": [record]})


def test_the_page_waits_until_the_shop_has_answered(world: World) -> None:
    world.post("/v1/webhooks", HOOK)
    location = paid_page(world)
    assert state_of(world.page(location).text) == "complete"

    fan_out(world)
    assert state_of(world.page(location).text) == "complete"
    assert f'content="1; url={location}"' in world.page(location).text

    (event,) = [e for e in world.having("EVENT#", "EVENT") if e["type"] in HOOK["events"]]
    world.table.client.put_item(
        TableName=world.table.name, Item=to_wire(event | {"pending_webhooks": 0})
    )
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
def test_nobody_waits_for_a_shop_that_wants_to_hear_nothing(world: World, hook: Any) -> None:
    if hook:
        world.post("/v1/webhooks", hook)

    assert state_of(world.page(paid_page(world)).text) == "complete-redirect"


# ------------------------------------------------------------- safety, weight

EVIL = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{7*7}}{% x %}"""


def test_whatever_a_merchant_says_is_text(world: World) -> None:
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
        assert "49" not in re.sub(r'"[^"]*"', "", page.partition("</style>")[2][:3000])
        assert 'src="https://x/"' not in page
    assert unescape(page).count(EVIL) >= 3


def test_no_state_weighs_over_thirty_kilobytes(world: World) -> None:
    name = "Tea & honey " * 10
    image = "https://pictures.example/" + "a" * 200
    item = {"name": name, "amount": 100_00, "quantity": 3, "description": name, "image": image}
    long = "Ünïcödé & <b> " * 70
    heaviest = payrex_path(world, line_items=[item] * 60, description=long[:990],
                           payment_methods=[])  # fmt: skip
    id, waiting = heaviest.removeprefix("/c/"), payrex_path(world, payment_methods=["qrph"])
    pages = {
        "open": world.page(heaviest),
        "mistakes": world.submit(id, {"method": "card"}),
        "qr": world.page(
            world.submit(waiting.removeprefix("/c/"), {"method": "qrph"}).headers["location"]
        ),
        "open, PayGate": world.page(path_of(world)),
        "live": world.page(path_of(world, key=LIVE_KEY)),
        "unknown": world.page("/checkout/x"),
    }
    for language in ("fr", "fil"):
        pages[f"open, {language}"] = world.get(
            heaviest, key=None, headers={"accept-language": language}
        )

    weights = {name: len(page.text.encode()) for name, page in pages.items()}

    print(weights)
    assert max(weights.values()) < MAX_BYTES, weights
    assert re.search(r"and 5\d more", pages["open"].text)
    assert "₱18,000.00" in pages["open"].text
