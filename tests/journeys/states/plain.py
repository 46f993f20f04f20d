"""The service's own pages, which work without script."""

import re
from collections.abc import Callable, Iterator

from playwright.sync_api import Page, expect

from tests.journeys.states.gate import article_for
from tests.journeys.visitor import Visitor


def without_script(page: Page) -> Page:
    """From the account to the one that needs no script."""
    page.locator("form[action$='/account/enter'] button").click()
    page.wait_for_url("**/account")
    expect(page.locator("body.paywall-page")).to_be_visible()
    return page


def from_the_wall(visitor: Visitor, reader_id: str) -> Page:
    """From an article's own fallback, which the script has replaced by now."""
    page = visitor.signed_in_tab(reader_id, article_for(visitor))
    accepted = {"Accept-Language": visitor.language.code}
    served = visitor.context.request.get(page.url, headers=accepted).text()
    entry = re.search(r'<form [^>]*/account/enter" class.*?</form>', served, re.DOTALL)
    assert entry is not None
    page.evaluate("form => { document.body.innerHTML = form; }", entry[0])
    page.locator("form button").click()
    expect(page.locator("body.paywall-page")).to_be_visible()
    return page


def plain_unlock(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = from_the_wall(visitor, "ann")
    yield "plain_unlock", page
    page.locator("main form button").click()
    page.get_by_text(visitor.text("open_article")).wait_for()
    yield "plain_unlocked", page


def plain_buying(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    page = from_the_wall(visitor, "bo")
    page.locator("form[action='/account/buy']").first.wait_for()
    yield "plain_buying", page


def plain_account(visitor: Visitor) -> Iterator[tuple[str, Page]]:
    """With a waiting pass; then the subscription is cancelled."""
    visitor.expect("status of 404")
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    visitor.press.sell_pass("ann")
    without_script(page)
    yield "plain_account", page
    page.locator("a[href^='/account/withdraw/']").first.click()
    page.locator("form[action='/account/withdraw']").wait_for()
    yield "plain_withdrawal", page
    page.goto(f"{visitor.press.service}/account")
    page.locator("form[action='/account/cancel'] button").click()
    page.locator("fieldset").wait_for()
    yield "plain_cancel", page
    page.locator("form[action='/account/cancel'] button").click()
    page.locator("form[action='/account/why']").wait_for()
    yield "plain_why_question", page
    page.goto(f"{visitor.press.service}/account/nowhere")
    yield "plain_missing", page


WALKS: tuple[Callable[[Visitor], Iterator[tuple[str, Page]]], ...] = (
    plain_unlock,
    plain_buying,
    plain_account,
)
