"""Amounts are formatted with the decimals of their currency."""

from decimal import Decimal

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from paywall.http.fields import AMOUNT_MAX
from paywall.rules.currencies import DECIMALS, WITHDRAWN
from paywall.rules.money import (
    currency_signs,
    format_amount,
    format_money,
    format_money_with_code,
)
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
    whole, _, fraction = format_amount(amount, currency, Locale(language)).partition(".")
    assert len(fraction) == (decimals if amount % 10**decimals else 0)
    assert Decimal(whole.replace(",", "") + f".{fraction or 0}").scaleb(decimals) == amount


@pytest.mark.parametrize(
    ("language", "currency", "written"),
    [
        ("en", "usd", "$4.50"),
        ("en", "thb", "THB\u00a04.50"),
        ("en", "ars", "ARS\u00a04.50"),
        ("km", "usd", "4.50$"),
        ("km", "khr", "4.50៛"),
        ("km", "chf", "4.50\u00a0CHF"),
        ("de", "eur", "4,50\u00a0€"),
        ("nl", "eur", "€\u00a04,50"),
        ("hi", "inr", "₹4.50"),
    ],
)
def test_the_sign_stands_where_the_language_puts_it(
    language: str, currency: str, written: str
) -> None:
    assert format_money(450, currency, Locale(language)) == written


@pytest.mark.parametrize("language", ["en", "km"])
def test_no_two_currencies_have_the_same_sign(language: str) -> None:
    signs = currency_signs(Locale(language))
    assert len(set(signs.values())) == len(signs) > 10
