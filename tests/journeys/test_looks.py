"""Every state, in light, in dark and on a small telephone: no barrier, and nothing cut off."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.journeys.conftest import OpenVisitor
from tests.journeys.states import LOOKS, STATES

AXE = Axe()


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    state: str, open_visitor: OpenVisitor
) -> None:
    """One newspaper, looked at three times over: the state itself is the same."""
    page = None
    for name, look in LOOKS.items():
        if page is None:
            visitor = open_visitor(**look)
            page = STATES[state](visitor)
        else:
            page.emulate_media(color_scheme=look["color_scheme"])  # type: ignore[arg-type]  # one of the literals
            page.set_viewport_size(look["viewport"])  # type: ignore[arg-type]  # of that shape
        found = AXE.run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name}: {wide} pixels wider than the screen"
