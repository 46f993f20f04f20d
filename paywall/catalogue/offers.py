"""Everything that can be bought."""

from typing import Annotated, TypeVar

from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.models import AnswerT, PackAnswer, PassAnswer, PlanAnswer, to_response
from paywall.catalogue.products import Product
from paywall.database.tables import Pack, Pass, Plan
from paywall.http.bodies import ResponseModel
from paywall.rules.enums import Interval

ProductT = TypeVar("ProductT", Plan, Pack, Pass)
# Near enough to sort the shorter before the longer.
DAYS = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 30, Interval.YEAR: 365}


class Offers(ResponseModel):
    """Everything that can be bought, of each kind the smallest first."""

    plans: Annotated[list[PlanAnswer], Meta(description="Subscriptions.")]
    packs: Annotated[list[PackAnswer], Meta(description="Credits, bought once.")]
    passes: Annotated[list[PassAnswer], Meta(description="Everything for some days, bought once.")]


async def load_offers(session: AsyncSession) -> Offers:
    return Offers(
        plans=await _smallest_first(session, Plan, PlanAnswer),
        packs=await _smallest_first(session, Pack, PackAnswer),
        passes=await _smallest_first(session, Pass, PassAnswer),
    )


async def _smallest_first(
    session: AsyncSession, table: type[ProductT], answer: type[AnswerT]
) -> list[AnswerT]:
    products = (await session.exec(select(table).order_by(col(table.id)))).all()
    return [to_response(product, answer) for product in sorted(products, key=_size)]


def _size(product: Product) -> int:
    """In days, or in credits."""
    match product:
        case Plan():
            return DAYS[product.interval] * product.interval_count
        case Pass():
            return product.days
        case Pack():
            return product.credits
