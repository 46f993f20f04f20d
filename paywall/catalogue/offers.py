"""Everything that can be bought."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.models import (
    AnswerT,
    OfferedPrice,
    PackAnswer,
    PackOffer,
    PassAnswer,
    PassOffer,
    PlanAnswer,
    PlanOffer,
    Price,
    ProductAnswer,
    Saving,
    to_response,
)
from paywall.database.tables import Pack, Pass, Plan
from paywall.http.bodies import ResponseModel
from paywall.rules.calendar import month_of
from paywall.rules.enums import Processor, ProductKind
from paywall.rules.khqr_prices import why_not_charged
from paywall.rules.offers import (
    SizedPrice,
    listing_order,
    plan_days,
    plan_months,
    savings_percent,
)
from paywall.settings import Settings

ProductT = TypeVar("ProductT", Plan, Pack, Pass)


class FreeArticles(ResponseModel):
    """What anyone reads of metered articles without paying."""

    limit: Annotated[int, Meta(description="Metered articles per month.")]
    resets_at: Annotated[datetime, Meta(description="When the month ends and the count restarts.")]


OnSale = Annotated[
    list[ProductKind], Meta(description="The kinds of which the catalogue has a product.")
]
HasCheckout = Annotated[
    bool,
    Meta(
        description="Whether readers can buy them by `POST /v1/me/checkout`, which needs a payment"
        " processor."
    ),
]


class Offers(ResponseModel):
    """Everything that can be bought, of each kind by position, then the smallest first."""

    plans: Annotated[list[PlanOffer], Meta(description="Subscriptions.")]
    packs: Annotated[list[PackOffer], Meta(description="Credits, bought once.")]
    passes: Annotated[list[PassOffer], Meta(description="Everything for some days, bought once.")]
    meter: Annotated[
        FreeArticles,
        Meta(description="How many metered articles each reader can read free this month."),
    ]
    on_sale: OnSale
    has_checkout: HasCheckout


async def load_offers(session: AsyncSession, settings: Settings, now: datetime) -> Offers:
    plans = await _products(session, Plan, PlanAnswer)
    if settings.sells_prepaid_only:
        plans = [msgspec.structs.replace(plan, trial_days=None) for plan in plans]
    plans.sort(
        key=lambda one: listing_order(
            one.position, plan_days(one.interval, one.interval_count), one.id
        )
    )
    packs = await _products(session, Pack, PackAnswer)
    packs.sort(key=lambda one: listing_order(one.position, one.credits, one.id))
    passes = await _products(session, Pass, PassAnswer)
    passes.sort(key=lambda one: listing_order(one.position, one.days, one.id))
    pack_savings = _savings(packs, [pack.credits for pack in packs])
    months = [plan_months(plan.interval, plan.interval_count) for plan in plans]
    plan_savings = _plan_savings(plans, months)
    month = month_of(now, ZoneInfo(settings.meter_timezone))
    return Offers(
        plans=[
            PlanOffer(**_with_processors(plan, settings), savings=saving)
            for plan, saving in zip(plans, plan_savings, strict=True)
        ],
        packs=[
            PackOffer(**_with_processors(pack, settings), savings=saving)
            for pack, saving in zip(packs, pack_savings, strict=True)
        ],
        passes=[PassOffer(**_with_processors(one, settings)) for one in passes],
        meter=FreeArticles(limit=settings.meter_limit, resets_at=month.ends_at),
        on_sale=await load_on_sale(session),
        has_checkout=settings.has_checkout,
    )


def _with_processors(product: ProductAnswer, settings: Settings) -> dict[str, Any]:
    """The fields of a product, with the processors that take each price."""
    prices = [
        OfferedPrice(
            amount=price.amount,
            currency=price.currency,
            processors=_processors_of(price, settings),
        )
        for price in product.prices
    ]
    return {**msgspec.structs.asdict(product), "prices": prices}


def _processors_of(price: Price, settings: Settings) -> list[Processor]:
    """While Stripe is set up, no price enters the catalogue that it does not take."""
    by_stripe = [Processor.STRIPE] if settings.sells_by_stripe else []
    takes_khqr = settings.sells_by_bakong and not why_not_charged(price.amount, price.currency)
    return [*by_stripe, Processor.BAKONG] if takes_khqr else by_stripe


async def load_on_sale(session: AsyncSession) -> list[ProductKind]:
    """The kinds of which there is a product."""
    kinds = {ProductKind.PLAN: Plan.id, ProductKind.PASS: Pass.id, ProductKind.PACK: Pack.id}
    listed = [select(col(id_)).exists() for id_ in kinds.values()]
    connection = await session.connection()
    is_sold = (await connection.execute(sa.select(*listed))).one()
    return [kind for kind, sold in zip(kinds, is_sold, strict=True) if sold]


def _plan_savings(plans: Sequence[PlanAnswer], months: Sequence[int | None]) -> list[list[Saving]]:
    """None where a plan has a twin: which of them another one could replace is not known.

    None either where one gives more credits in a month than another: the price is not all then.
    """
    known = [count for count in months if count]
    credits_a_month = {
        Fraction(plan.credits or 0, count)
        for plan, count in zip(plans, months, strict=True)
        if count
    }
    if len(set(known)) < len(known) or len(credits_a_month) > 1:
        return [[] for _ in plans]
    return _savings(plans, months)


def _savings(products: Sequence[ProductAnswer], sizes: Sequence[int | None]) -> list[list[Saving]]:
    """What each saves against the smallest; one without a size is not compared."""
    percent = savings_percent(
        SizedPrice(product.id, size, price.currency, price.amount)
        for product, size in zip(products, sizes, strict=True)
        for price in product.prices
        if size
    )
    return [
        [
            Saving(currency=price.currency, percent=percent[product.id, price.currency])
            for price in product.prices
            if (product.id, price.currency) in percent
        ]
        for product in products
    ]


async def _products(
    session: AsyncSession, table: type[ProductT], answer: type[AnswerT]
) -> list[AnswerT]:
    products = (await session.exec(select(table))).all()
    return [to_response(product, answer) for product in products]
