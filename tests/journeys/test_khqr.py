"""Buying by KHQR at a site that sells through Bakong alone, on a telephone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from paywall.sandbox.bakong.bank import PaymentWay, StandInBank
from paywall.sandbox.bakong.server import create_app
from paywall.sandbox.site.server import address_of, listening
from tests.journeys.conftest import OpenVisitor, press_in
from tests.journeys.press import HOST, Press
from tests.journeys.visitor import Visitor
from tests.prompt_server import served_in_a_thread

ARTICLE = "/rice-bank"
TAIL = "The tenth sack pays for the roof"
TELEPHONE = {"width": 360, "height": 740}


@pytest.fixture
def bank() -> Iterator[StandInBank]:
    with listening(HOST, 0) as listener:
        bank = StandInBank(lambda: datetime.now(UTC), address_of(listener))
        with served_in_a_thread(create_app(bank), listener):
            yield bank


@pytest.fixture
def press(tmp_path: Path, sqlite_template: Path, bank: StandInBank) -> Iterator[Press]:
    selling = {
        "stripe_secret_key": "",
        "stripe_webhook_secrets": [],
        "stripe_api_base": "",
        "bakong_account": "river_post@standin",
        "bakong_merchant_name": "The River Post",
        "bakong_token": bank.issue_token(),
        "bakong_api_base": bank.address,
    }
    with press_in(tmp_path, sqlite_template, selling=selling) as running:
        yield running


def pay(page: Page, visitor: Visitor) -> None:
    """In the bank's app, which a link on the page of the code opens; and back to that page."""
    page.wait_for_url("**/account/khqr/*")
    code = page.url
    expect(page.get_by_role("img", name=re.compile("KHQR"))).to_be_visible()
    page.get_by_role("link", name=visitor.text("khqr_open")).click()
    page.get_by_role("button", name=re.compile(f"^{PaymentWay.EXACT} ")).click()
    expect(page.get_by_text("Paid")).to_be_visible()
    visitor.press.move(seconds=5)
    page.goto(code)
    page.get_by_role("link", name=visitor.text("go_on_reading")).click()


@pytest.mark.parametrize("locale", ["en", "km"])
def test_a_pack_by_khqr_opens_the_article(open_visitor: OpenVisitor, locale: str) -> None:
    visitor = open_visitor(viewport=TELEPHONE, locale=locale)
    page = visitor.signed_in_tab("bo", ARTICLE)
    gate = page.locator("paywall-gate")
    gate.get_by_role("button", name=visitor.text("buy_credits"), exact=True).click()
    page.locator(".paywall-offers button").first.click()
    pay(page, visitor)
    page.wait_for_url(f"{visitor.press.paper}{ARTICLE}*")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(visitor.text("thanks_pack", count=5))
    dialog.get_by_role("button", name=visitor.text("unlock"), exact=True).click()
    expect(page.get_by_text(TAIL)).to_be_visible()
    assert visitor.press.unlocks_left("bo") == 4


def test_a_plan_by_khqr_is_one_period_without_a_trial(visitor: Visitor) -> None:
    page = visitor.signed_in_tab("bo", "/offers")
    offers = page.locator("paywall-offers")
    expect(offers).to_contain_text(visitor.text("plan_prepaid"))
    expect(offers).not_to_contain_text(visitor.text("plan_renews"))
    expect(offers).not_to_contain_text("free")
