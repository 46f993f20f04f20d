"""Amounts are formatted with the decimals of their currency."""

import pytest

from paywall.rules.money import format_money_with_code


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (1_600_000, "khr", "16,000 KHR"),
        (600, "usd", "6 USD"),
        (123_456_750, "USD", "1,234,567.50 USD"),
        (1, "usd", "0.01 USD"),
        (500, "jpy", "500 JPY"),
        (1_500, "kwd", "1.500 KWD"),
        (0, "eur", "0 EUR"),
    ],
)
def test_amounts_show_the_code_and_nonzero_decimals(
    amount: int, currency: str, written: str
) -> None:
    assert format_money_with_code(amount, currency) == written
