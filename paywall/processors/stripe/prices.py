"""Prices in Stripe of this catalogue's products, current and earlier ones.

Each price keeps the terms on which it was sold: editing a product changes nothing that was sold.
"""

from typing import Any

import msgspec
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.products import Product
from paywall.database.tables import Pack, Pass, Plan, StripePrice
from paywall.processors.stripe.objects import StripeSubscriptionSnapshot, SubscriptionItem
from paywall.rules.enums import CreditsExpire, Interval, ProductKind

# What is sold of a product: a change of one of these needs a new price.
TERMS = {
    ProductKind.PACK: ("credits", "expires_after_days"),
    ProductKind.PASS: ("days",),
    ProductKind.PLAN: ("interval", "interval_count", "credits", "credits_expire"),
}


def kind_of(product: Product) -> ProductKind:
    match product:
        case Pack():
            return ProductKind.PACK
        case Pass():
            return ProductKind.PASS
        case Plan():
            return ProductKind.PLAN


def terms_of(product: Product) -> dict[str, Any]:
    """The terms of a product, as its price keeps them."""
    terms = {name: getattr(product, name) for name in TERMS[kind_of(product)]}
    plain: dict[str, Any] = msgspec.to_builtins(terms)
    return plain


def sold_product(price: StripePrice) -> Product:
    """The product as it was when this price was made; it is not a row of the catalogue."""
    named: dict[str, Any] = {"id": price.product_id, "created_at": price.created_at}
    named |= {"title": "", "prices": []}
    terms = price.terms
    match price.product_kind:
        case ProductKind.PACK:
            return Pack(**named, **terms)
        case ProductKind.PASS:
            return Pass(**named, **terms)
        case ProductKind.PLAN:
            return Plan(
                **named,
                interval=Interval(terms["interval"]),
                interval_count=terms["interval_count"],
                credits=terms["credits"],
                credits_expire=CreditsExpire(terms["credits_expire"]),
            )


async def find_price(session: AsyncSession, price_id: str) -> StripePrice | None:
    """A price of this catalogue, current or earlier; None for any other."""
    return await session.get(StripePrice, price_id)


async def current_price(
    session: AsyncSession, kind: ProductKind, product_id: str, currency: str
) -> StripePrice | None:
    """The price at which a product is sold now in this currency."""
    statement = select(StripePrice).where(
        StripePrice.product_kind == kind,
        StripePrice.product_id == product_id,
        StripePrice.currency == currency,
        StripePrice.is_current,
    )
    return (await session.exec(statement)).first()


async def by_item_sold(
    session: AsyncSession, snapshot: StripeSubscriptionSnapshot
) -> StripeSubscriptionSnapshot:
    """The subscription by its first item of this catalogue; unchanged if it has none."""
    for price_id, quantity, period_ends_at in (
        SubscriptionItem(snapshot.price_id, snapshot.quantity, snapshot.period_ends_at),
        *snapshot.other_items,
    ):
        if await find_price(session, price_id) is not None:
            return snapshot._replace(
                price_id=price_id, quantity=quantity, period_ends_at=period_ends_at
            )
    return snapshot


async def find_plan_sold(session: AsyncSession, price_id: str | None) -> Plan | None:
    """The plan of a price, as it was sold; None for what is no plan of this catalogue."""
    price = await find_price(session, price_id) if price_id else None
    product = sold_product(price) if price else None
    return product if isinstance(product, Plan) else None
