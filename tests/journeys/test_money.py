"""Prices in the browser have the decimals of ISO 4217, as the service's own pages do."""

import re

import pytest
from babel import Locale

from paywall.rules.currencies import DECIMALS
from paywall.rules.money import format_money_with_symbol
from tests.journeys.conftest import OpenVisitor
from tests.journeys.press import Press

# Stripe does not offer three currencies, and takes only whole ariary of a fourth.
NOT_OFFERED = {"iqd", "lyd", "uyw"}
AMOUNTS = {
    code: 1_234_500 if code == "mga" else 1_234_550
    for code in sorted(DECIMALS.keys() - NOT_OFFERED)
}


def number_in(text: str) -> str:
    (number,) = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    return str(number)


@pytest.mark.parametrize("code", ["en", "km"])
def test_the_script_writes_every_currency_as_the_service_does(
    open_visitor: OpenVisitor, press: Press, code: str
) -> None:
    prices = [{"amount": amount, "currency": currency} for currency, amount in AMOUNTS.items()]
    press.call("PUT", "/v1/packs/world", title="World", credits=1, prices=prices)
    page = open_visitor(locale=code).tab("/offers")
    offer = page.locator("paywall-offers li").filter(has_text="World")
    offer.locator("a").last.wait_for()
    written = [number_in(text) for text in offer.locator("a").all_inner_texts()]
    expected = [
        number_in(format_money_with_symbol(amount, currency, Locale(code)))
        for currency, amount in AMOUNTS.items()
    ]
    assert dict(zip(AMOUNTS, written, strict=True)) == dict(zip(AMOUNTS, expected, strict=True))
