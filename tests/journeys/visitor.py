"""One person's browser at the newspaper, and what it complained of."""

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from paywall.sandbox.site.translations import SERVICE_LANGUAGES
from tests.journeys.press import Press


class Visitor:
    """One person's browser: tabs that share their cookies, and what went wrong in them."""

    def __init__(self, context: BrowserContext, press: Press, locale: str = "en") -> None:
        self.context = context
        self.press = press
        self.language = SERVICE_LANGUAGES.choose([locale])
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def tab(self, path: str = "/") -> Page:
        page = self._new_page()
        page.goto(f"{self.press.paper}{path}")
        return page

    def text(self, name: str, **values: str | int) -> str:
        """What the service says by this name in the language of this browser."""
        return self.language.translate(name, **values)

    def expect(self, pattern: str) -> None:
        """The browser itself tells of each answer that is an error; this one is meant."""
        self.expected.append(pattern)

    def sign_in(self, page: Page, reader_id: str, path: str = "/") -> None:
        """Send the sign-in page's form, which has tests of its own, and open this page."""
        answer = self.context.request.post(
            f"{self.press.paper}/sign-in", form={"reader": reader_id}, max_redirects=0
        )
        assert answer.status == 303
        page.goto(f"{self.press.paper}{path}")

    def signed_in_tab(self, reader_id: str, path: str = "/") -> Page:
        page = self._new_page()
        self.sign_in(page, reader_id, path)
        return page

    def subscribe(self, page: Page, reader_id: str, card: str = "A card that pays") -> None:
        """Sign in, buy a month of everything with this card of the stand-in, see the account.

        Where the page asks for consent to immediate delivery, it is given.
        """
        self.sign_in(page, reader_id, "/offers")
        price = self.text("price_month", price=self.language.money(400, "usd"), count=1)
        buy = page.get_by_role("button", name=self.text("subscribe_for", price=price))
        buy.wait_for()
        for consent in page.locator(".paywall-consent input").all():
            consent.check()
        buy.click()
        page.wait_for_url("**/checkout/*")
        page.get_by_label(card, exact=True).check()
        page.locator("form button").first.click()
        page.get_by_text(self.text("thanks_plan")).wait_for()
        page.goto(f"{self.press.paper}/account")

    def ask_for_consent(self) -> None:
        """From now on the newspaper asks for consent to immediate delivery before each payment."""
        ask = "document.body.dataset.paywallConsent = ''"
        self.context.add_init_script(f"addEventListener('DOMContentLoaded', () => ({ask}))")

    def later(self, page: Page, path: str, **by: float) -> None:
        """Time passes, and the page is opened then.

        One that stays open meanwhile may ask with a token that has just ended, and complain of it.
        """
        page.goto("about:blank")
        self.press.move(**by)
        page.goto(f"{self.press.paper}{path}")

    def check(self) -> None:
        wrong = [
            text
            for text in self.complaints
            if not any(re.search(pattern, text) for pattern in self.expected)
        ]
        assert not wrong, wrong

    def _new_page(self) -> Page:
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _hear(self, received: ConsoleMessage) -> None:
        if received.type in ("error", "warning"):
            self.complaints.append(f"{received.text} ({received.location.get('url')})")
