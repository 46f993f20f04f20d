"""The wall under a preview: what it offers whom, and that it is there whatever happens."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, ViewportSize, expect

from tests.journeys.conftest import OpenVisitor, press_in
from tests.journeys.press import Press
from tests.journeys.visitor import Visitor

ARTICLE = "/rice-bank"
LETTER = "/letter-to-subscribers"
LATER_DECLINED = "A card that pays now, and is declined from then on"
COUNT_SHIFTS = """
window.shifted = 0;
const isBelow = ({ node }) => (node?.closest ? node : node?.parentElement)?.closest("main, footer");
new PerformanceObserver((list) => {
  for (const { value, sources, hadRecentInput } of list.getEntries())
    // What moves in the masthead is not the wall's.
    if (!hadRecentInput && sources.some(isBelow)) shifted += value;
}).observe({ type: "layout-shift", buffered: true });
"""
OPENS = "Subscribe to read every article, or unlock this one for 1 credit."
YEAR = (
    "A year of everythingThe first 14 days are free, then $40 or 160,000 riel a year."
    "Subscriptions renew automatically. You can cancel at any time."
)
PRICES = [
    "A month of everything$4 or 16,000 riel a month",
    YEAR,
    "A week of everything$1.50 or 6,000 riel",
    "Five credits$2 or 8,000 riel",
]
CLEAR = "rgba(0, 0, 0, 0)"
NEXT_FRAMES = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
)
DESK: ViewportSize = {"width": 1000, "height": 900}
TELEPHONE: ViewportSize = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Press]:
    with press_in(tmp_path_factory.mktemp("press"), sqlite_template) as running:
        yield running


def by_script(page: Page) -> None:
    """Wait until the script has filled the box."""
    page.locator(".paywall-shop").wait_for(state="attached")


def buttons(page: Page) -> list[str]:
    return page.locator(".paywall-actions").locator("button, a").all_inner_texts()


def publish(press: Press, name: str, body: str = "", **more: object) -> str:
    start = "".join(f"<p>Paragraph {number} tells a little.</p>" for number in range(8))
    article = {
        "title": f"On {name}", "policy": "premium", "language": "en",
        "url": f"{press.paper}/{name}", "body_html": f"{start}<p>The end of {name}.</p>{body}",
    }  # fmt: skip
    press.call("PUT", f"/v1/articles/{name}", **(article | more))
    return f"/{name}"


def test_nothing_moves_when_the_script_fills_the_wall(
    open_visitor: OpenVisitor, press: Press
) -> None:
    visitor = open_visitor()
    visitor.context.add_init_script(COUNT_SHIFTS)
    page = visitor.tab()
    for reader, article, size in (
        (None, ARTICLE, DESK), (None, ARTICLE, TELEPHONE), (None, used_up(visitor), TELEPHONE),
        ("ann", ARTICLE, TELEPHONE), ("ann", LETTER, DESK), ("ann", LETTER, TELEPHONE),
    ):  # fmt: skip
        page.set_viewport_size(size)
        if reader:
            visitor.sign_in(page, reader, article)
        else:
            page.goto(f"{press.paper}{article}")
        page.locator(".paywall-box").scroll_into_view_if_needed()
        by_script(page)
        page.wait_for_load_state("networkidle")
        page.evaluate(NEXT_FRAMES)
        assert page.evaluate("shifted") == 0, (reader, article, size)


def used_up(visitor: Visitor) -> str:
    """An article for which the visitor has no view left."""
    names = [f"metered-{number}" for number in range(6)]
    for name in names:
        address = publish(visitor.press, name, policy="metered")
        visitor.context.request.get(f"{visitor.press.paper}{address}")
    return f"/{names[-1]}"


@pytest.mark.parametrize("way", ["blocked", "off"])
def test_a_page_whose_script_does_not_run_still_has_its_wall(
    way: str, open_visitor: OpenVisitor, press: Press
) -> None:
    visitor = open_visitor(java_script_enabled=way != "off")
    visitor.expect("net::ERR_BLOCKED_BY_CLIENT")
    visitor.expect("was preloaded")
    visitor.context.route("**/paywall.js", lambda route: route.abort("blockedbyclient"))
    page = visitor.tab(ARTICLE)
    gate = page.get_by_role("region", name="Continue reading")
    expect(gate).to_contain_text("Subscribe to read every article")
    expect(gate.get_by_role("heading", level=2)).to_contain_text("Subscribe to read every article")
    expect(gate.get_by_role("link")).to_have_text(["Subscribe", "Sign in"])
    page.goto(f"{press.paper}/offers")
    expect(page.locator("main li").first).to_contain_text("A month of everything: $4")
    expect(page.get_by_role("link", name="Sign in to buy")).to_be_visible()
    visitor.sign_in(page, "ann", "/account")
    expect(page.get_by_text("are on a page that needs no JavaScript.")).to_be_visible()
    expect(page.get_by_role("button", name="all your data")).to_be_visible()
    page.goto(f"{press.paper}/paid")
    expect(page.get_by_role("link", name="Go back")).to_be_visible()
    page.goto(f"{press.paper}{ARTICLE}")
    gate.get_by_role("button", name="Unlock this article").click()
    expect(page.get_by_role("heading", name="Are you sure you want to unlock")).to_be_visible()
    expect(page.locator("main")).to_contain_text("This costs 1 of your 3 credits.")
    expect(page.locator("main")).to_contain_text("Unlocks left: 3")


def test_a_visitor_chooses_by_one_list_of_prices(visitor: Visitor) -> None:
    page = visitor.tab(ARTICLE)
    by_script(page)
    assert buttons(page) == ["Subscribe", "Buy credits"]
    box = page.locator(".paywall-box")
    expect(box).to_contain_text("Already a subscriber? Sign in")
    assert len(re.findall(r"\$4\b", box.inner_text())) == 1
    expect(box.get_by_role("heading", level=2)).to_have_text(OPENS)
    expect(box.get_by_role("listitem")).to_have_text(PRICES)
    subscribe = box.get_by_role("button", name="Subscribe", expanded=False)
    subscribe.click()
    expect(box.get_by_role("heading", name="Subscriptions")).to_be_focused()
    assert len(re.findall(r"\$4\b", box.inner_text())) == 1
    expect(box.locator(".paywall-prices")).to_be_hidden()
    # The one filled button is the shop's by now.
    expect(box.locator(".paywall-actions button").first).to_have_css("background-color", CLEAR)
    box.get_by_role("button", name="Subscribe", expanded=True).click()
    expect(box.locator(".paywall-prices")).to_be_visible()
    subscribe.click()
    # A refresh of what is on the page leaves the shop open, and what was chosen is remembered.
    box.get_by_role("radio", name="riel").check()
    shop = box.locator("paywall-offers").element_handle()
    with page.expect_response("**/v1/offers"):
        page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_load_state("networkidle")
    assert shop.evaluate("shop => shop.isConnected && Boolean(shop.querySelector('li'))")
    page.reload()
    by_script(page)
    expect(box.locator(".paywall-prices")).to_contain_text("A month of everything16,000 riel a")


def test_what_is_not_for_sale_is_not_offered(visitor: Visitor, press: Press) -> None:
    offers = press.call("GET", "/v1/offers")
    sold = [(kind, one) for kind in ("plans", "passes", "packs") for one in offers[kind]]
    for kind, one in sold:
        press.delete(f"/v1/{kind}/{one['id']}")
    try:
        page = visitor.tab(ARTICLE)
        by_script(page)
        assert buttons(page) == ["Sign in"]
        expect(page.locator(".paywall-box")).to_contain_text("Sign in to continue reading.")
        visitor.sign_in(page, "ann", ARTICLE)
        by_script(page)
        assert buttons(page) == ["Unlock"]
        visitor.sign_in(page, "bo", ARTICLE)
        by_script(page)
        assert buttons(page) == []
        expect(page.locator(".paywall-box")).to_contain_text("You have no credits.")
    finally:
        for kind, one in sold:
            press.call("PUT", f"/v1/{kind}/{one.pop('id')}", **without_savings(one))


def without_savings(offer: dict[str, Any]) -> dict[str, object]:
    """As the catalogue takes it."""
    prices = [{name: price[name] for name in ("amount", "currency")} for price in offer["prices"]]
    return {name: value for name, value in offer.items() if name != "savings"} | {"prices": prices}


def test_a_meter_that_is_used_up_says_until_when_and_what_signing_in_gives(
    visitor: Visitor, press: Press
) -> None:
    ends_at = press.call("GET", "/v1/offers")["meter"]["resets_at"]
    page = visitor.tab(used_up(visitor))
    by_script(page)
    box = page.locator(".paywall-box")
    expect(box).to_contain_text("Sign in to read up to 5 articles free each month.")
    first = press.here(datetime.fromisoformat(ends_at))
    # It is also what somebody sees whom the site does not recognise, and who has read none.
    expect(box).to_contain_text(f"starts again on {first.day} {first:%B} {first.year}.")
    expect(box).not_to_contain_text("You have read")
    expect(box).to_contain_text("Without signing in, you have no free articles left.")
    expect(box).to_contain_text("or unlock this one for 1 credit.")
    assert buttons(page) == ["Sign in", "Subscribe", "Buy credits"]


def test_a_subscriber_whose_card_failed_is_led_to_the_payment(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo", card=LATER_DECLINED)
    visitor.later(page, LETTER, days=36)
    by_script(page)
    assert buttons(page) == ["Fix the payment"]
    expect(page.locator(".paywall-box")).to_contain_text("Your last payment did not go through.")
    page.get_by_role("button", name="Fix the payment").click()
    page.wait_for_url(f"{press.bank}/**")


def ask_at_another_price(visitor: Visitor, press: Press, name: str, cost: int) -> Page:
    """Ann's click on the question, for an article that costs more by then."""
    visitor.expect("status of 409")
    page = visitor.signed_in_tab("ann", publish(press, name))
    by_script(page)
    page.get_by_role("button", name="Unlock", exact=True).click()
    publish(press, name, unlock_cost=cost)
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    return page


def test_after_a_refused_price_the_wall_has_the_new_one(visitor: Visitor, press: Press) -> None:
    page = ask_at_another_price(visitor, press, "dearer", 2)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The price has changed: it now costs 2 credits.")
    expect(dialog).to_contain_text("This costs 2 of your 3 credits. You will have 1 left.")
    expect(dialog).to_contain_text("Unlocks left: 3")
    dialog.get_by_role("button", name="Not now").click()
    expect(page.locator(".paywall-box")).to_contain_text("for 2 of your 3 credits")


def test_a_price_above_the_balance_says_what_is_missing(visitor: Visitor, press: Press) -> None:
    page = ask_at_another_price(visitor, press, "too-dear", 5)
    box = page.locator(".paywall-box")
    expect(box).to_contain_text("The price has changed: it now costs 5 credits.")
    expect(box).to_contain_text("You have 3 credits. You need 2 more.")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert buttons(page) == ["Buy credits", "Subscribe"]
    expect(page.get_by_role("button", name="Buy credits")).to_be_focused()


def test_while_an_unlock_is_under_way_not_now_is_disabled(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("ann", publish(press, "under-way", "<p>More.</p>" * 40))
    page.set_viewport_size(TELEPHONE)
    by_script(page)
    page.get_by_role("button", name="Unlock", exact=True).click()
    refuse = page.get_by_role("dialog").get_by_role("button", name="Not now")
    colour = "button => getComputedStyle(button).color"
    enabled = refuse.evaluate(colour)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/me/unlocks", hold)
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(refuse).to_be_disabled()
    assert refuse.evaluate(colour) != enabled
    held[0].abort()
    visitor.expect("net::ERR_FAILED")
    expect(refuse).to_be_enabled()
    assert refuse.evaluate(colour) == enabled
    page.unroute("**/v1/me/unlocks")
    # The body takes the place of the preview, which is above what the reader sees.
    page.locator(".paywall-box").evaluate("box => box.scrollIntoView()")
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(page.locator(".paywall-note")).to_be_in_viewport(ratio=1)


def test_a_body_that_does_not_come_is_asked_for_again(visitor: Visitor, press: Press) -> None:
    visitor.expect("net::ERR_FAILED")
    address = publish(press, "lost")
    given = {"article_id": "lost", "source": "complimentary"}
    page = visitor.signed_in_tab("ann", address)
    page.route("**/body", lambda route: route.abort())
    press.call("POST", "/v1/subscribers/ann/unlocks", **given)
    page.evaluate("dispatchEvent(new Event('online'))")
    box = page.locator(".paywall-box")
    expect(box).to_contain_text("You can read this article, but it could not be loaded.")
    page.unroute("**/body")
    # The page may have tried again by itself by now.
    page.evaluate("document.querySelector('.paywall-box .paywall-first')?.click()")
    expect(page.get_by_text("The end of lost.")).to_be_visible()


def test_of_several_metered_articles_none_opens_unasked(visitor: Visitor, press: Press) -> None:
    for name in ("several-1", "several-2"):
        publish(press, name, policy="metered")
    page = visitor.signed_in_tab("chan")
    visitor.sign_in(page, "ann", "/sign-in")
    page.evaluate(
        """names => document.querySelector("main").append(...names.map((name) => {
          const gate = document.createElement("paywall-gate");
          gate.setAttribute("article", name);
          return gate;
        }))""",
        ["several-1", "several-2"],
    )
    gates = page.locator("paywall-gate")
    expect(gates.first).to_contain_text("5 free articles are left this month.")
    gates.first.get_by_role("button", name="Open the article").click()
    expect(page.get_by_text("The end of several-1.")).to_be_visible()
    expect(page.get_by_text("The end of several-2.")).to_have_count(0)
    assert press.call("GET", "/v1/subscribers/ann")["meter"]["used"] == 1


@pytest.mark.parametrize(
    ("more", "runs"),
    [
        ("", "external"),
        ("; require-trusted-types-for 'script'; trusted-types paywall", "external"),
        (None, "inline external"),
    ],
)
def test_scripts_of_a_body_run_where_the_policy_of_the_page_lets_them(
    more: str | None, runs: str, visitor: Visitor, press: Press
) -> None:
    """Without any policy all of them run, as they would have in the page."""
    name = f"embeds-{len(more or 'none')}"
    address = publish(
        press, name,
        '<script>document.body.dataset.ran = "inline"</script>'
        '<script src="/embed.js"></script><iframe srcdoc="An embed."></iframe>',
    )  # fmt: skip
    press.call("POST", "/v1/subscribers/ann/unlocks", article_id=name, source="complimentary")
    visitor.expect("Content Security Policy")

    def embed(route: Route) -> None:
        script = "const { dataset } = document.body;"
        script += 'dataset.ran = `${dataset.ran ?? ""} external`.trim();'
        route.fulfill(body=script, content_type="text/javascript")

    def closed(route: Route) -> None:
        """The page as a cache kept it, from before the unlock."""
        answer = route.fetch(headers={**route.request.headers, "cookie": ""})
        policy = answer.headers["content-security-policy"]
        headers = answer.headers | {"content-security-policy": f"{policy}{more}"}
        if more is None:
            headers.pop("content-security-policy")
        body = answer.text().replace("<body ", '<body data-paywall-token="/paywall-token" ')
        route.fulfill(response=answer, headers=headers, body=body.replace("ld+json", "json"))

    page = visitor.signed_in_tab("ann")
    page.route("**/embed.js", embed)
    page.route(f"**{address}", closed)
    page.goto(f"{press.paper}{address}")
    expect(page.locator("body")).to_have_attribute("data-ran", runs)
    expect(page.frame_locator(".paywall-body iframe").get_by_text("An embed.")).to_be_visible()


def test_a_wall_takes_few_requests_to_the_service(visitor: Visitor, press: Press) -> None:
    """Each asks once, and for all that it needs; a browser asks before it sends a token.

    What a visitor's wall needs does not wait for the script.
    """
    page = visitor.tab()
    asked: list[str] = []

    def see(request: Request) -> None:
        if request.url.startswith(press.service):
            path = re.sub("/web/[0-9a-f]{16}|[?].*", "", request.url.removeprefix(press.service))
            asked.append(f"{request.method} {path}")

    page.on("request", see)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/paywall.js", hold)
    with page.expect_request("**/v1/offers"), page.expect_request("**/words.json*"):
        page.goto(f"{press.paper}{ARTICLE}", wait_until="commit")
    held[0].continue_()
    by_script(page)
    page.wait_for_load_state("networkidle")
    files = ["GET /paywall.css", "GET /paywall.js", "GET /words.json"]
    assert sorted(asked) == sorted([*files, "GET /v1/offers"])
    page.unroute("**/paywall.js")
    asked.clear()
    visitor.sign_in(page, "ann", ARTICLE)
    by_script(page)
    page.wait_for_load_state("networkidle")
    assert sorted(line for line in asked if "/v1/" in line) == ["POST /v1/me/page"]
