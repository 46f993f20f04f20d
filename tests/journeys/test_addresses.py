"""Where a page leads: the web alone, and this origin for tokens and for the way back."""

import json
import re

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.journeys.press import Press
from tests.journeys.test_buying import ARTICLE, FIVE, TAIL, buy, pay
from tests.journeys.visitor import Visitor

NOTE = "paywall-checkout"


def served_with(page: Page, address: str, *changes: tuple[str, str]) -> None:
    """The article's page at this address, with changes to its HTML."""

    def changed(route: Route) -> None:
        answer = route.fetch(url=route.request.url.replace("//evil.example/x", ARTICLE))
        body = answer.text()
        for before, after in changes:
            assert before in body
            body = body.replace(before, after)
        route.fulfill(response=answer, body=body)

    page.route(address, changed)


def requests_of(page: Page) -> list[Request]:
    seen: list[Request] = []

    def see(request: Request) -> None:
        seen.append(request)

    page.on("request", see)
    return seen


def test_who_paid_comes_back_to_the_page_whatever_its_path(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("bo")
    address = f"{press.paper}//evil.example/x"
    served_with(page, address)
    page.goto(address)
    buy(page, "Buy credits", FIVE)
    pay(page)
    page.wait_for_url(address)
    expect(page.get_by_role("dialog")).to_contain_text("Thank you. 5 credits were added.")


def test_no_page_but_one_of_the_site_is_come_back_to(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("bo", ARTICLE)
    buy(page, "Buy credits", FIVE)
    page.goto(press.paper)
    for address in (
        "https://evil.example/x",
        "//evil.example/x",
        "/\\evil.example",
        "https:evil.example",
        f"{press.paper}@evil.example/",
        "\t//evil.example",
        "javascript:alert(1)",
        "",
        1,
    ):
        page.evaluate(
            "([name, from]) => sessionStorage.setItem(name,"
            " JSON.stringify({ ...JSON.parse(sessionStorage.getItem(name)), from }))",
            [NOTE, address],
        )
        page.goto(f"{press.paper}/paid")
        back = page.locator("paywall-return").get_by_role("link", name="Back")
        target = back.evaluate("(link) => link.href")
        assert target in (f"{press.paper}/account", f"{press.paper}/1"), address


@pytest.mark.parametrize(
    "address", ["https://evil.example/t", "//evil.example/t", "/\\evil.example/t", "javascript:1"]
)
def test_a_token_is_asked_of_this_origin_alone(
    address: str, visitor: Visitor, press: Press
) -> None:
    visitor.expect(r"data-paywall-token=.* has to be of this page's origin")
    page = visitor.signed_in_tab("ann")
    page.goto("about:blank")
    seen = requests_of(page)
    served_with(page, f"{press.paper}{ARTICLE}", ('token="/paywall-token"', f'token="{address}"'))
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.locator("paywall-gate")).to_contain_text("Sign in")
    assert {request.method for request in seen} == {"GET"}
    assert not any("evil" in request.url for request in seen)
    assert any("origin" in complaint for complaint in visitor.complaints)


@pytest.mark.parametrize("name", ["login", "account", "shop"])
def test_a_setting_that_would_run_as_a_script_is_no_link(
    name: str, visitor: Visitor, press: Press
) -> None:
    visitor.expect(f"(?s)data-paywall-{name}=.* has to be an http or https address")
    page = visitor.tab()

    def changed(route: Route) -> None:
        answer = route.fetch()
        setting = f'data-paywall-{name}=" java&#10;script:alert(1)"'
        body = re.sub(f'data-paywall-{name}="[^"]*"', setting, answer.text())
        route.fulfill(response=answer, body=body)

    page.route(f"{press.paper}{ARTICLE}", changed)
    if name != "login":
        visitor.sign_in(page, "bo")
    page.goto(f"{press.paper}{ARTICLE}")
    expect(page.locator("paywall-gate section")).to_contain_text("credit")
    if name != "login":
        expect(page.locator("paywall-credits .paywall-part")).to_be_visible()
    parts = page.locator("paywall-gate section a, paywall-credits a")
    assert "script:" not in "".join(parts.evaluate_all("(links) => links.map((a) => a.href)"))
    assert f'paywall.js: data-paywall-{name}=" java' in visitor.complaints[0]


def test_ids_that_every_object_has_are_ids_like_others(visitor: Visitor, press: Press) -> None:
    names = ("constructor", "__proto__", "toString")
    price = [{"amount": 100, "currency": "usd"}]
    for name in names:
        press.call("PUT", f"/v1/packs/{name}", title=f"Pack {name}", credits=1, prices=price)
        press.call(
            "PUT", f"/v1/articles/{name}", title=name, policy="premium", body_html="<p>Opened.</p>"
        )
    page = visitor.tab("/offers")
    shop = page.locator("paywall-offers")
    expect(shop).to_contain_text("Pack constructor")
    page.evaluate(
        "() => document.querySelector('paywall-offers').replaceWith(Object.assign("
        "document.createElement('div'), { innerHTML:"
        ' \'<paywall-offers kinds="constructor pack __proto__"></paywall-offers>'
        "<paywall-gate article=rice-bank policy=constructor></paywall-gate>' }))"
    )
    expect(shop).to_contain_text("Pack __proto__")
    expect(page.locator("paywall-gate section")).to_contain_text("Sign in")
    assert "native code" not in page.locator("main").inner_text()
    visitor.sign_in(page, "ann")
    for name in names:
        page.goto(f"{press.paper}/{name}")
        page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
        expect(page.get_by_text("Opened.")).to_be_visible()


def test_fifty_messages_are_answered_by_few_requests(visitor: Visitor) -> None:
    page = visitor.signed_in_tab("ann", ARTICLE)
    expect(page.locator("paywall-gate")).to_contain_text("Unlock")
    page.wait_for_load_state("networkidle")
    seen = requests_of(page)
    page.evaluate(
        "() => { const tabs = new BroadcastChannel('paywall');"
        " for (let n = 0; n < 50; n++) { tabs.postMessage('changed'); tabs.postMessage({}); }"
        " for (let n = 0; n < 50; n++) tabs.postMessage('signed out'); }"
    )
    expect(page.locator("paywall-gate")).to_contain_text("Unlock")
    page.wait_for_load_state("networkidle")
    asked = [request for request in seen if request.method != "OPTIONS"]
    # Twice for what changed and twice for who signed out: a token, the body and the reader.
    assert 0 < len(asked) <= 4 * 4


@pytest.mark.parametrize("account", ["/account", ""])
def test_a_processor_learns_of_no_article(account: str, visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("bo")
    empty = "" if account else 'data-paywall-return=""'
    changes = [('data-paywall-return="/paid"', empty)]
    if not account:
        changes.append(('data-paywall-account="/account"', ""))
    for path in (ARTICLE, "/", "/account"):
        served_with(page, f"{press.paper}{path}", *changes)
    page.goto(f"{press.paper}{ARTICLE}")
    with page.expect_request("**/v1/me/checkout") as pending_requests:
        buy(page, "Buy credits", FIVE)
    received = json.loads(pending_requests.value.post_data or "")
    assert received["return_url"] == f"{press.paper}{account or '/'}"
    pay(page)
    page.wait_for_url(f"{press.paper}{ARTICLE}")
    expect(page.get_by_role("dialog")).to_contain_text("Thank you. 5 credits were added.")


def test_the_portal_leads_back_to_the_account_and_not_to_the_article(
    visitor: Visitor, press: Press
) -> None:
    page = visitor.tab()
    visitor.subscribe(page, "bo", "A card that pays now, and is declined from then on")
    visitor.later(page, ARTICLE, days=36)
    with page.expect_request("**/v1/me/billing-portal") as pending_requests:
        page.locator("paywall-gate").get_by_role("button", name="Fix the payment").click()
    assert pending_requests.value.post_data_json == {"return_url": f"{press.paper}/account"}


def test_nothing_of_a_checkout_stays_after_signing_out(visitor: Visitor, press: Press) -> None:
    page = visitor.signed_in_tab("bo", ARTICLE)
    buy(page, "Buy credits", FIVE)
    page.goto(f"{press.paper}/account")
    assert json.loads(page.evaluate(f"sessionStorage.getItem('{NOTE}')"))["bought"]["count"] == 5
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("sessionStorage.length") == 0
    assert TAIL not in page.content()
