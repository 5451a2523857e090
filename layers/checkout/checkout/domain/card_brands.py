"""Brands of cards by the first digits of the number."""

import re

BRANDS = {
    "visa": ("Visa", "4"),
    "mastercard": ("Mastercard", "5[1-5]|2[2-7]"),
    "amex": ("American Express", "3[47]"),
    "jcb": ("JCB", "35"),
    "unionpay": ("UnionPay", "62"),
    "discover": ("Discover", "6011|65|64[4-9]"),
    "verve": ("Verve", "50[67]"),
}
"""Name, and first digits as a regular expression, which the page's script uses too."""


def brand_of(number: str) -> str | None:
    """The brand of a card's number; None for an unknown one."""
    brands = BRANDS.items()
    return next((brand for brand, (_, digits) in brands if re.match(digits, number)), None)


def brand_name(brand: str | None) -> str | None:
    """A brand's name as shoppers know it."""
    return BRANDS[brand][0] if brand in BRANDS else None
