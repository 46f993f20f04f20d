"""The newspaper around the parts: its languages, its clock, its tags, and the way about in it."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from paywall.rules.calendar import add_intervals
from paywall.rules.enums import Interval
from tests.journeys.conftest import OpenVisitor
from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"
KHMER_NAME = "ដំណឹងមាត់ទន្លេ"
# Less than the height of one.
A_LINE_PX = 20


def teaser(page: Page, article_id: str) -> str:
    """What the front page says of one article."""
    return page.locator("article", has=page.locator(f"a[href='/{article_id}']")).inner_text()


def test_the_language_that_was_chosen_is_kept_and_spoken_by_everything(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab(f"{ARTICLE}?from=home")
    page.get_by_role("button", name="ខ្មែរ").click()
    page.wait_for_url(f"{press.paper}{ARTICLE}?from=home")
    expect(page.locator("html")).to_have_attribute("lang", "km")
    expect(page.locator(".masthead")).to_contain_text("ចូលគណនី")
    expect(page.locator("paywall-gate section")).to_have_attribute("lang", "km")
    page.goto(f"{press.paper}/offers")
    expect(page.get_by_role("heading", level=1)).to_have_text("ជាវ ឬទិញក្រេឌីត")
    expect(page.locator("paywall-offers .paywall-part")).to_have_attribute("lang", "km")
    page.goto(press.paper)
    expect(page.locator("article h2").first).to_have_attribute("lang", "km")
    visitor.sign_in(page, "ann", "/account")
    page.locator("form[action$='/account/enter'] button").click()
    expect(page.locator("body.paywall-page")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "km")
    page.goto(press.paper)
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("article h2").first).to_have_attribute("lang", "en")


def test_a_khmer_browser_and_a_khmer_reader_begin_in_khmer(open_visitor: OpenVisitor) -> None:
    expect(open_visitor(locale="km-KH").tab().locator(".name")).to_have_text(KHMER_NAME)
    visitor = open_visitor(locale="fr")
    page = visitor.tab()
    expect(page.locator(".name")).to_have_text("The River Post")
    visitor.sign_in(page, "dara")
    expect(page.locator(".name")).to_have_text(KHMER_NAME)
    page.get_by_role("button", name="English").click()
    expect(page.locator(".name")).to_have_text("The River Post")


def test_a_month_later_the_account_is_of_that_day_at_once(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("bo", ARTICLE)
    page.locator("paywall-gate").get_by_role("button", name="Subscribe", exact=True).click()
    page.get_by_role("button", name="A month of everything").first.click()
    page.wait_for_url("**/checkout/*")
    page.locator("form button").first.click()
    expect(page.get_by_text("The tenth sack pays for the roof")).to_be_visible()
    at = press.clock.now()
    before, month_later, renews = (
        press.here(add_intervals(at, Interval.MONTH, n)) for n in range(3)
    )
    page.goto(f"{press.paper}/account")
    expect(page.locator(".dateline")).to_contain_text(f"{before:%A} {before.day} {before:%B %Y}")
    # A question that is under way while the clock jumps comes with a token that has just ended.
    page.locator("paywall-payments li").wait_for()
    page.get_by_role("button", name="A month later").click()
    page.wait_for_url(f"{press.paper}/account#moved")
    # The clock moves past the renewal's payment, which may be after midnight.
    moved = press.here(press.clock.now())
    assert month_later <= moved < month_later + timedelta(hours=3)
    today = f"{moved:%A} {moved.day} {moved:%B %Y}"
    expect(page.get_by_text(f"It is now {today}.")).to_be_in_viewport()
    expect(page.locator(".dateline")).to_contain_text(today)
    received = press.call("GET", "/v1/subscribers/bo")["subscription"]
    assert press.here(datetime.fromisoformat(received["next_payment"])).date() == renews.date()
    part = page.locator("paywall-subscription")
    expect(part).to_contain_text(f"{renews.day} {renews:%B %Y}")


def test_a_day_later_is_a_day_later(visitor: Visitor, press: Press) -> None:
    page = visitor.tab(ARTICLE)
    tomorrow = press.here(press.clock.now()) + timedelta(days=1)
    page.get_by_role("button", name="A day later").click()
    page.wait_for_url(f"{press.paper}{ARTICLE}#moved")
    moved = press.here(press.clock.now())
    assert tomorrow <= moved < tomorrow + timedelta(hours=1)
    expect(page.locator(".moved")).to_contain_text(f"{moved:%A} {moved.day} {moved:%B}")


def test_what_is_the_readers_own_has_no_price_on_it(visitor: Visitor, press: Press) -> None:
    page = visitor.tab()
    assert "Premium: 1 credit" in teaser(page, "rice-bank")
    visitor.sign_in(page, "ann", ARTICLE)
    tag = page.locator(".about .tag")
    expect(tag).to_have_text("Premium: 1 credit")
    page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(page.locator(".paywall-body")).to_be_visible()
    expect(tag).to_be_hidden()
    page.reload()
    expect(tag).to_have_text("Unlocked")
    page.goto(press.paper)
    assert "Unlocked" in teaser(page, "rice-bank")
    assert "Premium" not in teaser(page, "rice-bank")
    assert "Premium: 2 credits" in teaser(page, "school-accounts")


def test_a_subscriber_sees_no_locks(visitor: Visitor) -> None:
    page = visitor.signed_in_tab("chan")
    expect(page.locator(".tag")).to_have_text(["Free", "Free"])


def test_a_visitor_returns_to_the_article_signed_in(visitor: Visitor, press: Press) -> None:
    page = visitor.tab(f"{ARTICLE}?from=home")
    masthead = page.locator(".masthead")
    expect(masthead.get_by_role("link", name="Account")).to_have_count(0)
    masthead.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Ann").click()
    page.wait_for_url(f"{press.paper}{ARTICLE}?from=home")
    for path in ("/", ARTICLE, "/offers", "/paid", "/account", "/sign-in"):
        page.goto(f"{press.paper}{path}")
        expect(masthead.get_by_role("button", name="Sign out")).to_be_visible()
        expect(masthead.get_by_role("link", name="Buy", exact=True)).to_be_visible()
    masthead.get_by_role("link", name="Buy", exact=True).click()
    page.wait_for_url(f"{press.paper}/offers")
    masthead.get_by_role("link", name="Account", exact=True).click()
    page.wait_for_url(f"{press.paper}/account")
    masthead.get_by_role("button", name="Sign out").click()
    expect(masthead.get_by_role("link", name="Sign in")).to_be_visible()


def test_the_account_lists_what_was_unlocked(visitor: Visitor, press: Press) -> None:
    press.call("POST", "/v1/subscribers/bo/unlocks", article_id="rice-bank", source="complimentary")
    page = visitor.signed_in_tab("ann", "/account")
    expect(page.get_by_text("You have not unlocked an article yet.")).to_be_visible()
    visitor.sign_in(page, "bo", "/account")
    given = page.get_by_role("listitem").filter(has_text="The rice bank opens its books")
    expect(given).not_to_contain_text("credit")
    page.get_by_role("link", name="The rice bank opens its books").click()
    expect(page.get_by_text("The tenth sack pays for the roof")).to_be_visible()


def test_the_account_says_what_an_article_cost(visitor: Visitor, press: Press) -> None:
    press.sell_pack("bo", "7f3a")
    page = visitor.signed_in_tab("bo", "/school-accounts")
    page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(page.locator(".paywall-body")).to_be_visible()
    page.goto(f"{press.paper}/account")
    paid = page.get_by_role("listitem").filter(has_text="Where the school's money went")
    expect(paid).to_contain_text(" · 2 credits")


@pytest.mark.parametrize("code", ["en", "km"])
def test_the_masthead_has_two_lines_on_a_small_telephone(
    code: str, open_visitor: OpenVisitor
) -> None:
    visitor = open_visitor(locale=code, viewport={"width": 320, "height": 640})
    page = visitor.signed_in_tab("ann", "/")
    page.locator(".masthead paywall-credits a").wait_for()
    middles = page.locator(".masthead :is(a, button)").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect())"
        ".map(box => (box.top + box.bottom) / 2).sort((one, other) => one - other)"
    )
    assert len(middles) == 5
    new_lines = [below for above, below in pairwise(middles) if below - above > A_LINE_PX / 2]
    assert len(new_lines) == 1, middles


@pytest.mark.parametrize("path", ["/nowhere", "/no/where/at-all", "/sign-in/x"])
def test_a_page_that_is_not_there_shows_the_way_home(
    path: str, visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of 404")
    page = visitor.tab(path)
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    page.get_by_role("link", name="To the front page").click()
    page.wait_for_url(f"{press.paper}/")


@pytest.mark.parametrize("way", ["of the newspaper", "of these pages"])
def test_whoever_signs_out_is_signed_out_of_the_services_own_pages(
    way: str, visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of 403")
    page = visitor.signed_in_tab("ann", "/account")
    page.get_by_role("button", name="all your data").click()
    expect(page.get_by_role("banner")).to_contain_text("Ann")
    if way == "of these pages":
        page.get_by_role("link", name="Sign out of these pages").click()
        page.wait_for_url(f"{press.paper}/account")
    else:
        page.get_by_role("link", name="Back to The River Post").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{press.paper}/")
    page.goto(f"{press.service}/account")
    expect(page.get_by_text("You are not signed in to this page")).to_be_visible()
