"""Amounts of money: integers in the currency's minor unit, and their form for people."""

SYMBOLS = {"GHS": "GH₵", "PHP": "₱"}
NO_BREAK, NARROW = "\u00a0", "\u202f"
"""Spaces at which a line never breaks. French groups digits with the narrow one."""


def format_amount(amount: int, currency: str, language: str = "en") -> str:
    """5000 GHS as `GH₵ 50.00`, in French as `50,00 GH₵`.

    All currencies in use have two decimals.
    """
    symbol, cents = SYMBOLS[currency], f"{amount % 100:02d}"
    whole = f"{amount // 100:,}"
    if language == "fr":
        return f"{whole.replace(',', NARROW)},{cents}{NO_BREAK}{symbol}"
    return f"{symbol}{NO_BREAK if symbol[0].isalpha() else ''}{whole}.{cents}"
