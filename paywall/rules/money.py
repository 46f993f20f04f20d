"""Currencies and formatted amounts.

An amount is a whole number of the currency's smallest unit, as ISO 4217 counts it: one table
decides how many decimals that is. Those of CLDR, which Babel and browsers have, are fewer for some
currencies: they only place signs and separators.
"""

import re
from decimal import Decimal

from babel import Locale
from babel.numbers import get_currency_precision, get_currency_symbol, parse_pattern

from paywall.rules.currencies import DECIMALS, WITHDRAWN

ENGLISH = Locale("en")
# A code or an abbreviation is kept apart from the number: "CHF 5", not "CHF5".
LETTER_BESIDE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
DIGITS_OF_PATTERN = re.compile(r"[#0,.]+")
# CLDR gives it two decimals, which nobody uses: there is no coin or note below 50 riel.
RIEL = "khr"
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


def format_amount(amount: int, currency: str, locale: Locale, *, is_exact: bool = False) -> str:
    """The number of an amount in the smallest unit, without decimals where they are zero.

    `is_exact` keeps them, as receipts do, where the currency's decimals are in use.
    """
    decimals = decimals_of(currency)
    value = Decimal(amount).scaleb(-decimals)
    written = parse_pattern(str(locale.decimal_formats[None].pattern))
    is_in_use = currency.lower() != RIEL and get_currency_precision(currency.upper()) > 0
    is_short = value == value.to_integral_value() and not (is_exact and is_in_use)
    written.frac_prec = (0, 0) if is_short else (decimals, decimals)
    return str(written.apply(value, locale))


def format_money(
    amount: int, currency: str, locale: Locale, pattern: str = "", *, is_exact: bool = False
) -> str:
    """Fill in a pattern such as `{sign}{amount}`, by default the language's own."""
    code = currency.lower()
    sign = currency_signs(locale).get(code, code.upper())
    number = format_amount(amount, code, locale, is_exact=is_exact)
    text = (pattern or money_pattern(locale)).replace("{sign}", sign).replace("{amount}", number)
    return LETTER_BESIDE_DIGIT.sub("\u00a0", text)


def group_size_of(locale: Locale) -> int:
    """How many digits each group has, beyond the last three: 2 in India, else 3."""
    return int(parse_pattern(str(locale.decimal_formats[None].pattern)).grouping[1])


def money_pattern(locale: Locale) -> str:
    """Where a language puts the sign, from CLDR: `{sign}{amount}` or `{amount} {sign}`.

    https://unicode.org/reports/tr35/tr35-numbers.html
    """
    positive = str(locale.currency_formats["standard"].pattern).partition(";")[0]
    return DIGITS_OF_PATTERN.sub("{amount}", positive).replace("¤", "{sign}")


def currency_signs(locale: Locale) -> dict[str, str]:
    """The signs that a language has, from CLDR, by the code in lower case.

    A currency that is not in here is written with its code: the sign of its own country could be
    another currency's, such as `$` for Argentine pesos.
    """
    signs = {code: get_currency_symbol(code.upper(), locale) for code in DECIMALS}
    return {code: sign for code, sign in signs.items() if sign != code.upper()}


def format_money_with_code(amount: int, currency: str) -> str:
    """Format an amount given in the smallest unit in English: `16,000 KHR`, `1.50 USD`."""
    return f"{format_amount(amount, currency, ENGLISH)} {currency.upper()}"
