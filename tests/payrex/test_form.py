"""The form decoder (docs/contracts/payrex.md, sections 4.1 to 4.4)."""

import re
from contextlib import suppress
from typing import Any
from urllib.parse import quote_plus, unquote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payrex import HttpClient

from checkout.api.payrex.form import MAX_DEPTH, Node, ShapeError, as_list, as_map, decode_form

# ---------------------------------------------------------------------- shapes


def as_python(node: str | Node) -> Any:
    """A node as lists and dicts; one with both is a pair."""
    if isinstance(node, str):
        return node
    items = [as_python(each) for each in node.items]
    entries = {key: as_python(value) for key, value in node.entries.items()}
    return (items, entries) if items and entries else items or entries


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&a=2", {"a": "2"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("&&a=1&", {"a": "1"}),
        ("a=%20+b", {"a": "  b"}),
        ("a=x=y", {"a": "x=y"}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a%5B%5D=1&a[]=2", {"a": ["1", "2"]}),
        ("a[b]=1&a[c]=2", {"a": {"b": "1", "c": "2"}}),
        ("a[b]=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[1]=x", {"a": {"1": "x"}}),
        ("a[b][c][]=1&a[b][c][]=2", {"a": {"b": {"c": ["1", "2"]}}}),
        ("a[k[1]]=v", {"a": {"k[1]": "v"}}),
        ("a[k[]]=v", {"a": {"k[]": "v"}}),
        ("=x&[]=x&[a]=x", {}),
        ("a]=1&b[=2&c[d=3", {"a]": "1", "b[": "2", "c[d": "3"}),
        ("%D8%A3=%E2%82%B1", {"\u0623": "\u20b1"}),
        ("a=%FF", {"a": "\ufffd"}),
        ("a=%ED%A0%80", {"a": "\ufffd\ufffd\ufffd"}),
    ],
)
def test_a_name_decodes_to_its_path(text: str, decoded: Any) -> None:
    assert as_python(decode_form(text)) == decoded


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        # A new element starts if the last one has the key.
        ("i[][n]=A&i[][a]=1&i[][n]=B", [{"n": "A", "a": "1"}, {"n": "B"}]),
        # Otherwise the value is added to the last element.
        ("i[][n]=A&i[][image]=x&i[][n]=B", [{"n": "A", "image": "x"}, {"n": "B"}]),
        # A key of a map and an element of a list within an element are added to it too.
        ("i[][m][a]=1&i[][m][b]=2", [{"m": {"a": "1", "b": "2"}}]),
        ("i[][m][a]=1&i[][m][a]=2", [{"m": {"a": "1"}}, {"m": {"a": "2"}}]),
        ("i[][t][]=1&i[][t][]=2&i[][n]=A", [{"t": ["1", "2"], "n": "A"}]),
    ],
)
def test_an_element_of_empty_brackets_starts_where_its_key_repeats(text: str, decoded: Any) -> None:
    assert [as_python(each) for each in as_list(decode_form(text).entries["i"])] == decoded


def test_numbered_elements_follow_those_of_empty_brackets() -> None:
    text = "i[]=a&i[11]=d&i[]=b&i[10]=c&i[9]=x"

    assert as_list(decode_form(text).entries["i"]) == ["a", "b", "x", "c", "d"]


def test_numbers_are_keys_in_a_map() -> None:
    assert as_map(decode_form("m[10]=x&m[2]=y").entries["m"]) == {"10": "x", "2": "y"}


def test_a_list_sent_without_brackets_has_the_last_value() -> None:
    assert as_list(decode_form("m=card&m=gcash").entries["m"]) == ["gcash"]


@pytest.mark.parametrize(
    "text",
    [
        "a=1&a[]=2", "a=1&a[b]=2", "a[]=1&a=2", "a[b]=1&a=2", "a[b]=1&a[b][c]=2", "a[]=x&a[][b]=1",
        "a[][]=1", "a[][][b]=1", "a[b][][][c]=1", "a" + "[b]" * MAX_DEPTH + "=1",
        "a" + "[]" * 20_000 + "=1", "a" + "[b]" * 15_000 + "=1",
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_name_with_two_shapes_or_too_many_parts_is_refused(text: str) -> None:
    with pytest.raises(ShapeError) as raised:
        decode_form(text)

    assert raised.value.parameter == "a"


@pytest.mark.parametrize("key", ["b", "-1", "1.5", "\u0661", "\u00b2", "1" * 10, "9" * 5000, " 1"])
def test_a_key_that_is_not_a_number_makes_no_list(key: str) -> None:
    with pytest.raises(ShapeError):
        as_list(decode_form(urlencode({f"a[{key}]": "x"})).entries["a"])


def test_a_list_is_not_a_map() -> None:
    for text in ("a=1", "a[]=1", "a[]=1&a[b]=2"):
        with pytest.raises(ShapeError):
            as_map(decode_form(text).entries["a"])


# ------------------------------------------------------------- the Python SDK


def sdk_form(payload: dict[str, Any]) -> str:
    """The body that payrex-python sends for a payload."""
    encoder = HttpClient("sk_test_x", "http://127.0.0.1")
    return without_indexes(urlencode(encoder._http_build_query(payload)))


def without_indexes(encoded: str) -> str:
    return re.sub(r"%5B[\d+]%5D", "%5B%5D", encoded)


def sent(value: Any) -> str:
    """A value as the SDK sends it: its pattern also changes values that look like an index."""
    return unquote_plus(without_indexes(quote_plus(str(value))))


NAMES = st.text("abcdefg_", min_size=1, max_size=5)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["[5]", "a[1]b", "&", "=", "a+b", "%5B1%5D", "None"])
)
MAPS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)
ALIKE = st.lists(NAMES, min_size=1, max_size=4, unique=True).flatmap(
    lambda keys: st.lists(
        st.fixed_dictionaries(dict.fromkeys(keys, VALUES)), min_size=1, max_size=14
    )
)
PAYLOADS = st.dictionaries(
    NAMES,
    VALUES
    | MAPS
    | st.lists(VALUES, min_size=1, max_size=14)
    | ALIKE
    | st.dictionaries(NAMES, MAPS | st.lists(VALUES, min_size=1, max_size=14), min_size=1),
    max_size=6,
)


@given(PAYLOADS)
def test_every_form_of_the_python_sdk_decodes_to_its_payload(payload: dict[str, Any]) -> None:
    form = decode_form(sdk_form(payload))

    check(form, payload)


def check(node: str | Node, expected: Any) -> None:
    if isinstance(expected, dict):
        decoded = as_map(node)
        assert list(decoded) == list(expected)
        for key, value in expected.items():
            check(decoded[key], value)
    elif isinstance(expected, list):
        elements = as_list(node)
        assert len(elements) == len(expected)
        for element, value in zip(elements, expected, strict=True):
            check(element, value)
    else:
        assert node == sent(expected)


# ---------------------------------------------------------------------- hostile

HOSTILE = st.one_of(
    st.text(),
    st.text("ab[]=&019%5BD+ \x00\u00e9", max_size=200),
    st.binary().map(lambda raw: raw.decode("latin-1")),
    st.lists(
        st.sampled_from(
            ["a", "a[]", "a[][b]", "a[b]", "a[0]", "a[10][b]", "a[][b][]", "a[b][][c]"]
        ),
        max_size=12,
    ).map(lambda names: "&".join(f"{name}=x" for name in names)),
)


@given(HOSTILE)
def test_every_text_decodes_or_raises_shape_error(text: str) -> None:
    try:
        form = decode_form(text)
    except ShapeError:
        return
    for node in form.entries.values():
        for reading in (as_list, as_map):
            with suppress(ShapeError):
                reading(node)
