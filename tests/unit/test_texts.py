"""The page's texts: all of them are in catalogues, and every language has the same ones."""

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
COMPOSED = re.compile(
    r"(method|pay|failure|outcome)_|\w+_title|(unknown|broken|limited|refused|held|released)_text"
)
"""Names that are composed at run time."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_texts_with_the_same_placeholders(language: str) -> None:
    texts = CATALOGUES[language]

    assert list(texts) == list(ENGLISH)
    for key, text in texts.items():
        assert placeholders(text) == placeholders(ENGLISH[key]), key
        assert text.strip(), key


def test_every_failure_has_a_text() -> None:
    for failure in Failure:
        assert translator("en")(f"failure_{failure.value}").endswith(".")


def text_of(template: str) -> str:
    """The text of a template itself, without tags and placeholders."""
    text = re.sub(r"\{[#%{].*?[#%}]\}", "", template, flags=re.S)
    text = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.S)
    read_out = re.findall(r'(?:alt|title|placeholder|aria-label|value)="([^"]*)"', text)
    return " ".join([re.sub(r"<[^>]*>", " ", text), *read_out])


PROPER = {"1234 1234 1234 1234", "approve", "decline"}
"""Names, a pattern, and values that are not shown."""


@pytest.mark.parametrize("template", sorted(SOURCES.glob("*.html")), ids=lambda file: file.name)
def test_templates_contain_no_text_of_their_own(template: Path) -> None:
    text = text_of(template.read_text())
    for name in PROPER:
        text = text.replace(name, "")

    assert re.findall(r"[^\W\d_]+", text.replace("&nbsp;", "")) == []


def test_text_in_a_template_would_be_found() -> None:
    """Shows that the test above can fail."""
    assert "Pay now" in text_of("<p>Pay now {{ amount }}</p>")
    assert "A logo" in text_of('<img alt="A logo">')


def test_every_text_is_used_and_every_used_text_exists() -> None:
    sources = [*SOURCES.glob("*.html"), *SOURCES.parent.glob("*.py")]
    code = "\n".join(file.read_text() for file in sources)
    used = set(re.findall(r'\bt\(\s*"(\w+)"', code))

    assert used <= ENGLISH.keys() | {"method_", "pay_"}
    unused = {key for key in ENGLISH if f'"{key}"' not in code and not COMPOSED.match(key)}
    refusals = {"card_not_admitted", "not_a_test_card", "not_a_test_mobile_money"}
    assert unused == refusals  # from the processors


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
def test_the_language_is_the_browsers_first_choice(accepted: str | None, language: str) -> None:
    assert choose_language(accepted) == language


@given(st.text())
def test_any_header_gives_a_language(accepted: str) -> None:
    assert choose_language(accepted) in CATALOGUES
