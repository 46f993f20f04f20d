"""The page of a KHQR code: it shows the code, and refreshes itself until the bank confirms."""

from datetime import datetime, timedelta
from typing import NamedTuple

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.database.tables import KhqrCode
from paywall.payments.api import get_my_checkout
from paywall.payments.khqr_codes import find_khqr_code, status_of
from paywall.processors.bakong.context import BakongContext
from paywall.rules.enums import CheckoutStatus, Processor, ProductKind
from paywall.settings import Settings
from paywall.subscribers.overview import Overview
from paywall.tokens.revocation import refuse_revoked
from paywall.web.pages.account import load_overview
from paywall.web.pages.offers import YES
from paywall.web.pages.receipts import seller_of
from paywall.web.pages.rendering import PageRenderer
from paywall.web.pages.requests import AnyRequest, page_of_reader

OPEN_REFRESH_SECONDS, EXPIRED_REFRESH_SECONDS = 5, 60
# The bank is asked each time that the page is shown, so an older answer means that it is silent.
ANSWER_AGE_MAX = timedelta(seconds=20)
TITLES = {
    CheckoutStatus.OPEN: "khqr_page",
    CheckoutStatus.EXPIRED: "khqr_over",
    CheckoutStatus.PAID: "khqr_paid",
}


class KhqrView(NamedTuple):
    """What the page shows; `order` are the fields of the form that asks for a new code."""

    code: KhqrCode
    status: CheckoutStatus
    product: str
    is_bank_silent: bool
    refresh_seconds: int | None
    order: dict[str, str]
    overview: Overview

    @property
    def credits(self) -> int | None:
        """Of a pack."""
        return self.code.terms["credits"] if self.code.product_kind is ProductKind.PACK else None


@get("/khqr/{code_id:str}")
async def show_khqr(
    code_id: FromPath[str],
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    bakong: NamedDependency[BakongContext | None],
) -> Response[str]:
    """The code with what it is for; once it is paid, what it gave and the way back."""
    page, caller = await page_of_reader(request, settings)
    async with database.reading() as session:
        await refuse_revoked(session, caller, database.dialect)
        known = await find_khqr_code(session, caller.subject, code_id)
    if known is None:
        return page.render_message("no_page", 404)
    await get_my_checkout.fn(
        checkout_id=code_id, caller=caller, database=database, stripe=None, bakong=bakong
    )
    async with database.reading() as session:
        view = await _load_view(session, page, caller.subject, code_id, database.clock.now())
    if view is None:
        return page.render_message("no_page", 404)
    seller = seller_of(settings, page.language, page.site)
    return page.render("khqr.html", TITLES[view.status], {"khqr": view, "seller": seller})


async def _load_view(
    session: AsyncSession, page: PageRenderer, reader_id: str, code_id: str, now: datetime
) -> KhqrView | None:
    """None where the reader has been erased or merged meanwhile."""
    code = await find_khqr_code(session, reader_id, code_id)
    if code is None:
        return None
    status = status_of(code, now)
    refresh_seconds = {
        CheckoutStatus.OPEN: OPEN_REFRESH_SECONDS,
        CheckoutStatus.EXPIRED: EXPIRED_REFRESH_SECONDS,
    }
    return KhqrView(
        code=code,
        status=status,
        product=page.language.title(code.product_kind, code.product_id) or code.terms["title"],
        is_bank_silent=code.answered_at is None or now - code.answered_at > ANSWER_AGE_MAX,
        # Nobody asks the bank about a code that has no time left to be asked at.
        refresh_seconds=refresh_seconds.get(status) if code.next_ask_at else None,
        order=order_fields(code),
        overview=await load_overview(session, reader_id, page.settings, now),
    )


def order_fields(code: KhqrCode) -> dict[str, str]:
    """The same order again, for the form of the offers."""
    return {
        "order": f"{code.product_kind}:{code.currency}:{code.product_id}",
        "return": code.return_url or "",
        "agreed": YES if code.consent_at else "",
        "processor": Processor.BAKONG,
    }
