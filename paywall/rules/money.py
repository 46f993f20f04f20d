"""Currencies, those of ISO 4217 that are legal tender somewhere today, and amounts in writing."""

from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import get_currency_precision, get_currency_symbol, parse_pattern

ENGLISH = Locale("en")
AMOUNT_AND_CODE = "#,##0.00 ¤¤"


def currency_code(text: str) -> str | None:
    """The code in lower case, as it is kept everywhere; None where there is no such currency."""
    code = text.lower()
    return code if code in _currencies() else None


def format_money(amount: int, currency: str, locale: Locale, pattern: str) -> str:
    """An amount in the currency's smallest unit; decimals are shown where there are any.

    The pattern is one of CLDR (https://unicode.org/reports/tr35/tr35-numbers.html).
    """
    code = currency.upper()
    digits = get_currency_precision(code)
    value = Decimal(amount).scaleb(-digits)
    written = parse_pattern(pattern)
    written.frac_prec = (0, 0) if value == value.to_integral_value() else (digits, digits)
    return str(written.apply(value, locale, currency=code, currency_digits=False))


def format_money_with_symbol(amount: int, currency: str, locale: Locale) -> str:
    """As the language writes it, with the sign that the currency's own country gives it."""
    pattern = str(locale.currency_formats["standard"].pattern)
    code = currency.upper()
    return format_money(amount, currency, locale, pattern).replace(code, _national_symbol(code))


def _national_symbol(code: str) -> str:
    """The first two letters of a code name the country; the code itself where they don't."""
    try:
        return str(get_currency_symbol(code, Locale.parse(f"und_{code[:2]}")))
    except UnknownLocaleError:
        return code


def format_money_with_code(amount: int, currency: str) -> str:
    """An amount in the currency's smallest unit, in plain English: `16,000 KHR`, `1.50 USD`."""
    return format_money(amount, currency, ENGLISH, AMOUNT_AND_CODE)


@cache
def _currencies() -> frozenset[str]:
    return frozenset(
        code.lower()
        for of_territory in get_global("territory_currencies").values()
        for code, _since, until, is_tender in of_territory
        if is_tender and until is None
    )
