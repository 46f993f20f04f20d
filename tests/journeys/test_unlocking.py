"""From a preview to the body: the question, the click, and everything that can come between."""

from playwright.sync_api import Page, Route, expect

from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"
TAIL = "The tenth sack pays for the roof"
OTHER_TAIL = "On the first morning in the new place"
UNREACHABLE = r"net::ERR_FAILED"


def gate_button(page: Page, name: str) -> None:
    page.locator("paywall-gate").get_by_role("button", name=name, exact=True).first.click()


def ask_to_unlock(page: Page) -> None:
    gate_button(page, "Unlock")
    expect(page.get_by_role("dialog")).to_be_visible()


def confirm(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()


def test_a_visitor_signs_in_buys_unlocks_and_reads(visitor: Visitor, press: Press) -> None:
    page = visitor.tab(ARTICLE)
    expect(page.get_by_text("Families borrow before the harvest")).to_be_visible()
    expect(page.get_by_text("or unlock this one for 1 credit")).to_be_visible()
    box = page.get_by_role("region", name="Continue reading")
    expect(box).to_contain_text("A month of everything$4 or 16,000 riel a month")
    expect(box).to_contain_text("Five credits$2 or 8,000 riel")
    box.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Bo").click()
    expect(page.get_by_text("You have no credits.")).to_be_visible()
    gate_button(page, "Buy credits")
    expect(page.get_by_role("button", name="Buy for $2: Five credits")).to_be_visible()
    press.sell_pack("bo", "one")
    page.reload()
    expect(page.locator("paywall-gate")).to_contain_text("1 of your 5 credits")
    ask_to_unlock(page)
    expect(page.get_by_role("dialog")).to_contain_text("This costs 1 of your 5 credits.")
    expect(page.get_by_role("dialog")).to_contain_text("Unlocks left: 5")
    confirm(page)
    expect(page.get_by_text(TAIL)).to_be_visible()
    expect(page.locator(".paywall-body")).to_be_focused()
    expect(page.locator(".masthead")).to_contain_text("4 credits")
    page.reload()
    expect(page.get_by_text(TAIL)).to_be_visible()
    expect(page.locator("paywall-gate")).to_have_count(0)


def test_ten_clicks_in_two_tabs_spend_one_credit(visitor: Visitor, press: Press) -> None:
    first = visitor.signed_in_tab("ann", ARTICLE)
    second = visitor.tab(ARTICLE)
    for page in (first, second):
        ask_to_unlock(page)
    for page in (first, second):
        expect(page.get_by_role("dialog").get_by_role("button", name="Unlock")).to_be_enabled()
    clicked: list[Page] = []
    held: list[Route] = []

    def hold(route: Route) -> None:
        if len(clicked) == 2:
            route.continue_()
        else:
            held.append(route)

    # As soon as one tab has its answer, the other closes its dialog.
    visitor.context.route("**/v1/me/unlocks", hold)
    for page in (first, second):
        page.evaluate(
            "() => { const yes = document.querySelector('dialog .paywall-first');"
            " for (let clicks = 0; clicks < 5; clicks += 1) yes.click(); }"
        )
        clicked.append(page)
    for route in held:
        route.continue_()
    for page in (first, second):
        expect(page.get_by_text(TAIL)).to_be_visible()
    assert press.unlocks_left("ann") == 2


def test_another_tab_learns_that_the_article_was_unlocked(visitor: Visitor) -> None:
    first = visitor.signed_in_tab("ann", ARTICLE)
    second = visitor.tab(ARTICLE)
    ask_to_unlock(second)
    ask_to_unlock(first)
    confirm(first)
    expect(second.get_by_text(TAIL)).to_be_visible()
    expect(second.get_by_role("dialog")).to_have_count(0)
    expect(second.locator(".masthead")).to_contain_text("2 credits")


def test_what_is_readable_by_now_is_shown_and_nothing_spent(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("ann", ARTICLE)
    ask_to_unlock(page)
    press.subscribe("ann", days=30)
    confirm(page)
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert press.unlocks_left("ann") == 3


def test_a_higher_price_is_shown_before_anything_is_spent(visitor: Visitor, press: Press) -> None:
    visitor.expect("status of 409")
    page = visitor.signed_in_tab("ann", ARTICLE)
    ask_to_unlock(page)
    press.price("rice-bank", 2)
    confirm(page)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The price has changed: it now costs 2 credits.")
    assert press.unlocks_left("ann") == 3
    confirm(page)
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert press.unlocks_left("ann") == 1


def test_credits_spent_elsewhere_meanwhile_lead_to_buying(visitor: Visitor, press: Press) -> None:
    visitor.expect("status of 409")
    page = visitor.signed_in_tab("ann", ARTICLE)
    ask_to_unlock(page)
    grant = press.call("GET", "/v1/subscribers/ann")["grants"][0]["id"]
    press.call("POST", f"/v1/subscribers/ann/grants/{grant}/void")
    confirm(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Buy credits")).to_be_visible()
    page.reload()
    low = page.locator(".masthead").get_by_role("link", name="Buy credits")
    expect(low).to_have_attribute("href", "/offers")


def test_an_unlock_that_got_no_answer_is_repeated_without_paying_twice(
    visitor: Visitor, press: Press
) -> None:
    """The service did it, but the answer was lost on the way."""
    visitor.expect(UNREACHABLE)
    page = visitor.signed_in_tab("ann", ARTICLE)
    ask_to_unlock(page)
    keys: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        route.fetch()
        route.abort()

    page.route("**/v1/me/unlocks", lose_the_first_answer)
    confirm(page)
    expect(page.get_by_role("dialog")).to_contain_text("We cannot be reached right now.")
    confirm(page)
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert press.unlocks_left("ann") == 2


def test_without_the_service_the_preview_stays_and_it_can_be_tried_again(visitor: Visitor) -> None:
    visitor.expect(UNREACHABLE)
    page = visitor.signed_in_tab("ann")
    page.route("**/v1/me**", lambda route: route.abort())
    page.goto(f"{visitor.press.paper}{ARTICLE}")
    expect(page.get_by_text("Families borrow before the harvest")).to_be_visible()
    expect(page.locator("paywall-gate")).to_contain_text("We cannot be reached right now.")
    page.unroute("**/v1/me**")
    gate_button(page, "Try again")
    ask_to_unlock(page)


def test_a_slow_answer_is_waited_for_on_the_button(visitor: Visitor) -> None:
    page = visitor.signed_in_tab("ann", ARTICLE)
    ask_to_unlock(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/me/unlocks", hold)
    confirm(page)
    working = page.get_by_role("dialog").locator("[aria-busy=true]")
    expect(working).to_have_text("Unlocking…")
    working.dispatch_event("click")
    page.keyboard.press("Escape")
    refuse = page.get_by_role("dialog").get_by_role("button", name="Not now")
    expect(refuse).to_be_disabled()
    refuse.dispatch_event("click")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert len(held) == 1
    held[0].continue_()
    expect(page.get_by_text(TAIL)).to_be_visible()


def test_a_token_that_has_ended_is_renewed_unseen(visitor: Visitor, press: Press) -> None:
    visitor.expect("status of 401")
    page = visitor.signed_in_tab("ann", ARTICLE)
    ask_to_unlock(page)
    press.move(minutes=20)
    confirm(page)
    expect(page.get_by_text(TAIL)).to_be_visible()


def test_whose_session_has_ended_meanwhile_is_asked_to_sign_in(
    visitor: Visitor, press: Press
) -> None:
    visitor.expect("status of 401")
    page = visitor.signed_in_tab("ann", ARTICLE)
    ask_to_unlock(page)
    visitor.context.clear_cookies()
    press.move(minutes=20)
    confirm(page)
    expect(page.get_by_role("dialog")).to_contain_text("You have been signed out.")


def test_a_keyboard_alone_is_enough(visitor: Visitor) -> None:
    page = visitor.signed_in_tab("ann", ARTICLE)
    unlock = page.locator("paywall-gate").get_by_role("button", name="Unlock")
    unlock.wait_for()
    for _ in range(20):
        page.keyboard.press("Tab")
        if unlock.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_be_focused()
    page.keyboard.press("Escape")
    expect(unlock).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Unlock")).to_be_focused()
    expect(dialog.get_by_role("button", name="Unlock")).to_be_enabled()
    page.keyboard.press("Enter")
    expect(page.locator(".paywall-body")).to_be_focused()


def test_who_reads_in_khmer_is_asked_in_khmer(visitor: Visitor) -> None:
    page = visitor.tab()
    page.get_by_role("button", name="ខ្មែរ").click()
    visitor.sign_in(page, "ann", "/fish-prices")
    page.get_by_role("button", name="ដោះសោ", exact=True).click()
    dialog = page.get_by_role("dialog", name="តើអ្នកពិតជាចង់ដោះសោអត្ថបទនេះមែនទេ?")
    expect(dialog).to_contain_text("នៅសល់ការដោះសោ៖ 3")
    assert dialog.get_attribute("lang") == "km"


def test_the_readers_own_preference_comes_before_the_articles_language(visitor: Visitor) -> None:
    page = visitor.signed_in_tab("ann", "/fish-prices")
    expect(page.get_by_role("button", name="Unlock", exact=True)).to_be_visible()
    assert page.locator("h1").get_attribute("lang") == "km"


def test_the_meter_counts_a_visitor_and_then_asks_to_sign_in(
    visitor: Visitor, press: Press
) -> None:
    for number in range(6):
        press.call(
            "PUT", f"/v1/articles/metered-{number}",
            title=f"Number {number}", policy="metered", language="en",
            body_html="<p>One.</p><p>Two.</p><p>Three.</p>",
        )  # fmt: skip
    page = visitor.tab("/metered-0")
    expect(
        page.get_by_role("progressbar", name="1 of 5 free articles read this month")
    ).to_be_visible()
    for number in range(1, 6):
        page.goto(f"{press.paper}/metered-{number}")
    expect(page.get_by_text("Sign in to read up to 5 articles free")).to_be_visible()


def test_who_signs_out_is_signed_out_in_every_tab(visitor: Visitor, press: Press) -> None:
    first, second = visitor.tab(), visitor.tab()
    visitor.sign_in(first, "ann", ARTICLE)
    second.goto(f"{press.paper}/account")
    expect(second.locator("paywall-credits").first).to_contain_text("3 credits")
    read = visitor.tab("/river-school")
    ask_to_unlock(read)
    confirm(read)
    expect(read.get_by_text(OTHER_TAIL)).to_be_visible()
    ask_to_unlock(first)
    second.get_by_role("button", name="Sign out").click()
    expect(first.get_by_text("or unlock this one for 1 credit")).to_be_visible()
    expect(first.get_by_role("dialog")).to_have_count(0)
    expect(read.get_by_text(OTHER_TAIL)).to_have_count(0)
    assert press.unlocks_left("ann") == 2


def test_a_site_that_answers_204_for_nobody_signs_out_every_tab_too(
    visitor: Visitor, press: Press
) -> None:
    first, second = visitor.tab(), visitor.tab()
    visitor.sign_in(first, "ann", ARTICLE)
    ask_to_unlock(first)

    def with_address(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace("<body ", '<body data-paywall-token="/paywall-token" ')
        received = body.replace("</main>", "<paywall-credits></paywall-credits></main>")
        route.fulfill(response=answer, body=received)

    second.route(f"{press.paper}/", with_address)
    visitor.context.clear_cookies()
    second.goto(f"{press.paper}/")
    expect(first.get_by_text("or unlock this one for 1 credit")).to_be_visible()
    expect(first.get_by_role("dialog")).to_have_count(0)
