"""One browser, two readers: by Back, in other tabs, and where a token is renewed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import press_in
from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"
TAIL = "The tenth sack pays for the roof"
COUNT_RESTORED = """addEventListener("pageshow", (event) => {
  if (event.persisted) sessionStorage.setItem("restored", "yes");
});"""


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Press]:
    """One newspaper for these tests: bo has credits, ann has unlocked ARTICLE."""
    with press_in(tmp_path_factory.mktemp("press"), sqlite_template) as running:
        running.sell_pack("bo", "one")
        given = {"article_id": ARTICLE[1:], "source": "complimentary"}
        running.call("POST", "/v1/subscribers/ann/unlocks", **given)
        yield running


def switch(visitor: Visitor, reader_id: str) -> None:
    """Somebody else signs in, and no page of the site is told of it."""
    received = visitor.context.request.post(
        f"{visitor.press.paper}/sign-in", form={"reader": reader_id}
    )
    assert received.ok


def keep_article(page: Page, visitor: Visitor, body: str = "<body") -> None:
    """As a page that browsers keep for Back; most sites' are, and the newspaper's is `no-store`."""

    def without_no_store(route: Route) -> None:
        answer = route.fetch()
        headers = {k: v for k, v in answer.headers.items() if k != "cache-control"}
        route.fulfill(response=answer, headers=headers, body=answer.text().replace("<body", body))

    page.add_init_script(COUNT_RESTORED)
    page.route(f"{visitor.press.paper}{ARTICLE}", without_no_store)


def open_article(visitor: Visitor, reader_id: str) -> Page:
    page = visitor.tab()
    keep_article(page, visitor)
    visitor.sign_in(page, reader_id)
    page.goto(f"{visitor.press.paper}{ARTICLE}")
    expect(page.locator(".masthead")).to_contain_text("3 credits")
    return page


def test_back_to_an_article_shows_nothing_of_the_reader_before(
    visitor: Visitor, press: Press
) -> None:
    page = open_article(visitor, "ann")
    expect(page.get_by_text(TAIL)).to_be_visible()
    page.goto(f"{press.paper}/offers")
    switch(visitor, "bo")
    page.go_back(wait_until="commit")
    expect(page.locator(".masthead")).to_contain_text("5 credits")
    expect(page.get_by_text(TAIL)).to_have_count(0)
    assert page.evaluate("sessionStorage.restored") == "yes"


def test_back_to_ones_own_article_does_not_load_it_anew(visitor: Visitor, press: Press) -> None:
    page = open_article(visitor, "ann")
    page.evaluate("window.isAsItWas = true")
    page.goto(f"{press.paper}/offers")
    with page.expect_response("**/v1/me"):
        page.go_back(wait_until="commit")
    expect(page.locator(".masthead")).to_contain_text("3 credits")
    assert page.evaluate("window.isAsItWas") is True


def test_back_to_an_article_after_signing_in_opens_it(visitor: Visitor, press: Press) -> None:
    page = visitor.tab()
    # However quickly the reader is back: within the second for which nobody is remembered, too.
    page.clock.set_fixed_time(datetime.now(UTC))
    keep_article(page, visitor, '<body data-paywall-token="/paywall-token"')
    page.goto(f"{press.paper}{ARTICLE}")
    gate = page.locator("paywall-gate")
    expect(gate.get_by_role("link", name="Sign in")).to_be_visible()
    # Not to a page of the site's: browsers keep none that is told something meanwhile.
    page.goto(f"{press.service}/docs")
    switch(visitor, "ann")
    page.go_back(wait_until="commit")
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert page.evaluate("sessionStorage.restored") == "yes"


def test_a_question_to_one_reader_never_spends_anothers_credit(
    visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of 401")
    page = visitor.signed_in_tab("ann", "/river-school")
    page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 of your 3 credits")
    switch(visitor, "bo")
    press.move(minutes=20)
    dialog.get_by_role("button", name="Unlock").click()
    expect(page.locator(".masthead")).to_contain_text("5 credits")
    expect(dialog).to_have_count(0)
    expect(page.locator("paywall-gate")).to_contain_text("1 of your 5 credits")
    assert (press.unlocks_left("ann"), press.unlocks_left("bo")) == (3, 5)


def test_a_tab_where_nothing_asked_is_loaded_anew_at_sign_out(
    visitor: Visitor, press: Press
) -> None:
    first, second = visitor.tab(), visitor.tab()

    def without_credits(route: Route) -> None:
        answer = route.fetch()
        received = answer.text().replace("<paywall-credits></paywall-credits>", "")
        route.fulfill(response=answer, body=received)

    visitor.sign_in(first, "ann")
    first.route(f"{press.paper}{ARTICLE}", without_credits)
    first.goto(f"{press.paper}{ARTICLE}")
    expect(first.get_by_text(TAIL)).to_be_visible()
    second.goto(f"{press.paper}/offers")
    second.get_by_role("button", name="Sign out").click()
    expect(first.get_by_role("link", name="Sign in").first).to_be_visible()
    expect(first.get_by_text(TAIL)).to_have_count(0)


def test_back_to_a_plain_page_after_leaving_shows_nothing_of_the_reader(
    visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of 403")
    page = visitor.signed_in_tab("ann", "/account")
    page.get_by_role("button", name="all your data").click()
    expect(page.get_by_text("You have 3 credits.")).to_be_visible()
    page.get_by_role("link", name="Sign out of these pages").click()
    page.wait_for_url(f"{press.paper}/account")
    page.go_back(wait_until="commit")
    expect(page.get_by_text("You are not signed in to this page")).to_be_visible()


def test_tabs_that_sign_each_other_out_reload_once(visitor: Visitor, press: Press) -> None:
    first, second, last = visitor.tab(), visitor.tab(), visitor.tab()
    visitor.sign_in(first, "ann", ARTICLE)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    for page in (first, second):
        page.goto(f"{press.paper}{ARTICLE}")
        expect(page.get_by_text(TAIL)).to_be_visible()
        page.route(f"**{ARTICLE}", hold)
    last.goto(f"{press.paper}/account")
    last.get_by_role("button", name="Sign out").click()
    for _ in range(100):
        last.evaluate("fetch('/paywall-token', {method: 'POST'}).then(() => true)")
    assert len(held) == 2
    for route in held:
        route.continue_()
    for page in (first, second):
        expect(page.get_by_text("or unlock this one for 1 credit")).to_be_visible()
