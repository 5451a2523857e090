"""Money: integer minor units beside their currency, and how people read them."""

SYMBOLS = {"GHS": "GH₵ ", "PHP": "₱"}


def format_amount(amount: int, currency: str) -> str:
    """5000 GHS as `GH₵ 50.00`. Both currencies have two decimals."""
    return f"{SYMBOLS[currency]}{amount // 100:,}.{amount % 100:02d}"
