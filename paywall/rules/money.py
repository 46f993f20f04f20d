"""Currencies and formatted amounts.

An amount is a whole number of the currency's smallest unit, as ISO 4217 counts it: one table
decides how many decimals that is. Those of CLDR, which Babel and browsers have, are fewer for some
currencies: they only place signs and separators.
"""

from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_symbol, parse_pattern

from paywall.rules.currencies import DECIMALS, WITHDRAWN

ENGLISH = Locale("en")
AMOUNT_AND_CODE = "#,##0.00 ¤¤"
# Most currencies have two.
USUAL_DECIMALS = 2
UNUSUAL_DECIMALS = {
    code: number for code, number in {**WITHDRAWN, **DECIMALS}.items() if number != USUAL_DECIMALS
}


def currency_code(text: str) -> str | None:
    """The code in lower case, the form used everywhere; None if no such currency is in use."""
    code = text.lower()
    return code if code in DECIMALS else None


def decimals_of(currency: str) -> int:
    """How many decimals ISO 4217 gives a currency."""
    return UNUSUAL_DECIMALS.get(currency.lower(), USUAL_DECIMALS)


def format_money(amount: int, currency: str, locale: Locale, pattern: str) -> str:
    """Format an amount given in the currency's smallest unit; zero decimals are left out.

    The pattern is a CLDR number pattern (https://unicode.org/reports/tr35/tr35-numbers.html).
    """
    code, decimals = currency.upper(), decimals_of(currency)
    value = Decimal(amount).scaleb(-decimals)
    written = parse_pattern(pattern)
    written.frac_prec = (0, 0) if value == value.to_integral_value() else (decimals, decimals)
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
