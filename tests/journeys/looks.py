"""How a page is looked at, and what may be wrong with it in each look."""

from typing import Literal, NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

AXE = Axe()


class Look(NamedTuple):
    width_px: int = 1000
    height_px: int = 800
    colours: Literal["light", "dark"] = "light"
    media: Literal["screen", "print"] = "screen"


LIGHT = Look()
DARK = Look(colours="dark")
SMALL = Look(320, 640)
TELEPHONE = Look(390, 800)
# A4 without its margins.
PRINTED = Look(642, 971, media="print")


def wear(page: Page, look: Look) -> None:
    page.emulate_media(media=look.media, color_scheme=look.colours)
    page.set_viewport_size(ViewportSize(width=look.width_px, height=look.height_px))


def faults(page: Page, look: Look) -> list[str]:
    """Barriers that axe finds, and what is wider than the screen."""
    # Colours are all that differs in the dark.
    options = {"runOnly": ["color-contrast"]} if look.colours == "dark" else None
    found = AXE.run(page, options=options)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [
        *([found.generate_report()] if found.violations_count else []),
        *([f"{wide} pixels wider than the screen"] if wide > 0 else []),
    ]
