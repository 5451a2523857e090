"""The hosted page's forms. No error contains what a shopper typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.page.forms import FormError, parse
from checkout.processors.protocol import Instrument

METHODS = ("card", "mobile_money", "bank_transfer")
NOW = 1_800_000_000  # January 2027
GOOD = {"method": "card", "number": "4242 4242-4242 4242", "expiry": "01/27", "code": "123"}


def errors_of(form: dict[str, str]) -> dict[str, str]:
    with pytest.raises(FormError) as caught:
        parse(form, METHODS, False, NOW)
    return caught.value.errors


def test_a_cards_number_is_reduced_to_its_digits() -> None:
    assert parse(GOOD, METHODS, False, NOW).instrument == Instrument("card", "4242424242424242")


@pytest.mark.parametrize(
    "expiry", ["01/27", "1/27", "0127", "01 / 27", "01/2027", "12/99", "1-27", "2027-01"]
)
def test_a_card_is_valid_to_the_end_of_its_month(expiry: str) -> None:
    assert parse(GOOD | {"expiry": expiry}, METHODS, False, NOW)


@pytest.mark.parametrize(
    "expiry", ["12/26", "00/30", "13/30", "1/1", "", "aa/bb", "01/27/27", "2026-12"]
)
def test_an_expired_or_malformed_date_is_refused(expiry: str) -> None:
    assert errors_of(GOOD | {"expiry": expiry}) == {"expiry": "card_expiry_invalid"}


def test_all_mistakes_are_reported_at_once() -> None:
    mistakes = {"method": "card", "number": "1", "expiry": "", "code": "x", "email": "y"}

    assert set(errors_of(mistakes)) == {"number", "expiry", "code", "email"}


@given(st.text(alphabet="0123456789", min_size=12, max_size=19))
def test_a_number_with_one_digit_wrong_is_refused(digits: str) -> None:
    """Luhn's checksum finds every single wrong digit."""
    changed = str((int(digits[-1]) + 1) % 10)
    both = [digits, digits[:-1] + changed]

    refused = 0
    for number in both:
        try:
            parse(GOOD | {"number": number}, METHODS, False, NOW)
        except FormError as error:
            assert error.errors == {"number": "card_number_invalid"}
            assert number not in str(error)
            refused += 1
    assert refused >= 1


@given(
    st.dictionaries(
        st.sampled_from(["method", "number", "expiry", "code", "phone", "email"]), st.text()
    )
)
def test_any_form_is_an_instrument_or_a_list_of_mistakes(form: dict[str, str]) -> None:
    try:
        assert parse(form, METHODS, False, NOW).instrument.method in METHODS
    except FormError as error:
        assert error.errors


@pytest.mark.parametrize("field", ["number", "expiry", "code", "email"])
def test_a_text_longer_than_its_field_is_refused(field: str) -> None:
    """Blanks around a valid text are accepted, as long as there are few of them."""
    fitting = GOOD | {"email": "ama@example.com"}
    short, long = (fitting | {field: fitting[field] + " " * count} for count in (2, 300))

    assert parse(short, METHODS, False, NOW)
    assert set(errors_of(long)) == {field}


def test_a_phone_number_longer_than_its_field_is_refused() -> None:
    form = {"method": "mobile_money", "phone": "024 000 0001"}

    assert parse(form, METHODS, False, NOW).instrument.number == "0240000001"
    assert errors_of(form | {"phone": form["phone"] + " " * 60}) == {"phone": "phone_invalid"}


@pytest.mark.parametrize(
    ("phone", "network", "found"),
    [
        ("024 000 0001", "", "mtn"),
        ("24 000 0001", "", "mtn"),
        ("0250000001", "", "mtn"),
        ("0530000001", "", "mtn"),
        ("024 000 0001", "telecel", "telecel"),
        ("023 000 0001", "airteltigo", "airteltigo"),
        ("024 000 0001", "another", "mtn"),
    ],
)
def test_the_shopper_may_choose_another_network_than_the_prefix_proposes(
    phone: str, network: str, found: str
) -> None:
    form = {"method": "mobile_money", "phone": phone, "network": network}

    assert parse(form, METHODS, False, NOW).instrument.network == found


def test_a_number_of_an_unknown_network_needs_a_choice() -> None:
    form = {"method": "mobile_money", "phone": "023 000 0001"}

    assert errors_of(form) == {"network": "network_unknown"}
    assert errors_of(form | {"phone": "030 000 0001"}) == {"phone": "phone_invalid"}


def test_the_repr_of_an_instrument_does_not_contain_its_number() -> None:
    assert "4242" not in repr(Instrument("card", "4242424242424242"))
