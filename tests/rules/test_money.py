"""Amounts are formatted with the decimals of their currency."""

import re
from decimal import Decimal

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from paywall.http.fields import AMOUNT_MAX
from paywall.rules.currencies import DECIMALS, WITHDRAWN
from paywall.rules.money import format_money_with_code, format_money_with_symbol
from tests.rules.currencies import published_decimals

ALL = sorted({**DECIMALS, **WITHDRAWN})


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (1_600_000, "khr", "16,000 KHR"),
        (600, "usd", "6 USD"),
        (123_456_750, "USD", "1,234,567.50 USD"),
        (1, "usd", "0.01 USD"),
        (500, "jpy", "500 JPY"),
        (1_500, "kwd", "1.500 KWD"),
        (150, "lak", "1.50 LAK"),
        (150, "mga", "1.50 MGA"),
        (150, "isk", "150 ISK"),
        (15_000, "uyw", "1.5000 UYW"),
        (0, "eur", "0 EUR"),
    ],
)
def test_amounts_show_the_code_and_nonzero_decimals(
    amount: int, currency: str, written: str
) -> None:
    assert format_money_with_code(amount, currency) == written


@pytest.mark.parametrize("language", ["en", "km"])
@given(amount=st.integers(min_value=0, max_value=AMOUNT_MAX), currency=st.sampled_from(ALL))
def test_an_amount_has_the_decimals_of_iso_4217(language: str, amount: int, currency: str) -> None:
    decimals = published_decimals().get(currency, 2)
    written = format_money_with_symbol(amount, currency, Locale(language))
    (number,) = re.findall(r"\d[\d,]*(?:\.\d+)?", written)
    whole, _, fraction = number.partition(".")
    assert len(fraction) == (decimals if amount % 10**decimals else 0)
    assert Decimal(whole.replace(",", "") + f".{fraction or 0}").scaleb(decimals) == amount
