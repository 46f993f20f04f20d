"""The catalogue in Stripe: what it lacks, and making it."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.products import Product
from paywall.database.engine import insert
from paywall.database.tables import Pack, Pass, Plan, StripePrice
from paywall.processors.stripe.client import PriceOrder
from paywall.processors.stripe.prices import kind_of, terms_of


class Wanted(NamedTuple):
    """A product at one of its prices; `lookup_key` names exactly this, terms and all."""

    product: Product
    amount: int
    currency: str
    lookup_key: str

    @property
    def order(self) -> PriceOrder:
        plan = self.product if isinstance(self.product, Plan) else None
        return PriceOrder(
            lookup_key=self.lookup_key,
            title=self.product.title,
            amount=self.amount,
            currency=self.currency,
            interval=plan.interval if plan else None,
            interval_count=plan.interval_count if plan else 1,
        )

    def __str__(self) -> str:
        return f"{kind_of(self.product)} {self.product.id}: {self.amount} {self.currency}"


async def wanted(session: AsyncSession) -> list[Wanted]:
    """Every price of the catalogue."""
    products: list[Product] = [
        *(await session.exec(select(Pack).order_by(col(Pack.id)))).all(),
        *(await session.exec(select(Pass).order_by(col(Pass.id)))).all(),
        *(await session.exec(select(Plan).order_by(col(Plan.id)))).all(),
    ]
    return [
        Wanted(product, price["amount"], price["currency"], _key(product, price))
        for product in products
        for price in product.prices
    ]


def _key(product: Product, price: dict[str, object]) -> str:
    named = [kind_of(product), product.id, product.title, price, terms_of(product)]
    canonical = msgspec.json.encode(named, order="sorted")
    return f"paywall_{hashlib.sha256(canonical).hexdigest()[:32]}"


async def current_prices(session: AsyncSession) -> Sequence[StripePrice]:
    """The prices that are sold now."""
    statement = select(StripePrice).where(StripePrice.is_current).order_by(col(StripePrice.id))
    return (await session.exec(statement)).all()


async def keep_prices(
    session: AsyncSession, made: Iterable[tuple[Wanted, str]], now: datetime
) -> None:
    """From now on these are sold, and no others; those of before keep their terms."""
    await session.exec(update(StripePrice).values(is_current=False))
    for each, price_id in made:
        kept = insert(session, StripePrice).values(
            id=price_id,
            product_kind=kind_of(each.product),
            product_id=each.product.id,
            amount=each.amount,
            currency=each.currency,
            terms=terms_of(each.product),
            is_current=True,
            created_at=now,
        )
        await session.exec(
            kept.on_conflict_do_update(
                index_elements=[col(StripePrice.id)], set_={"is_current": True}
            )
        )
