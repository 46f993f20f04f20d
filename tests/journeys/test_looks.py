"""Every state, in light, in dark and on a small telephone: no barrier, and nothing cut off."""

import pytest

from tests.journeys.conftest import OpenVisitor
from tests.journeys.looks import DARK, LIGHT, SMALL, faults, wear
from tests.journeys.states import WALKS


@pytest.mark.parametrize("walk", WALKS)
def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    walk: str, open_visitor: OpenVisitor
) -> None:
    """`make screenshots` looks at the same states in Khmer."""
    for name, page in WALKS[walk](open_visitor()):
        # The last look is the one in which the walk goes on.
        for look in (DARK, SMALL, LIGHT):
            wear(page, look)
            assert faults(page, look) == [], f"{name}, {look}"
