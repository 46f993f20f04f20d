"""KHQR codes as checkouts: finding one, its state, and its responses."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import KhqrCode
from paywall.payments.checkout_models import CheckoutAnswer, CheckoutPage, KhqrPayment
from paywall.rules.enums import CheckoutStatus, Processor


async def find_khqr_code(session: AsyncSession, reader_id: str, code_id: str) -> KhqrCode | None:
    """The reader's checkout of this id, if it is one by Bakong."""
    code = await session.get(KhqrCode, code_id, populate_existing=True)
    return code if code is not None and code.reader_id == reader_id else None


def status_of(code: KhqrCode, now: datetime) -> CheckoutStatus:
    """An expired code only has no time left: a late payment still makes it a paid one."""
    if code.purchase_id is not None:
        return CheckoutStatus.PAID
    return CheckoutStatus.OPEN if now < code.expires_at else CheckoutStatus.EXPIRED


def page_of(code: KhqrCode) -> str:
    """The service's own page that shows the code."""
    return f"/account/khqr/{code.id}"


def khqr_page(code: KhqrCode) -> CheckoutPage:
    return CheckoutPage(
        id=code.id, url=page_of(code), processor=Processor.BAKONG, khqr=_payment(code)
    )


def khqr_to_response(code: KhqrCode, now: datetime) -> CheckoutAnswer:
    status = status_of(code, now)
    return CheckoutAnswer(
        id=code.id,
        status=status,
        url=page_of(code) if status is CheckoutStatus.OPEN else None,
        purchase_id=code.purchase_id,
        processor=Processor.BAKONG,
        khqr=_payment(code),
    )


def _payment(code: KhqrCode) -> KhqrPayment:
    return KhqrPayment.from_row(code, image_url=f"/v1/khqr/{code.md5}.svg")
