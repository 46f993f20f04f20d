"""The panel of the block editor and the settings page, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import PATIENT_SECONDS
from tests.journeys import browser as machine
from tests.sites.wordpress.site import WordPress

TIMEOUT_MS = 1000 * PATIENT_SECONDS
PARAGRAPH = "<!-- wp:paragraph -->\n<p>{}</p>\n<!-- /wp:paragraph -->"
CONTENT = "\n\n".join([
    PARAGRAPH.format("Shown to all."),
    "<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->",
    PARAGRAPH.format("Hidden part of it."),
])  # fmt: skip
# The tour and the list of patterns stand in front of the editor.
NO_TOUR = (
    "update_user_meta( get_user_by( 'login', $argv[1] )->ID, 'wp_persisted_preferences',"
    " array( 'core/edit-post' => array( 'welcomeGuide' => false ), '_modified' => '2030-01-01' ) );"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = machine.find()
    assert path is not None, machine.MISSING
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=machine.ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page_of(browser: Browser, wordpress: WordPress) -> Iterator["PageOf"]:
    contexts = PageOf(browser, wordpress)
    yield contexts
    contexts.close()


class PageOf:
    """Pages of users who are signed in; scripts' errors fail the test."""

    def __init__(self, browser: Browser, wordpress: WordPress) -> None:
        self.browser = browser
        self.wordpress = wordpress
        self.errors: list[str] = []
        self.contexts = [browser.new_context(locale="en")]

    def __call__(self, user: str, path: str) -> Page:
        context = self.browser.new_context(locale="en")
        context.set_default_timeout(TIMEOUT_MS)
        self.contexts.append(context)
        for name, value in self.wordpress.cookies(user).items():
            context.add_cookies([{"name": name, "value": value, "url": self.wordpress.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{self.wordpress.url}{path}")
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        assert self.errors == []


def test_an_editor_changes_the_policy_and_it_holds_at_the_next_view(
    wordpress: WordPress, page_of: PageOf
) -> None:
    post_id = wordpress.insert_post(post_title="Flip", post_content=CONTENT, post_name="flip")
    wordpress.php(NO_TOUR, "edit")
    address = wordpress.php(
        "echo wp_make_link_relative( get_permalink( $argv[1] ) );", str(post_id)
    )
    assert "Hidden part" in wordpress.get(address).text
    page = page_of("edit", f"/wp-admin/post.php?post={post_id}&action=edit")
    panel = page.get_by_role("button", name="Paywall", exact=True)
    panel.click()
    page.get_by_label("Who may read").select_option("premium")
    page.get_by_label("Price in credits").fill("3")
    page.get_by_role("button", name="Update", exact=True).click()
    expect(page.get_by_text("Post updated.").first).to_be_visible()
    gated = wordpress.get(address)
    assert "Hidden part" not in gated.text
    assert "Shown to all." in gated.text
    assert 'cost="3"' in gated.text
    page.get_by_label("Who may read").select_option("free")
    page.get_by_role("button", name="Update", exact=True).click()
    expect(page.get_by_role("button", name="Update", exact=True)).to_be_disabled()
    assert "Hidden part" in wordpress.get(address).text
    stored = wordpress.sql(f"select post_content from wp_posts where ID = {post_id}")
    assert "\n".join(row[0] for row in stored) == CONTENT
    wordpress.php("wp_delete_post( (int) $argv[1], true );", str(post_id))


def test_the_connection_is_tested_from_the_server_and_the_browser(
    wordpress: WordPress, page_of: PageOf
) -> None:
    page = page_of("admin", "/wp-admin/options-general.php?page=paywall")
    page.get_by_role("button", name="Test the connection").click()
    results = page.locator("#paywall-test-results")
    expect(results).to_contain_text("This server reaches the service.")
    expect(results).to_contain_text("The service accepts the token.")
    # This site is not among the service's allowed origins.
    expect(results).to_contain_text("is in the service’s setting allowed_origins")
    expect(results).to_contain_text(wordpress.url)
    assert wordpress.complaints() == []
