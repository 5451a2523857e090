"""What the page says: all of it in catalogues, the same in every language."""

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.domain.payment import Failure
from checkout.page.language import CATALOGUES, choose_language, translator
from checkout.page.templating import SOURCES

ENGLISH = CATALOGUES["en"]
OTHERS = [name for name in CATALOGUES if name != "en"]
SAID_BY_NAME = re.compile(r"(method|pay|failure|outcome)_|\w+_title|(unknown|broken|refused)_text")
"""Names that are put together at run time."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_texts_with_the_same_placeholders(language: str) -> None:
    texts = CATALOGUES[language]

    assert list(texts) == list(ENGLISH)
    for key, text in texts.items():
        assert placeholders(text) == placeholders(ENGLISH[key]), key
        assert text.strip(), key


def test_every_failure_is_explained_in_plain_words() -> None:
    for failure in Failure:
        assert translator("en")(f"failure_{failure.value}").endswith(".")


def words_in(template: str) -> str:
    """What of a template a shopper would read as it stands: neither tags nor what is filled in."""
    text = re.sub(r"\{[#%{].*?[#%}]\}", "", template, flags=re.S)
    text = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.S)
    read_out = re.findall(r'(?:alt|title|placeholder|aria-label|value)="([^"]*)"', text)
    return " ".join([re.sub(r"<[^>]*>", " ", text), *read_out])


PROPER = {"1234 1234 1234 1234", "approve", "decline"}
"""Names, a pattern, and values that nobody sees."""


@pytest.mark.parametrize("template", sorted(SOURCES.glob("*.html")), ids=lambda file: file.name)
def test_no_template_says_anything_of_its_own(template: Path) -> None:
    words = words_in(template.read_text())
    for name in PROPER:
        words = words.replace(name, "")

    assert re.findall(r"[^\W\d_]+", words.replace("&nbsp;", "")) == []


def test_a_text_in_a_template_would_be_found() -> None:
    """Or the rule above would prove nothing."""
    assert "Pay now" in words_in("<p>Pay now {{ amount }}</p>")
    assert "A logo" in words_in('<img alt="A logo">')


def test_every_text_is_said_somewhere_and_every_text_that_is_said_is_there() -> None:
    sources = [*SOURCES.glob("*.html"), *SOURCES.parent.glob("*.py")]
    code = "\n".join(file.read_text() for file in sources)
    said = set(re.findall(r'\bt\(\s*"(\w+)"', code))

    assert said <= ENGLISH.keys() | {"method_", "pay_"}
    unsaid = {key for key in ENGLISH if f'"{key}"' not in code and not SAID_BY_NAME.match(key)}
    assert unsaid == {"not_a_test_card", "not_a_test_mobile_money"}  # the simulator names them


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de, fr;q=0.5, en;q=0.7", "en"),
        ("fil-PH", "fil"),
        ("tl", "fil"),
        ("TL-ph;q=0.8, en;q=0.1", "fil"),
        ("fr;q=0, fil;q=0.1", "fil"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("de, *;q=0.5, fr;q=0.4", "en"),
        ("en;q=0.4, fr ; q=0.5", "fr"),
        ("fr;q=2, fil", "fil"),
        ("fr;q=x, fil;q=0.001", "fil"),
        ("fr;level=1", "en"),
        ("tw-GH, ak, en-GB;q=0.7", "en"),
        ("," * 5000 + "fr", "en"),
    ],
)
def test_the_language_is_what_the_browser_likes_best(accepted: str | None, language: str) -> None:
    assert choose_language(accepted) == language


@given(st.text())
def test_whatever_a_browser_says_there_is_a_language(accepted: str) -> None:
    assert choose_language(accepted) in CATALOGUES
