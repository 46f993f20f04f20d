"""Every state that readers see, each brought about anew: to be looked at, by a machine or by us.

One file a page; each lists its states in STATES.
"""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.journeys.states import account, gate, paper, plain, shop
from tests.journeys.visitor import Visitor

STATES: dict[str, Callable[[Visitor], Page]] = {
    state.__name__: state for page in (paper, gate, shop, account, plain) for state in page.STATES
}
LOOKS: dict[str, dict[str, object]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1000, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1000, "height": 800}},
    "small": {"color_scheme": "light", "viewport": {"width": 320, "height": 640}},
}
