"""Prices in Stripe of this catalogue's products, those of now and of before."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import StripePrice
from paywall.rules.enums import ProductKind


async def find_price(session: AsyncSession, price_id: str) -> StripePrice | None:
    """A price of this catalogue, of now or of before; None for any other."""
    return await session.get(StripePrice, price_id)


async def price_now(
    session: AsyncSession, kind: ProductKind, product_id: str, currency: str
) -> StripePrice | None:
    """What a product costs in Stripe now, in this currency."""
    statement = select(StripePrice).where(
        StripePrice.product_kind == kind,
        StripePrice.product_id == product_id,
        StripePrice.currency == currency,
        StripePrice.is_current,
    )
    return (await session.exec(statement)).first()
