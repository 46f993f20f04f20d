"""The style sheet in a browser, on markup as the script writes it: Khmer, and paper."""

import re

from playwright.sync_api import Browser, Page, expect

from paywall.sandbox.site.translations import THEME_DIR
from paywall.web.assets import load_assets

BOX = """
<paywall-credits><div class="paywall-part">3 credits</div></paywall-credits>
<paywall-gate><p>The preview.</p>
<section class="paywall-box" lang="{lang}" aria-label="Continue">
  <p class="paywall-status">ដោះសោអត្ថបទនេះ</p><p class="paywall-told">បង់ប្រាក់មិនបានសម្រេច</p>
  <div class="paywall-actions"><button class="paywall-button">ដោះសោ</button></div>
</section></paywall-gate>
<paywall-account><paywall-credits>You have 3 credits.</paywall-credits>
<div class="paywall-part"><p class="paywall-note">Thank you.</p>
<button class="paywall-link">Receipt 2026-K3QZ-7T4M</button>
<details><summary>Credit history</summary></details></div></paywall-account>
<paywall-offers><fieldset class="paywall-switch">Currency</fieldset><b>$4</b></paywall-offers>
<dialog class="paywall-dialog" lang="{lang}"><h2>តើអ្នកពិតជាចង់ដោះសោអត្ថបទនេះមែនទេ?</h2></dialog>
"""
LOOKS = """() => Object.fromEntries(
  [...document.querySelectorAll("section p, section button, h2")].map((one) => {
    const { fontWeight, lineHeight, fontSize } = getComputedStyle(one);
    const height = parseFloat(lineHeight) / parseFloat(fontSize);
    return [one.className || one.tagName, [fontWeight, height]];
  }),
)"""


def shown(browser: Browser, language: str) -> Page:
    page = browser.new_page()
    style = load_assets(str(THEME_DIR), "UTC").style.plain.content.decode()
    page.set_content(f"<style>{style}</style>{BOX.format(lang=language)}")
    return page


def test_khmer_is_bold_where_english_is_and_has_room_below_the_line(browser: Browser) -> None:
    """Khmer fonts have no weight between regular and bold, and show 600 as regular."""
    english, khmer = shown(browser, "en"), shown(browser, "km")
    looks = {"en": english.evaluate(LOOKS), "km": khmer.evaluate(LOOKS)}
    assert looks["en"].keys() == looks["km"].keys() > {"paywall-button", "H2"}
    assert {weight for weight, _ in looks["en"].values()} == {"600", "700"}
    assert {weight for weight, _ in looks["km"].values()} == {"700"}
    assert min(height for _, height in looks["km"].values()) >= 1.65
    assert "font-weight: 600" not in load_assets("", "UTC").style.plain.content.decode()
    english.close()
    khmer.close()


def test_on_paper_are_sentences_and_prices_and_no_buttons(browser: Browser) -> None:
    page = shown(browser, "en")
    page.evaluate("document.querySelector('dialog').showModal()")
    expect(page.locator("dialog")).to_be_visible()
    preview = page.get_by_text("The preview.")
    expect(preview).to_have_css("mask-image", re.compile("gradient"))
    page.emulate_media(media="print", color_scheme="dark")
    expect(preview).to_be_visible()
    expect(preview).to_have_css("mask-image", "none")
    for kept in (".paywall-status", "paywall-account paywall-credits", "paywall-offers b"):
        expect(page.locator(kept)).to_be_visible()
    for hidden in ("dialog", ".paywall-told", ".paywall-note", "details", "fieldset"):
        expect(page.locator(hidden)).to_be_hidden()
    for hidden in ("button", "paywall-credits"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator(".paywall-link")).to_be_hidden()
    expect(page.locator(".paywall-box")).to_have_css("align-items", "start")
    colours = "(box) => [getComputedStyle(box).color, getComputedStyle(box).backgroundColor]"
    black_on_white = ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.locator(".paywall-box").evaluate(colours) == black_on_white
    page.close()
