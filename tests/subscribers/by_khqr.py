"""What the audit checks of payments by KHQR, made through the flows and a bank."""

import msgspec
from sqlmodel import col, select

from paywall.database.tables import KhqrCode, UnmatchedPayment
from paywall.payments.checkouts import CheckoutRequest
from paywall.processors.bakong.checkout import start_khqr_checkout
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.confirm import ask_about
from paywall.processors.bakong.context import BakongContext
from paywall.processors.bakong.unmatched import resolve_unmatched
from paywall.rules.enums import Actor, PaymentResolution, ProductKind
from paywall.settings import Settings
from tests.conftest import SetClock
from tests.processors.bakong.bank import Bank
from tests.processors.bakong.till import ACCOUNT, RETURN_URL
from tests.processors.stripe.shop import Shop

SOLD = ((ProductKind.PACK, "six"), (ProductKind.PASS, "week"), (ProductKind.PLAN, "monthly"))


async def by_khqr(shop: Shop, of_stripe: Settings) -> None:
    """A pack, a pass and a period that were paid; one paid twice and given, one paid wrongly."""
    bank = Bank()
    settings = msgspec.structs.replace(
        of_stripe, bakong_account=ACCOUNT, bakong_merchant_name="River Post", bakong_token="standin"
    )
    made = BakongContext(shop.database, BakongClient(settings, bank), settings)
    for kind, product_id in SOLD:
        await _pay(made, bank, CheckoutRequest(kind, product_id, "usd", RETURN_URL, consents=True))
    again = CheckoutRequest(ProductKind.PACK, "six", "usd", RETURN_URL, consents=False)
    await _pay(made, bank, again, {}, {})
    await _pay(made, bank, again, {"amount": "5"})
    async with shop.database.writing() as session:
        second = (await session.exec(select(UnmatchedPayment).limit(1))).one()
        await resolve_unmatched(
            session,
            second.id,
            PaymentResolution.GIVEN,
            None,
            actor=Actor("site", "desk", ""),
            settings=settings,
            clock=shop.clock,
        )
    await made.client.close()


async def _pay(
    context: BakongContext, bank: Bank, request: CheckoutRequest, *payments: dict[str, str]
) -> None:
    clock = context.database.clock
    assert isinstance(clock, SetClock)
    await start_khqr_checkout(context, "kim", request, None)
    async with context.database.reading() as session:
        newest = select(KhqrCode).where(col(KhqrCode.purchase_id).is_(None))
        code = (await session.exec(newest)).one()
    for otherwise in payments or ({},):
        bank.pay(code.md5, code.text, clock.now(), **otherwise)
    for _ in payments or ({},):
        await ask_about(context, code)
        clock.move(seconds=2)
