"""Putting products into the catalogue and taking them out; what was sold keeps its own terms."""

import sqlalchemy as sa
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.dialect import insert
from paywall.database.tables import Pack, Pass, Plan
from paywall.problems import CATALOGUE_FULL, PRODUCT_UNKNOWN, Problem, invalid
from paywall.rules.enums import ProductKind

# Of each kind, so that all the offers fit into one answer.
PRODUCTS_MAX = 1000


Product = Plan | Pack | Pass
TABLES: dict[ProductKind, type[Product]] = {
    ProductKind.PLAN: Plan,
    ProductKind.PACK: Pack,
    ProductKind.PASS: Pass,
}


async def find_product(session: AsyncSession, kind: ProductKind, product_id: str) -> Product:
    """Raises Problem(PRODUCT_UNKNOWN)."""
    product: Product | None = await session.get(TABLES[kind], product_id)
    if product is None:
        raise Problem(PRODUCT_UNKNOWN, f"There is no {kind} {product_id!r}.")
    return product


def choose_product(
    pack_id: str | None, pass_id: str | None, plan_id: str | None
) -> tuple[ProductKind, str]:
    """The one product that a request names; raises Problem where it names none or several."""
    ids = {ProductKind.PACK: pack_id, ProductKind.PASS: pass_id, ProductKind.PLAN: plan_id}
    named = [(kind, product_id) for kind, product_id in ids.items() if product_id is not None]
    if len(named) != 1:
        raise invalid("pack_id", "name exactly one of pack_id, pass_id and plan_id")
    return named[0]


async def put_product(session: AsyncSession, product: Product) -> bool:
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


async def _refuse_too_many(session: AsyncSession, table: type[Product]) -> None:
    if (await session.exec(select(func.count(col(table.id))))).one() > PRODUCTS_MAX:
        raise Problem(CATALOGUE_FULL)


async def remove_product(session: AsyncSession, table: type[Product], product_id: str) -> None:
    """Take it out of the catalogue, where it is there."""
    await session.exec(sa.delete(table).where(col(table.id) == product_id))
