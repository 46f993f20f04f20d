"""Everything that can be bought."""

from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.models import (
    AnswerT,
    PackAnswer,
    PackOffer,
    PassAnswer,
    PlanAnswer,
    Saving,
    to_response,
)
from paywall.database.tables import Pack, Pass, Plan
from paywall.http.bodies import ResponseModel
from paywall.rules.calendar import month_of
from paywall.rules.offers import PackPrice, listing_order, plan_days, savings_percent
from paywall.settings import Settings

ProductT = TypeVar("ProductT", Plan, Pack, Pass)


class FreeArticles(ResponseModel):
    """What anyone reads of metered articles without paying."""

    limit: Annotated[int, Meta(description="Metered articles per month.")]
    resets_at: Annotated[datetime, Meta(description="When the month ends and the count restarts.")]


class Offers(ResponseModel):
    """Everything that can be bought, of each kind by position, then the smallest first."""

    plans: Annotated[list[PlanAnswer], Meta(description="Subscriptions.")]
    packs: Annotated[list[PackOffer], Meta(description="Credits, bought once.")]
    passes: Annotated[list[PassAnswer], Meta(description="Everything for some days, bought once.")]
    meter: Annotated[
        FreeArticles,
        Meta(description="How many metered articles each reader can read free this month."),
    ]


async def load_offers(session: AsyncSession, settings: Settings, now: datetime) -> Offers:
    plans = await _products(session, Plan, PlanAnswer)
    plans.sort(
        key=lambda one: listing_order(
            one.position, plan_days(one.interval, one.interval_count), one.id
        )
    )
    packs = await _products(session, Pack, PackAnswer)
    packs.sort(key=lambda one: listing_order(one.position, one.credits, one.id))
    passes = await _products(session, Pass, PassAnswer)
    passes.sort(key=lambda one: listing_order(one.position, one.days, one.id))
    savings = savings_percent(
        PackPrice(pack.id, pack.credits, price.currency, price.amount)
        for pack in packs
        for price in pack.prices
    )
    offered = [
        PackOffer(
            **msgspec.structs.asdict(pack),
            savings=[
                Saving(currency=price.currency, percent=savings[pack.id, price.currency])
                for price in pack.prices
                if (pack.id, price.currency) in savings
            ],
        )
        for pack in packs
    ]
    month = month_of(now, ZoneInfo(settings.meter_timezone))
    meter = FreeArticles(limit=settings.meter_limit, resets_at=month.ends_at)
    return Offers(plans=plans, packs=offered, passes=passes, meter=meter)


async def _products(
    session: AsyncSession, table: type[ProductT], answer: type[AnswerT]
) -> list[AnswerT]:
    products = (await session.exec(select(table))).all()
    return [to_response(product, answer) for product in products]
