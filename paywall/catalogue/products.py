"""Putting products into the catalogue and taking them out; what was sold keeps its own terms."""

import sqlalchemy as sa
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import insert
from paywall.database.tables import Pack, Pass, Plan
from paywall.problems import CATALOGUE_FULL, Problem

# Of each kind, so that all the offers fit into one answer.
PRODUCTS_MAX = 1000


async def put_product(session: AsyncSession, product: Plan | Pack | Pass) -> bool:
    """Make the catalogue say this; tells whether the product is new.

    Raises Problem(CATALOGUE_FULL) for a new one where there are too many.
    """
    table = type(product)
    values = product.model_dump()
    opening = insert(session, table).values(values).on_conflict_do_nothing()
    if (await session.exec(opening.returning(col(table.id)))).first() is not None:
        await _refuse_too_many(session, table)
        return True
    del values["created_at"]
    await session.exec(sa.update(table).where(col(table.id) == product.id).values(values))
    return False


async def _refuse_too_many(session: AsyncSession, table: type[Plan | Pack | Pass]) -> None:
    if (await session.exec(select(func.count(col(table.id))))).one() > PRODUCTS_MAX:
        raise Problem(CATALOGUE_FULL)


async def remove_product(
    session: AsyncSession, table: type[Plan | Pack | Pass], product_id: str
) -> None:
    """Take it out of the catalogue, where it is there."""
    await session.exec(sa.delete(table).where(col(table.id) == product_id))
