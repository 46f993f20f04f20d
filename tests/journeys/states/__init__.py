"""Every state that readers see, to be looked at, by a machine or by us.

A walk brings one or several states about, in the language of its visitor's browser, and yields each
with its name. One file a page; each lists its walks in WALKS.
"""

from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from tests.journeys.states import account, afterwards, gate, paper, plain, shop
from tests.journeys.visitor import Visitor

Walk = Callable[[Visitor], Iterator[tuple[str, Page]]]

WALKS: dict[str, Walk] = {
    walk.__name__: walk
    for page in (paper, gate, shop, account, afterwards, plain)
    for walk in page.WALKS
}
