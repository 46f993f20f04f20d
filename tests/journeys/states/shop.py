"""The shop, and what follows a payment."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.journeys.states.gate import gate_without_credits
from tests.journeys.visitor import Visitor


def offers(visitor: Visitor) -> Page:
    page = visitor.tab("/offers")
    page.locator(".paywall-offers").first.wait_for()
    return page


def offers_beside_prepaid_days(visitor: Visitor) -> Page:
    visitor.press.sell_pass("bo")
    page = visitor.signed_in_tab("bo", "/offers")
    page.locator("paywall-offers li").first.wait_for()
    return page


def thanked(visitor: Visitor) -> Page:
    page = gate_without_credits(visitor)
    page.locator("paywall-offers button").first.click()
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    page.locator("dialog button").last.click()
    page.locator("paywall-thanks .paywall-note").wait_for()
    return page


STATES: tuple[Callable[[Visitor], Page], ...] = (
    offers,
    offers_beside_prepaid_days,
    thanked,
)
