"""The shop, and what follows a payment."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.journeys.states.gate import gate_without_credits
from tests.journeys.visitor import Visitor


def offers(visitor: Visitor) -> Page:
    page = visitor.tab("/offers")
    page.locator(".paywall-offers").first.wait_for()
    return page


def offers_with_a_trial(visitor: Visitor) -> Page:
    page = visitor.signed_in_tab("bo", "/offers")
    page.get_by_role("radio", name="Yearly").check()
    page.get_by_text("The first 14 days are free.").wait_for()
    return page


def offers_in_khmer(visitor: Visitor) -> Page:
    page = visitor.tab("/offers")
    page.locator(".languages button[value=km]").click()
    page.locator("html[lang=km] .paywall-recommended").wait_for()
    return page


def offers_in_one_currency(visitor: Visitor) -> Page:
    prices = [{"amount": 200, "currency": "usd"}]
    for path in ("packs/ten", "packs/five", "passes/week", "plans/monthly", "plans/yearly"):
        kept = visitor.press.call("GET", f"/v1/{path}")
        visitor.press.call("PUT", f"/v1/{path}", **{**kept, "prices": prices})
    return offers(visitor)


def nothing_for_sale(visitor: Visitor) -> Page:
    for path in ("packs/ten", "packs/five", "passes/week", "plans/monthly", "plans/yearly"):
        visitor.press.call("DELETE", f"/v1/{path}")
    page = visitor.tab("/offers")
    page.locator("paywall-offers [role=status]").wait_for()
    return page


def paid_without_a_payment(visitor: Visitor) -> Page:
    page = visitor.signed_in_tab("bo", "/paid")
    page.locator("paywall-return [role=status]").wait_for()
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
    offers_with_a_trial,
    offers_in_khmer,
    offers_in_one_currency,
    nothing_for_sale,
    paid_without_a_payment,
    offers_beside_prepaid_days,
    thanked,
)
