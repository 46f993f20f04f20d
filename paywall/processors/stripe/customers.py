"""Customers in Stripe, and the readers to whom they belong.

Two workers may fetch the same object at the same time, and the older fetch may be recorded last. So
a customer has a version: it is read before anything of the customer is fetched, and the snapshot is
recorded under the reader's lock only if the version is unchanged. Otherwise it is fetched again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import lock_or_create_subscriber, lock_subscriber
from paywall.database.dialect import insert
from paywall.database.tables import StripeCustomer


async def customers_of(
    session: AsyncSession, reader_ids: Collection[str]
) -> Sequence[StripeCustomer]:
    """The customers of these readers, oldest first; a merged reader has several."""
    statement = (
        select(StripeCustomer)
        .where(col(StripeCustomer.reader_id).in_(reader_ids))
        .order_by(col(StripeCustomer.created_at), col(StripeCustomer.id))
    )
    return (await session.exec(statement)).all()


async def customer_of(session: AsyncSession, reader_id: str) -> str | None:
    """The id of the customer with which the reader buys: the newest, as older ones may be gone."""
    customers = await customers_of(session, [reader_id])
    return customers[-1].id if customers else None


async def version_of(session: AsyncSession, customer_id: str) -> int | None:
    """Read this before anything of the customer is fetched; None for an unknown customer."""
    statement = select(StripeCustomer.version).where(StripeCustomer.id == customer_id)
    return (await session.exec(statement)).first()


async def link_customer(
    session: AsyncSession, customer_id: str, reader_id: str, now: datetime
) -> None:
    """Link a customer to a reader, unless the customer is linked already."""
    await lock_or_create_subscriber(session, reader_id, now)
    link = insert(session, StripeCustomer).values(
        id=customer_id, reader_id=reader_id, version=0, created_at=now
    )
    await session.exec(link.on_conflict_do_nothing())


async def lock_customer(
    session: AsyncSession, customer_id: str, version: int
) -> StripeCustomer | None:
    """Lock the customer's reader; None if another version was recorded meanwhile.

    While this waits the reader may change by a merge, or be erased.
    """
    found = select(StripeCustomer).where(StripeCustomer.id == customer_id)
    refreshed = found.execution_options(populate_existing=True)
    locked: str | None = None
    while (customer := (await session.exec(refreshed)).first()) is not None:
        if locked == customer.reader_id:
            break
        locked = customer.reader_id
        await lock_subscriber(session, locked)
    if customer is None or customer.version != version:
        return None
    customer.version += 1
    session.add(customer)
    await session.flush()
    return customer
