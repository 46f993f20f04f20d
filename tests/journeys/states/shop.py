"""The shop, and what follows a payment."""

from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from tests.journeys.states.gate import BY_SCRIPT, article_for, wait_for_wall
from tests.journeys.visitor import Visitor

PRODUCTS = ("packs/ten", "packs/five", "passes/week", "plans/monthly", "plans/yearly")


def offers(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = visitor.signed_in_tab("bo", "/offers")
    page.locator(".paywall-recommended").wait_for()
    yield "offers", page
    page.locator("fieldset.paywall-switch").first.locator("label").last.click()
    price = visitor.text("price_year", price=visitor.language.money(4000, "usd"), count=1)
    page.get_by_text(visitor.text("trial", count=14, price=price)).wait_for()
    yield "offers_with_a_trial", page
    visitor.press.sell_pass("bo")
    page.reload()
    page.get_by_text(visitor.text("pack_opens", count=5)).wait_for()
    yield "offers_beside_prepaid_days", page
    page.goto(f"{visitor.press.paper}/paid")
    page.locator("paywall-return [role=status]").wait_for()
    yield "paid_without_a_payment", page


def offers_with_consent(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """Asked for, and a click without it."""
    visitor.ask_for_consent()
    page = visitor.signed_in_tab("bo", "/offers")
    page.locator(".paywall-consent").wait_for()
    page.locator(".paywall-offers button").first.click()
    page.get_by_text(visitor.text("consent_needed")).wait_for()
    yield "offers_with_consent", page


def few_offers(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """In one currency, and then nothing at all."""
    call = visitor.press.call
    prices = [{"amount": 200, "currency": "usd"}]
    for path in PRODUCTS:
        call("PUT", f"/v1/{path}", **{**call("GET", f"/v1/{path}"), "prices": prices})
    page = visitor.tab("/offers")
    page.locator(".paywall-offers").first.wait_for()
    yield "offers_in_one_currency", page
    for path in PRODUCTS:
        call("DELETE", f"/v1/{path}")
    page.reload()
    page.locator("paywall-offers [role=status]").wait_for()
    yield "nothing_for_sale", page


def bought(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """Credits, from the wall and back to the question, and the article."""
    page = visitor.signed_in_tab("bo", article_for(visitor))
    wait_for_wall(page)
    page.locator(BY_SCRIPT).first.click()
    page.locator("paywall-offers li button").last.click()
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    page.get_by_role("dialog").wait_for()
    yield "thanked_in_the_question", page
    page.locator("dialog button").last.click()
    page.locator("paywall-thanks .paywall-note").wait_for()
    yield "thanked", page


WALKS: tuple[Callable[[Visitor], Iterator[tuple[str, Page]]], ...] = (
    offers,
    offers_with_consent,
    few_offers,
    bought,
)
