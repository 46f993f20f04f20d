"""One product of the catalogue, by its id."""

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Pack, Pass, Plan
from paywall.problems import PRODUCT_UNKNOWN, Problem


async def find_plan(session: AsyncSession, plan_id: str) -> Plan:
    """Raises Problem(PRODUCT_UNKNOWN)."""
    if (plan := await session.get(Plan, plan_id)) is None:
        raise Problem(PRODUCT_UNKNOWN, f"There is no plan {plan_id!r}.")
    return plan


async def find_pack(session: AsyncSession, pack_id: str) -> Pack:
    """Raises Problem(PRODUCT_UNKNOWN)."""
    if (pack := await session.get(Pack, pack_id)) is None:
        raise Problem(PRODUCT_UNKNOWN, f"There is no pack {pack_id!r}.")
    return pack


async def find_pass(session: AsyncSession, pass_id: str) -> Pass:
    """Raises Problem(PRODUCT_UNKNOWN)."""
    if (pass_ := await session.get(Pass, pass_id)) is None:
        raise Problem(PRODUCT_UNKNOWN, f"There is no pass {pass_id!r}.")
    return pass_
