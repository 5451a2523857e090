import pytest

from checkout.domain.contact import EMAIL, PHONE, local_phone
from checkout.domain.mobile_networks import network_of
from checkout.domain.money import format_amount
from checkout.domain.payment import masked_phone


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (5000, "GHS", "GH₵\xa050.00"),
        (1, "GHS", "GH₵\xa00.01"),
        (123456789, "GHS", "GH₵\xa01,234,567.89"),
        (100000, "PHP", "₱1,000.00"),
    ],
)
def test_amounts_are_formatted_as_in_their_country(amount: int, currency: str, text: str) -> None:
    assert format_amount(amount, currency) == text


def test_a_masked_phone_keeps_three_digits_at_each_end() -> None:
    assert masked_phone("0241234567") == "024****567"


@pytest.mark.parametrize(
    ("typed", "local"),
    [
        ("0240000001", "0240000001"),
        (" 024 000-0001 ", "0240000001"),
        ("+233 24 000 0001", "0240000001"),
        ("+233 (0)24 000 0001", "0240000001"),
        ("00233240000001", "0240000001"),
        ("240000001", "0240000001"),
        ("230000000", "0230000000"),
        ("+63 900 000 0000", None),
        ("02400000010", None),
        ("٠٢٤٠٠٠٠٠٠١", None),
        ("", None),
    ],
)
def test_a_typed_number_becomes_its_local_form(typed: str, local: str | None) -> None:
    assert local_phone(typed) == local


@pytest.mark.parametrize(
    ("phone", "provider"),
    [
        *[(f"{head}0000000", "mtn") for head in ("024", "025", "053", "054", "055", "059")],
        *[(f"{head}0000000", "telecel") for head in ("020", "050")],
        *[(f"{head}0000000", "airteltigo") for head in ("026", "027", "056", "057")],
        ("0300000000", None),
        ("", None),
    ],
)
def test_the_prefix_determines_the_network(phone: str, provider: str | None) -> None:
    assert network_of(phone) == provider


@pytest.mark.parametrize("text", ["a@b.co", "first.last+tag@sub.example.com", "ä@exämple.com"])
def test_valid_email_addresses_are_accepted(text: str) -> None:
    assert EMAIL.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["", "a", "a@b", "@b.co", "a@b..co", "a b@c.co", "a@b.co\n", "a@@b.co"]
)
def test_invalid_email_addresses_are_refused(text: str) -> None:
    assert not EMAIL.fullmatch(text)


def test_phone_numbers_are_local_or_international() -> None:
    assert all(PHONE.fullmatch(text) for text in ("0240000001", "+233240000001", "+639000000000"))
    assert not any(
        PHONE.fullmatch(text) for text in ("240000001", "+0240000001", "024 000 0001", "")
    )
