"""The newspaper under exactly the Content-Security-Policy that docs/security.md gives."""

import re
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.journeys.press import Press
from tests.journeys.test_buying import ARTICLE, MONTHLY, TAIL, buy, pay
from tests.journeys.visitor import Visitor

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"


def documented(service: str) -> str:
    """The policy as a header, for this service."""
    (policy,) = re.findall(r"<!-- policy -->\n```text\n(.+?)```", DOCUMENT.read_text(), re.DOTALL)
    return " ".join(policy.split()).replace("https://paywall.example", service)


def serve_under(policy: str, page: Page, press: Press) -> None:
    def serve(route: Route) -> None:
        answer = route.fetch()
        headers = answer.headers | {"content-security-policy": policy}
        route.fulfill(response=answer, headers=headers)

    for path in ("/", ARTICLE, "/account", "/offers"):
        page.route(f"{press.paper}{path}", serve)


def test_a_reader_unlocks_buys_and_cancels_without_a_violation(
    visitor: Visitor, press: Press
) -> None:
    policy = documented(press.service)
    page = visitor.tab()
    serve_under(policy, page, press)
    visitor.sign_in(page, "ann")
    served = page.goto(f"{press.paper}{ARTICLE}")
    assert served is not None
    assert served.headers["content-security-policy"] == policy
    page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(page.get_by_text(TAIL)).to_be_visible()
    visitor.sign_in(page, "bo")
    page.goto(f"{press.paper}{ARTICLE}")
    buy(page, "Subscribe", MONTHLY)
    pay(page)
    expect(page.get_by_text(TAIL)).to_be_visible()
    page.goto(f"{press.paper}/account")
    page.get_by_role("button", name="Cancel the subscription").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the subscription").click()
    expect(page.get_by_text("Your subscription is cancelled.")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Skip").click()
    page.locator("form[action$='/account/enter'] button").first.click()
    expect(page.locator("body.paywall-page")).to_be_visible()


def test_a_violation_of_the_policy_would_be_seen(visitor: Visitor, press: Press) -> None:
    page = visitor.tab()
    serve_under(documented(press.service), page, press)
    page.goto(press.paper)
    visitor.expect("Content Security Policy")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('a'),"
        " { href: 'javascript:document.title = 1', textContent: 'Run' }))"
    )
    page.get_by_role("link", name="Run").click()
    expect(page).not_to_have_title("1")
    assert len(visitor.complaints) == 1
