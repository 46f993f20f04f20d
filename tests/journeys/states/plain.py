"""The service's own pages, which work without script."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.states.account import account, account_with_a_waiting_pass
from tests.journeys.states.gate import gate_with_credits
from tests.journeys.visitor import Visitor


def plain_account(visitor: Visitor) -> Page:
    visitor.press.sell_pack("chan", "7f3a")
    return without_script(account(visitor))


def without_script(page: Page) -> Page:
    """From the account to the one that needs no script."""
    page.locator("form[action$='/account/enter'] button").click()
    page.wait_for_url("**/account")
    expect(page.locator("body.paywall-page")).to_be_visible()
    return page


def plain_account_with_a_waiting_pass(visitor: Visitor) -> Page:
    return without_script(account_with_a_waiting_pass(visitor))


def plain_missing(visitor: Visitor) -> Page:
    """An address that no page has."""
    visitor.expect("status of 404")
    page = visitor.tab()
    page.goto(f"{visitor.press.service}/account/nowhere")
    return page


def plain_buying(visitor: Visitor) -> Page:
    page = gate_with_credits(visitor, reader_id="bo")
    # The script has replaced the page's own box by now.
    served = visitor.context.request.get(page.url).text()
    entry = re.search(r'<form [^>]*/account/enter" class.*?</form>', served, re.DOTALL)
    assert entry is not None
    page.evaluate("form => { document.body.innerHTML = form; }", entry[0])
    page.locator("form button").click()
    page.locator("form[action='/account/buy']").wait_for()
    return page


def plain_cancel(visitor: Visitor) -> Page:
    page = visitor.tab()
    visitor.subscribe(page, "ann")
    without_script(page)
    page.locator("form[action='/account/cancel'] button").click()
    page.locator("fieldset").wait_for()
    return page


STATES: tuple[Callable[[Visitor], Page], ...] = (
    plain_account,
    plain_account_with_a_waiting_pass,
    plain_buying,
    plain_cancel,
    plain_missing,
)
