"""After buying: the question why, and withdrawing from what was bought, with their receipts.

In both languages, because law asks for most of these words.
"""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import OpenVisitor
from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

# The clock of the sandbox counts whole seconds, and the period ends before its end.
EVER = "since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z"
MONTHLY = {"en": "A month of everything", "km": "អានគ្រប់អត្ថបទមួយខែ"}


@pytest.fixture(params=["en", "km"])
def visitor(request: pytest.FixtureRequest, open_visitor: OpenVisitor) -> Visitor:
    return open_visitor(locale=request.param)


def receipt(page: Page, visitor: Visitor, kind: str) -> str:
    """The text of the receipt that the page went on to."""
    page.wait_for_url("**/account/receipts/*")
    heading = page.get_by_role("heading", name=visitor.text(f"receipt_{kind}"), exact=True)
    expect(heading).to_be_visible()
    assert page.locator("html").get_attribute("lang") == visitor.language.code
    return page.locator("main").inner_text()


def test_why_is_asked_after_cancelling_and_then_they_withdraw(
    visitor: Visitor, press: Press
) -> None:
    text, title = visitor.text, MONTHLY[visitor.language.code]
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    part, payments = page.locator("paywall-subscription"), page.locator("paywall-payments")
    part.get_by_role("button", name=text("cancel")).click()
    dialog = page.get_by_role("dialog", name=text("cancel_question"))
    dialog.get_by_role("button", name=text("cancel_confirm")).click()
    question = page.get_by_role("dialog", name=text("why_question"))
    question.get_by_label(text("why_too_expensive")).check()
    question.get_by_role("button", name=text("why_send")).click()
    expect(page.get_by_text(text("why_thanks"))).to_be_focused()
    figures = press.call("GET", f"/v1/cancellation-feedback/figures?{EVER}")
    assert figures["reasons"]["too_expensive"] == 1
    opens_receipt = text("open_receipt", number="20")
    part.get_by_role("button", name=opens_receipt).click()
    kept = receipt(page, visitor, "cancellation")
    assert title in kept
    assert text("cancelled") in kept
    of_cancellation = page.url
    page.go_back()
    expect(part.get_by_role("button", name=opens_receipt)).to_be_focused()
    price = visitor.language.money(400, "usd")
    # The same button stands beside other payments.
    label = text("labelled", label=text("withdraw"), text=f"{title}, 20")
    payments.get_by_role("button", name=label).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(text("withdraw_question"))
    expect(page.get_by_text(text("withdraw_effect", price=price))).to_be_visible()
    expect(page.get_by_text(text("withdraw_credits", count=2))).to_be_visible()
    page.get_by_role("button", name=text("withdraw_confirm")).click()
    expect(page.get_by_text(text("withdrawal_returned", price=price))).to_be_visible()
    page.get_by_role("link", name=opens_receipt).click()
    kept = receipt(page, visitor, "withdrawal")
    assert title in kept
    assert text("withdrawn_credits", count=2) in kept
    exact = visitor.language.money(400, "usd", is_exact=True)
    assert exact in kept
    page.goto(f"{press.paper}/account")
    expect(page.get_by_text(text("no_subscription"))).to_be_visible()
    expect(payments.get_by_role("button", name=opens_receipt)).to_have_count(2)
    page.goto(of_cancellation)
    ended = text("withdrawn_later", date="|").partition("|")[2]
    expect(page.locator("main")).to_contain_text(ended)
    sold = press.call("GET", "/v1/purchases")["items"]
    assert ("bo", 400) in [(one["reader_id"], one["refunded"]) for one in sold]


def test_who_agreed_to_immediate_delivery_reads_why_withdrawing_is_over(
    visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of 409")
    visitor.ask_for_consent()
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    payments = page.locator("paywall-payments")
    payments.get_by_role("button", name=visitor.text("withdraw")).click()
    expect(page.get_by_text(visitor.text("withdrawal_lost"))).to_be_visible()
    assert press.call("GET", "/v1/subscribers/bo")["subscription"]["phase"] == "active"
