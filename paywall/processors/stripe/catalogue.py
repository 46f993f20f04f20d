"""`paywall catalogue sync`: products and prices in Stripe as the catalogue says."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.products import Product
from paywall.database.dialect import insert
from paywall.database.engine import Database
from paywall.database.tables import Pack, Pass, Plan, StripePrice
from paywall.problems import Unconfirmed
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.objects import PriceOrder, StripePriceSnapshot
from paywall.processors.stripe.prices import kind_of, terms_of
from paywall.processors.stripe.units import SAME, rate_of, why_not_charged
from paywall.rules.enums import ProductKind
from paywall.rules.money import format_money_with_code

# Stripe takes this many lookup keys in one request.
KEYS_AT_ONCE = 10


class Wanted(NamedTuple):
    """A product at one of its prices; `lookup_key` identifies both and the terms."""

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
        return _describe(kind_of(self.product), self.product.id, self.amount, self.currency)


def _describe(kind: ProductKind, product_id: str, amount: int, currency: str) -> str:
    return f"{kind} {product_id}: {format_money_with_code(amount, currency)}"


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


def _key(product: Product, price: dict[str, Any]) -> str:
    named: list[object] = [kind_of(product), product.id, product.title, price, terms_of(product)]
    # Prices of such a currency that were created before amounts were converted are not reused.
    if (rate := rate_of(price["currency"])) != SAME:
        named.append(rate)
    canonical = msgspec.json.encode(named, order="sorted")
    return f"paywall_{hashlib.sha256(canonical).hexdigest()[:32]}"


async def current_prices(session: AsyncSession) -> Sequence[StripePrice]:
    """The current prices."""
    statement = select(StripePrice).where(StripePrice.is_current).order_by(col(StripePrice.id))
    return (await session.exec(statement)).all()


async def keep_prices(
    session: AsyncSession, made: Iterable[tuple[Wanted, str]], now: datetime
) -> None:
    """Make these the current prices, and no others; earlier ones keep their terms."""
    await session.exec(update(StripePrice).values(is_current=False))
    for price, price_id in made:
        kept = insert(session, StripePrice).values(
            id=price_id,
            product_kind=kind_of(price.product),
            product_id=price.product.id,
            amount=price.amount,
            currency=price.currency,
            terms=terms_of(price.product),
            is_current=True,
            created_at=now,
        )
        await session.exec(
            kept.on_conflict_do_update(
                index_elements=[col(StripePrice.id)], set_={"is_current": True}
            )
        )


class Difference(NamedTuple):
    """The catalogue's prices that Stripe has and lacks, and prices that are no longer sold.

    `refused` says of each price that Stripe cannot charge why, and what to do.
    """

    found: list[tuple[Wanted, StripePriceSnapshot]]
    lacking: list[Wanted]
    ending: list[str]
    refused: list[str]

    def __str__(self) -> str:
        lines = [f"make {price}" for price in self.lacking]
        lines += [f"sell no more {named}" for named in self.ending]
        return "\n".join(lines)


async def differ(database: Database, client: StripeClient) -> Difference:
    """Compare the catalogue with Stripe, without changing anything."""
    async with database.reading() as session:
        all_wanted = await wanted(session)
        sold = await current_prices(session)
    reasons = [(price, why_not_charged(price.amount, price.currency)) for price in all_wanted]
    chargeable = [price for price, why in reasons if not why]
    seen: dict[str, StripePriceSnapshot] = {}
    keys = [price.lookup_key for price in chargeable]
    for start in range(0, len(keys), KEYS_AT_ONCE):
        seen |= await client.prices(keys[start : start + KEYS_AT_ONCE])
    found = [(price, seen[price.lookup_key]) for price in chargeable if price.lookup_key in seen]
    kept = {price.id for _, price in found}
    return Difference(
        found=found,
        lacking=[price for price in chargeable if price.lookup_key not in seen],
        ending=[
            _describe(price.product_kind, price.product_id, price.amount, price.currency)
            for price in sold
            if price.id not in kept
        ],
        refused=[
            f"The catalogue's price of {kind_of(price.product)} {price.product.id}: {why}."
            for price, why in reasons
            if why
        ],
    )


async def apply(database: Database, client: StripeClient, difference: Difference) -> None:
    """Create the prices that Stripe lacks, and sell at the catalogue's prices from now on."""
    made = [(price, await _make(client, price)) for price in difference.lacking]
    found = [(wanted, price.id) for wanted, price in difference.found]
    async with database.writing() as session:
        await keep_prices(session, [*found, *made], database.clock.now())


async def _make(client: StripeClient, price: Wanted) -> str:
    try:
        return await client.make_price(price.order, f"{price.lookup_key}_{secrets.token_hex(8)}")
    except Unconfirmed:
        seen = await client.prices([price.lookup_key])
        if price.lookup_key not in seen:
            raise
        return seen[price.lookup_key].id
