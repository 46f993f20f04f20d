"""A reader at a WordPress site, in a real browser and in a classic and a block theme."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import PATIENT_SECONDS
from tests.journeys import browser as machine
from tests.journeys.conftest import press_in
from tests.journeys.press import Press
from tests.sites.wordpress.posts import OPEN, PAID, Post, assert_nothing_logged, posts
from tests.sites.wordpress.site import BLOCK, CLASSIC, WordPress

pytestmark = pytest.mark.usefixtures("account")
TIMEOUT_MS = 1000 * PATIENT_SECONDS
ACCOUNT = "<!-- wp:paywall/account /-->"
SETTINGS = (
    "update_option( 'show_avatars', 0 );"
    "update_option( 'paywall_settings', array( 'account_page' => (int) $argv[1] ) );"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = machine.find()
    assert path is not None, machine.MISSING
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=machine.ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def site(new_wordpress: Callable[[], WordPress]) -> WordPress:
    return new_wordpress()


@pytest.fixture(scope="module")
def press(
    site: WordPress, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Press]:
    """The service with products to buy, and a stand-in for Stripe."""
    with press_in(tmp_path_factory.mktemp("press"), sqlite_template, site.url) as running:
        yield running


@pytest.fixture(scope="module")
def account(site: WordPress, press: Press) -> Iterator[Post]:
    """The site, connected; its page with the reader's account."""
    site.define(
        PAYWALL_SERVICE_URL=press.service, PAYWALL_PUBLIC_URL=press.service,
        PAYWALL_SITE_TOKEN=press.site_token, PAYWALL_READER_PREFIX="wp-",
        PAYWALL_ARTICLE_PREFIX="wp-", PAYWALL_TIMEOUT_SECONDS=PATIENT_SECONDS,
    )  # fmt: skip
    site.activate()
    [page] = posts(site, "", post_type="page", post_title="Account", post_content=ACCOUNT)
    site.php(SETTINGS, str(page.id))
    yield page
    assert_nothing_logged(site)


class Reader:
    """A person's browser, signed in by WordPress' own form."""

    def __init__(self, browser: Browser, site: WordPress, **options: object) -> None:
        self.context = browser.new_context(**{"locale": "en", **options})  # type: ignore[arg-type]  # options of Playwright's
        self.context.set_default_timeout(TIMEOUT_MS)
        self.site = site
        self.complaints: list[str] = []
        self.page = self.tab()

    def tab(self, path: str = "") -> Page:
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if path:
            page.goto(f"{self.site.url}{path}")
        return page

    def open(self, path: str) -> None:
        self.page.goto(f"{self.site.url}{path}")

    def sign_in(self, name: str) -> None:
        """Fill in WordPress' form, to which the page leads."""
        self.page.wait_for_url("**/wp-login.php**")
        user = self.page.get_by_label("Username or Email Address")
        # WordPress puts the focus there after 200 ms, also in the middle of filling in another.
        expect(user).to_be_focused()
        user.fill(name)
        self.page.get_by_label("Password", exact=True).fill(name)
        self.page.get_by_role("button", name="Log In").click()

    def close(self) -> None:
        self.context.close()
        assert not self.complaints, self.complaints

    def _hear(self, received: ConsoleMessage) -> None:
        if received.type == "error":
            self.complaints.append(f"{received.text} ({received.location.get('url')})")


@pytest.fixture
def reader(browser: Browser, site: WordPress) -> Iterator[Reader]:
    made = Reader(browser, site)
    yield made
    made.close()


def unlock(page: Page) -> None:
    page.locator("paywall-gate").get_by_role("button", name="Unlock", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()


@pytest.fixture(params=[CLASSIC, BLOCK])
def theme(request: pytest.FixtureRequest, site: WordPress) -> str:
    name: str = request.param
    site.switch_theme(name)
    return name


def test_a_reader_signs_in_unlocks_reads_and_comes_back(
    reader: Reader, site: WordPress, press: Press, theme: str
) -> None:
    [post] = posts(site, "premium", post_title=f"Rice {theme}")
    me = f"wp-{site.user_id('ann')}"
    press.call(
        "POST", f"/v1/subscribers/{me}/grants",
        amount=2, source="promotion", reference=f"a gift for {theme}",
    )  # fmt: skip
    left = press.unlocks_left(me)
    reader.open(post.path)
    expect(reader.page.get_by_text(OPEN)).to_be_visible()
    expect(reader.page.get_by_text(PAID)).to_have_count(0)
    reader.page.locator("paywall-gate").get_by_role("link", name="Sign in").first.click()
    reader.sign_in("ann")
    expect(reader.page.locator("paywall-gate")).to_contain_text(f"1 of your {left} credits")
    unlock(reader.page)
    expect(reader.page.get_by_text(PAID)).to_be_visible()
    expect(reader.page.locator("paywall-gate")).to_have_count(0)
    assert press.unlocks_left(me) == left - 1
    expect(reader.tab(post.path).get_by_text(PAID)).to_be_visible()
    assert press.unlocks_left(me) == left - 1


def test_a_reader_subscribes_reads_and_cancels(
    reader: Reader, site: WordPress, account: Post, theme: str
) -> None:
    name = {CLASSIC: "bo", BLOCK: "contrib"}[theme]
    [post] = posts(site, "subscribers", post_title=f"Salt {theme}")
    reader.open(account.path)
    reader.page.get_by_role("link", name="Subscribe for $4 a month").click()
    reader.sign_in(name)
    # What was chosen before signing in is not asked about again.
    reader.page.wait_for_url("**/checkout/*")
    reader.page.locator("form button").first.click()
    expect(reader.page.get_by_text("Thank you. You are subscribed and")).to_be_visible()
    expect(reader.tab(post.path).get_by_text(PAID)).to_be_visible()
    reader.page.get_by_role("button", name="Cancel the subscription").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Cancel the subscription").click()
    expect(reader.page.locator("paywall-subscription")).to_contain_text(
        "Your subscription is cancelled. You will not be charged for it again"
    )
    expect(reader.tab(post.path).get_by_text(PAID)).to_be_visible()


def test_a_changed_policy_holds_at_the_next_view(
    reader: Reader, site: WordPress, theme: str
) -> None:
    [post] = posts(site, "registered", post_title=f"Fish {theme}")
    reader.open("/wp-login.php")
    reader.sign_in("author")
    reader.page.wait_for_url("**/wp-admin/**")
    reader.open(post.path)
    expect(reader.page.get_by_text(PAID)).to_be_visible()
    for policy, is_open in (("premium", False), ("free", True), ("subscribers", False)):
        site.php(
            "wp_set_current_user( 1 ); update_post_meta( $argv[1], '_paywall_policy', $argv[2] );",
            str(post.id), policy,
        )  # fmt: skip
        reader.open(post.path)
        expect(reader.page.get_by_text(PAID)).to_have_count(1 if is_open else 0)
        expect(reader.page.locator("paywall-gate")).to_have_count(0 if is_open else 1)
