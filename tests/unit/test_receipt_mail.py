"""The e-mail with a receipt, whatever texts it is made of."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkout.domain.account import Caller, Merchant
from checkout.domain.contact import EMAIL_LENGTH, mailbox
from checkout.domain.payment import Payment, PaymentStatus
from checkout.domain.session import LineItem, new_session
from checkout.page.receipt_mail import Paid, build

SENDER, SHOPPER = "receipts@example.com", "ama@example.com"
HEADERS = {
    *("From", "To", "Subject", "Date", "Content-Language", "Auto-Submitted"),
    *("Content-Type", "MIME-Version"),
}
HOSTILE = (
    "Books\r\nBcc: victim@example.com",
    "Books\n\n<h1>Hello</h1>",
    "\u2028Bcc: victim@example.com\x00\x1b[31m",
    '"><script>alert(1)</script>',
    "Books <boss@example.com>, other@example.com",
    "=?utf-8?q?Bcc:_victim@example.com?=",
    "x" * 1000,
    "ñ" * 1000,
    "📚👩🏽\u200d🏫" * 200,
    "\u202eskooB\u202c כתב أبج",
    '"; \\\\ (comment) @ , :',
    "\r\n.\r\n",
)
TEXTS = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
)


def mail_of(text: str, mode: str = "test") -> EmailMessage:
    """The receipt of a merchant with this name about an item with this name."""
    caller = Caller("merc_accra", mode, "paygate")  # type: ignore[arg-type]
    session = new_session(
        caller,
        1_800_000_000,
        id="cs_1",
        amount=5000,
        currency="GHS",
        success_url="https://example.com/",
        cancel_url="https://example.com/",
        url="https://example.com/checkout/cs_1",
        methods=("card",),
        line_items=(LineItem(id="li", name=text, amount=5000, quantity=1),),
        description=text,
    )
    payment = Payment(
        id="pay_1",
        scope=session.scope,
        api="paygate",
        session=session.id,
        amount=5000,
        currency="GHS",
        method="card",
        deadline_at=0,
        created_at=0,
        updated_at=0,
        check_at=0,
        status=PaymentStatus.SUCCEEDED,
    )
    merchant = Merchant("merc_accra", text, "paygate", operator=text, support=text)
    built = build(Paid(session, payment, merchant, "fil", 1_800_000_000), SENDER, SHOPPER)
    assert built.to == SHOPPER
    assert built.message.isascii()
    assert max(map(len, built.message.split(b"\r\n"))) < 998  # RFC 5322, section 2.1.1
    message = message_from_bytes(built.message, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


@given(TEXTS)
@example("")
def test_no_text_adds_a_header_or_an_address(text: str) -> None:
    message = mail_of(text)

    assert {*message.keys()} == HEADERS
    assert [each.addr_spec for each in message["To"].addresses] == [SHOPPER]
    assert [each.addr_spec for each in message["From"].addresses] == [SENDER]
    assert message["Subject"].lstrip().startswith("[Test mode] Resibo mo mula sa ")
    for header in ("From", "Subject"):
        assert not {"\r", "\n", "\0", "\u202e"} & {*message[header]}
    assert not message.defects


@given(TEXTS)
def test_no_text_becomes_markup_and_both_parts_have_it(text: str) -> None:
    message = mail_of(text)
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and html is not None

    assert "<script" not in html.get_content()
    assert html.get_content().count("<h1") == 1
    shown = " ".join(text.split())[:20]
    if shown.isalnum():
        assert shown in plain.get_content() and shown in html.get_content()


def test_a_live_receipt_does_not_speak_of_test_mode() -> None:
    live, test = mail_of("Books", "live"), mail_of("Books")

    assert str(live["Subject"]) == "Resibo mo mula sa Books"
    assert b"est mode" not in live.as_bytes()
    assert test.as_bytes().count(b"Test mode") == 3  # in the subject and in both parts


def test_a_repeated_receipt_has_the_date_of_the_first() -> None:
    assert mail_of("Books")["Date"].datetime.timestamp() == 1_800_000_000


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ama@example.com", "ama@example.com"),
        ("Ama.O'Neil+books@Example.COM", "Ama.O'Neil+books@example.com"),
        ("ama@bücher.example", "ama@xn--bcher-kva.example"),
        *((each, None) for each in (
            "",
            "ama",
            "ama@example",
            "victim,ama@example.com",
            "ama@example.com,victim",
            "victim;ama@example.com",
            "<ama@example.com>",
            "Ama<ama@example.com",
            '"a b"@example.com',
            "a@b@example.com",
            ".ama@example.com",
            "ama.@example.com",
            "a..b@example.com",
            "ämä@example.com",
            "ama@exa_mple.com",
            "ama@-example.com",
            "ama@example.com.",
            "ama@[127.0.0.1]",
            "ama@example.com\r\nBcc: victim@example.com",
            f"{'a' * 65}@example.com",
            f"ama@{'a' * 64}.com",
            f"ama@{'a.' * 200}com",
        )),
    ],
)  # fmt: skip
def test_an_address_is_one_that_ses_takes(text: str, address: str | None) -> None:
    assert mailbox(text) == address


@given(st.one_of(TEXTS, TEXTS.map("{}@example.com".format), TEXTS.map("ama@{}.com".format)))
def test_an_address_is_never_two(text: str) -> None:
    address = mailbox(text)

    if address is not None:
        message = EmailMessage(SMTP)
        message["To"] = address
        assert [each.addr_spec for each in message["To"].addresses] == [address]
        assert address.isascii() and len(address) <= EMAIL_LENGTH
