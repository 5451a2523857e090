"""Which language a shopper reads, and what the page says in it."""

from collections.abc import Callable

from checkout.page.catalogues import en, fil, fr

FALLBACK = "en"
CATALOGUES: dict[str, dict[str, str]] = {"en": en.TEXTS, "fr": fr.TEXTS, "fil": fil.TEXTS}
ALIASES = {"tl": "fil"}
"""Tagalog, as browsers call what catalogues call Filipino."""
MAX_HEADER = 1000

Say = Callable[..., str]
"""`say("back", merchant="Accra Books")`: a text with its placeholders filled. It is not escaped:
the templates escape it as a whole."""


def choose(accepted: str | None) -> str:
    """The catalogue that an `Accept-Language` header likes best (RFC 9110, section 12.5.4).

    What can't be read is passed over; a header that names none of ours gets English.
    """
    best, best_quality = FALLBACK, 0.0
    for each in (accepted or "")[:MAX_HEADER].split(","):
        tag, _, parameter = each.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        name = FALLBACK if primary == "*" else ALIASES.get(primary, primary)
        quality = _quality(parameter)
        if name in CATALOGUES and quality > best_quality:
            best, best_quality = name, quality
    return best


def speaker(language: str) -> Say:
    texts = CATALOGUES[language]

    def say(key: str, **values: object) -> str:
        return texts[key].format(**values)

    return say


def _quality(parameter: str) -> float:
    name, _, value = parameter.replace(" ", "").partition("=")
    if not name:
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if name.lower() == "q" and 0 <= quality <= 1 else 0.0
