from hypothesis import given
from hypothesis import strategies as st

from checkout.domain.ids import ALPHABET, SESSION, is_id, new_id


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
