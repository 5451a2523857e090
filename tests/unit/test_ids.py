from hypothesis import given
from hypothesis import strategies as st

from checkout.domain.ids import (
    ALPHABET,
    EVENT,
    SESSION,
    bound,
    is_id,
    is_merchant_id,
    new_id,
    second_of,
)


def test_an_id_is_its_prefix_and_32_base58_characters() -> None:
    id = new_id(SESSION)

    assert is_id(id, SESSION)
    assert not is_id(id, "cus")
    assert len(id) == len("cs_") + 32


@given(st.integers(0, 58**8 - 2))
def test_later_ids_sort_after_earlier_ones(at: int) -> None:
    assert new_id(SESSION, at) < new_id(SESSION, at + 1)


def test_the_alphabet_is_in_ascii_order_so_that_ids_sort() -> None:
    assert list(ALPHABET) == sorted(ALPHABET)
    assert len(set(ALPHABET)) == 58


@given(st.text())
def test_only_ids_are_recognized_as_ids(text: str) -> None:
    assert is_id(text, SESSION) is (
        text.startswith("cs_") and len(text) == 35 and set(text[3:]) <= set(ALPHABET)
    )


def test_ids_do_not_repeat() -> None:
    assert len({new_id(SESSION, 0) for _ in range(10_000)}) == 10_000


@given(st.integers(0, 128_000_000_000))
def test_an_ids_second_is_the_one_it_was_made_in(second: int) -> None:
    assert second_of(new_id(SESSION, second * 1000 + 999)) == second


@given(st.integers(-(10**12), 10**12), st.integers(0, 128_000_000_000))
def test_a_bound_divides_ids_by_their_second_whatever_it_is(second: int, made: int) -> None:
    assert (bound(EVENT, second) <= new_id(EVENT, made * 1000)) is (second <= made)


def test_a_merchants_id_has_a_prefix_and_up_to_64_plain_characters() -> None:
    for id in (new_id("merc"), "merc_paygate_two", "merc_" + "a" * 64):
        assert is_merchant_id(id)
    for id in ("", "merc_", "merc_" + "a" * 65, "merc_a#live", "merc_a.b", "merc_\x00", "merc_é",
               "merc_a\n", "cs_a", "x" * 2100):  # fmt: skip
        assert not is_merchant_id(id)
