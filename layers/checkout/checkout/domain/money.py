"""Amounts of money: integers in the currency's minor unit, and their form for people."""

SYMBOLS = {"GHS": "GH₵ ", "PHP": "₱"}


def format_amount(amount: int, currency: str) -> str:
    """5000 GHS as `GH₵ 50.00`. All currencies in use have two decimals."""
    return f"{SYMBOLS[currency]}{amount // 100:,}.{amount % 100:02d}"
