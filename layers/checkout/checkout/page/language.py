"""The shopper's language and the translation of the page's texts."""

import re
from collections.abc import Callable

from checkout.domain.money import NARROW
from checkout.page.catalogues import en, fil, fr

DEFAULT_LANGUAGE = "en"
BEFORE_PUNCTUATION = re.compile(r" (?=[?!;:»])")
"""French has a narrow space here, at which a line does not break."""
CATALOGUES: dict[str, dict[str, str]] = {
    "en": en.TEXTS,
    "fr": {key: BEFORE_PUNCTUATION.sub(NARROW, text) for key, text in fr.TEXTS.items()},
    "fil": fil.TEXTS,
}
NAMES = {"en": "English", "fr": "Français", "fil": "Filipino"}
"""The languages' names for themselves."""
ALIASES = {"tl": "fil"}
"""Browsers send `tl` for Tagalog, which the catalogues call Filipino."""
MAX_HEADER = 1000

Translate = Callable[..., str]
"""`t("back", merchant="Accra Books")`: the text of a catalogue key, with its placeholders filled.
It is not escaped: the templates escape their output."""


def choose_language(accepted: str | None) -> str:
    """The catalogue that an `Accept-Language` header prefers (RFC 9110, section 12.5.4).

    Invalid parts of the header are ignored. English is the default.
    """
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for each in (accepted or "")[:MAX_HEADER].split(","):
        tag, _, parameter = each.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        name = DEFAULT_LANGUAGE if primary == "*" else ALIASES.get(primary, primary)
        quality = _quality(parameter)
        if name in CATALOGUES and quality > best_quality:
            best, best_quality = name, quality
    return best


def translator(language: str) -> Translate:
    texts = CATALOGUES[language]

    def translate(key: str, **values: object) -> str:
        return texts[key].format(**values)

    return translate


def _quality(parameter: str) -> float:
    name, _, value = parameter.replace(" ", "").partition("=")
    if not name:
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if name.lower() == "q" and 0 <= quality <= 1 else 0.0
