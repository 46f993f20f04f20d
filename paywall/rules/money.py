"""Currencies (ISO 4217 codes that are legal tender today), and formatted amounts."""

from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import get_currency_precision, get_currency_symbol, parse_pattern

ENGLISH = Locale("en")
AMOUNT_AND_CODE = "#,##0.00 ¤¤"


def currency_code(text: str) -> str | None:
    """The code in lower case, the form used everywhere; None if there is no such currency."""
    code = text.lower()
    return code if code in _currencies() else None


def format_money(amount: int, currency: str, locale: Locale, pattern: str) -> str:
    """Format an amount given in the currency's smallest unit; zero decimals are left out.

    The pattern is a CLDR number pattern (https://unicode.org/reports/tr35/tr35-numbers.html).
    """
    code = currency.upper()
    digits = get_currency_precision(code)
    value = Decimal(amount).scaleb(-digits)
    written = parse_pattern(pattern)
    written.frac_prec = (0, 0) if value == value.to_integral_value() else (digits, digits)
    return str(written.apply(value, locale, currency=code, currency_digits=False))


def format_money_with_symbol(amount: int, currency: str, locale: Locale) -> str:
    """Format an amount for a locale, with the symbol used in the currency's own country."""
    pattern = str(locale.currency_formats["standard"].pattern)
    code = currency.upper()
    return format_money(amount, currency, locale, pattern).replace(code, _national_symbol(code))


def _national_symbol(code: str) -> str:
    """The first two letters of a code name its country; if they don't, use the code itself."""
    try:
        return str(get_currency_symbol(code, Locale.parse(f"und_{code[:2]}")))
    except UnknownLocaleError:
        return code


def format_money_with_code(amount: int, currency: str) -> str:
    """Format an amount given in the smallest unit in English: `16,000 KHR`, `1.50 USD`."""
    return format_money(amount, currency, ENGLISH, AMOUNT_AND_CODE)


@cache
def _currencies() -> frozenset[str]:
    return frozenset(
        code.lower()
        for of_territory in get_global("territory_currencies").values()
        for code, _since, until, is_tender in of_territory
        if is_tender and until is None
    )
