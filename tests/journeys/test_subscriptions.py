"""Cancelling in two clicks, reading until the end of what was paid, and resuming."""

import re

from playwright.sync_api import Page, Route, expect

from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

ARTICLE = "/letter-to-subscribers"
TAIL = "You will see it in the pages"
RECEIPT = re.compile(r"^Receipt 20\d\d-[A-Z2-7]{4}-[A-Z2-7]{4}$")


def cancel(page: Page, choice: str | None = None, why: str | None = None) -> None:
    page.get_by_role("button", name="Cancel the subscription").click()
    dialog = page.get_by_role("dialog", name="Are you sure you want to cancel your subscription?")
    if choice is not None:
        dialog.get_by_label(re.compile(choice)).check()
    dialog.get_by_role("button", name="Cancel the subscription").click()
    answer_why(page, why)


def answer_why(page: Page, why: str | None = None) -> None:
    """The question after a cancellation; without an answer it is skipped."""
    question = page.get_by_role("dialog", name="Why did you cancel?")
    if why is not None:
        question.get_by_label(why).check()
    question.get_by_role("button", name="Skip" if why is None else "Send the answer").click()


def receipt_of(page: Page, address: str) -> str:
    """The text of the receipt that a button of this page leads to; then the page again."""
    page.get_by_role("button", name=RECEIPT).first.click()
    page.wait_for_url("**/account/receipts/*")
    text = page.locator("main").inner_text()
    page.goto(address)
    return text


def test_who_cancels_reads_until_the_end_and_is_locked_out_then(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    page.get_by_role("button", name="Cancel the subscription").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label(re.compile("At the end of the period"))).to_be_checked()
    expect(
        dialog.get_by_label(
            re.compile(r"Now: .*nothing of the \$4 back. To get \$4 back, withdraw .*until \d")
        )
    ).not_to_be_checked()
    expect(dialog.get_by_text("You keep 2 credits.", exact=True)).to_be_visible()
    part = page.locator("paywall-subscription")
    part.locator(".paywall-part").evaluate("old => { old.id = 'old'; }")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#old")).to_have_count(0)
    dialog.get_by_role("button", name="Keep the subscription").click()
    expect(dialog).to_have_count(0)
    cancel(page)
    expect(part).to_contain_text(
        "Your subscription is cancelled. You will not be charged for it again"
    )
    expect(part).to_contain_text("Cancelled: you can read everything until")
    expect(part).to_contain_text("If you resume it, you will then be charged $4.")
    page.reload()
    kept = receipt_of(page, f"{press.paper}/account")
    assert "The River Post Ltd.\n12 Sisowath Quay\nPhnom Penh" in kept
    assert "A month of everything" in kept
    assert len(re.findall(r"\b20\d\d-[A-Z2-7]{4}-[A-Z2-7]{4}\b", kept)) == 1
    assert "Cancelled: you can read everything until" in kept
    assert "You will not be charged for it again" in kept
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.get_by_text(TAIL)).to_be_visible()
    expect(page.locator(".masthead")).to_contain_text("2 credits")
    visitor.later(page, ARTICLE, days=31)
    expect(page.get_by_text("This article is for subscribers.")).to_be_visible()
    expect(page.get_by_text(TAIL)).to_have_count(0)
    page.goto(f"{press.paper}/account")
    page.get_by_text("Past subscriptions").click()
    expect(part.get_by_role("button", name=RECEIPT)).to_be_visible()


def test_a_khmer_date_has_no_english_in_it(visitor: Visitor) -> None:
    visitor.press.subscribe("dara", days=30)
    page = visitor.signed_in_tab("dara", "/account")
    part = page.locator("paywall-subscription")
    expect(part).to_contain_text(re.compile(r"រហូតដល់ \d+\xa0\S+\xa020\d\d"))
    assert re.search("[A-Za-z]", part.inner_text()) is None
    page.get_by_role("link", name="ទិញ").first.click()
    shop = page.locator("paywall-offers")
    shop.get_by_label("៛").check()
    expect(shop.get_by_role("button", name="៛ 8,000").first).to_be_visible()
    assert re.search("[A-Za-z]", shop.inner_text()) is None


def test_a_cancellation_is_taken_back(visitor: Visitor, press: Press) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    cancel(page)
    expect(page.get_by_text("Your subscription is cancelled.")).to_be_visible()
    part = page.locator("paywall-subscription")
    part.get_by_role("button", name="Resume the subscription").click()
    expect(page.get_by_text("Your subscription continues.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel the subscription")).to_be_visible()
    received = press.call("GET", "/v1/subscribers/bo")
    assert received["subscription"]["cancel_at_period_end"] is False
    page.reload()
    expect(part).to_contain_text(re.compile("Cancelled on .*Resumed on"))
    expect(part.get_by_role("button", name=RECEIPT)).to_be_visible()


def test_a_set_end_is_shown_with_its_renewals_and_removed(visitor: Visitor, press: Press) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    press.set_end_in_stripe("bo", days=75)
    page.goto(f"{press.paper}/account")
    part = page.locator("paywall-subscription")
    expect(part).to_contain_text(
        re.compile("renews on .* you will then be charged .* It is set to end on", re.IGNORECASE)
    )
    expect(page.get_by_role("button", name="Cancel the subscription")).to_be_visible()
    page.get_by_role("button", name=re.compile("Continue after ")).click()
    expect(page.get_by_text("Your subscription continues.")).to_be_visible()
    expect(part).not_to_contain_text("It is set to end on")
    received = press.call("GET", "/v1/subscribers/bo")["subscription"]
    assert (received["phase"], received["cancels_at"]) == ("active", None)


def test_ending_now_locks_at_once_in_every_tab(visitor: Visitor, press: Press) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    other = visitor.tab("/account")
    expect(other.get_by_role("button", name="Cancel the subscription")).to_be_visible()
    cancel(page, choice="Now: your access ends immediately")
    expect(page.get_by_text("Your subscription has ended.")).to_be_visible()
    expect(other.get_by_text("You have no subscription.")).to_be_visible()
    other.goto(f"{press.paper}{ARTICLE}")
    expect(other.get_by_text("This article is for subscribers.")).to_be_visible()
    press.subscribe("bo", days=30)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("paywall-subscription")).to_contain_text("You can read everything until")
    expect(page.get_by_text("Your subscription has ended.")).to_have_count(0)


def test_what_is_true_of_an_unconfirmed_cancellation_is_looked_up(visitor: Visitor) -> None:
    visitor.expect("net::ERR_FAILED")
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    page.get_by_role("button", name="Cancel the subscription").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    confirm = dialog.get_by_role("button", name="Cancel the subscription")
    page.route("**/cancel", lambda route: route.abort())
    confirm.click()
    expect(dialog).to_contain_text("Your cancellation is not confirmed yet. Please try again.")
    page.route("**/v1/me", lambda route: route.abort())
    confirm.click()
    expect(dialog).to_contain_text("we do not know whether your subscription is cancelled")
    cancelled = page.get_by_text(re.compile("^Your subscription is cancelled"))
    expect(cancelled).to_have_count(0)
    page.unroute("**/v1/me")
    page.unroute("**/cancel")

    def lose_the_response(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/cancel", lose_the_response)
    confirm.click()
    expect(cancelled).to_be_visible()


def test_a_cancelled_plan_is_resumed_instead_of_sold_twice(visitor: Visitor, press: Press) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    cancel(page)
    expect(page.get_by_text("Your subscription is cancelled.")).to_be_visible()
    shop = page.locator("paywall-offers")
    resume = page.get_by_role("button", name="Resume the subscription")
    expect(resume).to_have_count(1)
    page.goto(f"{press.paper}/offers")
    expect(resume).to_have_count(1)
    expect(shop.get_by_role("button", name="Five credits").first).to_be_visible()
    expect(shop.get_by_role("button", name="Subscribe for")).to_have_count(0)
    received = "Resume it to continue after that. If you resume it, you will then be charged $4"
    expect(shop).to_contain_text(received)
    expect(shop).to_contain_text("A pass that you buy now starts on")
    # Credits are of no use yet.
    expect(shop.get_by_text("Credits that you buy are kept, to unlock articles")).to_have_count(1)
    shop.get_by_role("button", name="Resume the subscription").click()
    expect(shop.get_by_text("Your subscription continues.")).to_be_focused()
    expect(shop).to_contain_text("You already have a subscription")
    mine = press.call("GET", "/v1/subscribers/bo")
    assert [one["cancel_at_period_end"] for one in mine["subscriptions"]] == [False]


def test_who_reads_everything_for_free_is_sold_no_plan_but_a_later_pass(
    visitor: Visitor, press: Press
) -> None:
    press.subscribe("bo", days=30)
    page = visitor.signed_in_tab("bo", "/offers")
    shop = page.locator("paywall-offers")
    expect(shop).to_contain_text("You can read everything until")
    expect(shop.get_by_role("button", name="Five credits").first).to_be_visible()
    expect(shop.get_by_role("button", name="A month of everything")).to_have_count(0)
    expect(shop).to_contain_text("A pass that you buy now starts on")
    expect(shop.get_by_role("button", name="A week of everything").first).to_be_visible()


def test_a_further_pass_shows_its_start_and_cannot_be_cancelled(
    visitor: Visitor, press: Press
) -> None:
    press.sell_pass("bo")
    page = visitor.signed_in_tab("bo", "/offers")
    shop = page.locator("paywall-offers")
    expect(shop).to_contain_text("A pass that you buy now starts on")
    expect(shop).to_contain_text(re.compile("You can already read everything until"))
    expect(shop).to_contain_text("The days that you have left are kept")
    for name in ("Subscribe for $4 a month", "Buy for $1.50: A week of everything"):
        expect(shop.get_by_role("button", name=name)).to_be_visible()
    page.goto(f"{visitor.press.paper}/account")
    part = page.locator("paywall-subscription")
    expect(part).to_contain_text("You can read everything until")
    expect(part.get_by_role("button")).to_have_count(0)


def test_a_pass_is_sold_once_the_subscription_has_an_end_and_waits_for_it(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    part, shop = page.locator("paywall-subscription"), page.locator("paywall-offers")
    page.goto(f"{press.paper}/offers")
    expect(shop).to_contain_text("You already have a subscription")
    week = shop.get_by_role("button", name="Buy for $1.50: A week of everything")
    expect(week).to_have_count(0)
    expect(shop).to_contain_text("Credits that you buy are kept, to unlock articles when")
    expect(shop).not_to_contain_text("You can read everything until")
    page.goto(f"{press.paper}/account")
    cancel(page)
    page.goto(f"{press.paper}/offers")
    expect(shop).to_contain_text("A pass that you buy now starts on")
    week.click()
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    waits = "Your pass for 7 days starts when your current access ends."
    expect(page.get_by_text(waits)).to_be_visible()
    page.goto(f"{press.paper}/account")
    page.get_by_role("button", name="Resume the subscription").first.click()
    expect(part).to_contain_text("It starts when your subscription ends.")
    page.get_by_role("button", name="Cancel the subscription").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You keep everything else that you have.")
    dialog.get_by_role("button", name="Cancel the subscription").click()
    answer_why(page)
    expect(part).to_contain_text("Your subscription is cancelled.")
    expect(part).to_contain_text(re.compile(r"Cancelled: it lasts until .+It starts on .+ until"))
    page.get_by_role("button", name="Resume the subscription").first.click()
    expect(part).to_contain_text("It starts when your subscription ends.")
    cancel(page, choice="Now: this subscription ends immediately")
    expect(page.get_by_text("Your subscription has ended.")).to_be_visible()
    expect(part).to_contain_text("You can read everything until")
    kept = receipt_of(page, f"{press.paper}/account")
    assert re.search(r"It ended on .*\.\s+You can read everything until", kept)
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.get_by_text(TAIL)).to_be_visible()


def test_a_page_shows_the_paid_end_of_what_ended_and_sells_it_again(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo")
    press.end_in_stripe("bo")
    page.reload()
    part, shop = page.locator("paywall-subscription"), page.locator("paywall-offers")
    expect(part).to_contain_text("Cancelled: you can read everything until")
    expect(part.get_by_role("button")).to_have_count(0)
    page.goto(f"{press.paper}/offers")
    expect(shop).to_contain_text(re.compile("You can already read everything until"))
    expect(shop).to_contain_text("A subscription that you buy now starts immediately.")
    expect(shop.get_by_role("button", name="Subscribe for").first).to_be_visible()
    expect(shop).to_contain_text("A pass that you buy now starts on")
    expect(shop.get_by_role("button", name="A week of everything").first).to_be_visible()
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.get_by_text(TAIL)).to_be_visible()
    expect(page.locator(".masthead").get_by_role("link", name="Buy credits")).to_have_count(0)


def test_a_failed_renewal_is_shown_where_they_read_with_the_way_to_pay(
    visitor: Visitor, press: Press
) -> None:
    """In grace the article is open, and says nothing: the masthead does. After it the gate does."""
    page = visitor.tab()
    visitor.subscribe(page, "bo", card="A card that pays now, and is declined from then on")
    visitor.later(page, ARTICLE, days=31, hours=12)
    expect(page.get_by_text(TAIL)).to_be_visible()
    page.locator(".masthead").get_by_role("link", name="Payment failed").click()
    page.wait_for_url(f"{press.paper}/account")
    part = page.locator("paywall-subscription")
    first = part.locator(".paywall-subscription").first
    failed = "Your payment of $4 did not go through. We will try again on"
    expect(first).to_contain_text(
        re.compile(f"{re.escape(failed)} .+, with Visa ending in 0341. You can read")
    )
    expect(first).to_contain_text("Paid by: Visa ending in 0341")
    visitor.later(page, "/account", days=4)
    expect(first).to_contain_text("Once it is paid, you can read everything again.")
    first.get_by_role("button", name="Fix the payment").click()
    page.wait_for_url("**/portal/*")
    page.get_by_role("button", name="Use a card that pays").click()
    press.move(seconds=1)
    page.goto(f"{press.paper}{ARTICLE}")
    gate = page.locator("paywall-gate")
    expect(gate).to_contain_text("Your last payment did not go through.")
    gate.get_by_role("button", name="Fix the payment").click()
    page.wait_for_url("**/portal/*")
    page.goto(f"{press.paper}/account")
    expect(first).to_contain_text("We will charge your new card, Visa ending in 4242, on")
    first.get_by_role("link", name="Pay now").click()
    page.get_by_role("button", name="Pay 4.00 USD").click()
    press.move(seconds=1)
    page.goto(f"{press.paper}/account")
    expect(first).to_contain_text("You will then be charged $4.")


def test_cancelling_while_a_payment_is_late_warns_of_retries(
    visitor: Visitor,
) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo", card="A card that pays now, and is declined from then on")
    visitor.later(page, "/account", days=31, hours=12)
    page.get_by_role("button", name="Cancel the subscription").click()
    late = "The overdue payment may still be tried again until"
    expect(page.get_by_role("dialog")).to_contain_text(
        re.compile(rf"{late} then. Your payment of \$4 did not go through. We will try again on \d")
    )
    page.get_by_role("dialog").get_by_role("button", name="Cancel the subscription").click()
    answer_why(page)
    part = page.locator("paywall-subscription")
    expect(part.locator("[role=status]").first).to_contain_text(late)
    page.reload()
    expect(part).to_contain_text(f"{late} the end of the period. You can read everything until")
    expect(part).not_to_contain_text("You will not be charged for it again")
    assert f"{late} the end of the period." in receipt_of(page, f"{visitor.press.paper}/account")
    visitor.later(page, "/offers", days=4)
    shop = page.locator("paywall-offers")
    expect(shop).to_contain_text("Once it is paid, your subscription continues.")
    expect(shop.get_by_role("button", name="Fix the payment")).to_be_visible()
    expect(shop).not_to_contain_text("read everything until")
    page.goto(f"{visitor.press.paper}/account")
    page.get_by_role("button", name="Cancel the subscription").click()
    page.get_by_role("dialog").get_by_label(re.compile("Now:")).check()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the subscription").click()
    expect(part.locator("[role=status]").first).to_contain_text("Your subscription has ended.")
