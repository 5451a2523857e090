"""Receipts by e-mail: who gets one, what it says, and that each is sent once."""

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from checkout.dispatch import open_dispatcher
from checkout.domain.receipt import DELAYS, MAX_ATTEMPTS
from checkout.mail import Mailer, open_mailer
from checkout.store import accounts
from scripts import erase
from tests.payrex.forms import MANUAL, order
from tests.payrex.forms import SESSIONS as PAYREX_SESSIONS
from tests.policies import SENDER
from tests.world import ACCRA, CARD, TEMPLATE, World

EMAIL = "ama.shopper@example.com"
FINE = CARD | {"number": "4242424242424242"}
DECLINED = CARD | {"number": "4000000000000002"}
WANTED = {"receipt": "on", "email": EMAIL}


@pytest.fixture
def offering(world: World) -> World:
    world.offer_receipts()
    return world


def send(world: World) -> None:
    """Sends the receipts that are due."""
    while world.fire_due():
        pass


def paid(world: World, form: dict[str, str] = WANTED, **changes: Any) -> str:
    id: str = world.create_session(**changes)["id"]
    world.submit(id, FINE | form)
    send(world)
    return id


def pending(world: World) -> list[dict[str, Any]]:
    return world.having("SESSION#", "RECEIPT")


# ------------------------------------------------------------ who gets one


def test_a_shopper_who_asked_for_a_receipt_gets_one(offering: World) -> None:
    paid(offering)

    (sent,) = offering.mails()
    assert sent.to == (EMAIL,)
    assert sent.headers["From"] == f"Accra Books <{SENDER}>"
    assert sent.headers["Subject"] == "[Test mode] Your receipt from Accra Books"
    assert pending(offering) == []
    assert [each for each in offering.having("TIMER#") if each["kind"] == "receipt"] == []


def test_the_paid_page_says_that_a_receipt_comes(offering: World) -> None:
    for form, is_told in ((WANTED, True), ({"email": EMAIL}, False)):
        paid = offering.submit(offering.create_session()["id"], FINE | form).headers["location"]

        assert ("We e-mail you the receipt." in offering.page(paid).text) == is_told


def test_nobody_gets_a_receipt_without_asking(offering: World) -> None:
    page = offering.page(f"/checkout/{offering.create_session()['id']}").text
    assert '<input type="checkbox" id="receipt" name="receipt">' in page

    paid(offering, {"email": EMAIL})

    assert offering.mails() == [] and pending(offering) == []


def test_a_failed_payment_has_no_receipt(offering: World) -> None:
    id = offering.create_session()["id"]

    offering.submit(id, DECLINED | WANTED)
    send(offering)

    assert offering.mails() == []
    assert 'name="receipt" checked' in offering.page(f"/checkout/{id}?attempt=latest").text


def test_a_deployment_without_a_sender_offers_no_receipt(world: World) -> None:
    assert 'name="receipt"' not in world.page(f"/checkout/{world.create_session()['id']}").text

    paid(world)

    assert pending(world) == []


def test_a_receipt_that_waits_when_the_sender_is_removed_is_given_up(offering: World) -> None:
    id = offering.create_session()["id"]
    offering.submit(id, FINE | WANTED)
    offering.offer_receipts(sender="")

    send(offering)

    assert offering.mails() == [] and pending(offering) == []


def test_a_receipt_needs_an_address(offering: World) -> None:
    id = offering.create_session(customer_email=None)["id"]

    answer = offering.submit(id, FINE | {"receipt": "on", "email": ""})

    assert answer.status == 422
    assert "Please fill this in." in answer.text
    assert 'name="receipt" checked' in answer.text
    assert offering.session(id)["payment"] is None


def test_the_merchants_address_of_the_shopper_is_used_if_none_is_typed(offering: World) -> None:
    id = offering.create_session(customer_email=EMAIL)["id"]
    assert f'value="{EMAIL}"' in offering.page(f"/checkout/{id}").text


def test_a_repeated_form_makes_no_second_receipt(offering: World) -> None:
    id = offering.create_session()["id"]
    token = offering.form_token(f"/checkout/{id}")

    for _ in range(3):
        offering.submit(id, FINE | WANTED, token)
        send(offering)

    assert len(offering.mails()) == 1


def test_money_that_comes_too_late_has_no_receipt(offering: World) -> None:
    id = offering.create_session()["id"]
    form = {"method": "mobile_money", "phone": "0240000002"}
    offering.submit(id, form | WANTED)
    offering.now += 86_400 + 301
    offering.sweep()

    assert offering.session(id)["status"] == "expired"
    assert offering.mails() == []


def test_held_money_has_a_receipt_once_it_is_captured(offering: World) -> None:
    held, voided = (offering.payrex("POST", PAYREX_SESSIONS, MANUAL).json for _ in range(2))
    for each in (held, voided):
        offering.submit(each["client_secret"], FINE | WANTED)
    send(offering)
    assert offering.mails() == []

    for each, action in ((held, "capture"), (voided, "cancel")):
        target = f"/payment_intents/{each['payment_intent']['id']}/{action}"
        assert offering.payrex("POST", target, "amount=5050").status == 200
    send(offering)

    (sent,) = offering.mails()
    assert "Amount: ₱50.50" in sent.text


# ------------------------------------------------------------- what it says


def test_a_receipt_says_what_the_paid_page_says(offering: World) -> None:
    form = order(description="Mugs for school", statement_descriptor="MANILA MUGS")
    session = offering.payrex("POST", PAYREX_SESSIONS, form).json
    offering.submit(session["client_secret"], FINE | WANTED)
    send(offering)

    (sent,) = offering.mails()
    page = offering.page(f"/c/{session['client_secret']}").text
    for text in (
        *("Manila Mugs", "Payment received", "Reference", "Visa\xa0••••\xa04242", "₱1,000.00"),
        *("Paid on", "15 January 2027, 16:00\xa0UTC+8", "MANILA MUGS", "5 × Some name", "Total"),
        "Mugs for school",
    ):
        assert text in sent.text, text
        assert text in sent.html, text
        assert text in page or text == "Payment received", text
    assert "Test mode: nothing was charged." in sent.text
    assert "Test mode: nothing was charged." in sent.html


def test_a_receipt_is_in_the_pages_language(offering: World) -> None:
    id = offering.create_session()["id"]
    offering.choose_language(f"/checkout/{id}", "fr")
    offering.submit(id, FINE | WANTED)
    send(offering)

    (sent,) = offering.mails()
    assert sent.headers["Subject"] == "[Mode test] Votre reçu de Accra Books"
    assert "Paiement reçu" in sent.text and '<html lang="fr">' in sent.html


def test_a_receipt_has_no_link_to_the_page(offering: World) -> None:
    id = paid(offering)

    (sent,) = offering.mails()
    for text in (sent.raw, sent.text, sent.html):
        assert id not in text
        assert "http" not in text and "href" not in text


def test_answers_to_a_receipt_go_to_the_merchant(offering: World) -> None:
    accounts.save_merchant(replace(ACCRA, support="help@accra.example"), offering.table)

    paid(offering)

    assert offering.mails()[0].headers["Reply-To"] == "help@accra.example"


# ---------------------------------------------------------- answers of SES


class Ses:
    """SES as a client that answers with these errors, one after the other, and then sends."""

    def __init__(self, *errors: Exception, client: Any) -> None:
        self.errors, self.client, self.calls = [*errors], client, 0

    def send_email(self, **parameters: Any) -> Any:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.client.send_email(**parameters)


def refused(code: str) -> ClientError:
    """An error of SES. Its text has the address, as SES's own texts may."""
    return ClientError({"Error": {"Code": code, "Message": f"not to {EMAIL}"}}, "SendEmail")


NO_CONNECTION = ConnectTimeoutError(endpoint_url="https://ses")
NO_ANSWER = ReadTimeoutError(endpoint_url="https://ses")


def failing(world: World, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> Ses:
    """Has SES fail so, and a paid session's first receipt be attempted."""
    mailer = open_mailer()
    ses = Ses(*errors, client=mailer.client)
    monkeypatch.setattr(Mailer, "client", ses)
    paid(world)
    return ses


def pass_days(world: World, days: int = 2) -> None:
    """Runs the sweep at each time at which a receipt is due."""
    end = world.now + days * 86_400
    while (due := [each["timer_due"] for each in pending(world)]) and world.now < end:
        world.now = max(due[0], world.now + 1)
        world.sweep()


@pytest.mark.parametrize(
    "error",
    [
        refused("TooManyRequestsException"),
        refused("LimitExceededException"),
        refused("SendingPausedException"),
        refused("MailFromDomainNotVerifiedException"),
        refused("AccessDeniedException"),
        refused("InternalFailure"),
        NO_CONNECTION,
    ],
)
def test_what_ses_does_not_take_now_is_sent_later(
    offering: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    ses = failing(offering, monkeypatch, *[error] * (MAX_ATTEMPTS - 1))
    first = offering.now

    pass_days(offering)

    assert len(offering.mails()) == 1 and ses.calls == MAX_ATTEMPTS
    assert offering.now - first == sum(DELAYS) < 86_400
    assert pending(offering) == []


def test_a_receipt_is_given_up_within_a_day(
    offering: World, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    ses = failing(offering, monkeypatch, *[refused("TooManyRequestsException")] * 99)

    pass_days(offering)

    assert ses.calls == MAX_ATTEMPTS
    assert pending(offering) == []
    assert "receipt given up" in log.getvalue()


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_what_ses_will_never_take_is_given_up_at_once(
    offering: World, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    ses = failing(offering, monkeypatch, refused(code))

    assert pending(offering) == []
    pass_days(offering)
    assert ses.calls == 1 and offering.mails() == []


def test_an_email_whose_answer_is_lost_is_sent_at_most_twice(
    offering: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ses = failing(offering, monkeypatch, *[NO_ANSWER] * 99)

    pass_days(offering)

    assert ses.calls == 2
    assert pending(offering) == []


def test_no_log_line_has_the_shoppers_address(
    offering: World,
    monkeypatch: pytest.MonkeyPatch,
    log: StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")
    errors = (refused("TooManyRequestsException"), NO_ANSWER, refused("MessageRejected"))
    failing(offering, monkeypatch, *errors)

    pass_days(offering)

    printed = capfd.readouterr().out + log.getvalue()
    assert '"ReceiptsGivenUp": 1' in printed and '"MessageRejected"' in printed
    assert EMAIL not in printed and "ama.shopper" not in printed


# ------------------------------------------------------------------ erasure


def test_a_shopper_who_is_erased_before_gets_no_receipt(
    offering: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(offering, monkeypatch, NO_CONNECTION)
    assert EMAIL not in str(pending(offering))

    assert erase.main([ACCRA.id, "--email", EMAIL]) == 0
    pass_days(offering)

    assert offering.mails() == [] and pending(offering) == []


def test_a_receipts_message_that_comes_twice_sends_one_email(offering: World) -> None:
    id = offering.create_session()["id"]
    offering.submit(id, FINE | WANTED)
    (body,) = offering.messages(open_dispatcher().receipt_queue)

    for _ in range(3):
        offering.fire("SendReceipt", body)

    assert len(offering.mails()) == 1
    assert [each for each in offering.having("TIMER#") if each["kind"] == "receipt"] == []


def test_a_configuration_set_is_named_if_there_is_one(world: World) -> None:
    world.offer_receipts(configuration_set="receipts")

    paid(world)

    used = {access.resource for access in world.recorder.used["SendReceipt"]}
    assert {"identity", "configuration-set"} <= used


def test_an_attempt_calls_ses_once_and_ends_before_the_next_begins(offering: World) -> None:
    assert open_mailer().client.meta.config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]
    assert TEMPLATE.functions["SendReceipt"].timeout < DELAYS[0]
